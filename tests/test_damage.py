"""Stored rows that are not as they were written: refused with table and key, found by a check, and nobody's fault."""

from __future__ import annotations

import json
import sqlite3
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cli_runs import Cli, isolated
from support.damaged import TABLES, USERS, fresh, make, opened, spoil
from support.third_party import each_track, plugin, scoring

from qfzz import PersonalizedDJ
from qfzz_core import Column, Config
from qfzz_core.cli.commands import store as store_command
from qfzz_core.engine import Engine
from qfzz_core.errors import PluginWarning, QfzzError, StoreCorruptError
from qfzz_core.model.events import STORED_FEATURES
from qfzz_core.storage import Decoding, copy_store, event_of, profile_document
from qfzz_core.testing.samples import TIME, a_track, some_tracks
from qfzz_plugins.stores.sqlite.connection import PAGE

pytestmark = pytest.mark.once

sys.path.append(str(Path(__file__).parents[1]))  # the trials are no part of the installed packages

ADVICE = "run `qfzz store check`"

# SQL expressions. In a body, `{}` is what stands there.
WRONG = {
    "nothing": "NULL",
    "bytes": "x'ff00'",
    "a whole number": "7",
    "a negative number": "-7.5",
    "an infinite number": "9e999",
    "an empty text": "''",
    "no JSON": "'abc'",
    "a text with NUL": "'a' || char(0)",
    "no UTF-8": "CAST(x'22ff22' AS TEXT)",
}
WRONG_JSON = {
    "a list": "'[]'",
    "an object": "'{{}}'",
    "null": "'null'",
    "deep": "replace(hex(zeroblob(3000)), '0', '[')",
    "a lost key": "replace({}, 'track_id', 'trackxid')",
    "a lost field": "replace({}, '\"genre\"', '\"genra\"')",
    "another type": "replace(replace({}, '\"jazz\"', '5'), '0.4', '\"0.4\"')",
    "a lone surrogate": "replace({}, 'title t', '\\ud800')",
    "a number that is none": "replace({}, '0.4', 'NaN')",
    "a change of nothing": '\'{{"changes":[["shoes",null,1]]}}\'',
    "a change to nothing": '\'{{"changes":[["genres","x",7]]}}\'',
}


def _copied(dj: PersonalizedDJ) -> None:
    with Engine() as other:
        copy_store(dj.engine.store, other.store)


def _exported(dj: PersonalizedDJ) -> None:
    for user_id in USERS:
        record = dj.engine.store.record(user_id)
        assert record is None or profile_document(record)


def _every(dj: PersonalizedDJ, call: Callable[[Any], object]) -> None:
    for profile in filter(None, map(dj.get_profile, USERS)):
        call(profile)


CALLS: dict[str, Callable[[PersonalizedDJ], object]] = {
    "recommend": lambda dj: dj.recommend("alice", limit=5),
    "recommend all": lambda dj: dj.recommend("bob", where={"genre": "jazz"}),
    "recommend many": lambda dj: list(dj.recommend_many(USERS, limit=3)),
    "get_track": lambda dj: [dj.get_track(f"t{number}") for number in range(12)],
    "histories": lambda dj: _every(dj, lambda profile: profile.interaction_history),
    "trust": lambda dj: [dj.get_trust_score(user_id, artist="Miles Davis") for user_id in USERS],
    "export": _exported,
    "copy": _copied,
    "feedback": lambda dj: [dj.record_feedback(user_id, "t7", "like") for user_id in USERS],
    "repeated feedback": lambda dj: [dj.record_feedback(u, "t2", "like", event_id="e2") for u in USERS],
    "record_many": lambda dj: dj.record_many(
        {"user_id": user_id, "track_id": f"t{n}", "interaction_type": "like", "event_id": f"e{n}"}
        for n in range(9)
        for user_id in USERS
    ),
    "add_interaction": lambda dj: _every(dj, lambda profile: profile.add_interaction({"track_id": "x", "type": "y"})),
    "what was heard": lambda dj: [
        dj.recommend(user_id, limit=2, where={"heard_within_days": 9, "disliked": False}) for user_id in USERS
    ],
    "change": lambda dj: _every(dj, lambda profile: profile.genres.update({"pop": 0.5})),
    "change all": lambda dj: _every(dj, lambda profile: setattr(profile, "genres", {"pop": 0.5})),
    "rebuild": lambda dj: [dj.engine.rebuild(user_id) for user_id in dj.engine.store.user_ids()],
    "add_content": lambda dj: dj.add_content(some_tracks(14)),
    "remove_content": lambda dj: dj.remove_content(["t1", "t2"]),
    "forget": lambda dj: [dj.forget(user_id) for user_id in USERS],
}


def refusals(dj: PersonalizedDJ) -> dict[str, QfzzError]:
    """Make every call; what is no error of the family is raised."""
    found = {}
    for name, call in CALLS.items():
        try:
            call(dj)
        except QfzzError as error:
            found[name] = error
    return found


def findings(dj: PersonalizedDJ) -> list[str]:
    """Return what a check of the store and of all logs finds."""
    found = dj.engine.store.check()
    for user_id in USERS:
        if dj.engine.store.revision(user_id) is not None:
            try:
                found += dj.engine.check_log(user_id)
            except StoreCorruptError as error:
                found.append(str(error))
    return found


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("base") / "store.db"
    make(path)
    return path


@pytest.fixture
def path(base: Path, tmp_path: Path) -> Path:
    return fresh(base, tmp_path / "store.db")


@pytest.mark.exhaustive
@pytest.mark.parametrize(("table", "column"), [(table, column) for table, own in TABLES.items() for column in own])
def test_no_value_of_a_row_leads_to_a_foreign_error_and_what_is_refused_is_found(
    base: Path, tmp_path: Path, table: str, column: str
) -> None:
    for wrong in [*WRONG.values(), *(WRONG_JSON.values() if column in {"body", "state"} else ())]:
        path = fresh(base, tmp_path / "store.db")
        try:
            spoil(path, table, column, wrong.format(column), f"{column} = (SELECT max({column}) FROM {table})")
        except sqlite3.IntegrityError:
            continue  # of a key, which cannot be that even in a damaged file
        with opened(path) as dj:
            found = findings(dj)
            with warnings.catch_warnings():
                if table == "states":  # what they hold is known to their learner alone
                    warnings.simplefilter("ignore", PluginWarning)
                refused = {name: error for name, error in refusals(dj).items() if isinstance(error, StoreCorruptError)}
        assert found or not refused, (wrong, refused)


def test_flipped_bytes_anywhere_lead_to_no_foreign_error(tmp_path: Path) -> None:
    from benchmarks.robustness.trial import Settings
    from benchmarks.robustness.trials.damage import TRIAL

    settings = Settings(scale=0.1, seed=3, directory=tmp_path, postgresql="")
    found = [finding for finding in TRIAL.run(settings) if finding.what != "the slowest refusal"]
    assert [finding for finding in found if not finding.holds] == []


# ---- table and key ---------------------------------------------------------------------------------------------------

# What is spoiled (table, column, value, rows), the sentence of a check, and a call that is refused by it.
DAMAGES: dict[str, tuple[tuple[str, str, str, str], str, str]] = {
    "a track": (
        ("tracks", "body", "'['", "track_id = 't2'"),
        "table tracks, position 3, track_id 't2': it cannot be decoded",
        "recommend",
    ),
    "a track without a field": (
        ("tracks", "body", "replace(body, 'genre', 'genra')", "track_id = 't2'"),
        "table tracks, position 3, track_id 't2': genre is missing",
        "get_track",
    ),
    "the body of another track": (
        ("tracks", "body", "replace(body, 't2', 't9')", "track_id = 't2'"),
        "table tracks, position 3, track_id 't2': body is that of the track 't9'",
        "get_track",
    ),
    "a user": (
        ("users", "tempo_preference", "'fasd'", "user_id = 'bob'"),
        "table users, user_id 'bob': no user has the values",
        "recommend all",
    ),
    "a user's id": (
        ("users", "user_id", "CAST(x'ff' AS TEXT)", "user_id = 'bob'"),
        "table users, user_id b'\\xff'",
        "copy",
    ),
    "a weight": (
        ("weights", "weight", "1.5", "serial = 2 AND name = 'jazz'"),
        "table weights, user_id 'bob', genres 'jazz': 1.5 is no weight from 0.0 to 1.0",
        "recommend all",
    ),
    "a weight of a field that is none": (
        ("weights", "field", "'genrez'", "serial = 2 AND name = 'jazz'"),
        "table weights, user_id 'bob', genrez 'jazz'",
        "recommend all",
    ),
    "an event": (
        ("events", "body", "replace(body, '\"like\"', '7')", "serial = 2 AND event_id = 'e2'"),
        "its track_id, type, rating, strength or extra is of the wrong kind",
        "histories",
    ),
    "an event's kind": (
        ("events", "kind", "'feedbacc'", "serial = 2 AND event_id = 'e2'"),
        "no event is of the kind 'feedbacc'",
        "repeated feedback",
    ),
    "an event's features": (
        ("events", "body", "replace(body, '\"calm\"', '7')", "serial = 2 AND event_id = 'e2'"),
        "the features of its track are no text",
        "export",
    ),
    "a state": (
        ("states", "state", "'['", "serial = 2"),
        "table states, user_id 'bob', learner 'trust', key",
        "feedback",
    ),
    "a latest interaction": (
        ("latest", "moment", "'x'", "serial = 2 AND track_id = 't2'"),
        "table latest, user_id 'bob', track_id",
        "what was heard",
    ),
    "a commit": (
        ("commits", "token", "x'00'", "counter = (SELECT max(counter) FROM commits)"),
        "table commits, counter 3: its token is no text",
        "recommend",
    ),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_an_error_names_table_and_key_and_the_check_finds_the_same(path: Path, what: str) -> None:
    damage, sentence, call = DAMAGES[what]
    spoil(path, *damage)
    with opened(path) as dj:
        assert any(sentence in found for found in dj.engine.store.check())
        with pytest.raises(StoreCorruptError, match=f"table {damage[0]}, .*{ADVICE}"):
            CALLS[call](dj)
    with opened(path) as dj:
        refusals(dj)


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("recommend", "bob"),
    ("recommend-many", "users.txt"),
    ("profile", "show", "bob"),
    ("profile", "list"),
    ("profile", "set", "bob", "--energy", "0.5"),
    ("profile", "export", "bob"),
    ("tracks", "show", "t2"),
    ("tracks", "search", "title"),
    ("doctor",),
    ("store", "backup", "backup.db", "--replace"),
    ("feedback", "bob", "t2", "like", "--event-id", "e2"),
    ("store", "copy", "{store}", "sqlite:///{directory}/copy.db", "--replace"),
    ("store", "rebuild"),
    ("store", "vacuum"),
    ("profile", "forget", "bob", "--yes"),
)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "users.txt").write_text("alice\nbob\n")
    return isolated(tmp_path, monkeypatch)


@pytest.mark.parametrize("what", DAMAGES)
def test_every_command_says_what_is_damaged_in_a_sentence(path: Path, cli: Cli, what: str) -> None:
    damage, sentence, _ = DAMAGES[what]
    spoil(path, *damage)
    checked = cli("store", "check", "--json")
    said = json.loads(checked.stdout)
    assert (checked.exit_code, said["ok"]) == (1, False)
    about = [each["finding"] for each in said["findings"] if sentence in each["finding"]]
    assert len(about) == 1, said
    assert ADVICE not in about[0]
    for command in COMMANDS:
        words = [word.format(store=cli.store, directory=cli.directory) for word in command]
        result = cli(*words)
        assert result.exit_code in (0, 1), (command, result.output)
        assert "unexpected" not in result.output, (command, result.output)


# ---- what goes on ----------------------------------------------------------------------------------------------------


def test_a_check_finds_all_that_is_damaged_and_goes_on_to_the_other_users(path: Path, cli: Cli) -> None:
    spoil(path, "users", "user_id", "CAST(x'ff' AS TEXT)", "user_id = 'alice'")
    spoil(path, "tracks", "body", "'['", "track_id IN ('t1', 't2', 't3')")
    spoil(path, "events", "body", "'['", "serial = 2 AND event_id IN ('e1', 'e2')")
    spoil(path, "weights", "weight", "0.125", "serial = 3 AND name = 'jazz'")
    result = cli("store", "check", "--json")
    said = json.loads(result.stdout)
    assert (result.exit_code, said["users"]) == (1, 1)
    found = [each["finding"] for each in said["findings"]]
    assert [sum(f"track_id '{track_id}'" in sentence for sentence in found) for track_id in ("t1", "t2", "t3")] == [
        1
    ] * 3
    assert sum("table events, position" in sentence for sentence in found) == 2
    assert [each["user_id"] for each in said["findings"] if "table events" in each["finding"]] == [None, "bob"]
    assert {"user_id": "carol", "finding": "genres, 'jazz': 0.125 is stored, the log says 0.6"} in said["findings"]
    assert sum("user_id b'\\xff'" in sentence for sentence in found) == 1
    assert cli("store", "rebuild").stdout.startswith("carol: genres, 'jazz': 0.125 is stored, the log says 0.6\n")


def test_a_page_that_cannot_be_read_does_not_keep_the_other_tables_from_being_checked(path: Path) -> None:
    spoil(path, "tracks", "body", "'['", "track_id = 't1'")
    with sqlite3.connect(path) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'events'").fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xa5" * 4096)
    with opened(path) as dj:
        found = dj.engine.store.check()
    assert any("track_id 't1'" in sentence for sentence in found)
    assert any("is damaged" in sentence for sentence in found)


def test_a_damaged_user_keeps_nobody_else_from_their_lists(path: Path) -> None:
    spoil(path, "weights", "weight", "-1.0", "serial = 2")
    with opened(path) as dj:
        for call in (dj.get_profile, dj.recommend):
            with pytest.raises(StoreCorruptError, match="table weights, user_id 'bob'"):
                call("bob")
        assert len(dj.recommend("alice", limit=3)) == 3
        dj.record_feedback("carol", "t1", "like")


@pytest.mark.parametrize(
    "mend",
    [
        lambda dj: dj.add_content([a_track("t2", title="Again")]),
        lambda dj: dj.remove_content(["t2"]),
    ],
)
def test_a_damaged_track_can_be_written_again_or_removed(path: Path, mend: Callable[[PersonalizedDJ], None]) -> None:
    spoil(path, "tracks", "body", "CAST(x'ff' AS TEXT)", "track_id = 't2'")
    with opened(path) as dj:
        with pytest.raises(StoreCorruptError, match="table tracks, position 3"):
            dj.recommend("alice")
        mend(dj)
        assert dj.recommend("alice")
        assert dj.engine.store.check() == []


def test_the_command_line_removes_a_damaged_track(path: Path, cli: Cli) -> None:
    spoil(path, "tracks", "body", "'['", "track_id = 't2'")
    cli.ok("tracks", "remove", "t2")
    assert cli.ok("store", "check") == f"{cli.store}: 3 users checked, 0 findings.\n"


def test_a_damaged_user_can_be_replaced_by_an_export_or_forgotten(path: Path, cli: Cli) -> None:
    exported = str(cli.directory / "bob.json")
    cli.ok("profile", "export", "bob", "--output", exported)
    for mend in (["import", exported, "--replace"], ["forget", "bob", "--yes"]):
        for table, change in (("users", "tempo_preference"), ("weights", "weight"), ("states", "state")):
            found = "(SELECT serial FROM users WHERE user_id = 'bob')"
            spoil(path, table, change, "'['", f"serial = {found}")
        assert "table users, user_id 'bob'" in cli("profile", "show", "bob").stderr
        cli.ok("profile", *mend)
        assert cli.json("store", "check")["ok"]


def test_strings_that_are_no_utf8_are_found_in_every_page(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with opened(path) as dj:
        dj.add_content(some_tracks(3 * PAGE))
    spoil(path, "tracks", "body", "CAST(x'ff' AS TEXT)", f"position IN (5, {2 * PAGE + 7}, {3 * PAGE})")
    with opened(path) as dj:
        assert [sentence.split("position ")[1].split(",")[0] for sentence in dj.engine.store.check()] == [
            "5",
            str(2 * PAGE + 7),
            str(3 * PAGE),
        ]
        dj.remove_content(["t4"])
        with pytest.raises(StoreCorruptError, match=f"position {2 * PAGE + 7}"):
            dj.recommend("alice")


# ---- whose fault it is -----------------------------------------------------------------------------------------------


def test_no_plugin_is_blamed_for_a_damaged_track(path: Path) -> None:
    spoil(path, "tracks", "body", "replace(body, 'genre', 'genra')", "track_id = 't2'")
    reading = scoring("reading", each_track(lambda track: len(track["genre"]) / 10))
    column = Column(name="sourced", kind="category", source=lambda track: track["genre"])
    for own in (reading, plugin("sourced", qfzz_columns=lambda: [column])):
        with opened(path, plugins=[own]) as dj:
            with pytest.raises(StoreCorruptError, match="genre is missing"):
                dj.recommend("alice", limit=3)
            assert not dj.engine.faults.counts


def test_what_a_plugin_finds_damaged_in_the_store_is_the_stores_error(path: Path) -> None:
    spoil(path, "tracks", "body", "replace(body, 'genre', 'genra')", "track_id = 't2'")
    held: list[PersonalizedDJ] = []

    def looking(*_: Any) -> Any:
        return held[0].get_track("t2")

    column = Column(name="provided", kind="number", provider=looking)
    strategy = type("Strategy", (), {"name": "looking", "pick": looking})()
    letting = type("Letting", (), {"name": "looking", "prepare": looking, "check": lambda *_: None})()
    owns: list[tuple[Any, dict[str, Any], dict[str, Any]]] = [
        (plugin("provided", qfzz_columns=lambda: [column]), {}, {}),
        (scoring("looking", looking), {}, {}),
        (scoring("looking", each_track(looking)), {}, {}),
        (plugin("looking", qfzz_strategies=lambda: [strategy]), {"strategy": "looking"}, {}),
        (plugin("looking", qfzz_filters=lambda: [letting]), {}, {"where": {"looking": 1}}),
    ]
    for own, config, keywords in owns:
        with opened(path, plugins=[own], config=Config(**config)) as dj:
            held[:] = [dj]
            with pytest.raises(StoreCorruptError, match=r"table tracks, .*: genre is missing"):
                dj.recommend("alice", limit=3, **keywords)
            assert not dj.engine.faults.counts


# ---- decoding --------------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=3)
    | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=4),
)
KEYS = ("track_id", "type", "rating", "changes", STORED_FEATURES, "extra")
BODIES = VALUES | st.builds(
    json.dumps,
    st.recursive(
        st.none() | st.integers() | st.floats() | st.sampled_from(["t1", "jazz", "genres", ""]),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner),
        max_leaves=8,
    ),
)
READ: dict[str, Callable[[Decoding, Any], object]] = {
    "track": lambda decoding, values: decoding.track("track_id", *values[:2]),
    "tracks": lambda decoding, values: decoding.tracks("position", [(1, value) for value in values]),
    "tracks_at": lambda decoding, values: decoding.tracks_at([0, 9], dict(enumerate(values))),
    "user": lambda decoding, values: decoding.user(tuple(values)),
    "user_id": lambda decoding, values: decoding.user_id(values[0]),
    "weights": lambda decoding, values: decoding.weights("alice", [tuple(values[:4])]),
    "event": lambda decoding, values: decoding.event(tuple(values[:5])),
    "event_of": lambda decoding, values: event_of(tuple(values[:5])),
    "state": lambda decoding, values: decoding.state("alice", "trust", *values[:2]),
    "document": lambda decoding, values: decoding.document("alice", values[0]),
    "whole_user": lambda decoding, values: decoding.whole_user("alice", (1, 1), {"weights": values[0]}),
}


@pytest.mark.parametrize("read", READ)
@given(values=st.lists(BODIES, min_size=8, max_size=8))
def test_whatever_a_row_holds_it_is_decoded_or_refused(read: str, values: list[Any]) -> None:
    with suppress(StoreCorruptError):
        READ[read](Decoding("the store of a test"), values)


def test_what_an_error_quotes_is_cut() -> None:
    with pytest.raises(StoreCorruptError, match=r"table users, user_id 'xxx.*\.\.\.: no user.*\.\.\.: run") as caught:
        Decoding("the store").user(("x" * 10_000, 1, 1, TIME, TIME, 2.0, "slow", 0.5))
    assert len(str(caught.value)) < 700


def test_events_without_their_columns_are_refused() -> None:
    with pytest.raises(StoreCorruptError, match="the store: table events, position 1"):
        event_of((1, "feedback"))


# ---- progress --------------------------------------------------------------------------------------------------------


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []

    @contextmanager
    def progress_line() -> Iterator[Callable[[str], None]]:
        yield lines.append

    monkeypatch.setattr(store_command, "progress_line", progress_line)
    return lines


def test_checking_and_rebuilding_a_long_log_shows_how_far_it_is(path: Path, cli: Cli, shown: list[str]) -> None:
    with opened(path) as dj:
        dj.record_many({"user_id": "bob", "track_id": "t1", "interaction_type": "play"} for _ in range(2_500))
        seen: list[int] = []
        assert dj.engine.check_log("bob", seen.append) == []
        assert seen == [1_000, 2_000]
    cli.ok("store", "check")
    assert shown == ["the tables", "user 1", "user 2", "user 2, event 1,000", "user 2, event 2,000", "user 3", "user 4"]
    del shown[:]
    cli.ok("store", "rebuild", "bob")
    assert shown == ["user 1", "user 1, event 1,000", "user 1, event 2,000", "user 2"]
