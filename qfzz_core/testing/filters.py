"""The contract of a filter as a test suite."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import strategies as st

from qfzz_core.catalogue.samples import sample_tracks
from qfzz_core.contracts.filters import Filter
from qfzz_core.errors import RequestError
from qfzz_core.plugins.faults import answer
from qfzz_core.ranking.filters import ActiveFilter, Passes, row_test
from qfzz_core.testing.bench import LISTENER, Bench, Scene, own_errors
from qfzz_core.testing.drawing import plain_values
from qfzz_core.testing.plugin_contract import PluginContract, Table, drawn


class FilterContract(PluginContract):
    """Everything that `qfzz_core.contracts.Filter` promises, as tests.

    Subclass it and define `make_plugin`, which returns the plugin that registers the filter, `right_options`, options
    that it takes, and `wrong_options`, options that it refuses. At least one of the former is needed.
    """

    kind: ClassVar[str] = "filters"
    right_options: Sequence[Any] = ()
    wrong_options: Sequence[Any] = ()

    def tables(self, name: str, options: Table) -> dict[str, Any]:
        """Return no configuration: a filter's option comes with the request."""
        return {}

    def conditions(self, name: str) -> Sequence[Mapping[str, Any]]:
        """Return a condition for each right option."""
        return [{name: option} for option in self.right_options]

    def outcome(self, bench: Bench, scene: Scene, name: str) -> list[set[str]]:
        """Return for each right option which tracks pass; the options stay as they are."""
        before = copy.deepcopy(list(self.right_options))
        passing = [_passing(bench, scene, name, option) for option in self.right_options]
        assert list(self.right_options) == before
        return passing

    def test_it_has_an_option_to_try(self) -> None:
        """Without one, nothing is tested."""
        assert self.right_options, "right_options must have at least one option that the filter takes"

    def test_it_takes_right_options(self, benches: list[Bench], name: str) -> None:
        """`check` returns nothing, and changes nothing."""
        found = _filter(benches[0], name)
        for option in self.right_options:
            before = copy.deepcopy(option)
            assert answer(found.check, option) is None, "check has nothing to return"
            assert option == before

    def test_it_refuses_wrong_options(self, benches: list[Bench], name: str) -> None:
        """By a ValueError that says what would be right, before a user is created."""
        engine = benches[0].engine
        for option in self.wrong_options:
            with pytest.raises(ValueError, match=r"\S"):
                answer(_filter(benches[0], name).check, option)
            with pytest.raises(RequestError, match=name):
                engine.recommend("nobody", where={name: option})
        assert engine.get_profile("nobody") is None

    def test_it_takes_any_option_or_refuses_it(self, benches: list[Bench], name: str) -> None:
        """Whatever somebody gives: `check` raises ValueError, or `prepare` can use it."""
        scene = Scene(tracks=sample_tracks(), user_id=LISTENER)

        def check(option: Any) -> None:
            try:
                answer(_filter(benches[0], name).check, option)
            except ValueError:
                return
            _passing(benches[0], scene, name, option)

        # Measured: 150 options take 1.2 s, as 30 scenes do.
        drawn(check, plain_values() | st.tuples(plain_values(), plain_values()), 5 * self.examples)

    def test_it_says_the_same_in_blocks_of_any_size(self, benches: list[Bench], name: str) -> None:
        """A row passes or not whichever others are in its block, in any order; a block may be empty."""

        def check(bench: Bench, scene: Scene) -> None:
            rows = np.arange(len(scene.tracks))
            for option in self.right_options:
                for test in _tests(bench, bench.snapshot(scene.tracks), scene, name, option):
                    mask = test(rows)
                    assert mask.dtype == np.bool_
                    for some in (rows[:0], rows[::-1], rows[1::2], *(rows[n : n + 1] for n in range(len(rows)))):
                        assert test(some).tolist() == mask[some].tolist()

        self.for_scenes(benches, check)

    def test_the_engine_returns_what_passes(self, benches: list[Bench], name: str) -> None:
        """As many as there are, in the order that they have without the filter."""
        engine = benches[0].engine
        given = {"discovery_factor": 0.0}
        benches[0].request(Scene(tracks=[], user_id=LISTENER))
        everything = [found.track["track_id"] for found in engine.recommend(LISTENER, given)]
        scene = Scene(tracks=sample_tracks(), user_id=LISTENER)
        for option in self.right_options:
            passing = _passing(benches[0], scene, name, option)
            found = [found.track["track_id"] for found in engine.recommend(LISTENER, given, where={name: option})]
            assert found == [track_id for track_id in everything if track_id in passing]


def _filter(bench: Bench, name: str) -> Filter:
    return bench.engine.registry.filters[name].value


def _tests(bench: Bench, catalogue: Any, scene: Scene, name: str, option: Any) -> list[Passes]:
    """Return the test of rows, none if everything passes."""
    registered = bench.engine.registry.filters[name]
    prepared = answer(registered.value.prepare, bench.request(scene).for_component(f"filter.{name}"), option)
    if prepared is None:
        return []
    with own_errors():
        test = row_test(catalogue, ActiveFilter(name, prepared, registered.origin))
    return [own_errors()(test)]


def _passing(bench: Bench, scene: Scene, name: str, option: Any) -> set[str]:
    """Return the ids of the tracks that pass."""
    catalogue = bench.snapshot(scene.tracks)
    rows = np.arange(len(scene.tracks))
    for test in _tests(bench, catalogue, scene, name, option):
        rows = rows[test(rows)]
    return set(catalogue.ids(rows))
