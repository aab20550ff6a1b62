"""The parts of the ranking, each held against the same thing said in plain Python."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfzz_core import CategoryFilter, CategoryTable, Column, ColumnFunction, IdFilter, Predicate, RangeFilter
from qfzz_core.catalogue.columns import CategoryWriter, TagsWriter
from qfzz_core.catalogue.library import CatalogueBuilder
from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.columns import CategoryColumn, Columns, TagsColumn, as_rows
from qfzz_core.contracts.stores import CatalogueToken
from qfzz_core.model.names import normalise
from qfzz_core.model.vocabulary import Names, Vocabulary
from qfzz_core.plugins.record import Origin
from qfzz_core.ranking.eligibility import Distinct, EligibleRanking, MaxPerArtist
from qfzz_core.ranking.filters import ActiveFilter, CodeTest, IdTest, live_rows_passing, row_test
from qfzz_core.ranking.formula import Formula, Term
from qfzz_core.ranking.scan import Scan
from qfzz_core.ranking.shapes import compiled
from qfzz_plugins.stores.memory import MemoryStore

quick = settings(max_examples=60, deadline=None)

EIGHTHS = st.integers(0, 8).map(lambda eighth: eighth / 8)  # few enough that there are ties
NO_COLUMNS = Columns({}, 0)


def formula(scores: Sequence[float]) -> Formula:
    """A formula of one factor, by which row r has the score scores[r]."""
    known = np.array(scores, dtype=np.float64)
    prepared = ColumnFunction(function=lambda columns, rows: known[rows])
    return Formula([Term("mine", 1.0, prepared, lambda rows: known[rows], Origin("mine"))])


def ranked(scores: Sequence[float], rows: Sequence[int] | None = None) -> list[int]:
    """The rows, best first; equal scores keep the order of the catalogue."""
    return sorted(range(len(scores)) if rows is None else rows, key=lambda row: (-scores[row], row))


def refuse(column: Column, error: Exception) -> None:
    raise AssertionError(column.name) from error


# Scan


@quick
@given(st.lists(EIGHTHS, max_size=60), st.sets(st.integers(0, 59)), st.lists(st.integers(0, 20), max_size=8))
def test_a_scan_in_blocks_of_any_size_is_a_full_stable_sort(
    scores: list[float], chosen: set[int], blocks: list[int]
) -> None:
    rows = sorted(row for row in chosen if row < len(scores))
    scan = Scan(formula(scores), as_rows(rows))
    found: list[tuple[int, float]] = []
    for block in [*blocks, 60]:
        got, given_scores = scan.next(block)
        assert len(got) == min(block, len(rows) - len(found))
        found += zip(got.tolist(), given_scores.tolist(), strict=True)
    assert found == [(row, scores[row]) for row in ranked(scores, rows)]


def test_a_scan_of_nothing_gives_nothing() -> None:
    scan = Scan(formula([]), as_rows([]))
    assert [len(array) for array in (*scan.next(0), *scan.next(5))] == [0, 0, 0, 0]


# The eligible ranking


def eligible(scores: Sequence[float], passes: Callable[[int], bool] = lambda row: True) -> EligibleRanking:
    def predicate(rows: Any) -> Any:
        return np.array([passes(row) for row in rows.tolist()], dtype=bool)

    return EligibleRanking(NO_COLUMNS, Scan(formula(scores), np.arange(len(scores))), [predicate])


@quick
@given(st.randoms(use_true_random=False), st.integers(0, 2_000), st.integers(1, 40))
def test_take_gives_the_best_that_pass_however_it_is_asked(random: Any, count: int, rarity: int) -> None:
    scores = [random.randrange(9) / 8 for _ in range(count)]
    kept = {row for row in range(count) if random.randrange(rarity) == 0}
    ranking = eligible(scores, kept.__contains__)
    expected = ranked(scores, sorted(kept))
    for wanted in (random.randrange(5), 0, random.randrange(2_100), None, 7):
        assert ranking.take(wanted).tolist() == expected[:wanted]
    ranks = list(range(1, len(expected) + 1))
    random.shuffle(ranks)
    assert ranking.at(ranks).tolist() == [expected[rank - 1] for rank in ranks]
    assert ranking.scores(ranks).tolist() == [scores[expected[rank - 1]] for rank in ranks]


@pytest.mark.parametrize("first", ["at", "scores"])
def test_a_rank_can_be_looked_at_before_any_was_taken(first: str) -> None:
    ranking = eligible([0.25, 0.75, 0.5] * 300)
    looked = getattr(ranking, first)([700, 1])
    assert looked.tolist() == ([99 * 3, 1] if first == "at" else [0.25, 0.75])


def test_ranks_that_are_not_there_are_an_index_error() -> None:
    ranking = eligible([0.5, 0.25, 0.75], lambda row: row != 1)
    for ranks in ([3], [0], [-1], [1, 9]):
        with pytest.raises(IndexError, match="ranks go from 1 to 2"):
            ranking.at(ranks)
        with pytest.raises(IndexError, match="ranks go from 1 to 2"):
            ranking.scores(ranks)
    assert ranking.at([]).tolist() == []
    assert ranking.scores([]).tolist() == []


def test_predicates_are_asked_no_further_than_somebody_looks() -> None:
    asked: list[int] = []

    def passes(row: int) -> bool:
        asked.append(row)
        return True

    ranking = eligible([0.5] * 100_000, passes)
    ranking.take(10)
    few = len(asked)
    assert 10 <= few < 5_000
    ranking.take(few)
    assert len(asked) == few
    ranking.take(None)
    assert asked == list(range(100_000))


def test_a_test_is_asked_only_about_what_passed_those_before_it() -> None:
    asked: list[int] = []

    def second(rows: Any) -> Any:
        asked.extend(rows.tolist())
        return np.ones(len(rows), dtype=bool)

    candidates = Scan(formula([0.5] * 10), np.arange(10))
    EligibleRanking(NO_COLUMNS, candidates, [lambda rows: rows % 2 == 0], constraints=[lambda: second]).take(None)
    assert asked == [0, 2, 4, 6, 8]


# Constraints


def categories(names: Sequence[Names]) -> CategoryColumn:
    writer = CategoryWriter(CategoryColumn(np.empty(0, np.int8), Vocabulary(normalise)))
    writer.extend(names)
    return writer.column()


NAMES = st.sampled_from(["ABBA", "abba ", "Abba\u0301", "The Who", "the who", "Björk"])
SEVERAL = NAMES | st.lists(NAMES, min_size=1, max_size=3).map(tuple)  # what a track has: a name, or some together


def forms(names: str | tuple[str, ...] | None) -> set[str]:
    """The normal forms of what a track has."""
    return set(map(normalise, [names] if isinstance(names, str) else names or ()))


@quick
@given(st.lists(st.tuples(EIGHTHS, SEVERAL), max_size=50), st.integers(1, 4), st.lists(st.integers(1, 60), max_size=4))
def test_at_most_so_many_of_an_artist_and_the_best_ranked_stay(
    tracks: list[tuple[float, Names]], limit: int, looks: list[int]
) -> None:
    scores, artists = [score for score, _ in tracks], [artist for _, artist in tracks]
    keeps = MaxPerArtist(categories(artists), limit)
    ranking = EligibleRanking(NO_COLUMNS, Scan(formula(scores), np.arange(len(scores))), constraints=[lambda: keeps])
    seen: Counter[str] = Counter()
    expected = []
    for row in ranked(scores):
        if all(seen[artist] < limit for artist in forms(artists[row])):
            seen.update(forms(artists[row]))
            expected.append(row)
    for look in [*looks, None]:
        assert ranking.take(look).tolist() == expected[:look]


@quick
@given(st.lists(st.tuples(EIGHTHS, SEVERAL, NAMES), max_size=50))
def test_of_one_recording_the_best_ranked_stays(tracks: list[tuple[float, Any, str]]) -> None:
    scores = [score for score, _, _ in tracks]
    firsts = [artist if isinstance(artist, str) else artist[0] for _, artist, _ in tracks]
    recordings = [(normalise(artist), normalise(title)) for artist, (*_, title) in zip(firsts, tracks, strict=True)]
    keeps = Distinct(categories([artist for _, artist, _ in tracks]), categories([title for *_, title in tracks]))
    ranking = EligibleRanking(NO_COLUMNS, Scan(formula(scores), np.arange(len(scores))), constraints=[lambda: keeps])
    first: dict[tuple[str, str], int] = {}
    for row in ranked(scores):
        first.setdefault(recordings[row], row)
    assert ranking.take(None).tolist() == list(first.values())


# Filters


TAGS = st.lists(st.sampled_from(["live", "LIVE", "loud", "demo", "rare"]), max_size=4)
YEARS = st.one_of(st.none(), st.integers(1960, 1970))
FLAGS = st.one_of(st.none(), st.booleans())
FURTHER = st.none() | st.lists(NAMES, max_size=2)
FIELDS = {"artist": NAMES | st.none(), "artists": FURTHER, "tags": TAGS, "year": YEARS, "live": FLAGS}
LIBRARY = st.lists(st.fixed_dictionaries(FIELDS), max_size=30)

COLUMNS = [
    Column(name="artist", kind="category", further="artists"),
    Column(name="tags", kind="tags"),
    Column(name="year", kind="number"),
    Column(name="live", kind="flag"),
    Column(name="taste", kind="vector", size=2),
]


def catalogue(rows: Sequence[dict[str, Any]]) -> Snapshot:
    numbered = [(10 * row, {**fields, "track_id": f"t{row}"}) for row, fields in enumerate(rows)]
    return CatalogueBuilder(MemoryStore(), COLUMNS, refuse).made_of(CatalogueToken("x", 1, ""), numbered)


def passing(made: Snapshot, active: Sequence[ActiveFilter]) -> list[int]:
    return live_rows_passing(made, [row_test(made, each) for each in active]).tolist()


Law = tuple[Any, Callable[[int, dict[str, Any]], bool]]


def by_artist(artist: str, exclude: bool) -> Law:
    filtering = CategoryFilter(column="artist", names=[artist], exclude=exclude)
    named = forms((artist,))
    return filtering, lambda row, fields: bool(named & (forms(fields["artist"]) | forms(fields["artists"]))) != exclude


def by_tags(tags: list[str], exclude: bool) -> Law:
    wanted = set(map(normalise, tags))
    filtering = CategoryFilter(column="tags", names=tags, exclude=exclude)
    return filtering, lambda row, fields: bool(wanted & set(map(normalise, fields["tags"]))) != exclude


def by_year(low: int | None, high: int | None) -> Law:
    def inside(row: int, fields: dict[str, Any]) -> bool:
        year = fields["year"]
        return year is not None and (low is None or low <= year) and (high is None or year <= high)

    return RangeFilter(column="year", low=low, high=high), inside


def by_flag(live: bool) -> Law:
    return RangeFilter(column="live", low=float(live), high=float(live)), lambda row, fields: fields["live"] is live


def by_id(ids: set[str], exclude: bool) -> Law:
    return IdFilter(track_ids=ids, exclude=exclude), lambda row, fields: (f"t{row}" in ids) != exclude


LAWS = st.one_of(
    st.builds(by_artist, NAMES, st.booleans()),
    st.builds(by_tags, st.lists(st.sampled_from(["live", "Loud", "none"]), max_size=2), st.booleans()),
    st.builds(by_year, YEARS, YEARS),
    st.builds(by_flag, st.booleans()),
    st.builds(by_id, st.sets(st.sampled_from([f"t{row}" for row in (0, 1, 3, 7, 99)])), st.booleans()),
)


@settings(max_examples=150, deadline=None)
@given(LIBRARY, st.lists(LAWS, min_size=1, max_size=4))
def test_filters_let_pass_what_plain_python_lets_pass(rows: list[dict[str, Any]], laws: list[Law]) -> None:
    active = [ActiveFilter("mine", prepared) for prepared, _ in laws]
    expected = [row for row, fields in enumerate(rows) if all(law(row, fields) for _, law in laws)]
    assert passing(catalogue(rows), active) == expected


CODES = st.lists(st.integers(-1, 11), min_size=1, max_size=60)


@settings(max_examples=150, deadline=None)
@given(CODES, st.lists(st.booleans(), min_size=13, max_size=13), st.integers(0, 12), st.integers(1, 20))
def test_a_stretch_lets_pass_what_looking_up_each_row_lets_pass(
    codes: list[int], passing: list[bool], last: int, size: int
) -> None:
    for inside in (passing, [code == last for code in range(13)], [code >= last for code in range(13)]):
        tested = CodeTest(np.array(codes, dtype=np.int8), np.array(inside))
        stretches = [tested.stretch(start, start + size) for start in range(0, len(codes), size)]
        assert np.concatenate(stretches).tolist() == [row for row, code in enumerate(codes) if inside[code]]
        assert tested(np.arange(len(codes))).tolist() == [inside[code] for code in codes]


@pytest.mark.parametrize("exclude", [False, True])
def test_few_rows_are_tested_by_their_ids_and_many_by_the_rows_of_the_ids(exclude: bool) -> None:
    made = catalogue([{"artist": "ABBA"}] * 40)
    named = IdTest(made, ("t3", *(f"unknown {number}" for number in range(100)), "t5", "t3"), exclude)
    few, many = as_rows([5, 6, 3]), np.arange(40)
    assert named(few).tolist() == [not exclude, exclude, not exclude]
    assert named(many).tolist() == [(row in (3, 5)) != exclude for row in range(40)]
    assert named(few).tolist() == [not exclude, exclude, not exclude]


def test_what_constraints_leave_out_is_no_reason_to_filter_all_tracks() -> None:
    def refused() -> Scan:
        raise AssertionError("nine of ten candidates passed the filter")

    ranking = EligibleRanking(
        NO_COLUMNS,
        Scan(formula([0.5] * 2_000), np.arange(2_000)),
        [lambda rows: rows % 10 != 0],
        constraints=[lambda: lambda rows: rows % 100 == 1],
        filtered=refused,
        budget=lambda share: 2_000 if share > 0.8 else 0,
    )
    assert ranking.take(15).tolist() == list(range(1, 1_500, 100))


def test_without_filters_every_row_is_eligible() -> None:
    assert passing(catalogue([{"artist": "ABBA"}] * 3), []) == [0, 1, 2]


def test_a_predicate_prunes_nothing_and_is_evaluated_for_candidates() -> None:
    made = catalogue([{"artist": "ABBA", "year": 1970 + row} for row in range(4)])
    late = Predicate(function=lambda columns, rows: columns["year"].numbers[rows] > 1971)
    assert passing(made, []) == [0, 1, 2, 3]
    passes = row_test(made, ActiveFilter("mine", late))
    assert passes(as_rows([3, 0, 2])).tolist() == [True, False, True]


# Tags


def tags_column(tags: Sequence[Sequence[str] | None]) -> TagsColumn:
    writer = TagsWriter(TagsColumn(np.zeros(1, np.int64), np.empty(0, np.int8), Vocabulary(normalise)))
    writer.extend(tags)
    return writer.column()


@quick
@given(st.lists(TAGS, max_size=20), st.dictionaries(st.sampled_from(["live", "demo", "rare", "x"]), EIGHTHS), EIGHTHS)
def test_the_best_tag_of_a_track_counts_and_a_tag_without_a_value_has_the_default(
    tags: list[list[str]], values: dict[str, float], default: float
) -> None:
    columns = Columns({"tags": tags_column(tags)}, len(tags))
    prepared = CategoryTable(column="tags", values=values, default=default)
    evaluate = compiled(prepared, columns, lambda rows: [])
    expected = [max((values.get(normalise(tag), default) for tag in each), default=default) for each in tags]
    assert evaluate(np.arange(len(tags))).tolist() == expected
    assert evaluate(np.arange(len(tags))[::-1]).tolist() == expected[::-1]


# Tables


@quick
@given(st.dictionaries(NAMES, EIGHTHS), st.lists(SEVERAL | st.none(), max_size=20), EIGHTHS)
def test_of_spellings_in_a_table_and_of_names_of_a_track_the_largest_value_counts(
    values: dict[str, float], names: list[Names], default: float
) -> None:
    columns = Columns({"artist": categories(names)}, len(names))
    evaluate = compiled(CategoryTable(column="artist", values=values, default=default), columns, lambda rows: [])

    def of_one(form: str) -> float:
        return max((value for name, value in values.items() if normalise(name) == form), default=default)

    def expected(several: Names) -> float:
        return max(map(of_one, forms(several)), default=default)

    assert evaluate(np.arange(len(names))).tolist() == list(map(expected, names))
