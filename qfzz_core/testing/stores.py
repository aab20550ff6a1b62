"""The contract of a store as a test suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from qfzz_core.contracts.stores import Store
from qfzz_core.errors import ClosedError
from qfzz_core.storage.latest import latest_rows
from qfzz_core.testing.samples import a_feedback, a_track, create, some_tracks
from qfzz_core.testing.stores_ahead import ReadingAheadContract
from qfzz_core.testing.stores_catalogue import CatalogueContract
from qfzz_core.testing.stores_changes import ChangesContract
from qfzz_core.testing.stores_events import EventsContract, append, track_ids
from qfzz_core.testing.stores_latest import LatestContract
from qfzz_core.testing.stores_records import RecordsContract, ReplacingContract
from qfzz_core.testing.stores_transactions import TransactionsContract, everything
from qfzz_core.testing.stores_users import UsersContract, fill

CALLS: dict[str, Callable[[Store], Any]] = {
    "write_tracks": lambda store: store.write_tracks([a_track()]),
    "remove_tracks": lambda store: store.remove_tracks(["t1"]),
    "catalogue_token": lambda store: store.catalogue_token(),
    "catalogue_since": lambda store: store.catalogue_since(None),
    "tracks_at": lambda store: store.tracks_at([1]),
    "find_track": lambda store: store.find_track("t1"),
    "user_ids": lambda store: store.user_ids(),
    "revision": lambda store: store.revision("alice"),
    "snapshot": lambda store: store.snapshot("alice"),
    "events": lambda store: store.events("alice"),
    "states": lambda store: store.states("alice", "trust"),
    "transaction": lambda store: store.transaction(["alice"]),
    "record": lambda store: store.record("alice"),
    "load": lambda store: store.load([]),
    "check": lambda store: store.check(),
    "latest_interactions": lambda store: latest_rows(store, "alice", ["like"]),
    "forget": lambda store: store.forget("alice"),
}


class StoreContract(
    CatalogueContract,
    ChangesContract,
    UsersContract,
    EventsContract,
    LatestContract,
    TransactionsContract,
    ReadingAheadContract,
    RecordsContract,
    ReplacingContract,
):
    """Everything that `qfzz_core.contracts.stores.Store` promises, as tests.

    Subclass it and define `open_store`. Set `persists = False` for a store whose data goes with the object.
    """

    persists = True

    def open_store(self, tmp_path: Path) -> Store:
        """Open the store that belongs to a directory: a new one the first time, the same one after it was closed."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        """A new store."""
        with closing(self.open_store(tmp_path)) as store:
            yield store

    @pytest.fixture
    def other_store(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
        """Another new store."""
        with closing(self.open_store(tmp_path_factory.mktemp("other"))) as store:
            yield store

    @pytest.fixture
    def alice(self, store: Store) -> str:
        """The id of a user who has just been created."""
        create(store, "alice")
        return "alice"

    @pytest.fixture
    def bob(self, store: Store) -> str:
        """The id of another one; of a test that takes both, the first argument is created first."""
        create(store, "bob")
        return "bob"

    def test_it_is_a_store(self, store: Store) -> None:
        """It has every method, a name to show, and says whether it is shared."""
        assert isinstance(store, Store)
        assert store.name
        assert isinstance(store.shared, bool)

    def test_what_was_stored_is_there_when_it_is_opened_again(self, tmp_path: Path) -> None:
        """Tracks at their positions under the same token, and users with everything, in their order."""
        if not self.persists:
            pytest.skip("this store says that its data goes with the object")
        store = self.open_store(tmp_path)
        store.write_tracks(some_tracks(10))
        store.remove_tracks(["t3", "t9"])
        create(store, "zoe", "alice")
        fill(store, "alice", "zoe")
        token, tracks, users = store.catalogue_token(), list(store.catalogue_since(None).written), everything(store)
        store.close()
        with closing(self.open_store(tmp_path)) as again:
            assert again.catalogue_token() == token
            assert list(again.catalogue_since(None).written) == tracks
            assert everything(again) == users
            assert not again.catalogue_since(token).complete
            again.write_tracks([a_track("t9")])
            assert list(again.catalogue_since(None).written)[-1][0] > max(position for position, _ in tracks) + 1
            append(again, "alice", a_feedback("late"))
            assert track_ids(again)[-1] == "late"

    @pytest.mark.parametrize("call", CALLS)
    @pytest.mark.usefixtures("alice")
    def test_a_closed_store_refuses_everything(self, store: Store, call: str) -> None:
        """By a `ClosedError`, at the call itself."""
        store.close()
        with pytest.raises(ClosedError):
            CALLS[call](store)

    @pytest.mark.usefixtures("alice")
    def test_it_can_be_closed_twice(self, store: Store) -> None:
        """And by another thread than those that used it."""
        store.close()
        store.close()
