"""The catalogue in memory: columns made of tracks, and snapshots that follow what changes."""

import logging
import math
import multiprocessing
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.third_party import track

from qfzz_core import Column, Engine
from qfzz_core.catalogue import columns as columns_module
from qfzz_core.catalogue import delta
from qfzz_core.catalogue import library as library_module
from qfzz_core.catalogue.columns import empty_column, writer_of
from qfzz_core.catalogue.library import CatalogueBuilder, Library
from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.catalogue.table_writer import Encoder
from qfzz_core.contracts.columns import (
    AnyColumn,
    CategoryColumn,
    Columns,
    FlagColumn,
    NumberColumn,
    TagsColumn,
    VectorColumn,
    as_rows,
)
from qfzz_core.contracts.stores import CatalogueToken
from qfzz_core.model.names import NORMALISERS, normalise
from qfzz_plugins.stores.memory import MemoryStore

quick = settings(max_examples=60, deadline=None)

COLUMNS = [
    Column(name="track_id", kind="category", compare="exact"),
    Column(name="artist", kind="category", further="artists"),
    Column(name="tags", kind="tags"),
    Column(name="year", kind="number"),
    Column(name="live", kind="flag"),
    Column(name="taste", kind="vector", size=2),
]


def refuse(column: Column, error: Exception) -> None:
    raise AssertionError(column.name) from error


def builder_of(store: MemoryStore, columns: Sequence[Column] = COLUMNS) -> CatalogueBuilder:
    return CatalogueBuilder(store, columns, refuse)


def catalogue(rows: Sequence[dict[str, Any]], columns: Sequence[Column] = COLUMNS) -> Snapshot:
    numbered = [(10 * row, {**fields, "track_id": f"t{row}"}) for row, fields in enumerate(rows)]
    return builder_of(MemoryStore(), columns).made_of(CatalogueToken("x", 1, ""), numbered)


def column_of(declared: Column, batches: Sequence[Sequence[Any]]) -> AnyColumn:
    """The column of tracks whose values come in batches."""
    encoder, writer = Encoder(declared), writer_of(empty_column(declared))
    for values in batches:
        writer.extend(encoder.values([{"x": value} for value in values]))
    return writer.column()


# Columns


def tags_of(column: TagsColumn) -> list[list[Any]]:
    bounds = zip(column.starts[:-1].tolist(), column.starts[1:].tolist(), strict=True)
    return [[column.vocabulary.name(code) for code in column.codes[start:end].tolist()] for start, end in bounds]


TAGS = st.lists(st.sampled_from(["live", "LIVE", "loud", "demo", "rare"]), max_size=4)


@quick
@given(st.lists(st.one_of(st.none(), TAGS), max_size=20), st.data())
def test_tags_are_selected_row_by_row(tags: list[list[str] | None], data: st.DataObject) -> None:
    column = column_of(Column(name="x", kind="tags"), [tags])
    assert isinstance(column, TagsColumn)
    plain = [[normalise(tag) for tag in each or ()] for each in tags]
    assert (len(column), tags_of(column)) == (len(plain), plain)
    rows = data.draw(st.lists(st.integers(0, len(tags) - 1), max_size=20)) if tags else []
    assert tags_of(column.select(as_rows(rows))) == [plain[row] for row in rows]


def test_arrays_of_columns_cannot_be_written() -> None:
    fields = {"artist": "ABBA", "tags": ["live"], "year": 1975, "live": True, "taste": [1, 2]}
    made = catalogue([fields])
    arrays = [
        made.columns["artist"].codes,
        made.columns["tags"].codes,
        made.columns["tags"].starts,
        made.columns["year"].numbers,
        made.columns["year"].stored,
        made.columns["year"].levels,
        made.columns["live"].flags,
        made.columns["taste"].vectors,
        made.positions,
        made.deleted,
    ]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_an_unknown_column_is_a_key_error_that_names_those_there_are() -> None:
    columns = catalogue([]).columns
    with pytest.raises(KeyError, match='no column "colour"; there are artist, live, tags, taste, track_id, year'):
        columns["colour"]
    assert columns.get("colour") is None
    assert "colour" not in columns


@pytest.mark.parametrize(("names", "dtype"), [(128, np.int8), (129, np.int16), (32_768, np.int16), (32_769, np.int32)])
def test_codes_take_the_narrowest_dtype_that_holds_the_vocabulary(names: int, dtype: type) -> None:
    values = [f"name {number}" for number in range(names)]
    column = column_of(Column(name="x", kind="category"), [values[:50], values[50:]])
    assert isinstance(column, CategoryColumn)
    assert column.codes.dtype == dtype
    assert column.codes.tolist() == list(range(names))


def bits(numbers: Sequence[float] | np.ndarray[Any, Any]) -> list[int]:
    return np.array(numbers, dtype=np.float64).view(np.uint64).tolist()


DOUBLES = st.one_of(
    st.sampled_from([0.0, -0.0, 5e-324, 0.1 + 0.2, 0.3]), st.floats(allow_nan=False, allow_infinity=False)
)


@pytest.mark.parametrize("most", [0, 3, 65_535])
@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.lists(st.one_of(st.none(), DOUBLES), max_size=12), max_size=6))
def test_numbers_are_kept_to_the_last_bit_however_many_there_are(most: int, batches: list[list[float | None]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns_module, "MOST_LEVELS", most)
        column = column_of(Column(name="x", kind="number"), batches)
    assert isinstance(column, NumberColumn)
    expected = [math.nan if number is None else number for batch in batches for number in batch]
    different = len(set(bits(expected)))
    assert (column.levels is None) == (different > most)
    assert column.stored.dtype == (np.float64 if different > most else np.uint16)
    assert bits(column.numbers) == bits(expected)
    backwards = np.arange(len(expected))[::-1]
    assert bits(column.at(backwards)) == bits(column.select(backwards).numbers) == bits(expected)[::-1]


# Encoding, against the slow and obvious way


def number_of(value: Any) -> Any:
    """A finite double, or `...` for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer):
        return ...
    try:
        return float(value) if math.isfinite(value) else ...
    except OverflowError:
        return ...


PLAIN_VALUES: dict[str, Callable[[Any], Any]] = {
    "category": lambda value: value if isinstance(value, str) else ...,
    "number": number_of,
    "flag": lambda value: value if isinstance(value, bool) else ...,
    "tags": lambda value: (
        list(value) if isinstance(value, list | tuple) and all(isinstance(tag, str) for tag in value) else ...
    ),
    "vector": lambda value: (
        [number_of(number) for number in value]
        if isinstance(value, list | tuple) and len(value) == 2 and ... not in map(number_of, value)
        else ...
    ),
}


def plainly_encoded(column: Column, values: Sequence[Any]) -> tuple[list[Any], int]:
    """What a column should say, row by row, in plain Python; and how many values were unusable."""
    read = [None if value is None else PLAIN_VALUES[column.kind](value) for value in values]
    usable = [column.missing if value is None or value is ... else value for value in read]
    normal = NORMALISERS[column.compare]
    if column.kind == "category":
        usable = [None if value is None else normal(value) for value in usable]
    if column.kind == "tags":
        usable = [[normal(tag) for tag in value or ()] for value in usable]
    return usable, sum(value is ... for value in read)


def said(column: AnyColumn) -> list[Any]:
    """What a column says, row by row."""
    if isinstance(column, CategoryColumn):
        return column.names(np.arange(len(column)))
    if isinstance(column, NumberColumn):
        return [None if math.isnan(number) else number for number in column.numbers.tolist()]
    if isinstance(column, FlagColumn):
        return [None if flag < 0 else bool(flag) for flag in column.flags.tolist()]
    if isinstance(column, TagsColumn):
        return tags_of(column)
    return [None if math.isnan(vector[0]) else vector for vector in column.vectors.tolist()]


ODD = st.sampled_from(
    [True, "a", 1, 1.5, math.nan, math.inf, 10**400, 2**64 + 1, ["a", 1], [1, None], b"x", {}, np.float64(2)]
)
USABLE: dict[str, st.SearchStrategy[Any]] = {
    "category": st.text(st.sampled_from("aAß -"), max_size=4),
    "number": st.one_of(st.integers(-5, 2**70), st.floats(-1, 1), st.sampled_from([np.int64(3), -0.0])),
    "flag": st.booleans(),
    "tags": st.one_of(TAGS, st.just(("live", "x"))),
    "vector": st.lists(st.one_of(st.integers(0, 3), st.floats(-1, 1)), min_size=2, max_size=2),
}
MISSING: dict[str, Any] = {"category": "none", "number": 0.5, "flag": True, "tags": ["none"], "vector": [0.0, 1.0]}


@pytest.mark.parametrize("with_odd", [False, True])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("kind", USABLE)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_columns_say_what_tracks_say(kind: Any, missing: bool, with_odd: bool, data: st.DataObject) -> None:
    column = Column(
        name="x",
        kind=kind,
        compare="genre" if kind == "category" else "name",
        missing=MISSING[kind] if missing else None,
        size=2 if kind == "vector" else None,
    )
    value = st.one_of(st.none(), USABLE[kind], *([ODD] if with_odd else []))
    batches = data.draw(st.lists(st.lists(value, max_size=8), max_size=4))
    encoder, writer = Encoder(column), writer_of(empty_column(column))
    for values in batches:
        writer.extend(encoder.values([{"x": value} for value in values]))
    expected, unusable = plainly_encoded(column, [value for values in batches for value in values])
    assert (said(writer.column()), encoder.unusable) == (expected, unusable)


def test_a_column_without_a_value_counts_it_as_missing_and_not_as_unusable() -> None:
    encoder = Encoder(Column(name="x", kind="number"))
    assert list(encoder.values([{}, {"x": None}])) == [None, None]
    assert encoder.unusable == 0


# Snapshots


def contents(made: Snapshot) -> dict[str, Any]:
    """All that a snapshot says, codes replaced by the names they stand for."""
    rows = made.live_rows()
    return {
        "token": made.token,
        "tracks": len(made),
        "positions": made.positions[rows].tolist(),
        "ids": made.ids(rows),
        "columns": {name: said(column.select(rows)) for name, column in made.columns.items()},
        "artists": made.columns["artist"].all_names(rows),
    }


def check(made: Snapshot) -> None:
    """What holds of every snapshot."""
    rows = made.live_rows()
    assert len(rows) == len(made) == made.columns.length - len(made.deleted)
    assert (np.diff(made.positions[rows]) > 0).all()
    assert (np.diff(made.positions[: made.base]) > 0).all()
    assert (np.diff(made.deleted) > 0).all()
    assert not made.in_order or (np.diff(rows) > 0).all()
    assert made.segment.columns.length == made.base
    assert {name: len(column) for name, column in made.segment.columns.items()} == dict.fromkeys(
        made.columns, made.base
    )
    ids = [f"t{number}" for number in range(40)]
    row_of = dict(zip(made.ids(rows), rows.tolist(), strict=True))
    assert [made.row(track_id) for track_id in ids] == [row_of.get(track_id) for track_id in ids]
    assert made.rows(ids).tolist() == [row_of[track_id] for track_id in ids if track_id in row_of]
    for some in (ids, ids[:5], [*ids[:5], *ids[:2]], ids[::-1]):
        assert made.columns.rows(some).tolist() == [row_of.get(track_id, -1) for track_id in some]
    positions = np.arange(-1, int(made.positions.max(initial=0)) + 2)
    at = dict(zip(made.positions[rows].tolist(), rows.tolist(), strict=True))
    assert made.rows_at(positions).tolist() == [at[position] for position in positions.tolist() if position in at]
    assert made.rows_at(positions[:2]).tolist() == [
        at[position] for position in positions[:2].tolist() if position in at
    ]


IDS = st.sampled_from([f"t{n}" for n in range(40)])
EIGHTHS = st.integers(0, 8).map(lambda eighth: eighth / 8)
ARTISTS = st.sampled_from(["ABBA", "abba ", "The Who", "Björk", " "])
EXTRA = st.fixed_dictionaries(
    {
        "artist": ARTISTS,
        "artists": st.none() | st.lists(ARTISTS, max_size=3),
        "tags": TAGS,
        "year": st.one_of(st.none(), st.integers(1960, 1970)),
        "live": st.one_of(st.none(), st.booleans()),
        "taste": st.one_of(st.none(), st.lists(EIGHTHS, min_size=1, max_size=2)),
    }
)
CHANGES = st.one_of(
    st.dictionaries(IDS, EXTRA, min_size=1, max_size=12).map(lambda written: ("write", written)),
    st.sets(IDS, min_size=1, max_size=8).map(lambda removed: ("remove", removed)),
    st.just(("look", None)),
)
LIMITS = {"never": (10**6, 10**6), "in the background": (2, 10**6), "at once": (10**6, 2), "both": (2, 9)}


def apply(store: MemoryStore, change: str, what: Any) -> None:
    if change == "write":
        store.write_tracks([track(track_id, **fields) for track_id, fields in what.items()])
    elif change == "remove":
        store.remove_tracks(what)


@pytest.mark.parametrize("merges", LIMITS)
@settings(max_examples=40, deadline=None)
@given(changes=st.lists(CHANGES, max_size=12))
def test_a_snapshot_with_changes_applied_equals_one_made_from_scratch(
    merges: str, changes: list[tuple[str, Any]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        most_changed, few_rows = LIMITS[merges]
        patch.setattr(delta, "MOST_CHANGED", most_changed)
        patch.setattr(delta, "FEW_ROWS", few_rows)
        check_changes(changes)


def check_changes(changes: list[tuple[str, Any]]) -> None:
    store = MemoryStore()
    builder = builder_of(store)
    snapshots: list[tuple[Snapshot, dict[str, Any]]] = []
    for change, what in changes:
        apply(store, change, what)
        if change == "look":
            snapshots.append((builder.current(), contents(builder.current())))
            check(builder.current())
    assert contents(builder.current()) == contents(builder_of(store).current())
    builder.close()
    assert contents(builder.current()) == contents(builder_of(store).current())
    check(builder.current())
    assert all(contents(snapshot) == before for snapshot, before in snapshots)


def recommended(engine: Engine, arguments: dict[str, Any]) -> list[tuple[str, float]]:
    found = engine.recommend("alice", {"discovery_factor": 0.0, "genres": {"jazz": 0.9}}, **arguments)
    return [(each.track["track_id"], each.score) for each in found]


ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "limit": st.integers(1, 6),
        "where": st.sampled_from([{"artist": "ABBA"}, {"energy": (0.2, 0.6)}, {"genre": ["jazz"]}]),
        "exclude": st.lists(IDS, max_size=3),
        "max_per_artist": st.just(1),
        "distinct": st.just(True),
    },
)
SCORED = st.fixed_dictionaries(
    {
        "artist": st.sampled_from(["ABBA", "abba ", "The Who"]),
        "genre": st.sampled_from(["jazz", "rock"]),
        "energy": EIGHTHS,
    }
)
STEPS = st.one_of(
    st.dictionaries(IDS, SCORED, min_size=1, max_size=12).map(lambda written: ("write", written)),
    st.sets(IDS, min_size=1, max_size=8).map(lambda removed: ("remove", removed)),
    ARGUMENTS.map(lambda arguments: ("recommend", arguments)),
)


@pytest.mark.parametrize("merges", LIMITS)
@settings(max_examples=25, deadline=None)
@given(steps=st.lists(STEPS, max_size=10))
def test_recommendations_are_those_of_a_catalogue_made_from_scratch(merges: str, steps: list[tuple[str, Any]]) -> None:
    store = MemoryStore()
    with pytest.MonkeyPatch.context() as patch, Engine(store=store) as engine:
        most_changed, few_rows = LIMITS[merges]
        patch.setattr(delta, "MOST_CHANGED", most_changed)
        patch.setattr(delta, "FEW_ROWS", few_rows)
        for step, what in [*steps, ("recommend", {})]:
            apply(store, step, what)
            if step == "recommend":
                assert recommended(engine, what) == recommended(Engine(store=store), what)


def test_a_snapshot_is_the_same_object_until_something_changes() -> None:
    store = MemoryStore()
    store.write_tracks([track("a")])
    builder = builder_of(store)
    first = builder.current()
    assert builder.current() is first
    store.remove_tracks(["unknown"])
    assert builder.current() is first
    store.write_tracks([track("a")])
    assert builder.current() is not first


def test_only_what_changed_is_read_again() -> None:
    read: list[str] = []

    def source(track: Any) -> str:
        read.append(track["track_id"])
        return "x"

    store = MemoryStore()
    store.write_tracks([track(f"t{n}") for n in range(5)])
    builder = builder_of(store, [Column(name="x", kind="category", source=source)])
    builder.current()
    assert read == ["t0", "t1", "t2", "t3", "t4"]
    store.write_tracks([track("t3"), track("t9")])
    store.remove_tracks(["t1"])
    made = builder.current()
    assert made.ids(made.live_rows()) == ["t0", "t2", "t3", "t4", "t9"]
    assert read[5:] == ["t3", "t9"]


def test_a_track_more_copies_no_column() -> None:
    store = MemoryStore()
    store.write_tracks([track(f"t{n}") for n in range(100)])
    builder = builder_of(store)
    builder.current()
    store.write_tracks([track("first more")])  # which may make room
    before = builder.current()
    store.write_tracks([track("second more")])
    after = builder.current()
    assert np.shares_memory(before.columns["artist"].codes, after.columns["artist"].codes)
    assert np.shares_memory(before.positions, after.positions)
    assert (before.base, after.base, after.columns.length) == (100, 100, 102)


def test_a_replaced_track_is_deleted_in_the_base_and_live_in_the_delta() -> None:
    store = MemoryStore()
    store.write_tracks([track(f"t{n}", artist="Old") for n in range(3)])
    builder = builder_of(store)
    first = builder.current()
    store.write_tracks([track("t1", artist="New")])
    made = builder.current()
    assert (made.base, made.deleted.tolist(), made.row("t1"), made.in_order) == (3, [1], 3, False)
    assert made.live_rows().tolist() == [0, 3, 2]
    assert made.segment is first.segment
    assert first.row("t1") == 1
    assert made.columns["artist"].names(as_rows([3])) == ["new"]


def test_the_column_of_identifiers_serves_for_the_identifiers() -> None:
    made = catalogue([{"artist": "ABBA"}] * 3)
    assert made.columns["track_id"] is made.table.ids
    other = catalogue([{"artist": "ABBA"}], [Column(name="track_id", kind="category")])
    assert other.columns["track_id"] is not other.table.ids
    assert other.ids(as_rows([0])) == ["t0"]


def test_tracks_are_found_by_id() -> None:
    made = catalogue([{"artist": "ABBA"}] * 3)
    assert [made.row("t2"), made.row("t3"), made.row("lone \ud800")] == [2, None, None]
    assert made.rows(["t2", "t9", "t0"]).tolist() == [2, 0]


def test_columns_find_the_live_row_of_each_track() -> None:
    store = numbered_store(4)
    builder = builder_of(store)
    assert builder.current().columns.rows(["t3", "t9", "t0"]).tolist() == [3, -1, 0]
    store.write_tracks([track("t1", artist="New"), track("t4"), track("t5")])
    store.remove_tracks(["t0", "t2", "t5"])
    store.write_tracks([track("t2")])
    made = builder.current()
    check(made)
    ids = ["t0", "t1", "t2", "t3", "t4", "t5", "t1", "lone \ud800", ""]
    rows = made.columns.rows(ids)
    names = made.columns["track_id"].names(rows)
    assert (rows.dtype, made.base) == (np.intp, 4)
    assert [name if row >= 0 else None for row, name in zip(rows, names, strict=True)] == [
        None, "t1", "t2", "t3", "t4", None, "t1", None, None
    ]  # fmt: skip
    assert made.columns["artist"].names(rows[1:2]) == ["new"]
    assert rows.tolist() == made.columns.rows(iter(ids)).tolist()
    assert made.columns.rows([]).dtype == np.intp


def test_columns_without_a_catalogue_find_no_row() -> None:
    assert Columns({}, 0).rows(["t1", "t2"]).tolist() == [-1, -1]
    assert Columns({}, 0).rows([]).tolist() == []


def test_a_lone_string_is_no_list_of_track_ids() -> None:
    for columns in (catalogue([]).columns, Columns({}, 0)):
        with pytest.raises(TypeError, match="track_ids must be several ids, got 't1'"):
            columns.rows("t1")


def test_a_snapshot_that_nobody_uses_goes_away_at_once() -> None:
    made = catalogue([{"artist": "ABBA"}])
    gone = weakref.ref(made)
    del made
    assert gone() is None


# Merging


@pytest.fixture
def merging_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delta, "MOST_CHANGED", 2)


@pytest.fixture
def merging_stopped(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """A merge that says when it has begun, and waits with its result until it may go on."""
    begun, may_go_on = threading.Event(), threading.Event()
    really = library_module.merged

    def slowly(old: Snapshot) -> Snapshot:
        made = really(old)
        begun.set()
        assert may_go_on.wait(30)
        return made

    monkeypatch.setattr(delta, "MOST_CHANGED", 2)
    monkeypatch.setattr(library_module, "merged", slowly)
    yield begun, may_go_on
    may_go_on.set()


def numbered_store(count: int = 20) -> MemoryStore:
    store = MemoryStore()
    store.write_tracks([track(f"t{n}") for n in range(count)])
    return store


def test_what_changes_during_a_merge_is_in_the_merged_base(
    merging_stopped: tuple[threading.Event, threading.Event],
) -> None:
    begun, may_go_on = merging_stopped
    store = numbered_store()
    builder = builder_of(store)
    first = builder.current()
    store.write_tracks([track(f"t{n}", artist="New") for n in (3, 4, 20)])
    store.remove_tracks(["t5"])
    assert builder.current().segment is first.segment
    assert begun.wait(30)
    store.write_tracks([track("t4", artist="Newest"), track("t21")])
    store.remove_tracks(["t6", "t20"])
    meanwhile = builder.current()
    assert meanwhile.segment is first.segment
    may_go_on.set()
    builder.close()
    made = builder.current()
    check(made)
    assert made.segment is not first.segment
    assert (made.base, made.columns.length, len(made)) == (20, 22, 19)
    assert contents(made) == contents(meanwhile) == contents(builder_of(store).current())
    store.write_tracks([track("t22")])
    assert contents(builder.current()) == contents(builder_of(store).current())


def test_a_merge_that_was_overtaken_changes_nothing(
    merging_stopped: tuple[threading.Event, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_go_on = merging_stopped
    store = numbered_store()
    builder = builder_of(store)
    builder.current()
    store.remove_tracks(["t1", "t2", "t3"])
    builder.current()
    assert begun.wait(30)
    may_go_on.set()
    with builder._lock:  # so that the merge cannot end before
        monkeypatch.setattr(delta, "FEW_ROWS", 4)
        store.remove_tracks(["t4", "t5", "t6"])
        made = builder.current()
    builder.close()
    assert builder.current() is made
    assert (made.base, len(made.deleted)) == (14, 0)


@pytest.mark.usefixtures("merging_early")
def test_what_was_derived_of_the_old_base_is_derived_of_the_merged_one_before_anybody_needs_it() -> None:
    lengths: list[int] = []

    def count(segment: Any) -> int:
        lengths.append(segment.columns.length)
        return segment.columns.length

    store = numbered_store()
    builder = builder_of(store)
    assert builder.current().segment.derived("count", count) == 20
    store.remove_tracks(["t1", "t2", "t3"])
    builder.current()
    builder.close()
    assert lengths == [20, 17]
    assert builder.current().segment.derived("count", count) == 17
    assert lengths == [20, 17]


def wait_for(builder: CatalogueBuilder) -> None:
    """Wait for what is done in the background."""
    thread = builder._background._thread
    if thread is not None:
        thread.join()


@pytest.mark.usefixtures("merging_early")
def test_a_merge_that_fails_is_logged_once_and_harms_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(old: Snapshot) -> Snapshot:
        raise MemoryError("no room")

    monkeypatch.setattr(library_module, "merged", fail)
    store = numbered_store()
    builder = builder_of(store)
    builder.current()
    for number in range(1, 8):
        store.remove_tracks([f"t{number}"])
        assert contents(builder.current()) == contents(builder_of(store).current())
        wait_for(builder)
    builder.close()
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.getMessage() for record in warnings] == ["merging failed; the catalogue in memory goes on as it is"]
    assert len(builder.current()) == 13


@pytest.mark.usefixtures("merging_early")
def test_after_closing_nothing_begins_in_the_background() -> None:
    store = numbered_store()
    library = Library(store, COLUMNS, refuse)
    segment = library.snapshot().segment
    library.close()
    library.close()
    store.remove_tracks(["t1", "t2", "t3"])
    threads = threading.active_count()
    assert library.snapshot().segment is segment
    assert threading.active_count() == threads


def test_what_cannot_be_derived_is_tried_again() -> None:
    segment = catalogue([]).segment
    with pytest.raises(ZeroDivisionError):
        segment.derived("x", lambda segment: 1 // 0)
    assert segment.derived("x", lambda segment: 1) == 1
    assert segment.derived("x", lambda segment: 2) == 1


def test_what_is_derived_by_many_threads_is_made_once() -> None:
    segment = catalogue([]).segment
    made: list[int] = []
    started = threading.Barrier(4)

    def derive() -> None:
        started.wait()
        assert segment.derived("x", lambda segment: made.append(1) or "x") == "x"

    threads = [threading.Thread(target=derive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


# Faults and forks


def interrupted(*given: Any) -> None:
    raise KeyboardInterrupt


def test_an_update_that_is_interrupted_half_way_is_made_good_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    store = numbered_store(5)
    builder = builder_of(store)
    builder.current()
    store.write_tracks([track("t5", artist="New"), track("t1", artist="New")])
    with monkeypatch.context() as patch:
        patch.setattr(Encoder, "values", interrupted)
        with pytest.raises(KeyboardInterrupt):
            builder.current()
    assert contents(builder.current()) == contents(builder_of(store).current())


def _in_child(builder: CatalogueBuilder, store: MemoryStore, answers: Any, may_merge: threading.Event) -> None:
    store.write_tracks([track("child", artist="New"), track("t1", artist="New")])
    same = contents(builder.current()) == contents(builder_of(store).current())
    segment = builder.current().segment
    answers.send((same, segment.derived("x", lambda segment: segment.columns.length)))
    may_merge.set()  # what the thread of the parent was merging
    builder.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_goes_on_although_its_parent_was_at_work(
    merging_stopped: tuple[threading.Event, threading.Event],
) -> None:
    begun, may_go_on = merging_stopped
    store = numbered_store()
    builder = builder_of(store)
    builder.current()
    store.remove_tracks(["t2", "t3", "t4"])
    segment = builder.current().segment
    assert begun.wait(30)
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    deriving, derived = threading.Event(), threading.Event()

    def slowly(segment: Any) -> int:
        deriving.set()
        assert derived.wait(30)
        return 0

    thread = threading.Thread(target=segment.derived, args=("x", slowly))
    thread.start()
    assert deriving.wait(30)
    with builder._lock:  # as another thread would hold it
        child = context.Process(target=_in_child, args=(builder, store, sending, may_go_on))
        child.start()
    answered = receiving.recv() if receiving.poll(30) else None
    derived.set()
    thread.join()
    child.join(30)
    assert (answered, child.exitcode) == ((True, 20), 0)


def test_vectors_are_selected_row_by_row() -> None:
    column = column_of(Column(name="x", kind="vector", size=2), [[[1, 2], None], [[3, 4]]])
    assert isinstance(column, VectorColumn)
    assert said(column.select(as_rows([2, 1, 0]))) == [[3.0, 4.0], None, [1.0, 2.0]]
