"""Whatever is done in whatever order, every store gives the same answers, the same errors, and holds the same."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from qfzz import PersonalizedDJ
from qfzz_core import Engine
from qfzz_core.contracts.stores import Store
from qfzz_core.errors import QfzzError

pytest_plugins = ["support.store_urls"]

SEED = 7
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PREFERENCES = ("energy_level", "discovery_factor", "tempo_preference", "genres", "artists", "moods")


class ClockedDJ(PersonalizedDJ):
    """A DJ that takes the time from the test, so that every store gets the same."""

    def __init__(self, store: str | Store, clock: Callable[[], datetime]) -> None:
        self.engine = Engine(store=store, seed=SEED, clock=clock)


class Player:
    """One store, and two DJs that use it: two that opened it where it can be shared, or else two over one object."""

    def __init__(self, url: str, clock: Callable[[], datetime]) -> None:
        self.url, self.clock = url, clock
        self.djs: list[ClockedDJ] = []
        self.held: list[dict[str, Any]] = []
        self.open()

    def open(self) -> None:
        """Open the store again, or where closing it would lose everything, begin again with what it holds."""
        first = ClockedDJ(self.url, self.clock) if not self.djs or self.store.shared else self.again()
        self.djs[:] = [first]
        self.djs.append(ClockedDJ(self.url, self.clock) if self.store.shared else self.again())
        self.held[:] = [{}, {}]

    def again(self) -> ClockedDJ:
        return ClockedDJ(self.store, self.clock)

    def reopen(self) -> None:
        if self.store.shared:
            self.close()
        self.open()

    def close(self) -> None:
        for dj in self.djs:
            dj.close()

    @property
    def store(self) -> Store:
        return self.djs[0].engine.store

    def profile(self, which: int, user_id: str, *, fresh: bool) -> Any:
        """A live profile: one held since it was got first, or a fresh one."""
        if fresh or user_id not in self.held[which]:
            self.held[which][user_id] = self.djs[which].get_or_create_profile(user_id)
        return self.held[which][user_id]

    def content(self) -> Any:
        """Everything that is stored, without the numbers that are the store's own."""
        tracks = [json.dumps(track) for _, track in self.store.catalogue_since(None).written]
        return tracks, [self._user(user_id) for user_id in self.store.user_ids()]

    def _user(self, user_id: str) -> Any:
        record = self.store.record(user_id)
        assert record is not None
        events = [attrs.evolve(event, position=0) for event in record.events]
        profile = attrs.evolve(record.profile, revision=(0, 0))
        weights = [list(getattr(profile, field).items()) for field in ("genres", "artists", "moods")]
        return [repr(part) for part in (profile, weights, events, sorted(record.states, key=lambda state: state[:2]))]


def plain(answer: Any) -> Any:
    """An answer that can be compared, to the last bit and in order."""
    if hasattr(answer, "to_dict"):
        return repr(answer.to_dict())
    return repr(answer)


# ---- what may be given, good and bad ---------------------------------------------------------------------------------

names = st.sampled_from(["jazz", "Jazz", "hip hop", "blues", "Ünïcode", "nul\0nul", "𝄞"])
odd_names = names | st.sampled_from(["", "  ", "hip-hop", "lone \ud800"])
user_ids = st.sampled_from(["alice", "bob", "Ünïcode \0"])
odd_user_ids = user_ids | st.sampled_from(["", " ", "lone \ud800"])
track_ids = st.sampled_from(["t0", "t1", "t2", "t3", "t4", "t\0"])
odd_track_ids = track_ids | st.sampled_from(["", "unknown", "lone \ud800"])
weights = st.sampled_from([0, 0.0, 0.05, 0.1, 0.5, 0.95, 1, 1.0])
odd_weights = weights | st.sampled_from([-0.1, 1.5, True, float("nan"), "0.5", None])
event_ids = st.sampled_from([None, None, "e1", "e2", "nul \0", ""])
whichever = st.sampled_from([0, 0, 1])


def mostly(good: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([True] * 9 + [False]).flatmap(lambda usual: good if usual else odd)


extras = st.dictionaries(
    st.sampled_from(["year", "tags", "creator_id", "notes", "ratio"]),
    st.sampled_from(
        [1959, 1959.0, -0.0, 10**30, None, True, "nul \0", ["a", {"b": []}], {"z": 1, "a": 2}, "𝄞", 1e-320]
    ),
    max_size=3,
)


def tracks_of(ids: st.SearchStrategy[str], energies: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    documented = st.fixed_dictionaries(
        {
            "track_id": ids,
            "title": st.sampled_from(["One", "Two"]),
            "artist": st.sampled_from(["Ärtist", "artist", "nul\0"]),
            "genre": names | st.none(),
            "mood": st.sampled_from(["calm", "Calm", " ", "wild", None]),
            "energy": energies | st.none(),
            "tempo": st.sampled_from(["slow", "medium", "fast", None]),
            "duration": st.sampled_from([0, 200, None]),
        }
    )
    return st.builds(lambda fields, extra: {**fields, **extra}, documented, extras)


good_tracks = tracks_of(track_ids, st.sampled_from([0, 0.25, 0.5, 1]))
tracks = mostly(good_tracks, tracks_of(odd_track_ids, st.sampled_from([0.5, 1.5, True, "0.5"])))
feedback = st.fixed_dictionaries(
    {
        "user_id": mostly(user_ids, odd_user_ids),
        "track_id": mostly(track_ids, odd_track_ids),
        "interaction_type": mostly(
            st.sampled_from(["play", "skip", "like", "dislike", "favorite"]), st.sampled_from(["lik", "", 3])
        ),
        "rating": st.sampled_from([None, None, None, 0.0, 0.3, 0.5, 1, 2, float("nan"), True]),
        "event_id": event_ids,
        "timestamp": st.sampled_from([None, None, None, NOON, "2026-02-25T12:00:00+01:00", "2026-03-01T12:00:00"]),
    }
)
good_feedback = st.fixed_dictionaries(
    {"user_id": user_ids, "track_id": track_ids, "interaction_type": st.just("like"), "event_id": event_ids}
)
interactions = st.fixed_dictionaries(
    {"track_id": mostly(track_ids, odd_track_ids), "type": st.sampled_from(["play", "dislike", "hummed", ""])},
    optional={
        "timestamp": st.sampled_from(["2020-01-01T00:00:00", "never"]),
        "where": st.sampled_from(["bus", "nul \0"]),
    },
)
good_preferences = st.fixed_dictionaries(
    {},
    optional={
        "genres": st.dictionaries(st.sampled_from(["jazz", "hip hop", "nul\0nul"]), weights, max_size=2),
        "artists": st.dictionaries(st.sampled_from(["Ärtist", "nul\0"]), weights, max_size=2),
        "energy_level": weights,
        "discovery_factor": weights,
        "tempo_preference": st.sampled_from(["slow", "varied"]),
    },
)
odd_preferences = st.dictionaries(
    st.sampled_from([*PREFERENCES, "genre"]), st.dictionaries(odd_names, weights, max_size=2) | odd_weights, max_size=2
)
preferences = st.none() | mostly(good_preferences, odd_preferences)
fields = st.sampled_from(["genres", "artists", "moods"])

# Changes of a profile: a name, and what is done.
changes = st.one_of(
    st.tuples(st.just("set"), fields, mostly(names, odd_names), mostly(weights, odd_weights)),
    st.tuples(st.just("delete"), fields, names),
    st.tuples(st.just("clear"), fields),
    st.tuples(st.just("assign"), fields, st.dictionaries(odd_names, weights, max_size=3)),
    st.tuples(st.just("scalar"), st.sampled_from(["energy_level", "discovery_factor"]), mostly(weights, odd_weights)),
    st.tuples(st.just("scalar"), st.just("tempo_preference"), st.sampled_from(["slow", "varied", "quick"])),
    st.tuples(st.just("interaction"), interactions),
)


def change(profile: Any, what: str, *arguments: Any) -> None:
    """Do to a profile what one of `changes` says."""
    if what == "set":
        getattr(profile, arguments[0])[arguments[1]] = arguments[2]
    elif what == "delete":
        del getattr(profile, arguments[0])[arguments[1]]
    elif what == "clear":
        getattr(profile, arguments[0]).clear()
    elif what == "interaction":
        profile.add_interaction(arguments[0])
    else:
        setattr(profile, *arguments)


wheres = st.sampled_from(
    [
        None,
        {"genre": ["jazz", "hip-hop"]},
        {"energy": (0.2, None), "disliked": False},
        {"heard_within_plays": 2},
        {"heard_within_days": 1, "tempo": "slow"},
        {"no such column": 1},
    ]
)
requests = st.fixed_dictionaries(
    {},
    optional={
        "limit": st.sampled_from([None, 0, 1, 3, 3, 50, 50, -1]),
        "exclude": st.lists(track_ids, max_size=2),
        "where": wheres,
        "max_per_artist": st.sampled_from([None, 1, 2]),
        "distinct": st.booleans(),
    },
)


class AbandonedError(Exception):
    """Raised inside an edit, which then changes nothing."""


# ---- the machine -----------------------------------------------------------------------------------------------------


class Stores(RuleBasedStateMachine):
    """Does the same to every store."""

    new_urls: Callable[[], dict[str, str]]

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.players: dict[str, Player] = {}

    @initialize(given=st.just([]) | st.lists(good_tracks, min_size=3, max_size=6, unique_by=itemgetter("track_id")))
    def open(self, given: list[Any]) -> None:
        self.players = {name: Player(url, lambda: self.now) for name, url in type(self).new_urls().items()}
        assert len(self.players) >= 2
        self.same(lambda player: player.djs[0].add_content(given))

    def teardown(self) -> None:
        for player in self.players.values():
            for user_id in player.store.user_ids():
                assert player.djs[0].engine.check_log(user_id) == []
            player.close()

    def same(self, work: Callable[[Player], Any]) -> None:
        """Do something to every store: the answers are the same, or the errors are, type and words."""
        answers = {name: self._outcome(work, player) for name, player in self.players.items()}
        expected = answers["memory"]
        assert answers == dict.fromkeys(answers, expected)

    def _outcome(self, work: Callable[[Player], Any], player: Player) -> Any:
        try:
            return "answer", plain(work(player))
        except (QfzzError, KeyError, AbandonedError) as error:
            return type(error), str(error)

    @invariant()
    def every_store_holds_the_same(self) -> None:
        contents = {name: player.content() for name, player in self.players.items()}
        for content in contents.values():
            assert content == contents["memory"]

    @rule(seconds=st.sampled_from([0, 1, 86_400, -3_600]))
    def time_passes_or_is_set_back(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.players)
    @rule()
    def reopen(self) -> None:
        self.same(Player.reopen)

    # -- the catalogue

    @rule(dj=whichever, given=st.lists(tracks, max_size=4))
    def add(self, dj: int, given: list[Any]) -> None:
        self.same(lambda player: player.djs[dj].add_content(given))

    @rule(dj=whichever, gone=st.lists(odd_track_ids, max_size=3))
    def remove(self, dj: int, gone: list[str]) -> None:
        self.same(lambda player: player.djs[dj].remove_content(gone))

    @rule(dj=whichever, track_id=mostly(track_ids, odd_track_ids))
    def look_up(self, dj: int, track_id: str) -> None:
        self.same(lambda player: player.djs[dj].get_track(track_id))

    # -- feedback

    @rule(dj=whichever, given=feedback)
    def record(self, dj: int, given: dict[str, Any]) -> None:
        self.same(lambda player: player.djs[dj].record_feedback(**given))

    @rule(dj=whichever, given=st.lists(good_feedback, max_size=5), bad=st.none() | feedback)
    def record_many(self, dj: int, given: list[Any], bad: Any) -> None:
        batch = given if bad is None else [*given, bad]
        self.same(lambda player: player.djs[dj].record_many(batch))

    @rule(dj=whichever, user_id=mostly(user_ids, odd_user_ids), event_id=event_ids)
    def retract(self, dj: int, user_id: str, event_id: Any) -> None:
        self.same(lambda player: player.djs[dj].retract(user_id, event_id))

    # -- profiles

    @rule(dj=whichever, user_id=mostly(user_ids, odd_user_ids), initial=preferences)
    def get_or_create(self, dj: int, user_id: str, initial: Any) -> None:
        self.same(lambda player: player.djs[dj].get_or_create_profile(user_id, initial))

    @rule(dj=whichever, user_id=mostly(user_ids, odd_user_ids))
    def get(self, dj: int, user_id: str) -> None:
        self.same(lambda player: player.djs[dj].get_profile(user_id))

    @rule(dj=whichever, user_id=user_ids, wanted=st.lists(changes, max_size=4), fresh=st.booleans())
    def change_live(self, dj: int, user_id: str, wanted: list[Any], fresh: bool) -> None:
        self.same(lambda player: [player.profile(dj, user_id, fresh=fresh).user_id])
        for one in wanted:
            self.same(lambda player, one=one: change(player.profile(dj, user_id, fresh=False), *one))
            self.same(lambda player: player.profile(dj, user_id, fresh=False))

    @rule(dj=whichever, user_id=user_ids, wanted=st.lists(changes, max_size=3), abandoned=st.sampled_from([0, 0, 1]))
    def edit(self, dj: int, user_id: str, wanted: list[Any], abandoned: int) -> None:
        def work(player: Player) -> None:
            with player.djs[dj].edit(user_id) as draft:
                for one in wanted:
                    change(draft, *one)
                if abandoned:
                    raise AbandonedError

        self.same(work)

    @rule(dj=whichever, user_id=mostly(user_ids, odd_user_ids))
    def forget(self, dj: int, user_id: str) -> None:
        self.same(lambda player: player.djs[dj].forget(user_id))

    @rule(dj=whichever, user_id=user_ids)
    def look_at_what_is_held(self, dj: int, user_id: str) -> None:
        self.same(lambda player: player.held[dj].get(user_id))

    # -- requests

    @rule(dj=whichever, user_id=mostly(user_ids, odd_user_ids), given=preferences, request=requests)
    def recommend(self, dj: int, user_id: str, given: Any, request: dict[str, Any]) -> None:
        self.same(lambda player: player.djs[dj].recommend(user_id, given, **request))

    @rule(dj=whichever, user_id=user_ids, track_id=mostly(track_ids, odd_track_ids), given=preferences)
    def explain(self, dj: int, user_id: str, track_id: str, given: Any) -> None:
        self.same(lambda player: player.djs[dj].explain(user_id, track_id, given))

    @rule(dj=whichever, user_id=mostly(user_ids, odd_user_ids), artist=st.sampled_from(["Ärtist", "artist", "nul\0"]))
    def ask_for_trust(self, dj: int, user_id: str, artist: str) -> None:
        self.same(lambda player: player.djs[dj].get_trust_score(user_id, artist=artist))


@pytest.mark.exhaustive
def test_every_store_does_the_same_whatever_is_done(new_urls: Callable[[], dict[str, str]]) -> None:
    machine = type("StoresOfThisTest", (Stores,), {"new_urls": staticmethod(new_urls)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=45,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
