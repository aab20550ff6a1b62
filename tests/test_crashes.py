"""Processes killed in the middle, full disks, missing rights, locks and damage: what was acknowledged is stored."""

import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from support.processes import FORKING, exit_code, forked, unprivileged
from support.store_urls import assert_the_log_says_what_is_stored, patient

from qfzz import PersonalizedDJ
from qfzz_core import Config
from qfzz_core.errors import (
    StoreCorruptError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreUnavailableError,
)

pytest_plugins = ["support.store_urls", "support.processes"]
pytestmark = FORKING

KILLS = 50
USERS = [f"listener {number}" for number in range(3)]
TRACKS = [
    {
        "track_id": f"t{number}",
        "title": f"Title {number}",
        "artist": f"Artist {number % 7}",
        "genre": f"genre {number % 5}",
        "mood": f"mood {number % 3}",
        "energy": 0.5,
        "tempo": "medium",
        "duration": 200,
    }
    for number in range(30)
]


# ---- kill -9 ---------------------------------------------------------------------------------------------------------


def event_of(life: int, number: int) -> dict[str, Any]:
    """The feedback that a process of this life gives as its such and such."""
    return {
        "user_id": USERS[number % len(USERS)],
        "track_id": f"t{(life + number) % len(TRACKS)}",
        "interaction_type": ("like", "skip", "play", "dislike", "favorite")[number % 5],
        "event_id": f"{life}-{number}",
    }


def batches_of(life: int) -> Iterator[list[int]]:
    """The numbers of the feedbacks of a life: some alone, some together, without end."""
    numbers = count()
    for turn in count():
        yield [next(numbers) for _ in range(5 if turn % 4 == 3 else 1)]


def live(url: str, life: int, acknowledge: int) -> None:
    """Record feedback until killed, and write what was acknowledged, one line for each call that returned."""
    dj = PersonalizedDJ(config=patient(url))
    for turn, numbers in enumerate(batches_of(life)):
        if len(numbers) == 1:
            dj.record_feedback(**event_of(life, numbers[0]))
        else:
            dj.record_many(event_of(life, number) for number in numbers)
        os.write(acknowledge, f"{json.dumps(numbers)}\n".encode())
        if turn % 6 == 5:
            dj.get_or_create_profile(USERS[0]).genres[f"of life {life}"] = turn % 11 / 10


def killed_life(url: str, life: int, seconds: float) -> list[list[int]]:
    """Let a process work, kill it after a moment, and return what it acknowledged."""
    reading, writing = os.pipe()
    child = forked(partial(live, url, life, writing))
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        first = answers.readline()
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        lines = [first, *answers.readlines()]
    assert exit_code(child) == -signal.SIGKILL
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def wait_for_the_server(dj: PersonalizedDJ) -> None:
    """Wait for what a server still does for a client that was killed: it may be at a commit, with its users locked."""
    with dj.engine.store.transaction(USERS):
        pass


def recorded(dj: PersonalizedDJ) -> Counter[str]:
    """How often each event of each user is in the log."""
    known = set(dj.engine.store.user_ids())
    logs = [dj.engine.store.events(user_id) for user_id in USERS if user_id in known]
    return Counter(event.event_id for log in logs for event in log if event.kind == "feedback")


def calls_until(life: int, last: int) -> list[list[int]]:
    calls = []
    for numbers in batches_of(life):
        calls.append(numbers)
        if numbers[-1] >= last:
            return calls
    raise AssertionError


def nothing_was_lost(dj: PersonalizedDJ, life: int, acknowledged: list[list[int]]) -> None:
    """Whole calls are stored: those that were acknowledged, and at most the one that nobody could acknowledge."""
    stored = {event_id for event_id in recorded(dj) if event_id.startswith(f"{life}-")}
    last = acknowledged[-1][-1]
    *_, pending = calls_until(life, last + 1)
    sure = {f"{life}-{number}" for number in range(last + 1)}
    assert stored in (sure, sure | {f"{life}-{number}" for number in pending})


def retry(dj: PersonalizedDJ, life: int, last: int) -> None:
    """Give the last calls of a life again, as a program does that does not know what became of them."""
    for numbers in calls_until(life, last + 1)[-4:]:
        dj.record_many(event_of(life, number) for number in numbers)


@pytest.mark.exhaustive
def test_fifty_kills_lose_nothing_that_was_acknowledged_and_apply_nothing_twice(shared_url: str) -> None:
    chance = random.Random(1)
    with PersonalizedDJ(config=patient(shared_url)) as dj:
        dj.add_content(TRACKS)
    expected: Counter[str] = Counter()
    for life in range(KILLS):
        acknowledged = killed_life(shared_url, life, chance.uniform(0.0, 0.02))
        with PersonalizedDJ(config=patient(shared_url)) as dj:
            wait_for_the_server(dj)
            nothing_was_lost(dj, life, acknowledged)
            retry(dj, life, acknowledged[-1][-1])
            expected.update(f"{life}-{n}" for numbers in calls_until(life, acknowledged[-1][-1] + 1) for n in numbers)
            assert dj.engine.store.check() == []
    assert set(expected.values()) == {1}
    with PersonalizedDJ(config=patient(shared_url)) as dj:
        assert recorded(dj) == expected
        for user_id in USERS:
            assert_the_log_says_what_is_stored(dj, user_id)
            assert dj.engine.rebuild(user_id) == []


def test_a_process_killed_while_it_adds_tracks_leaves_all_or_none_of_a_call(shared_url: str) -> None:
    with PersonalizedDJ(config=patient(shared_url)) as dj:
        dj.add_content(TRACKS)

    def work(life: int, acknowledge: int) -> None:
        own = PersonalizedDJ(config=patient(shared_url))
        for number in count():
            own.add_content([{**track, "track_id": f"{life}-{number} {track['track_id']}"} for track in TRACKS])
            os.write(acknowledge, b".")

    for life in range(5):
        reading, writing = os.pipe()
        child = forked(partial(work, life, writing))
        os.close(writing)
        with os.fdopen(reading, "rb") as answers:
            acknowledged = answers.read(2)
            os.kill(child, signal.SIGKILL)
            acknowledged += answers.read()
        assert exit_code(child) == -signal.SIGKILL
        with PersonalizedDJ(config=patient(shared_url)) as dj:
            found = [track["track_id"] for track in dj.recommend("alice", {"discovery_factor": 0.0})]
            calls = Counter(track_id.partition(" ")[0] for track_id in found if track_id.startswith(f"{life}-"))
            assert set(calls.values()) == {len(TRACKS)}
            assert len(acknowledged) <= len(calls) <= len(acknowledged) + 1
            assert dj.engine.store.check() == []


# ---- a disk without room ---------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "music.db"


def opened(path: Path, **options: Any) -> PersonalizedDJ:
    return PersonalizedDJ(config=Config.from_dict({"store": {"url": f"sqlite:///{path}", **options}}), seed=1)


def until_full(dj: PersonalizedDJ, acknowledged: list[str]) -> None:
    for number in count(len(acknowledged)):
        dj.record_feedback("alice", f"t{number % 30}", "play", event_id=f"e{number}")
        acknowledged.append(f"e{number}")


def feedback_of(dj: PersonalizedDJ, user_id: str = "alice") -> list[str | None]:
    return [event.event_id for event in dj.engine.store.events(user_id) if event.kind == "feedback"]


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no limit of file size")
@pytest.mark.parametrize("journal_mode", ["WAL", "DELETE"])
def test_a_full_disk_loses_nothing_and_is_written_again_when_there_is_room(path: Path, journal_mode: str) -> None:
    with opened(path, journal_mode=journal_mode) as dj:
        dj.add_content(TRACKS)

    def work() -> None:
        import resource

        dj = opened(path, journal_mode=journal_mode, synchronous="OFF")
        held = dj.get_or_create_profile("alice", {"moods": {"calm": 0.5}})
        acknowledged: list[str] = []
        for room in (300_000, 600_000):
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
            with pytest.raises(StoreFullError, match="make room"):
                until_full(dj, acknowledged)
            shown = held.to_dict()
            with pytest.raises(StoreFullError):
                dj.add_content([{**TRACKS[0], "track_id": f"large {room}", "notes": "x" * room}])
            assert dj.get_track(f"large {room}") is None
            assert feedback_of(dj) == acknowledged
            assert dj.get_profile("alice").to_dict() == shown
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            dj.record_feedback("alice", "t1", "like", event_id=f"after {room}")
            acknowledged.append(f"after {room}")
            held.moods["calm"] = 0.25
        assert len(acknowledged) > 5
        assert feedback_of(dj) == acknowledged
        assert dj.engine.store.check() == []
        assert_the_log_says_what_is_stored(dj, "alice")
        os.write(writing, json.dumps(acknowledged).encode())

    reading, writing = os.pipe()
    child = forked(work)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        answer = answers.read()
    assert exit_code(child) == 0
    with opened(path, journal_mode=journal_mode) as dj:
        assert feedback_of(dj) == json.loads(answer)
        assert_the_log_says_what_is_stored(dj, "alice")


# ---- rights ----------------------------------------------------------------------------------------------------------


def test_a_read_only_directory_is_refused_by_name_and_used_again_when_it_can_be_written(place: Path) -> None:
    path = place / "music.db"
    with opened(path) as dj:
        dj.add_content(TRACKS)
        dj.record_feedback("alice", "t1", "like", event_id="before")
    path.chmod(0o666)
    before = {file.name: file.read_bytes() for file in place.iterdir()}
    place.chmod(0o555)

    def refused() -> None:
        with pytest.raises(StoreReadOnlyError, match="directory that cannot be written"):
            opened(path)
        with pytest.raises(StoreUnavailableError, match="cannot be opened"):
            opened(place / "new.db")

    assert unprivileged(refused) == 0
    assert {file.name: file.read_bytes() for file in place.iterdir()} == before
    place.chmod(0o777)

    def used() -> None:
        with opened(path) as dj:
            assert feedback_of(dj) == ["before"]
            dj.record_feedback("alice", "t1", "like", event_id="after")

    assert unprivileged(used) == 0
    with opened(path) as dj:
        assert feedback_of(dj) == ["before", "after"]


def test_a_file_that_may_only_be_read_answers_and_takes_nothing(place: Path) -> None:
    path = place / "music.db"
    with opened(path) as dj:
        dj.add_content(TRACKS)
        dj.record_feedback("alice", "t1", "like", event_id="before")
        expected = dj.recommend("alice")
    path.chmod(0o444)

    def work() -> None:
        with opened(path) as dj:
            assert dj.recommend("alice") == expected
            held = dj.get_profile("alice")
            shown = held.to_dict()
            for write in [write for name, write in WRITES.items() if name != "a new user"]:
                with pytest.raises(StoreReadOnlyError, match="give this user the right"):
                    write(dj)
            assert len(dj.recommend("carol", limit=1)) == 1
            assert dj.get_profile("carol") is None
            assert held.to_dict() == shown
            assert feedback_of(dj) == ["before"]

    assert unprivileged(work) == 0


# ---- a lock ----------------------------------------------------------------------------------------------------------


def edit(dj: PersonalizedDJ) -> None:
    with dj.edit("alice") as draft:
        draft.moods["new"] = 0.5
        draft.energy_level = 0.25


WRITES: dict[str, Callable[[PersonalizedDJ], Any]] = {
    "feedback": lambda dj: dj.record_feedback("alice", "t2", "like", event_id="late"),
    "feedbacks": lambda dj: dj.record_many([{"user_id": "bob", "track_id": "t2", "interaction_type": "like"}] * 3),
    "a change": lambda dj: dj.get_profile("alice").update_genre_preference("new", 0.5),
    "an edit": edit,
    "a new user": lambda dj: dj.recommend("carol", limit=1),
    "tracks": lambda dj: dj.add_content([{**TRACKS[0], "track_id": "new"}]),
    "a removal": lambda dj: dj.remove_content(["t5"]),
    "forgetting": lambda dj: dj.forget("alice"),
}


def everything(dj: PersonalizedDJ) -> list[Any]:
    """What a store says of its users, and a list."""
    store = dj.engine.store
    profiles = [store.snapshot(user_id) for user_id in store.user_ids()]
    return [profiles, [list(store.events(profile.user_id)) for profile in profiles], dj.recommend("alice", limit=100)]


@pytest.mark.parametrize("write", WRITES)
def test_a_lock_that_another_process_holds_is_named_and_what_was_refused_can_be_done_later(
    path: Path, write: str
) -> None:
    with opened(path) as dj:
        dj.add_content(TRACKS)
        dj.record_feedback("alice", "t1", "like", event_id="before")
    release_here, release_there = os.pipe()
    held_here, held_there = os.pipe()

    def hold() -> None:
        os.close(release_there)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        os.write(held_there, b".")
        os.read(release_here, 1)

    holder = forked(hold)
    assert os.read(held_here, 1) == b"."
    with opened(path, timeout=0.05) as dj:
        held = dj.get_profile("alice")
        shown, before = held.to_dict(), everything(dj)[:2]
        with pytest.raises(StoreLockedError, match=r"raise timeout in \[store\]"):
            WRITES[write](dj)
        assert everything(dj)[:2] == before
        assert held.to_dict() == shown
        os.write(release_there, b".")
        assert exit_code(holder) == 0
        WRITES[write](dj)
        dj.recommend("alice")
        assert dj.engine.store.check() == []
        for user_id in dj.engine.store.user_ids():
            assert_the_log_says_what_is_stored(dj, user_id)
    for end in (release_here, release_there, held_here, held_there):
        os.close(end)


# ---- damage ----------------------------------------------------------------------------------------------------------


def damage(path: Path, table: str) -> None:
    """Overwrite the first page of a table."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", [table]).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xa5" * 4096)


@pytest.mark.parametrize("table", ["users", "weights", "events", "states", "tracks", "events_by_id"])
def test_a_damaged_page_is_named_and_a_backup_goes_on_from_what_it_holds(path: Path, table: str) -> None:
    with opened(path) as dj:
        dj.add_content(TRACKS)
        dj.record_many({"user_id": "alice", "track_id": f"t{n}", "interaction_type": "like"} for n in range(20))
        dj.record_feedback("alice", "t1", "like", event_id="before")
        expected = everything(dj)
    backup = path.read_bytes()
    damage(path, table)
    with opened(path) as dj:
        with pytest.raises(StoreCorruptError, match="restore a backup"):
            dj.record_feedback("alice", "t2", "like", event_id="late")
        assert any("is damaged" in sentence for sentence in dj.engine.store.check())
        if table not in ("users", "weights"):  # what can still be read shows nothing of the refused feedback
            profile = dj.engine.store.snapshot("alice")
            assert profile == expected[0][0]
    for file in path.parent.iterdir():
        file.unlink()
    path.write_bytes(backup)
    with opened(path) as dj:
        assert everything(dj) == expected
        dj.record_feedback("alice", "t2", "like", event_id="late")
        assert feedback_of(dj)[-2:] == ["before", "late"]
        assert_the_log_says_what_is_stored(dj, "alice")
