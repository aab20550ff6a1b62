"""Moving what stores hold: copies that answer as their originals do, and documents that bring a user back."""

import contextlib
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfzz_core import Engine
from qfzz_core.contracts.stores import Store, UserRecord
from qfzz_core.errors import DocumentError, ProfileError, StoreError, StoreNotEmptyError
from qfzz_core.storage.copies import Copied, copy_store, profile_document, record_from_document, restore_user
from qfzz_core.testing.samples import a_feedback, a_track, create, some_tracks
from qfzz_core.testing.stores_transactions import everything
from qfzz_plugins.stores.memory import MemoryStore
from qfzz_plugins.stores.sqlite import open_sqlite

Make = Callable[[str], Store]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes new stores, and closes them."""
    made: list[Store] = []

    def new(kind: str) -> Store:
        made.append(MemoryStore() if kind == "memory" else open_sqlite(f"sqlite:///{tmp_path}/{len(made)}.db"))
        return made[-1]

    yield new
    for store in made:
        store.close()


def fill(store: Store, users: int = 3) -> None:
    engine = Engine(store=store, seed=1)
    engine.add_content(
        [
            a_track(f"t{number}", artist=f"artist {number % 7}", genre=["jazz", "hip hop", "オ"][number % 3], nul="\0")
            for number in range(40)
        ]
    )
    for user in range(users):
        with engine.edit(f"user {user}") as draft:
            draft.genres["jazz"] = 0.5
            draft.add_interaction({"track_id": "t3", "type": "shared", "with": ["bob", 1, 2.0, None]})
        for number in range(5):
            engine.record_feedback(f"user {user}", f"t{user + number}", "like", event_id=f"e{number}")
    engine.remove_content(["t7"])


def lists(store: Store) -> list[Any]:
    engine = Engine(store=store, seed=7)
    return [
        [(each.track, each.score, each.reason) for each in engine.recommend(user, limit=12, where={"disliked": False})]
        for user in (*store.user_ids(), "somebody new", "user 0")
    ]


def held(store: Store) -> list[Any]:
    """All that a store holds but for its own serials and positions."""
    users = []
    for user_id in store.user_ids():
        record = store.record(user_id)
        assert record is not None
        events = [attrs.evolve(event, position=0) for event in record.events]
        users.append((attrs.evolve(record.profile, revision=(0, 0)), events, sorted(record.states, key=str)))
    return [users, [track for _, track in store.catalogue_since(None).written]]


# Copies


@pytest.mark.parametrize("source_kind", ["memory", "sqlite"])
@pytest.mark.parametrize("target_kind", ["memory", "sqlite"])
def test_a_copy_holds_the_same_and_gives_the_same_lists(make: Make, source_kind: str, target_kind: str) -> None:
    source, target = make(source_kind), make(target_kind)
    fill(source)
    assert copy_store(source, target) == Copied(users=3, tracks=39)
    assert held(target) == held(source)
    assert lists(target) == lists(source)
    assert Engine(store=target).check_log("user 0") == []


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_copy_of_a_new_store_serves_samples_and_one_of_an_emptied_store_does_not(make: Make, kind: str) -> None:
    new = make(kind)
    assert copy_store(make("memory"), new) == Copied()
    assert lists(new) == lists(make("memory"))
    emptied, target = make("sqlite"), make(kind)
    emptied.write_tracks([a_track()])
    emptied.remove_tracks(["t1"])
    assert copy_store(emptied, target) == Copied()
    assert lists(target) == [[], []]
    assert target.catalogue_token().counter == 1


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_copy_that_replaces_serves_samples_exactly_if_its_source_does(make: Make, kind: str) -> None:
    new, emptied, target = make("memory"), make("memory"), make(kind)
    emptied.write_tracks([a_track()])
    emptied.remove_tracks(["t1"])
    fill(target)
    open_meanwhile = Engine(store=target)
    for source, samples in ((new, True), (emptied, False), (new, True)):
        assert copy_store(source, target, replace=True).tracks == 0
        assert bool(open_meanwhile.recommend("alice")) is samples
        copy_store(source, target, replace=True)
        assert lists(target) == lists(source)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize(
    "used",
    [
        lambda store: create(store, "bob"),
        lambda store: store.write_tracks([a_track()]),
        lambda store: (store.write_tracks([a_track()]), store.remove_tracks(["t1"])),
    ],
)
def test_a_target_that_was_used_is_refused_without_replace(make: Make, kind: str, used: Any) -> None:
    source, target = make("memory"), make(kind)
    fill(source)
    used(target)
    before, token = held(target), target.catalogue_token()
    with pytest.raises(StoreNotEmptyError, match="allow their replacement"):
        copy_store(source, target)
    assert (held(target), target.catalogue_token()) == (before, token)
    copy_store(source, target, replace=True)
    assert held(target) == held(source)


def test_a_store_is_not_copied_onto_itself(make: Make, tmp_path: Path) -> None:
    store = make("sqlite")
    fill(store)
    before = everything(store)
    again = open_sqlite(store.name)
    for target in (store, again):
        with pytest.raises(StoreError, match="onto itself"):
            copy_store(store, target, replace=True)
    again.close()
    assert everything(store) == before


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ArithmeticError])
@pytest.mark.parametrize("when", ["users", "tracks"])
def test_what_stops_a_copy_leaves_the_target_as_it_was(
    make: Make, kind: str, error: type[BaseException], when: str
) -> None:
    source, target = make("sqlite"), make(kind)
    fill(source)
    create(target, "bob")
    target.write_tracks(some_tracks(3))
    before, token = held(target), target.catalogue_token()

    def stop(done: Copied) -> None:
        if getattr(done, when) > 1:
            raise error

    with pytest.raises(error):
        copy_store(source, target, replace=True, progress=stop)
    assert (held(target), target.catalogue_token()) == (before, token)
    copy_store(source, target, replace=True)
    assert held(target) == held(source)


def test_progress_counts_users_and_of_every_thousand_tracks(make: Make) -> None:
    source, target = make("memory"), make("sqlite")
    create(source, "alice", "bob")
    source.write_tracks(some_tracks(2_500))
    seen: list[Copied] = []
    copy_store(source, target, progress=seen.append)
    assert [attrs.astuple(done) for done in seen] == [(1, 0), (2, 0), (2, 1_000), (2, 2_000), (2, 2_500)]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_target_that_is_filled_while_a_copy_begins_is_refused(make: Make, kind: str) -> None:
    source, target = make("memory"), make(kind)
    fill(source)
    read = source.catalogue_since

    def read_while_another_fills_the_target(token: Any) -> Any:
        create(target, "somebody else")
        return read(token)

    source.catalogue_since = read_while_another_fills_the_target  # type: ignore[method-assign]
    with pytest.raises(StoreNotEmptyError):
        copy_store(source, target)
    assert list(target.user_ids()) == ["somebody else"]


def test_a_user_who_is_forgotten_during_the_copy_is_left_out(make: Make) -> None:
    source, target = make("memory"), make("memory")
    create(source, "alice", "bob")
    assert copy_store(source, target, progress=lambda _: source.forget("bob") and None) == Copied(users=1)
    assert list(target.user_ids()) == ["alice"]


# Documents


def document(make: Make) -> dict[str, Any]:
    store = make("sqlite")
    fill(store, users=1)
    record = store.record("user 0")
    assert record is not None
    made: dict[str, Any] = json.loads(json.dumps(profile_document(record)))
    return made


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_document_brings_the_user_back(make: Make, kind: str) -> None:
    store = make(kind)
    fill(store)
    with store.transaction(["user 1"]) as transaction:
        transaction.user("user 1").put_state("long gone", "key", {"nested": [1, 2.5, None, "\0"]})
    before = held(store)
    record = store.record("user 1")
    assert record is not None
    text = json.dumps(profile_document(record))
    store.forget("user 1")
    store.load([record_from_document(json.loads(text))])
    assert sorted(held(store)[0], key=str) == sorted(before[0], key=str)
    assert Engine(store=store).check_log("user 1") == []


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_user_is_restored_in_the_place_of_another_only_if_that_is_allowed(make: Make, kind: str) -> None:
    source, target = make("memory"), make(kind)
    fill(source)
    copy_store(source, target)
    target.forget("user 2")

    def restore(user_id: str, **options: Any) -> None:
        record = source.record(user_id)
        assert record is not None
        restore_user(target, record, **options)

    restore("user 2")
    assert held(target) == held(source)
    with target.transaction(["user 1"]) as transaction:
        transaction.user("user 1").put_weight("genres", "polka", 1.0)
    before = held(target)
    with pytest.raises(ProfileError, match="there is a user 'user 1' already"):
        restore("user 1")
    assert held(target) == before
    restore("user 1", replace=True)
    assert sorted(held(target)[0], key=str) == sorted(held(source)[0], key=str)


def test_a_document_says_what_it_is(make: Make) -> None:
    made = document(make)
    assert (made["format"], made["version"]) == ("qfzz-profile", 1)
    assert list(made) == ["format", "version", "profile", "events", "learned"]
    assert [event["kind"] for event in made["events"][:3]] == ["created", "edited", "interaction"]


RETRACTED = {
    "kind": "retracted",
    "timestamp": "2026-01-31T09:30:00+00:00",
    "interaction": None,
    "changes": [],
    "event_id": None,
    "position": 9,
    "retracts": ["none"],
}
DAMAGES: list[tuple[tuple[Any, ...], Any, str]] = [
    ((), [], "the document must be an object, got list"),
    (("format",), "playlist", "format must be \"qfzz-profile\", got 'playlist'"),
    (("version",), True, "version must be a whole number from 1"),
    (("version",), 2, "version 2 was written by a newer QFZZ"),
    (("profil",), {}, "the document: unknown field 'profil', did you mean \"profile\"?"),
    (("profile",), 3, "profile: a profile is made of a mapping"),
    (("profile", "user_id"), " ", "profile: user_id must not be blank"),
    (("profile", "genres", "jazz"), 2, r"profile: genres['jazz'] must be from 0.0 to 1.0, got 2"),
    (("profile", "created_at"), "yesterday", "profile: created_at must be an ISO-8601 timestamp"),
    (("events",), {}, "events must hold a list, got dict"),
    (("events", 0), None, "events[0] must be an object, got NoneType"),
    (
        ("events", 0, "kind"),
        "born",
        "events[0].kind must be one of created, feedback, interaction, edited, retracted, got 'born'",
    ),
    (("events", 0, "retracts"), ["e0"], "events[0]: unknown field 'retracts'"),
    (("events", 0, "kind"), "retracted", "events[0]: retracts is missing"),
    (("events", 4), RETRACTED, "events[4].retracts: no earlier interaction has the event_id 'none'"),
    (("events", 4), {**RETRACTED, "retracts": []}, "events[4].retracts must name an event_id"),
    (("events", 4), {**RETRACTED, "retracts": [5]}, "events[4].retracts must be text without lone surrogates, got 5"),
    (("events", 0, "timestamp"), "noon", "events[0]: timestamp must be an ISO-8601"),
    (("events", 0, "interaction"), {}, "events[0].interaction: the kinds feedback and interaction have one"),
    (("events", 3, "interaction"), None, "events[3].interaction: the kinds feedback and interaction have one"),
    (("events", 3, "event_id"), 5, "events[3]: event_id must be text, got 5"),
    (("events", 4, "event_id"), "e0", "events[4].event_id: 'e0' stands in events[3] already"),
    (("events", 3, "interaction", "track_id"), "", "events[3].interaction: track_id must not be blank"),
    (("events", 3, "interaction", "type"), 1, "events[3].interaction: type must be text"),
    (("events", 3, "interaction", "rating"), math.nan, "events[3].interaction: rating must be from 0.0 to 1.0"),
    (("events", 3, "interaction", "strength"), "strong", "events[3].interaction.strength must be a number from -1"),
    (("events", 3, "interaction", "taught", "genre"), 7, "events[3].interaction.taught.genre must be text"),
    (("events", 3, "interaction", "taught"), {}, "events[3].interaction.taught: genre is missing"),
    (("events", 2, "interaction", "extra", "rating"), 1, "events[2].interaction.extra must not hold 'rating'"),
    (("events", 2, "interaction", "extra", "with"), math.inf, "events[2].interaction.extra.with is inf"),
    (("events", 1, "changes"), 1, "events[1] must hold a list"),
    (("events", 1, "changes", 0, "field"), "shoes", "events[1].changes[0]: there is no field 'shoes'"),
    (("events", 1, "changes", 0, "name"), " ", "events[1].changes[0]: the name of a genre must not be blank"),
    (("events", 1, "changes", 0, "name"), None, "events[1].changes[0]: genres must map names to weights, got 0.5"),
    (("events", 1, "changes", 0, "value"), 3, "events[1].changes[0]: value must be from 0.0 to 1.0"),
    (
        ("events", 1, "changes", 0, "field"),
        "energy_level",
        "events[1].changes[0]: the name must be null: energy_level has",
    ),
    (("learned",), None, "learned must be an object, got NoneType"),
    (("learned", "trust"), [], "learned.trust must be an object, got list"),
    (("learned", "trust", "key"), None, "learned.trust.key must not be null"),
    (("learned", "\ud800"), {"key": 1}, "a name in learned must be text without lone surrogates"),
    (("learned", "trust", "key"), math.inf, "learned.trust.key is inf, which JSON cannot say"),
]


@pytest.mark.parametrize(("place", "value", "message"), DAMAGES, ids=lambda value: str(value)[:60])
def test_a_damaged_document_is_refused_with_the_place(
    make: Make, place: tuple[Any, ...], value: Any, message: str
) -> None:
    damaged: Any = document(make)
    if place:
        part = damaged
        for step in place[:-1]:
            part = part[step]
        part[place[-1]] = value
    with pytest.raises(DocumentError) as refusal:
        record_from_document(damaged if place else value)
    assert message in str(refusal.value)


@pytest.mark.parametrize("part", ["format", "version", "profile", "events", "learned"])
def test_no_part_of_a_document_may_be_missing(make: Make, part: str) -> None:
    damaged = document(make)
    del damaged[part]
    with pytest.raises(DocumentError, match=f"the document: {part} is missing"):
        record_from_document(damaged)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(value=ANYTHING, data=st.data())
def test_whatever_stands_in_a_document_the_answer_is_a_user_or_our_error(value: Any, data: st.DataObject) -> None:
    store = MemoryStore()
    fill(store, users=1)
    record = store.record("user 0")
    assert record is not None
    damaged: Any = json.loads(json.dumps(profile_document(record)))
    part, place = damaged, data.draw(st.sampled_from(list(damaged)))
    while isinstance(part[place], (dict, list)) and part[place] and data.draw(st.booleans()):
        part = part[place]
        place = data.draw(st.sampled_from(list(part) if isinstance(part, dict) else list(range(len(part)))))
    part[place] = value
    with contextlib.suppress(DocumentError):
        MemoryStore().load([record_from_document(damaged)])


def test_whole_fields_and_times_of_a_change_are_read(make: Make) -> None:
    store = make("memory")
    engine = Engine(store=store)
    profile = engine.get_or_create_profile("alice", {"genres": {"jazz": 0.5}, "tempo_preference": "slow"})
    profile.updated_at = "2100-01-01"
    del profile.genres["jazz"]
    record = store.record("alice")
    assert record is not None
    read = record_from_document(profile_document(record))
    assert read.events == [attrs.evolve(event, position=0) for event in store.events("alice")]
    assert isinstance(read, UserRecord)
    assert a_feedback() not in read.events
