"""The index gives what the reference scan gives: the same rows, in the same order, with the same scores."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.ranking_cases import (
    COLUMNS,
    GENRES,
    UNKNOWN,
    Case,
    Snapshots,
    constraint,
    filters,
    formula,
    looked_at,
    refuse,
    small_limits,
    weighted,
)

from qfzz_core import CategoryTable, NumericDistance
from qfzz_core.catalogue.library import CatalogueBuilder
from qfzz_core.plugins.record import Origin
from qfzz_core.ranking import planner
from qfzz_core.ranking.formula import Formula, Term
from qfzz_core.ranking.index import entries, layout
from qfzz_core.ranking.shapes import compiled
from qfzz_plugins.stores.memory import MemoryStore


@pytest.fixture(autouse=True)
def every_way(monkeypatch: pytest.MonkeyPatch) -> None:
    small_limits(monkeypatch)


@pytest.mark.exhaustive
@settings(max_examples=600, deadline=None)  # of two catalogues each
@given(st.integers(0, 2**40), st.sampled_from([2, 8, 1000]), st.booleans())
def test_index_and_scan_give_the_same_ranking(seed: int, levels: int, few_levels: bool) -> None:
    random = Random(seed)
    case = Case(random, levels, random.choice(UNKNOWN))
    with pytest.MonkeyPatch.context() as patch:
        if few_levels:
            patch.setattr(entries, "MAX_LEVELS", 6)
        if random.random() < 0.3:
            patch.setattr(layout, "MAX_CELLS", 30)
        snapshots = Snapshots(case)
        for _ in range(2):
            catalogue = snapshots.changed()
            scoring = formula(weighted(case), catalogue)
            active = filters(case)
            constraints = constraint(case, catalogue)
            depths = [random.choice([1, 5, 20]), random.choice([7, 50]), random.choice([10, 500])]
            by_index, by_scan = (
                planner.ranked(catalogue, scoring, active, constraints=constraints, wanted=depths[0], method=method)
                for method in ("index", "scan")
            )
            assert looked_at(by_index, depths) == looked_at(by_scan, depths)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**40), st.sampled_from([1, 3, 20]))
def test_many_ties_of_a_few_artists_keep_their_order(seed: int, limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "MAX_CELLS", 15)  # so that artists have postings and no cells
        compare_ties(Random(seed), limit)


def compare_ties(random: Random, limit: int) -> None:
    store = MemoryStore()
    genres, numbers = random.sample(GENRES, random.choice([1, 2, 4])), [0.5, 0.25, 0.75]
    tracks = [
        {
            "track_id": f"t{number}",
            "artist": f"artist {random.randrange(3)}",
            "title": f"title {random.randrange(3)}",
            "genre": random.choice(genres),
            "tempo": "slow",
            "energy": random.choice(numbers),
            "year": None,
            "tags": [],
        }
        for number in range(600)
    ]
    store.write_tracks(tracks)
    catalogue = CatalogueBuilder(store, COLUMNS, refuse).current()
    shapes = [
        CategoryTable(column="genre", values={genres[0]: 1.0}),
        CategoryTable(column="artist", values={"artist 0": random.choice([0.1, 1.0]), "artist 1": 0.5}),
        CategoryTable(column="title", values={"title 0": random.choice([0.0, 0.5]), "title 1": 0.5}),
        NumericDistance(column="energy", target=random.choice([0.5, 0.3])),
    ]
    terms = [
        Term(f"f{place}", 0.25, shape, compiled(shape, catalogue.columns, lambda rows: []), Origin("x"))
        for place, shape in enumerate(random.sample(shapes, random.choice([3, 4])))
    ]
    by_index, by_scan = (
        planner.ranked(catalogue, Formula(terms), wanted=limit, method=method) for method in ("index", "scan")
    )
    depths = [limit, 4 * limit, 100]
    assert looked_at(by_index, depths) == looked_at(by_scan, depths)


def test_levels_of_many_numbers_keep_their_order_and_say_which_are_ties(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "MAX_LEVELS", 5)
    numbers = np.array([0.5] * 10 + [0.1, 0.2, 0.3, 0.6, 0.7, 0.8, 0.9, np.nan])
    levels = entries.NumberLevels.of(numbers)
    assert not levels.exact
    found = levels.level(numbers)
    assert found[-1] == entries.MISSING
    order = np.argsort(numbers[:-1], kind="stable")
    assert (np.diff(found[:-1][order]) >= 0).all()
    for level, pure in enumerate(levels.pure.tolist()):
        if pure:
            assert len(set(numbers[found == level].tolist())) == 1
