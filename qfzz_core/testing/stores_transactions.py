"""What every store promises about transactions: all or nothing, and nothing lost between threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Barrier
from typing import Any

import pytest

from qfzz_core.contracts.stores import Store, UserTransaction
from qfzz_core.errors import StoreError
from qfzz_core.testing.samples import LATER, TIME, a_feedback, a_track, changing, create
from qfzz_core.testing.stores_events import append, track_ids
from qfzz_core.testing.stores_users import fill, stored

THREADS = 8
ROUNDS = 20

BEFORE_CREATION: dict[str, Callable[[UserTransaction], Any]] = {
    "updated_at": lambda user: user.updated_at,
    "revision": lambda user: user.revision,
    "snapshot": lambda user: user.snapshot(),
    "weight": lambda user: user.weight("genres", "jazz"),
    "put_weight": lambda user: user.put_weight("genres", "jazz", 0.5),
    "drop_weight": lambda user: user.drop_weight("genres", "jazz"),
    "clear_weights": lambda user: user.clear_weights("genres"),
    "put_scalar": lambda user: user.put_scalar("energy_level", 0.5),
    "append": lambda user: user.append(a_feedback()),
    "find_event": lambda user: user.find_event("e1"),
    "state": lambda user: user.state("trust", "key"),
    "put_state": lambda user: user.put_state("trust", "key", 1),
}


class TransactionsContract:
    """Several writes that happen together or not at all."""

    def test_a_transaction_sees_its_own_writes(self, store: Store, bob: str) -> None:
        """Those of a user it created too, by every way of reading."""
        fill(store, bob)
        with store.transaction(["alice", bob]) as transaction:
            transaction.user("alice").create(TIME)
            for user_id in ("alice", bob):
                user = transaction.user(user_id)
                change_everything(user)
                seen = transaction.user(user_id).snapshot()
                assert transaction.user(user_id).exists
                assert (dict(seen.genres), seen.energy_level, seen.updated_at) == ({"techno": 0.1}, 0.1, LATER)
                assert (seen.updated_at, seen.revision) == (user.updated_at, user.revision)
                assert (user.weight("genres", "Techno"), user.weight("genres", "jazz")) == (("techno", 0.1), None)
                assert (user.state("trust", "artist:x"), user.state("trust", "artist:z")) == ([5, 5], None)
                found = user.find_event("new")
                assert found is not None
                assert found.interaction == a_feedback("t2").interaction
                user.drop_weight("genres", "techno")
                user.put_state("trust", "artist:x", None)
                assert (user.weight("genres", "techno"), user.state("trust", "artist:x")) == (None, None)
                assert dict(user.snapshot().genres) == {}
                user.put_weight("genres", "Techno", 0.2)
                assert user.weight("genres", "techno") == ("Techno", 0.2)
            last = [transaction.user(user_id).snapshot() for user_id in ("alice", bob)]
        assert [stored(store), stored(store, bob)] == last
        assert track_ids(store) == ["t2", "t3"]

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, GeneratorExit])
    def test_an_exception_leaves_nothing(self, store: Store, alice: str, error: type[BaseException]) -> None:
        """Whatever it is, of anything that was written."""
        fill(store, alice)
        with refused(store, error):
            _change_and_raise(store, error)
        append(store, alice, a_feedback(event_id="new"))
        assert track_ids(store) == ["t1", "t1"]

    def test_after_a_refusal_the_next_transaction_works(self, store: Store) -> None:
        """The lock is free again."""
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                _change_and_raise(store, ZeroDivisionError, users=())
        assert list(store.user_ids()) == []
        create(store, "alice")
        assert list(store.user_ids()) == ["alice"]

    def test_several_users_change_together(self, store: Store, alice: str) -> None:
        """Named in any order, one of them twice, some not touched."""
        with store.transaction(["carol", alice, "bob", alice]) as transaction:
            transaction.user("bob").create(TIME)
            for user_id in (alice, "bob"):
                transaction.user(user_id).put_weight("genres", user_id, 0.5)
        assert list(store.user_ids()) == [alice, "bob"]
        assert [dict(stored(store, user_id).genres) for user_id in (alice, "bob")] == [{alice: 0.5}, {"bob": 0.5}]

    @pytest.mark.parametrize("users", [["alice"], []], ids=["of a user", "of nobody"])
    def test_a_transaction_reads_tracks(self, store: Store, users: list[str]) -> None:
        """As they are now; without users, nobody is locked."""
        store.write_tracks([a_track()])
        with store.transaction(users) as transaction:
            assert transaction.track("t1") == a_track()
            assert transaction.track("t2") is None
            assert transaction.track("\ud800") is None

    def test_only_users_named_at_the_beginning_can_be_changed(self, store: Store, alice: str, bob: str) -> None:
        """Anybody else is a KeyError."""
        with store.transaction([alice]) as transaction, pytest.raises(KeyError):
            transaction.user(bob)

    @pytest.mark.parametrize("what", BEFORE_CREATION)
    def test_a_user_must_be_created_first(self, store: Store, what: str) -> None:
        """Everything but `exists` and `create` is a `StoreError` before."""
        with changing(store) as user:
            with pytest.raises(StoreError):
                BEFORE_CREATION[what](user)
            assert not user.exists
        assert store.snapshot("alice") is None

    def test_a_user_is_created_once(self, store: Store, alice: str) -> None:
        """A second time is a `StoreError`."""
        with pytest.raises(StoreError):
            create(store, alice)

    @pytest.mark.parametrize("what", BEFORE_CREATION)
    def test_nothing_can_be_done_after_the_end(self, store: Store, alice: str, what: str) -> None:
        """Whoever kept the transaction's user gets a `StoreError`."""
        with changing(store, alice) as user:
            pass
        with refused(store, StoreError):
            BEFORE_CREATION[what](user)

    def test_nobody_is_created_after_the_end(self, store: Store) -> None:
        """That is a `StoreError` too, whether the transaction was left normally or not."""
        with changing(store) as user:
            kept = [user]
        with suppress(ZeroDivisionError), store.transaction(["bob"]) as transaction:
            kept.append(transaction.user("bob"))
            raise ZeroDivisionError
        for user in kept:
            with pytest.raises(StoreError):
                user.create(TIME)
        assert list(store.user_ids()) == []

    def test_a_thread_has_one_transaction_at_a_time(self, store: Store) -> None:
        """A second one inside it is a `StoreError`, and the first goes on."""
        with changing(store) as user:
            user.create(TIME)
            with pytest.raises(StoreError):
                create(store, "bob")
            with pytest.raises(StoreError):
                store.forget("alice")
        assert store.snapshot("alice") is not None

    # -- threads

    def test_others_see_a_transaction_when_it_is_over(self, store: Store, alice: str) -> None:
        """Not before, and they can read meanwhile."""
        with _one_thread() as elsewhere:
            with changing(store, alice) as user:
                change_everything(user)
                assert dict(elsewhere(lambda: stored(store)).genres) == {}
                assert elsewhere(lambda: track_ids(store)) == []
                assert elsewhere(lambda: dict(store.states(alice, "trust"))) == {}
            assert dict(elsewhere(lambda: stored(store)).genres) == {"techno": 0.1}

    def test_threads_lose_none_of_each_others_changes(self, store: Store, alice: str) -> None:
        """Eight threads that raise one weight, add events and learn."""

        def work(thread: int) -> None:
            for number in range(ROUNDS):
                raise_weight(store, f"{thread}-{number}")

        in_threads(work)
        assert dict(stored(store).genres) == {"jazz": THREADS * ROUNDS / 1024}
        assert dict(store.states(alice, "count")) == {"all": THREADS * ROUNDS}
        positions = [event.position for event in store.events(alice)]
        assert len(positions) == THREADS * ROUNDS
        assert positions == sorted(set(positions))

    def test_threads_create_one_user(self, store: Store) -> None:
        """Whoever comes first."""

        def work(_: int) -> bool:
            with changing(store) as user:
                if user.exists:
                    return False
                user.create(TIME)
                return True

        assert sorted(in_threads(work)) == [False] * (THREADS - 1) + [True]
        assert list(store.user_ids()) == ["alice"]

    def test_threads_write_tracks(self, store: Store) -> None:
        """Every one gets a position of its own, and every call is a commit."""
        in_threads(lambda thread: [store.write_tracks([a_track(f"{thread}-{n}"), a_track("both")]) for n in range(5)])
        changes = store.catalogue_since(None)
        positions = [position for position, _ in changes.written]
        assert len(positions) == len(set(positions)) == THREADS * 5 + 1
        assert changes.token.counter == THREADS * 5

    def test_threads_read_while_one_writes(self, store: Store, alice: str) -> None:
        """Each of them one state or the other, never half of one."""

        def work(thread: int) -> None:
            for number in range(ROUNDS):
                if thread == 0:
                    with changing(store, alice) as user:
                        for field in ("genres", "artists"):
                            user.put_weight(field, "x", number / ROUNDS)
                else:
                    snapshot = stored(store)
                    assert snapshot.genres == snapshot.artists

        in_threads(work)


def _change_and_raise(store: Store, error: type[BaseException], users: Sequence[str] = ("alice",)) -> None:
    with store.transaction([*users, "bob"]) as transaction:
        transaction.user("bob").create(TIME)
        for user_id in (*users, "bob"):
            change_everything(transaction.user(user_id))
        raise error


def change_everything(user: UserTransaction) -> None:
    """Write something of every kind."""
    user.clear_weights("genres")
    user.put_weight("genres", "techno", 0.1)
    user.put_scalar("energy_level", 0.1)
    user.put_scalar("updated_at", LATER)
    user.put_state("trust", "artist:x", [5, 5])
    user.put_state("trust", "artist:y", [5, 5])
    user.append(a_feedback("t2", event_id="new"))
    user.append(a_feedback("t3"))


def everything(store: Store) -> list[Any]:
    """Return all that is known of all users."""
    return [
        (store.snapshot(user_id), list(store.events(user_id)), dict(store.states(user_id, "trust")))
        for user_id in store.user_ids()
    ]


@contextmanager
def refused(store: Store, error: type[BaseException], match: str | None = None) -> Iterator[None]:
    """Expect an error that leaves all users and tracks as they were, under the same token."""
    before = everything(store), list(store.catalogue_since(None).written), store.catalogue_token()
    with pytest.raises(error, match=match):
        yield
    assert (everything(store), list(store.catalogue_since(None).written), store.catalogue_token()) == before


def raise_weight(store: Store, event_id: str) -> None:
    """Raise alice's weight of jazz by 1/1024, as a feedback would."""
    with changing(store) as user:
        known = user.weight("genres", "jazz")
        user.put_weight("genres", "jazz", (known[1] if known else 0.0) + 1 / 1024)
        user.put_state("count", "all", (user.state("count", "all") or 0) + 1)
        user.append(a_feedback(event_id=event_id))


def in_threads(work: Callable[[int], Any]) -> list[Any]:
    """Run `work` in eight threads that begin together, and return what it returned."""
    barrier = Barrier(THREADS)

    def begin(thread: int) -> Any:
        barrier.wait()
        return work(thread)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


@contextmanager
def _one_thread() -> Iterator[Callable[[Callable[[], Any]], Any]]:
    with ThreadPoolExecutor(1) as pool:
        yield lambda work: pool.submit(work).result()
