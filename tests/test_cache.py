"""The catalogue on disk: a process that finds it answers as if it had read the store, or reads the store."""

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.third_party import track

from qfzz_core import Column
from qfzz_core.catalogue import delta
from qfzz_core.catalogue.cache import array_files, files, schedule
from qfzz_core.catalogue.cache.array_files import DamagedFileError, read_arrays, write_arrays
from qfzz_core.catalogue.cache.files import cache_of
from qfzz_core.catalogue.library import CatalogueBuilder
from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.stores import CatalogueChanges, CatalogueToken, Store
from qfzz_plugins.stores.memory import MemoryStore

LABELS = {"a": "first", "b": None}


def publisher(fields: Mapping[str, Any]) -> str:
    return f"by {fields['artist']}"


def plays(track_ids: Sequence[str]) -> list[int | None]:
    return [len(track_id) for track_id in track_ids]


COLUMNS = [
    Column(name="track_id", kind="category", compare="exact"),
    Column(name="artist", kind="category", further="artists"),
    Column(name="tags", kind="tags", missing=["none"]),
    Column(name="energy", kind="number"),
    Column(name="year", kind="number"),
    Column(name="live", kind="flag"),
    Column(name="taste", kind="vector", size=2),
    Column(name="publisher", kind="category", source=publisher, version="1", compare="exact"),
    Column(name="plays", kind="number", provider=plays),
]


def refuse(column: Column, error: Exception) -> None:
    raise AssertionError(column.name) from error


class Watched:
    """A store that notes what was read of it: "all" or "changes"."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.tracks_at = store.tracks_at
        self.readings: list[str] = []

    def catalogue_token(self) -> CatalogueToken:
        return self._store.catalogue_token()

    def catalogue_since(self, token: CatalogueToken | None) -> CatalogueChanges:
        changes = self._store.catalogue_since(token)
        self.readings.append("all" if changes.complete else "changes")
        return changes


@pytest.fixture(autouse=True)
def keeping_small_catalogues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "LEAST_TRACKS", 1)


def a_track(number: int, **fields: Any) -> dict[str, Any]:
    extra: dict[str, Any] = {
        "tags": ["live", f"tag {number % 3}"],
        "year": 1960 + number,
        "live": number % 2 == 0,
        "taste": [number, 1],
    }
    extra |= {"artist": f"Artist {number % 4}", "artists": [f"With {number}"] * (number // 10), "energy": number / 100}
    return track(f"t{number}", **{**extra, **fields})


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore()
    made.write_tracks([a_track(number) for number in range(20)])
    made.write_tracks([a_track(20, year="unusable", tags=None)])
    return made


def opened(store: Store, directory: Path, columns: Sequence[Column] = COLUMNS) -> tuple[CatalogueBuilder, list[str]]:
    """A builder as a new process would have it, and what it read of the store for the snapshot it made."""
    watched = Watched(store)
    builder = CatalogueBuilder(watched, columns, refuse, cache_of(directory, columns))  # type: ignore[arg-type]
    builder.current()
    return builder, watched.readings


def read_by(store: Store, directory: Path, columns: Sequence[Column] = COLUMNS) -> list[str]:
    """What a builder as a new process would have it reads of the store."""
    builder, readings = opened(store, directory, columns)
    builder.close()
    return readings


def kept(store: Store, directory: Path, columns: Sequence[Column] = COLUMNS) -> Path:
    """Keep a store's catalogue and return the file."""
    opened(store, directory, columns)[0].close()
    (path,) = directory.glob("*.catalogue")
    return path


def said(made: Snapshot) -> Any:
    rows = made.live_rows()
    columns = {name: column.select(rows) for name, column in made.columns.items()}
    numbers = {name: columns[name].numbers.view(np.uint64).tolist() for name in ("energy", "year") if name in columns}
    return {
        "token": made.token,
        "positions": made.positions[rows].tolist(),
        "ids": made.ids(rows),
        **numbers,
        "artist": columns["artist"].all_names(np.arange(len(rows))),
        "with": np.isin(columns["artist"].codes, columns["artist"].vocabulary.having("With 11", "Artist 1")).tolist(),
        "rest": {
            name: [
                column.vocabulary.name(code) if hasattr(column, "vocabulary") else code
                for code in getattr(column, field).tolist()
            ]
            for name, field in (("tags", "codes"), ("publisher", "codes"), ("live", "flags"), ("plays", "numbers"))
            if (column := columns.get(name)) is not None
        },
        "taste": columns["taste"].vectors.tolist() if "taste" in columns else None,
    }


def as_read(store: Store, columns: Sequence[Column] = COLUMNS) -> Any:
    """What a builder says that reads the store itself."""
    return said(CatalogueBuilder(store, columns, refuse).current())


# Finding it again


def test_a_catalogue_that_is_kept_is_not_read_again(store: MemoryStore, tmp_path: Path) -> None:
    directory = tmp_path / "new" / "cache"
    first, readings = opened(store, directory)
    assert readings == ["all"]
    first.close()
    again, readings = opened(store, directory)
    assert readings == ["changes"]
    assert said(again.current()) == said(first.current()) == as_read(store)
    assert again.unusable() == first.unusable() == {"year": 1}
    assert again.current().row("t7") == 7
    assert again.current().columns["artist"].vocabulary.code("ARTIST 3") == 3


def test_what_changed_since_is_read_alone(store: MemoryStore, tmp_path: Path) -> None:
    kept(store, tmp_path)
    store.write_tracks([a_track(30), a_track(3, artist="New", year=2001.5)])
    store.remove_tracks(["t5"])
    again, readings = opened(store, tmp_path)
    assert readings == ["changes"]
    assert said(again.current()) == as_read(store)
    store.write_tracks([a_track(31, artist="Newer")])
    assert said(again.current()) == as_read(store)


def test_a_number_column_of_many_values_is_kept_too(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qfzz_core.catalogue.columns.MOST_LEVELS", 3)
    kept(store, tmp_path)
    again, readings = opened(store, tmp_path)
    assert readings == ["changes"]
    assert again.current().columns["energy"].levels is None
    assert said(again.current()) == as_read(store)


def test_a_provider_is_called_again(store: MemoryStore, tmp_path: Path) -> None:
    kept(store, tmp_path)
    changed = [column if column.name != "plays" else attrs.evolve(column, provider=list) for column in COLUMNS]
    reports: list[str] = []
    builder = CatalogueBuilder(
        store, changed, lambda column, error: reports.append(column.name), cache_of(tmp_path, changed)
    )
    made = builder.current()
    assert reports == []
    assert np.isnan(made.columns["plays"].numbers).all()
    assert builder.unusable() == {"year": 1, "plays": 21}


def test_a_small_catalogue_is_not_worth_a_file(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "LEAST_TRACKS", 22)
    opened(store, tmp_path)[0].close()
    assert list(tmp_path.iterdir()) == []


def test_without_a_directory_nothing_is_kept() -> None:
    assert cache_of(None, COLUMNS) is None


def test_a_function_without_a_version_forbids_caching(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG, "qfzz.catalogue")
    assert cache_of(tmp_path, [*COLUMNS, Column(name="mine", kind="flag", source=bool)]) is None
    assert "the source of mine is a function without a version" in caplog.text


def test_a_catalogue_of_which_a_column_failed_is_not_kept(store: MemoryStore, tmp_path: Path) -> None:
    def fail(fields: Mapping[str, Any]) -> str:
        raise RuntimeError

    columns = [Column(name="mine", kind="category", source=fail, version="1")]
    reports: list[str] = []
    builder = CatalogueBuilder(
        store, columns, lambda column, error: reports.append(column.name), cache_of(tmp_path, columns)
    )
    builder.current()
    builder.close()
    assert reports == ["mine"]
    assert list(tmp_path.iterdir()) == []


# Never trusting it


def test_a_file_that_is_damaged_at_any_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    about = {"store": "x"}
    arrays = {"codes": np.arange(9, dtype=np.int8), "numbers": np.array([0.5, -0.0]), "none": np.empty((0, 2))}
    write_arrays(path, about, arrays)
    assert read_arrays(path, about)[0] == about
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with pytest.raises(DamagedFileError):
            read_arrays(path, about)
        path.write_bytes(whole[:place])
        with pytest.raises(DamagedFileError):
            read_arrays(path, about)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_cache_that_is_cut_or_spoiled_is_not_used(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("cache")
    store = MemoryStore()
    store.write_tracks([a_track(number) for number in range(5)])
    path = kept(store, directory)
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(
        data.draw(st.sampled_from([whole[:place], whole + b"\0", whole[:place] + b"?" + whole[place + 1 :] + b"?"]))
    )
    again, readings = opened(store, directory)
    assert readings == ["all"]
    assert said(again.current()) == as_read(store)
    again.close()
    assert read_by(store, directory) == ["changes"]


def test_the_cache_of_another_store_is_not_used(store: MemoryStore, tmp_path: Path) -> None:
    path = kept(store, tmp_path)
    other = MemoryStore()
    other.write_tracks([a_track(7)])
    opened(other, tmp_path)[0].close()
    (others,) = [found for found in tmp_path.glob("*.catalogue") if found != path]
    shutil.copyfile(path, others)
    again, readings = opened(other, tmp_path)
    assert readings == ["all"]
    assert said(again.current()) == as_read(other)


class Restored:
    """A store that was restored from a backup: the same identity and counter, another history."""

    def __init__(self, store: MemoryStore, identity: str) -> None:
        self._store = store
        self.tracks_at = store.tracks_at
        self._identity = identity

    def catalogue_token(self) -> CatalogueToken:
        return attrs.evolve(self._store.catalogue_token(), identity=self._identity)

    def catalogue_since(self, token: CatalogueToken | None) -> CatalogueChanges:
        return attrs.evolve(self._store.catalogue_since(None), token=self.catalogue_token())


def test_the_cache_of_another_history_is_not_used(store: MemoryStore, tmp_path: Path) -> None:
    kept(store, tmp_path)
    other = MemoryStore()
    other.write_tracks([a_track(7, year="unusable")])
    other.write_tracks([a_track(8)])
    restored: Any = Restored(other, store.catalogue_token().identity)
    again, readings = opened(restored, tmp_path)
    assert readings == ["all"]
    assert said(again.current()) == as_read(restored)
    assert again.unusable() == {"year": 1}


OTHERWISE = {
    "another kind": Column(name="year", kind="category"),
    "another source": Column(name="year", kind="number", source="energy"),
    "another comparison": Column(name="artist", kind="category", compare="genre"),
    "another value for missing": Column(name="year", kind="number", missing=0),
    "another size": Column(name="taste", kind="vector", size=3),
    "another version": Column(name="publisher", kind="category", source=publisher, version="2", compare="exact"),
    "another function": Column(name="publisher", kind="category", source=str, version="1", compare="exact"),
    "one more": Column(name="title", kind="category"),
}


@pytest.mark.parametrize("which", OTHERWISE)
def test_a_cache_of_columns_declared_otherwise_is_not_used(which: str, store: MemoryStore, tmp_path: Path) -> None:
    kept(store, tmp_path)
    other = OTHERWISE[which]
    columns = [*(column for column in COLUMNS if column.name != other.name), other]
    assert read_by(store, tmp_path, columns) == ["all"]


@pytest.mark.parametrize("place", ["FORMAT", "unidata_version"])
def test_a_cache_of_another_format_is_not_used(
    place: str, store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(store, tmp_path)
    monkeypatch.setattr(files if place == "FORMAT" else files.unicodedata, place, 99)
    assert read_by(store, tmp_path) == ["all"]


def test_a_whole_file_that_says_something_else_is_not_used(store: MemoryStore, tmp_path: Path) -> None:
    path = kept(store, tmp_path)
    about, arrays = read_arrays(path, {})
    for spoiled in ({**about, "token": ["one"]}, {key: about[key] for key in about if key != "base"}):
        write_arrays(path, spoiled, arrays)
        assert read_by(store, tmp_path) == ["all"]
    write_arrays(path, about, {name: array for name, array in arrays.items() if name != "positions"})
    assert read_by(store, tmp_path) == ["all"]


def test_objects_are_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    monkeypatch.setattr(array_files.zlib, "crc32", lambda data, value=0: 0)
    write_arrays(path, {}, {"x": np.array([1, 2, 3], dtype=np.int64)})
    path.write_bytes(path.read_bytes().replace(b'"<i8"', b'"|O" '))
    with pytest.raises(DamagedFileError, match=r"an array of \|O"):
        read_arrays(path, {})


# Writing it


@pytest.fixture
def unwritable(tmp_path: Path) -> Path:
    """A place where nobody can make a directory."""
    (tmp_path / "file").write_text("in the way")
    return tmp_path / "file" / "cache"


def test_where_nothing_can_be_written_it_does_without(
    store: MemoryStore, unwritable: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "qfzz.catalogue")
    for _ in range(2):
        builder, readings = opened(store, unwritable)
        assert readings == ["all"]
        assert said(builder.current()) == as_read(store)
        builder.close()
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}
    assert "nothing is kept in" in caplog.text


def test_what_cannot_be_finished_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        write_arrays(tmp_path / "file", {}, {"x": np.arange(3)})
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_can_read_what_is_kept(store: MemoryStore, tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    path = kept(store, directory)
    if os.name == "posix":
        assert (directory.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)


def test_the_files_of_catalogues_that_nobody_uses_go_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "KEPT", 2)
    stores = [MemoryStore() for _ in range(3)]
    for number, store in enumerate(stores):
        store.write_tracks([a_track(number)])
    for store in stores[:2]:
        builder, _ = opened(store, tmp_path)
        derived(builder)
        builder.close()
    for path in tmp_path.glob("*.catalogue"):
        os.utime(path, (100, 100))
    assert read_by(stores[0], tmp_path) == ["changes"]  # and has been used now
    assert read_by(stores[2], tmp_path) == ["all"]
    left = {path.name for path in tmp_path.iterdir()}
    catalogues = {name.partition(".")[0] for name in left if name.endswith(".catalogue")}
    (of_the_first,) = [name for name in left if name.endswith(".derived")]
    assert len(catalogues) == 2
    assert of_the_first.partition("-")[0] in catalogues
    assert [read_by(stores[number], tmp_path) for number in (0, 2, 1)] == [["changes"], ["changes"], ["all"]]


def test_after_many_commits_it_is_kept_again_when_it_is_closed(store: MemoryStore, tmp_path: Path) -> None:
    kept(store, tmp_path)
    builder, _ = opened(store, tmp_path)
    for number in range(schedule.BEHIND):
        store.write_tracks([a_track(100 + number)])
    assert said(builder.current()) == as_read(store)
    builder.close()
    (path,) = tmp_path.glob("*.catalogue")
    assert read_arrays(path, {})[0]["token"][1] == store.catalogue_token().counter
    assert said(opened(store, tmp_path)[0].current()) == as_read(store)


def test_a_merged_base_is_kept(store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_CHANGED", "FEW_ROWS"):
        with monkeypatch.context() as patch:
            builder, _ = opened(store, tmp_path)
            patch.setattr(delta, name, 4)
            store.remove_tracks(list(builder.current().ids(np.arange(5))))
            builder.current()
            builder.close()
        (path,) = tmp_path.glob("*.catalogue")
        assert read_arrays(path, {})[0]["token"][1] == store.catalogue_token().counter
        again, readings = opened(store, tmp_path)
        assert readings == ["changes"]
        assert said(again.current()) == as_read(store)


# What is derived


class Derived:
    """Something that is derived of a segment and can be kept."""

    made = 0

    def __init__(self, numbers: Any) -> None:
        self.numbers = numbers

    @classmethod
    def make(cls, segment: Any) -> "Derived":
        Derived.made += 1
        return cls(segment.columns["energy"].numbers * 2)

    @classmethod
    def restore(cls, segment: Any, arrays: Mapping[str, Any]) -> "Derived":
        return cls(arrays["numbers"])

    def arrays(self) -> dict[str, Any]:
        return {"numbers": self.numbers}


def derived(builder: CatalogueBuilder, key: Any = "x") -> tuple[int, list[float]]:
    """How often something was made to get what is derived of the current segment, and that."""
    before = Derived.made
    found = builder.current().segment.derived(key, Derived.make, Derived.restore)
    return Derived.made - before, found.numbers.tolist()


def test_what_is_derived_is_kept_beside_the_catalogue(store: MemoryStore, tmp_path: Path) -> None:
    builder, _ = opened(store, tmp_path)
    made, numbers = derived(builder)
    assert made == 1
    builder.close()
    again = opened(store, tmp_path)[0]
    assert derived(again) == (0, numbers)
    assert derived(again, "another key")[0] == 1
    assert derived(again, ("no", "text"))[0] == 1


def test_what_was_derived_of_another_base_is_not_used(store: MemoryStore, tmp_path: Path) -> None:
    builder, _ = opened(store, tmp_path)
    derived(builder)
    builder.close()
    path = next(tmp_path.glob("*.catalogue"))
    path.unlink()
    again, readings = opened(store, tmp_path)
    assert readings == ["all"]
    assert derived(again)[0] == 1


@pytest.mark.parametrize("harm", ["damaged", "useless"])
def test_what_is_derived_is_made_again_if_what_is_kept_is_of_no_use(
    harm: str, store: MemoryStore, tmp_path: Path
) -> None:
    builder, _ = opened(store, tmp_path)
    _, numbers = derived(builder)
    builder.close()
    (path,) = tmp_path.glob("*.derived")
    if harm == "damaged":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        write_arrays(path, read_arrays(path, {})[0], {"others": np.arange(3)})
    again, _ = opened(store, tmp_path)
    assert derived(again) == (1, numbers)
    again.close()
    assert derived(opened(store, tmp_path)[0]) == (0, numbers)


def test_what_is_derived_of_a_merged_base_is_kept_with_it(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delta, "MOST_CHANGED", 2)
    builder, _ = opened(store, tmp_path)
    derived(builder)
    store.remove_tracks(["t1", "t2", "t3"])
    builder.current()
    builder.close()
    assert len(derived(builder)[1]) == 18
    again, readings = opened(store, tmp_path)
    assert readings == ["changes"]
    assert derived(again) == (0, derived(builder)[1])
