"""The built-in stores keep the contract that every store keeps."""

from pathlib import Path

import pytest

import qfzz_core.testing
from qfzz_core.contracts.stores import Store
from qfzz_core.errors import StoreURLError
from qfzz_core.testing import StoreContract
from qfzz_core.testing.samples import a_track, some_tracks
from qfzz_plugins.stores import memory, sqlite
from qfzz_plugins.stores.memory import MemoryStore, open_memory
from qfzz_plugins.stores.memory import store as memory_store
from qfzz_plugins.stores.sqlite import SQLiteOptions, open_sqlite


class TestMemory(StoreContract):
    persists = False

    def open_store(self, tmp_path: Path) -> Store:
        return open_memory("memory:")


class TestSQLite(StoreContract):
    def open_store(self, tmp_path: Path) -> Store:
        # The tests of durability are in test_sqlite.py; here, waiting for the disk would be most of the time.
        return open_sqlite(f"sqlite:///{tmp_path}/store.db", SQLiteOptions(synchronous="OFF"))


def test_both_schemes_are_registered() -> None:
    schemes = {scheme.scheme: scheme for scheme in (*memory.qfzz_stores(), *sqlite.qfzz_stores())}
    assert schemes.keys() == {"memory", "sqlite"}
    assert schemes["memory"].Options is None
    assert schemes["sqlite"].Options is SQLiteOptions


@pytest.mark.parametrize("url", ["memory:x", "memory:///tmp/x"])
def test_memory_has_no_place(url: str) -> None:
    with pytest.raises(StoreURLError, match="write memory:"):
        open_memory(url)


def test_a_suite_that_does_not_exist_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="NoContract"):
        _ = qfzz_core.testing.NoContract


def test_a_suite_needs_its_factory(tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError):
        StoreContract().open_store(tmp_path)


def test_memory_forgets_commits_of_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_store, "KEPT_COMMITS", 10)
    store = MemoryStore()
    tokens = [store.catalogue_token()]
    for number in range(100):
        store.write_tracks([a_track(f"t{number % 7}", title=f"{number}")])
        store.remove_tracks([f"t{number % 5}"])
        tokens.append(store.catalogue_token())
    assert store.catalogue_since(tokens[-20]).complete
    assert not store.catalogue_since(tokens[-4]).complete
    store.close()


def test_reading_a_track_in_memory_copies_scalars_once() -> None:
    store = MemoryStore()
    store.write_tracks(some_tracks(1, title="the very same text object"))
    first, second = store.tracks_at([1])[0], store.tracks_at([1])[0]
    assert first is not None
    assert second is not None
    assert first is not second
    assert first["title"] is second["title"]
    store.close()
