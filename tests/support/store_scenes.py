"""What can happen to a store over any database: it is full, or closed while others work."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from qfzz_core.contracts.stores import Store
from qfzz_core.errors import ClosedError, StoreFullError
from qfzz_core.testing.samples import TIME, a_track


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def assert_nothing_acknowledged_is_lost_when_full(store: Store, make_room: Callable[[], object]) -> None:
    """Write tracks into a store with little room and no tracks until it is full, and again when there is room."""
    acknowledged: list[str] = []

    def fill_up() -> None:
        for number in range(2000):
            store.write_tracks([a_track(f"t{number}", notes="x" * 1000)])
            acknowledged.append(f"t{number}")

    with pytest.raises(StoreFullError, match="make room"):
        fill_up()
    assert acknowledged
    assert [track["track_id"] for _, track in store.catalogue_since(None).written] == acknowledged
    make_room()
    store.write_tracks([a_track("late", notes="x" * 1000)])
    assert store.find_track("late") is not None


def assert_closing_waits_for_a_transaction(store: Store, is_closing: Callable[[], bool]) -> None:
    """Close a store while another thread is in a transaction, which ends well; afterwards the store is closed."""
    inside, outside = threading.Event(), threading.Event()

    def work() -> None:
        with store.transaction(["alice"]) as transaction:
            inside.set()
            outside.wait()
            transaction.user("alice").create(TIME)

    with ThreadPoolExecutor(2) as pool:
        working = pool.submit(work)
        inside.wait()
        closing = pool.submit(store.close)
        wait_until(is_closing)
        assert not closing.done()
        outside.set()
        working.result()
        closing.result()
    with pytest.raises(ClosedError):
        store.user_ids()
