"""What every store promises about users: profiles, their order, learned state, and forgetting."""

from __future__ import annotations

from typing import Any

import pytest

from qfzz_core.contracts.stores import Store
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.testing.samples import LATER, TIME, a_feedback, changing, create

USER_IDS = ["alice", "Alice", "alice ", "al\0ice", "al", "\u00c4", "A\u0308", "🎧", "'; --", "x" * 5000]
PLAIN = [0, 0.0, "", "a\0b ä🎵", [1, 1.0, [True, None]], {"z": {"y": [0.1 + 0.2]}, "a": 2**70}, False]


class UsersContract:
    """Profiles and learned state."""

    def test_an_unknown_user_has_nothing(self, store: Store) -> None:
        """Reading never creates one."""
        _assert_unknown(store, "alice")
        with changing(store) as user:
            assert not user.exists
        assert list(store.user_ids()) == []

    def test_text_that_no_store_can_hold_is_not_there(self, store: Store, alice: str) -> None:
        """Whoever looks for a lone surrogate finds nothing, as with any other text."""
        text = "\ud800"
        fill(store, alice)
        _assert_unknown(store, text)
        assert dict(store.states(alice, text)) == {}
        with store.transaction([alice, text]) as transaction:
            user = transaction.user(alice)
            assert not transaction.user(text).exists
            assert [user.weight(field, text) for field in WEIGHT_FIELDS] == [None] * 3
            assert (user.state(text, "artist:x"), user.state("trust", text)) == (None, None)
            assert user.find_event(text) is None
            user.drop_weight("genres", text)
        assert list(store.user_ids()) == [alice]

    def test_a_new_user_has_default_preferences(self, store: Store, alice: str) -> None:
        """Those of the documented profile."""
        snapshot = stored(store)
        expected = ProfileSnapshot(user_id=alice, created_at=TIME, updated_at=TIME, revision=snapshot.revision)
        assert snapshot == expected
        assert snapshot.revision != (0, 0)
        assert store.revision(alice) == snapshot.revision

    def test_users_are_listed_in_the_order_of_creation(self, store: Store) -> None:
        """One who was forgotten and comes again is the last."""
        names = [f"user {number}" for number in range(500)]
        create(store, *reversed(names))
        create(store, "alice")
        assert list(store.user_ids()) == [*reversed(names), "alice"]
        store.forget("user 7")
        create(store, "user 7")
        assert list(store.user_ids())[-2:] == ["alice", "user 7"]

    def test_user_ids_compare_exactly(self, store: Store) -> None:
        """By case, white space, composition and NUL characters."""
        create(store, *USER_IDS)
        assert list(store.user_ids()) == USER_IDS
        for user_id in USER_IDS:
            assert stored(store, user_id).user_id == user_id

    # -- weights

    @pytest.mark.parametrize("field", WEIGHT_FIELDS)
    def test_weights_keep_the_order_of_insertion(self, store: Store, alice: str, field: str) -> None:
        """A new weight of a known name stays in its place; one that was dropped comes back last."""
        with changing(store, alice) as user:
            for name in ("zydeco", "ambient", "metal"):
                user.put_weight(field, name, 0.5)
            user.put_weight(field, "ambient", 0.25)
            assert list(weights(user.snapshot(), field).items()) == [("zydeco", 0.5), ("ambient", 0.25), ("metal", 0.5)]
            user.drop_weight(field, "zydeco")
            user.put_weight(field, "zydeco", 1.0)
        kept = [("ambient", 0.25), ("metal", 0.5), ("zydeco", 1.0)]
        assert list(weights(stored(store), field).items()) == kept
        others = [other for other in WEIGHT_FIELDS if other != field]
        assert [dict(weights(stored(store), other)) for other in others] == [{}, {}]

    def test_a_snapshot_in_a_transaction_is_what_is_stored_afterwards(self, store: Store, alice: str) -> None:
        """Of weights that were dropped, put again, cleared and added, in their order."""
        with changing(store, alice) as user:
            for field in WEIGHT_FIELDS:
                for name in ("zydeco", "ambient", "metal"):
                    user.put_weight(field, name, 0.5)
        with changing(store, alice) as user:
            user.drop_weight("genres", "zydeco")
            user.put_weight("genres", "Zydeco", 0.75)
            user.put_weight("genres", "METAL", 0.25)
            user.clear_weights("artists")
            user.put_weight("artists", "metal", 1.0)
            user.put_weight("moods", "calm", 0.125)
            user.clear_weights("moods")
            seen = user.snapshot()
        found = [list(weights(seen, field).items()) for field in WEIGHT_FIELDS]
        assert found == [[("ambient", 0.5), ("metal", 0.25), ("Zydeco", 0.75)], [("metal", 1.0)], []]
        assert [list(weights(stored(store), field).items()) for field in WEIGHT_FIELDS] == found
        assert stored(store).revision == seen.revision

    def test_names_compare_by_normal_form_and_keep_their_spelling(self, store: Store, alice: str) -> None:
        """For genres, space, underscore and hyphen are one character; for the others they are not."""
        with changing(store, alice) as user:
            for field in ("genres", "artists"):
                user.put_weight(field, "Hip-Hop", 0.1)
                user.put_weight(field, "hip hop", 0.2)
                user.put_weight(field, "HIP-HOP ", 0.3)
            assert user.weight("genres", "hip_hop") == ("Hip-Hop", 0.3)
            assert user.weight("artists", "hip_hop") is None
            user.put_weight("moods", "STRASSE", 0.4)
            user.put_weight("moods", "straße", 0.5)
            user.drop_weight("genres", "HIP HOP")
        snapshot = stored(store)
        assert dict(snapshot.genres) == {}
        assert dict(snapshot.artists) == {"Hip-Hop": 0.3, "hip hop": 0.2}
        assert dict(snapshot.moods) == {"STRASSE": 0.5}

    def test_weights_are_exact(self, store: Store, alice: str) -> None:
        """To the last bit, for any name."""
        exact = {"sum": 0.1 + 0.2, "tiny": 5e-324, "nothing": 0.0, "whole": 1.0, "nul\0nul": 0.3, "Sigur Rós 🎵": 1 / 3}
        with changing(store, alice) as user:
            for name, weight in exact.items():
                user.put_weight("artists", name, weight)
        assert list(stored(store).artists.items()) == list(exact.items())

    def test_a_field_is_cleared_alone(self, store: Store, alice: str, bob: str) -> None:
        """And dropping what is not there does nothing."""
        with store.transaction([alice, bob]) as transaction:
            for user_id in (alice, bob):
                transaction.user(user_id).put_weight("genres", "jazz", 0.5)
                transaction.user(user_id).put_weight("moods", "calm", 0.5)
            transaction.user(alice).clear_weights("genres")
            transaction.user(alice).clear_weights("genres")
            transaction.user(alice).drop_weight("artists", "nobody")
        assert (dict(stored(store).genres), dict(stored(store).moods)) == ({}, {"calm": 0.5})
        assert dict(stored(store, bob).genres) == {"jazz": 0.5}

    def test_many_weights_are_kept(self, store: Store, alice: str) -> None:
        """More than a query takes parameters."""
        with changing(store, alice) as user:
            for number in range(3000):
                user.put_weight("artists", f"artist {number}", number / 3000)
        assert list(stored(store).artists) == [f"artist {number}" for number in range(3000)]

    # -- scalars and revision

    def test_scalars_are_kept(self, store: Store, alice: str) -> None:
        """And `created_at` stays."""
        values = {"energy_level": 1 / 3, "tempo_preference": "varied", "discovery_factor": 0.0, "updated_at": LATER}
        with changing(store, alice) as user:
            for field, value in values.items():
                user.put_scalar(field, value)
            assert user.updated_at == LATER
        snapshot = stored(store)
        assert {field: getattr(snapshot, field) for field in values} == values
        assert snapshot.created_at == TIME

    def test_the_revision_moves_with_every_event(self, store: Store, alice: str, bob: str) -> None:
        """Within one transaction too, so that no two states share one; the serial stays."""
        seen = [store.revision(alice)]
        bobs = store.revision(bob)
        with store.transaction([alice, bob]) as transaction:
            for _ in range(3):
                user = transaction.user(alice)
                user.append(a_feedback())
                seen.append(user.revision)
                assert user.snapshot().revision == user.revision
        assert store.revision(alice) == stored(store).revision == seen[-1]
        numbers = [revision[1] for revision in seen if revision is not None]
        assert len(numbers) == len(set(numbers))
        assert len({revision[0] for revision in seen if revision is not None}) == 1
        assert store.revision(bob) == bobs

    def test_reading_moves_no_revision(self, store: Store, alice: str) -> None:
        """Nor does a transaction that writes nothing."""
        before = store.revision(alice)
        with changing(store, alice) as user:
            user.snapshot()
            user.weight("genres", "jazz")
            user.state("trust", "key")
            user.find_event("e1")
        assert store.revision(alice) == before

    # -- learned state

    def test_states_are_kept_by_user_learner_and_key(self, store: Store, alice: str, bob: str) -> None:
        """Replaced by a new state, removed by None."""
        with store.transaction([alice, bob]) as transaction:
            user = transaction.user(alice)
            user.put_state("trust", "a", [1, 2])
            user.put_state("trust", "b\0", [3])
            user.put_state("taste", "a", "other")
            transaction.user(bob).put_state("trust", "a", [9])
            user.put_state("trust", "a", [1, 5])
            assert user.state("trust", "a") == [1, 5]
            assert user.state("trust", "c") is None
            user.put_state("trust", "c", None)
        assert dict(store.states(alice, "trust")) == {"a": [1, 5], "b\0": [3]}
        assert dict(store.states(alice, "taste")) == {"a": "other"}
        with changing(store, alice) as user:
            user.put_state("trust", "a", None)
            assert user.state("trust", "a") is None
        assert dict(store.states(alice, "trust")) == {"b\0": [3]}
        assert dict(store.states(bob, "trust")) == {"a": [9]}

    @pytest.mark.parametrize("state", PLAIN, ids=repr)
    def test_a_state_is_any_plain_data(self, store: Store, alice: str, state: Any) -> None:
        """And belongs to whoever reads it."""
        with changing(store, alice) as user:
            user.put_state("learner", "key", state)
        for _ in range(2):
            with changing(store, alice) as user:
                found = [user.state("learner", "key"), store.states(alice, "learner")["key"]]
            assert [repr(one) for one in found] == [repr(state)] * 2
            for one in found:
                if isinstance(one, (list, dict)):
                    one.clear()

    # -- forgetting

    def test_nothing_of_a_forgotten_user_is_left(self, store: Store, alice: str, bob: str) -> None:
        """The others keep everything, and a user created later begins again under another revision."""
        fill(store, alice, bob)
        before, bobs = stored(store), stored(store, bob)
        last = max(event.position for event in store.events(bob))
        assert store.forget(alice) is True
        _assert_unknown(store, alice)
        create(store, alice)
        again = stored(store)
        assert again == ProfileSnapshot(user_id=alice, created_at=TIME, updated_at=TIME, revision=again.revision)
        assert again.revision[0] != before.revision[0]
        assert dict(store.states(alice, "trust")) == {}
        fill(store, alice)
        assert all(event.position > last for event in store.events(alice))
        assert stored(store, bob) == bobs
        assert len(list(store.events(bob))) == 1

    def test_a_forgotten_user_is_unknown(self, store: Store, alice: str) -> None:
        """By every way of reading."""
        store.forget(alice)
        _assert_unknown(store, alice)


def _assert_unknown(store: Store, user_id: str) -> None:
    assert (store.revision(user_id), store.snapshot(user_id), store.record(user_id)) == (None, None, None)
    assert (list(store.events(user_id)), dict(store.states(user_id, "trust"))) == ([], {})
    assert user_id not in list(store.user_ids())
    assert store.forget(user_id) is False


def stored(store: Store, user_id: str = "alice") -> ProfileSnapshot:
    """Return the profile of a user who exists."""
    snapshot = store.snapshot(user_id)
    assert snapshot is not None
    return snapshot


def weights(snapshot: ProfileSnapshot, field: str) -> dict[str, float]:
    """Return one field of a snapshot as a dict."""
    return dict(getattr(snapshot, field))


def fill(store: Store, *user_ids: str) -> None:
    """Give users something of everything, once."""
    for user_id in user_ids:
        with changing(store, user_id) as user:
            user.put_weight("genres", "jazz", 0.5)
            user.put_state("trust", "artist:x", [1, 0])
            user.put_scalar("energy_level", 0.9)
            user.append(a_feedback(event_id="the same id"))
