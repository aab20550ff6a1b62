"""The contract of a discovery strategy as a test suite."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from qfzz_core.catalogue.samples import sample_tracks
from qfzz_core.contracts.strategies import Pick
from qfzz_core.plugins.faults import answer
from qfzz_core.recommend.selection import checked_picks
from qfzz_core.testing.bench import LISTENER, Bench, Scene
from qfzz_core.testing.plugin_contract import PluginContract, Table

DISCOVERY = (0.0, 0.3, 1.0)


class StrategyContract(PluginContract):
    """Everything that `qfzz_core.contracts.DiscoveryStrategy` promises, as tests.

    Subclass it and define `make_plugin`, which returns the plugin that registers the strategy.
    """

    kind: ClassVar[str] = "strategies"
    limits: ClassVar[SearchStrategy[int | None]] = st.none() | st.integers(0, 20)

    def tables(self, name: str, options: Table) -> dict[str, Any]:
        """Return the configuration that chooses the strategy, beside the tables of those that it wraps."""
        return {"discovery": {**self.config.get("discovery", {}), "strategy": name, **options}}

    def outcome(self, bench: Bench, scene: Scene, name: str) -> list[Pick]:
        """Return the picks."""
        return _picks(bench, scene)

    def test_it_returns_as_many_picks_as_there_can_be(self, benches: list[Bench]) -> None:
        """With a limit exactly so many, or all that are eligible; no rank twice, and only ranks that exist.

        Each with a reason, and with a propensity from 0 to 1 or none.
        """

        def check(bench: Bench, scene: Scene) -> None:
            picks = _picks(bench, scene)
            if scene.limit is not None:
                assert len(picks) == min(scene.limit, len(scene.tracks))
            assert all(pick.reason.strip() for pick in picks), "a reason must not be blank"

        self.for_scenes(benches, check)

    def test_a_catalogue_shorter_than_the_limit_is_returned_whole(self, benches: list[Bench]) -> None:
        """None, one or a few tracks, at any discovery."""
        for bench in benches:
            for count in range(4):
                for discovery in DISCOVERY:
                    tracks = list(sample_tracks()[:count])
                    scene = Scene(tracks=tracks, preferences={"discovery_factor": discovery}, limit=10)
                    assert sorted(pick.rank for pick in _picks(bench, scene)) == list(range(1, count + 1))

    def test_the_engine_returns_what_it_picked(self, benches: list[Bench]) -> None:
        """With and without a limit and filters, for a new user and one with a history."""
        for bench in benches:
            recommend = bench.engine.recommend
            for context in self.contexts:
                for discovery in DISCOVERY:
                    given = {"discovery_factor": discovery}
                    everything = recommend(LISTENER, given, context=context)
                    assert len({found.track["track_id"] for found in everything}) == len(everything)
                    assert len(recommend("new", given, limit=7, context=context)) == 7
                    assert len(recommend("new", given, limit=7, where={"energy": (0.9, 1.0)}, context=context)) <= 7


def _picks(bench: Bench, scene: Scene) -> list[Pick]:
    """Return the checked picks of a scene; raises what is wrong with them."""
    settings = bench.engine.settings
    assert settings.strategy is not None
    strategy = settings.strategy.value
    ranking = bench.ranking(bench.snapshot(scene.tracks), scene)
    options = settings.strategy_options[strategy.name]
    request = bench.request(scene).for_component(f"discovery.{strategy.name}", options)
    return list(checked_picks(answer(strategy.pick, request, ranking), scene.limit, ranking)[0])
