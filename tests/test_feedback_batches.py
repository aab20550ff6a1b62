"""A batch of feedback does exactly what the same feedbacks do one by one."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qfzz import PersonalizedDJ
from qfzz_core.errors import FeedbackError
from qfzz_core.model import events

pytest_plugins = ["support.store_urls"]

TRACKS = [
    {
        "track_id": f"t{number}",
        "title": f"Title {number}",
        "artist": ("Ärtist", "ÄRTIST", "Other", " ")[number % 4],
        "genre": ("Hip Hop", "hip_hop", "jazz", "-")[number // 2 % 4],
        "mood": ("calm", "Calm", "")[number % 3],
        "energy": 0.5,
        "tempo": "medium",
        "duration": 200,
        **({"creator_id": f"creator {number % 5}"} if number % 2 else {}),
    }
    for number in range(12)
]
TYPES = ("play", "like", "skip", "favorite", "dislike")
USERS = ("alice", "bob", "carol")
NUMBERS = count()
Event = dict[str, Any]


@pytest.fixture
def dj(store_url: str) -> Any:
    with PersonalizedDJ(store=store_url, seed=1) as dj:
        dj.add_content(TRACKS)
        yield dj


@st.composite
def feedbacks(draw: st.DrawFn) -> Event:
    event = {
        "user_id": draw(st.sampled_from(USERS)),
        "track_id": draw(st.sampled_from([*(track["track_id"] for track in TRACKS), "unknown"])),
        "interaction_type": draw(st.sampled_from(TYPES)),
        "rating": draw(st.sampled_from([None, None, 0.0, 0.7, 1])),
    }
    # An id that says what the event is: the same id is the same event, and comes again.
    return {**event, "event_id": repr(list(event.values())[1:])} if draw(st.booleans()) else event


def of(name: str, event: Event) -> Event:
    return {**event, "user_id": f"{event['user_id']} {name}"}


def timeless(event: events.Event) -> events.Event:
    interaction = event.interaction and attrs.evolve(event.interaction, timestamp="")
    return attrs.evolve(event, position=0, timestamp="", interaction=interaction)


def held(dj: PersonalizedDJ, user_id: str) -> Any:
    """Everything a store holds of a user but the times and what is the store's own."""
    record = dj.engine.store.record(user_id)
    if record is None:
        return None
    profile = attrs.evolve(record.profile, user_id="", revision=(0, 0), created_at="", updated_at="")
    order = [list(getattr(profile, field)) for field in ("genres", "artists", "moods")]
    return profile, order, list(map(timeless, record.events)), sorted(record.states)


def assert_a_batch_is_the_same(dj: PersonalizedDJ, batches: Sequence[Sequence[Event]]) -> None:
    one_by_one, at_once = (f"{name} {next(NUMBERS)}" for name in ("one by one", "at once"))
    for batch in batches:
        new = [dj.record_many([of(one_by_one, event)]) for event in batch]
        assert dj.record_many([of(at_once, event) for event in batch]) == sum(new)
    for user_id in USERS:
        assert held(dj, f"{user_id} {at_once}") == held(dj, f"{user_id} {one_by_one}")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(feedbacks(), max_size=12), max_size=3))
def test_a_batch_does_what_its_feedbacks_do_one_by_one(dj: PersonalizedDJ, batches: list[list[Event]]) -> None:
    assert_a_batch_is_the_same(dj, batches)


def test_a_batch_for_a_user_of_whom_much_is_known(dj: PersonalizedDJ) -> None:
    artists = [{**TRACKS[0], "track_id": f"a{number}", "artist": f"Artist {number}"} for number in range(40)]
    dj.add_content(artists)
    like = {"user_id": "alice", "interaction_type": "like"}
    known = [{**like, "track_id": track["track_id"]} for track in artists]
    assert_a_batch_is_the_same(dj, [known, known[:2], [known[0], known[-1], {**like, "track_id": "t5"}]])


def test_a_batch_of_thousands_knows_every_event_id(dj: PersonalizedDJ) -> None:
    play = {"user_id": "alice", "interaction_type": "play", "rating": 0.5}
    given = [{**play, "track_id": f"t{number % 12}", "event_id": f"e{number}"} for number in range(2200)]
    repeated = [given[number] for number in (0, 1, 999, 1000, 1001, 2199)]
    assert dj.record_many([*given[:1500], *repeated[:5], *given[1500:], *repeated]) == 2200
    stored = [event.event_id for event in dj.engine.store.events("alice")]
    assert stored == [None, *(event["event_id"] for event in given)]


@pytest.mark.parametrize("between", [0, 1500])
def test_a_batch_with_one_id_for_two_events_leaves_nothing(dj: PersonalizedDJ, between: int) -> None:
    event = {"user_id": "alice", "track_id": "t1", "interaction_type": "like", "event_id": "e"}
    others = [{**event, "event_id": f"e{number}"} for number in range(between)]
    with pytest.raises(FeedbackError, match="'e' was used before") as refused:
        dj.record_many([event, *others, {**event, "track_id": "t2"}])
    assert refused.value.position == between + 1
    assert dj.engine.store.record("alice") is None


LIKED = {"user_id": "alice", "track_id": "t1", "interaction_type": "like"}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("alice", "position 1: expected a mapping with user_id, track_id, interaction_type"),
        ({**LIKED, "ratng": 0.5}, 'position 1: unknown key .ratng., did you mean "rating"'),
        ({"user_id": "alice", "interaction_type": "like"}, "position 1: track_id is missing"),
        ({**LIKED, "interaction_type": "lik"}, "position 1: unknown interaction_type .lik., did you mean"),
        ({**LIKED, "interaction_type": 3}, "position 1: unknown interaction_type 3; the types are"),
        ({**LIKED, "track_id": " "}, "position 1: track_id must not be blank"),
        ({**LIKED, "user_id": 7}, "position 1: user_id must be text"),
        ({**LIKED, "event_id": "\ud800"}, "position 1: event_id holds a lone surrogate"),
        ({**LIKED, "rating": 1.5}, "position 1: rating must be"),
    ],
)
def test_a_wrong_event_of_a_batch_is_named_by_its_position_and_nothing_is_recorded(wrong: Any, named: str) -> None:
    with PersonalizedDJ(seed=1) as dj:
        with pytest.raises(FeedbackError, match=named) as refused:
            dj.record_many([LIKED, wrong])
        assert refused.value.position == 1
        assert dj.engine.store.record("alice") is None
