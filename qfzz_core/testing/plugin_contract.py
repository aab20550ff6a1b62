"""What the contract suites of factors, filters and strategies have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from qfzz_core.engine import Engine
from qfzz_core.model.tracks import Track
from qfzz_core.testing import drawing
from qfzz_core.testing.bench import LISTENER, USERS, Bench, Scene, undisturbed_generators
from qfzz_core.testing.engines import engine_with

T = TypeVar("T")
Table = Mapping[str, Any]


class PluginContract:
    """A suite for one object of one plugin. Subclass one of its children and define `make_plugin`.

    `object_name` says which object is meant if the plugin registers several of the kind. `options` are tables of its
    own options, each of which is tried; `config` are further tables of the configuration. `contexts` are mappings
    that `recommend` may be given. `examples` is how many requests are drawn for each law, with one of the `limits`.
    """

    kind: ClassVar[str]
    limits: ClassVar[SearchStrategy[int | None]] = st.none()
    object_name = ""
    options: Sequence[Table] = ({},)
    config: Table = MappingProxyType({})
    contexts: Sequence[Table] = ({},)
    # Measured: 16 s for the suite of a factor, and the plugins that break one promise each are all found with 25.
    examples = 30

    def make_plugin(self) -> Any:
        """Return the plugin as an application passes it, a module, a class or an object; or an installed one's name."""
        raise NotImplementedError

    def draw_tracks(self, bench: Bench) -> SearchStrategy[Track]:
        """Return the strategy by which tracks are drawn; the keys of all declared columns are there or not."""
        return drawing.tracks([registered.value for registered in bench.engine.registry.columns.values()])

    def tables(self, name: str, options: Table) -> dict[str, Any]:
        """Return the configuration that has these options for the object."""
        raise NotImplementedError

    def conditions(self, name: str) -> Sequence[Mapping[str, Any]]:
        """Return the `where` of requests that meet the object."""
        return [{}]

    def outcome(self, bench: Bench, scene: Scene, name: str) -> Any:
        """Return what the object makes of a scene, as values that compare by `==`."""
        raise NotImplementedError

    # -- for the tests

    @pytest.fixture
    def name(self) -> str:
        """The name of the object that is tested."""
        if self.object_name:
            return self.object_name
        plugin = self.make_plugin()
        with engine_with(plugin, config=self.config) as engine:
            return only_name(engine, plugin, self.kind)

    @pytest.fixture
    def benches(self, name: str) -> Iterator[list[Bench]]:
        """A bench for each of the tables of options."""
        with ExitStack() as stack:
            made = [Bench(self.make_plugin(), {**self.config, **self.tables(name, table)}) for table in self.options]
            for bench in made:
                stack.callback(bench.close)
            yield made

    def for_scenes(self, benches: Sequence[Bench], check: Callable[[Bench, Scene], None]) -> None:
        """Call `check` with each bench and many scenes; hypothesis shows the smallest for which it fails."""
        for table, bench in zip(self.options, benches, strict=True):
            scenes = st.builds(
                Scene,
                tracks=drawing.catalogues(self.draw_tracks(bench)),
                user_id=st.sampled_from(USERS),
                preferences=drawing.preferences(),
                context=st.sampled_from(list(self.contexts)),
                now=drawing.moments(),
                limit=self.limits,
                seed=st.integers(0, 9),
            )
            try:
                drawn(partial(check, bench), scenes, self.examples)
            except Exception as error:
                error.add_note(f"with the options {dict(table)}")
                raise

    def test_it_has_a_name(self, benches: list[Bench], name: str) -> None:
        """One that a configuration can have as a key, and that can be written in `where`."""
        assert getattr(benches[0].engine.registry, self.kind)[name].value.name == name.strip() == name

    def test_it_says_the_same_of_the_same_request(self, benches: list[Bench], name: str) -> None:
        """Whatever requests came in between, and with no other source of chance than the request's generator."""

        def check(bench: Bench, scene: Scene) -> None:
            other = attrs.evolve(scene, user_id=LISTENER, preferences={"energy_level": 0.9}, limit=3, seed=77)
            with undisturbed_generators():
                first = self.outcome(bench, scene, name)
                self.outcome(bench, other, name)
                assert self.outcome(bench, scene, name) == first

        self.for_scenes(benches, check)

    def test_threads_do_not_disturb_each_other(self, name: str) -> None:
        """Requests of several threads at once get the same results as one after the other."""
        for table in self.options:
            config = {**self.config, **self.tables(name, table)}
            for where in self.conditions(name):
                alone, together = (_batch(self.make_plugin(), config, where, threads) for threads in (1, 4))
                assert together == alone


def only_name(engine: Engine, plugin: Any, kind: str) -> str:
    """Return the name of the one object of a kind that a plugin registered; AssertionError if it is not one."""
    (own,) = [record for record in engine.plugins if record.where == "in code" or record.name == plugin]
    names = [name for name, found in getattr(engine.registry, kind).items() if found.origin == own.origin]
    assert len(names) == 1, f"object_name must be one of the {kind} that the plugin registers: {names}"
    return str(names[0])


def _batch(plugin: Any, config: Table, where: Mapping[str, Any], threads: int) -> list[Any]:
    users = [f"user {number}" for number in range(20)]  # five requests for each of four threads
    with engine_with(plugin, config=config) as engine:
        found = engine.recommend_many(users, 5, where=where, threads=threads)
        return [(user_id, [(each.track, each.score) for each in recommended]) for user_id, recommended in found]


def drawn(check: Callable[[T], None], values: SearchStrategy[T], examples: int) -> None:
    """Call `check` with so many values; hypothesis shows the smallest for which it fails."""

    # No deadline: the first example imports. No database: a suite leaves no directory in the author's project.
    @settings(max_examples=examples, deadline=None, database=None)
    @given(value=values)
    def holds(value: T) -> None:
        check(value)

    holds()
