"""The contract of a factor as a test suite."""

from __future__ import annotations

import copy
import math
from typing import Any, ClassVar

import numpy as np
import pytest

from qfzz_core.catalogue.samples import sample_tracks
from qfzz_core.contracts.columns import Rows
from qfzz_core.contracts.factors import TrackFunction, Values
from qfzz_core.plugins.faults import answer
from qfzz_core.ranking.formula import Term
from qfzz_core.testing.bench import LISTENER, Bench, Scene, own_errors
from qfzz_core.testing.plugin_contract import PluginContract, Table

# More names than any listener has: a factor that compares each track with each of them shows.
MANY = {f"name {number}": number % 2 / 2 + 0.5 for number in range(2_000)}
EXTREMES: dict[str, dict[str, Any]] = {
    "nothing known": {},
    "nothing liked": {"genres": {"jazz": 0.0}, "artists": {"Marla Finch": 0.0}, "moods": {"calm": 0.0}},
    "all at the lowest": {"energy_level": 0.0, "discovery_factor": 0.0, "tempo_preference": "slow"},
    "all at the highest": {"energy_level": 1.0, "discovery_factor": 1.0, "tempo_preference": "varied"},
    "thousands of names": {"genres": MANY, "artists": MANY, "moods": MANY},
}


class FactorContract(PluginContract):
    """Everything that `qfzz_core.contracts.Factor` promises, as tests.

    Subclass it and define `make_plugin`, which returns the plugin that registers the factor.
    """

    kind: ClassVar[str] = "factors"

    def tables(self, name: str, options: Table) -> dict[str, Any]:
        """Return the configuration of `[factors.NAME]`, in which the factor is not off."""
        factors = dict(self.config.get("factors", {}))
        return {"factors": {**factors, name: {"weight": 1.0, **factors.get(name, {}), **options}}}

    def outcome(self, bench: Bench, scene: Scene, name: str) -> list[float] | None:
        """Return the value of each track, None if the factor abstains."""
        scored = _scored(bench, scene, name)
        return None if scored is None else scored[1].tolist()

    def test_it_has_a_default_weight(self, benches: list[Bench], name: str) -> None:
        """Finite and 0 or more."""
        weight = benches[0].engine.registry.factors[name].value.weight
        assert math.isfinite(weight)
        assert weight >= 0

    def test_every_value_is_from_0_to_its_bound(self, benches: list[Bench], name: str) -> None:
        """For any tracks, profile, time and context; or it abstains, by None."""

        def check(bench: Bench, scene: Scene) -> None:
            if scored := _scored(bench, scene, name):
                _, values = scored
                assert values.dtype == np.float64
                assert values.shape == (len(scene.tracks),)
                assert not len(values) or 0.0 <= values.min() <= values.max() <= 1.0

        self.for_scenes(benches, check)

    def test_a_track_has_the_same_value_among_any_others(self, benches: list[Bench], name: str) -> None:
        """Evaluated alone, in another order, twice in one call, or not at all for some."""

        def check(bench: Bench, scene: Scene) -> None:
            if scored := _scored(bench, scene, name):
                term, values = scored
                rows = np.arange(len(values))
                for some in (rows[::-1], rows[1::2], np.repeat(rows, 2), *(rows[n : n + 1] for n in range(len(rows)))):
                    assert _values(term, some).tolist() == values[some].tolist()

        self.for_scenes(benches, check)

    def test_it_changes_nothing_that_it_is_given(self, benches: list[Bench], name: str) -> None:
        """Neither its options nor the dictionaries of tracks."""

        def check(bench: Bench, scene: Scene) -> None:
            (options,) = [each.options for each in bench.engine.settings.factors if each.name == name]
            before = copy.deepcopy(options)
            term = bench.term(bench.snapshot(scene.tracks), scene, name)
            for track in copy.deepcopy(list(scene.tracks)):
                given = copy.deepcopy(track)
                if term is not None and isinstance(term.prepared, TrackFunction):
                    answer(term.prepared.function, given)
                assert given == track
            assert options == before

        self.for_scenes(benches, check)

    @pytest.mark.parametrize("extreme", EXTREMES)
    def test_it_can_be_prepared_for_any_profile(self, benches: list[Bench], name: str, extreme: str) -> None:
        """A new user, nothing liked, everything at an end of its range, thousands of names."""
        for bench in benches:
            for context in self.contexts:
                scene = Scene(tracks=sample_tracks(), preferences=EXTREMES[extreme], context=context)
                values = self.outcome(bench, scene, name)
                assert values is None or len(values) == len(scene.tracks)

    def test_an_empty_catalogue_is_no_error(self, benches: list[Bench], name: str) -> None:
        """It may be evaluated for no rows at all."""
        for bench in benches:
            assert self.outcome(bench, Scene(tracks=[]), name) in (None, [])

    def test_its_reason_is_a_string(self, benches: list[Bench], name: str) -> None:
        """Not blank, for any track and its value; without a reason, the explanation says the value."""

        def check(bench: Bench, scene: Scene) -> None:
            scored = _scored(bench, scene, name)
            if scored is None or scored[0].prepared.reason is None:
                return
            for track, value in zip(scene.tracks, scored[1].tolist(), strict=True):
                reason = answer(scored[0].prepared.reason, copy.deepcopy(track), value)
                assert isinstance(reason, str), f"a reason must be a string, got {reason!r}"
                assert reason.strip(), "a reason must not be blank"

        self.for_scenes(benches, check)

    def test_an_explanation_has_its_part(self, benches: list[Bench], name: str) -> None:
        """In the real engine, the parts add up to the score; a factor that abstains is named."""
        for bench in benches:
            for context in self.contexts:
                for found in bench.engine.recommend(LISTENER, limit=5, context=context):
                    explanation = found.explanation
                    assert name in [*explanation.abstained, *(part.name for part in explanation.factors)]
                    assert sum(part.contribution for part in explanation.factors) == pytest.approx(found.score)


def _values(term: Term, rows: Rows) -> Values:
    with own_errors():
        return term.evaluate(rows)


def _scored(bench: Bench, scene: Scene, name: str) -> tuple[Term, Values] | None:
    """Return how the factor scores a scene, and the value of each track; None if it abstains."""
    snapshot = bench.snapshot(scene.tracks)
    term = bench.term(snapshot, scene, name)
    return None if term is None else (term, _values(term, snapshot.live_rows()))
