"""What authors of stores import, under its names of today and of before; and what every unit of work does."""

import importlib
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import qfzz_core.storage
from qfzz_core.contracts.stores import Store
from qfzz_core.errors import StoreError
from qfzz_core.storage import DraftedStore, Turns, UserDraft, UserUnit
from qfzz_core.storage.unit_of_work import MOST_EVENTS
from qfzz_core.testing.samples import TIME, a_feedback
from qfzz_plugins.stores.memory import MemoryStore
from qfzz_plugins.stores.sqlite import SQLiteOptions, open_sqlite


@pytest.mark.parametrize("name", qfzz_core.storage.__all__)
def test_every_name_can_be_imported_from_one_place(name: str) -> None:
    assert getattr(qfzz_core.storage, name).__module__.startswith("qfzz_core.storage.")


def test_a_name_that_does_not_exist_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="NoStore"):
        _ = qfzz_core.storage.NoStore


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("qfzz_core.drafts", ["UserDraft", "event_of", "event_row"]),
        ("qfzz_core.drafted_stores", ["DraftTransaction", "DraftedStore", "Turns", "Views"]),
        ("qfzz_core.recording.restoring", ["refuse_used", "write_record"]),
        ("qfzz_core.transfer", ["Copied", "copy_store", "profile_document", "record_from_document", "restore_user"]),
    ],
)
def test_old_names_are_the_same_objects(module: str, names: list[str]) -> None:
    old = importlib.import_module(module)
    assert [getattr(old, name) for name in names] == [getattr(qfzz_core.storage, name) for name in names]
    assert {DraftedStore, Turns, UserDraft}


def test_importing_the_package_imports_none_of_its_modules() -> None:
    code = "import sys, qfzz_core.storage; print([m for m in sys.modules if m.startswith('qfzz_core.storage.')])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_a_backend_of_users_who_are_not_whole_has_to_fetch_them() -> None:
    class Partial(UserUnit):
        def next_serial(self) -> int:
            return 1

        def place_event(self, event: object) -> tuple[int, None]:
            return 1, None

        def fetch_event(self, event_id: str) -> None:
            return None

    user = Partial("alice", qfzz_core.storage.UserRow.new("alice", 1, TIME))
    with pytest.raises(NotImplementedError):
        user.weight("genres", "jazz")
    with pytest.raises(NotImplementedError):
        user.state("trust", "artist:x")
    with pytest.raises(NotImplementedError):
        user.snapshot()


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_log_that_is_written_in_parts_is_one_transaction(kind: str, tmp_path: Path) -> None:
    store: Store = MemoryStore()
    if kind == "sqlite":
        store = open_sqlite(f"sqlite:///{tmp_path}/store.db", SQLiteOptions(synchronous="OFF"))
    count = 2 * MOST_EVENTS + 10
    with store.transaction(["alice"]) as transaction:
        user = transaction.user("alice")
        user.create(TIME)
        positions = [user.append(a_feedback(event_id=f"e{number}")) for number in range(count)]
        for number in (0, MOST_EVENTS, count - 1):
            found = user.find_event(f"e{number}")
            assert found is not None
            assert found.position == positions[number]
            with pytest.raises(StoreError):
                user.append(a_feedback(event_id=f"e{number}"))
        revision = user.revision
    assert [event.position for event in store.events("alice")] == positions == sorted(set(positions))
    assert store.revision("alice") == revision
    with suppress(ZeroDivisionError), store.transaction(["bob"]) as transaction:
        transaction.user("bob").create(TIME)
        for _ in range(count):
            transaction.user("bob").append(a_feedback())
        raise ZeroDivisionError
    assert list(store.user_ids()) == ["alice"]
    store.close()
