from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli_runs import Cli, interrupted, isolated, json_lines, track

from qfzz_core.model.events import STORED_FEATURES


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    made = isolated(tmp_path, monkeypatch)
    tracks = (track("a"), track("b", artist="Bob", creator_id="label-7", genre="rock", mood="upbeat"))
    made.ok("import", made.write("tracks.jsonl", json_lines(*tracks)))
    return made


# ---- feedback -------------------------------------------------------------------------------------------------------


def test_feedback_says_what_was_learned(cli: Cli) -> None:
    assert cli.ok("feedback", "alice", "b", "favorite").splitlines() == [
        "alice: favorite Title b by Bob",
        "  genre   rock     0.00 -> 0.20",
        "  artist  Bob      0.00 -> 0.20",
        "  mood    upbeat   0.00 -> 0.20",
        "  trust   label-7  0.50 -> 0.75",
    ]


def test_feedback_in_json_is_what_was_recorded_and_what_moved(cli: Cli) -> None:
    cli.ok("profile", "set", "alice", "--genre", "JAZZ=0.5")
    outcome = cli.json("feedback", "alice", "a", "play", "--rating", "1", "--event-id", "e1")
    assert outcome == {
        "user_id": "alice",
        "track_id": "a",
        "type": "play",
        "rating": 1.0,
        "event_id": "e1",
        "timestamp": None,
        "recorded": True,
        "track": track("a"),
        "near": [],
        "weights": [
            {"field": "genres", "name": "JAZZ", "before": 0.5, "after": 0.6},
            {"field": "artists", "name": "Ada", "before": 0.0, "after": 0.1},
            {"field": "moods", "name": "calm", "before": 0.0, "after": 0.1},
        ],
        "trust": {"publisher": "artist:ada", "before": 0.5, "after": pytest.approx(2 / 3)},
    }


def test_feedback_says_when_it_happened(cli: Cli) -> None:
    cli.ok("feedback", "alice", "a", "play", "--timestamp", "2026-01-31T10:30:00+01:00")
    (interaction,) = cli.json("profile", "show", "alice")["interaction_history"]
    assert interaction["timestamp"] == "2026-01-31T09:30:00.000000+00:00"


def test_feedback_that_moves_nothing_says_so(cli: Cli) -> None:
    said = cli.ok("feedback", "alice", "a", "skip")
    assert said.splitlines() == ["alice: skip Title a by Ada", "  trust   ada  0.50 -> 0.40", "  No weight moved."]


def test_nothing_is_learned_from_an_unknown_track_and_feedback_says_so(cli: Cli) -> None:
    assert cli.ok("feedback", "alice", "zzz", "like").splitlines() == [
        "alice: like zzz",
        "The catalogue has no such track, so nothing is learned from it.",
    ]
    outcome = cli.json("feedback", "alice", "zzz", "like")
    assert (outcome["recorded"], outcome["track"], outcome["weights"], outcome["trust"]) == (True, None, [], None)


def test_feedback_on_an_unknown_track_is_recorded_and_names_those_that_may_be_meant(cli: Cli) -> None:
    cli.ok("import", cli.write("more.jsonl", json_lines(track("so-what", title="So What"), track("naima"))))
    for wanted, near in (("so-wat", "so-what"), ("SO WHAT", "so-what"), ("niama", "naima")):
        assert cli.ok("feedback", "alice", wanted, "like").splitlines()[2:] == [
            f"Did you mean {near}, {'So What' if near == 'so-what' else 'Title naima'} by Ada?"
        ]
    outcome = cli.json("feedback", "alice", "so-wat", "like")
    assert (outcome["recorded"], [each["track_id"] for each in outcome["near"]]) == (True, ["so-what"])
    assert cli.json("feedback", "alice", "x" * 1_000, "like")["near"] == []


def test_feedback_on_a_sample_is_learned_from(cli: Cli) -> None:
    assert cli.json("feedback", "alice", "sample_001", "like", "--store", "memory:")["weights"]


def test_the_same_event_again_changes_nothing_and_says_so(cli: Cli) -> None:
    cli.ok("feedback", "alice", "a", "like", "--event-id", "e1")
    before = cli.content()
    said = cli.ok("feedback", "alice", "a", "like", "--event-id", "e1")
    assert said == "This event was recorded before; nothing changed (e1).\n"
    assert cli.content() == before
    assert cli.json("feedback", "alice", "a", "like", "--event-id", "e1")["recorded"] is False


def test_a_retracted_feedback_leaves_nothing(cli: Cli) -> None:
    cli.ok("feedback", "alice", "b", "like")
    before = cli.json("profile", "show", "alice")
    for event_id in ("e1", "e2"):
        cli.ok("feedback", "alice", "a", "dislike", "--event-id", event_id)
    assert cli.ok("retract", "alice", "e1") == "alice: the feedback e1 is retracted.\n"
    outcome = cli.json("retract", "alice", "e2")
    assert outcome == {"user_id": "alice", "event_id": "e2", "retracted": True}
    after = cli.json("profile", "show", "alice")
    assert {**after, "updated_at": ""} == {**before, "updated_at": ""}
    assert "dislike" not in cli.ok("profile", "show", "alice")
    assert "0 findings" in cli.ok("store", "check")
    exported = cli.json("profile", "export", "alice")
    assert exported["profile"]["interaction_history"] == after["interaction_history"]
    assert [event["kind"] for event in exported["events"]].count("retracted") == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["alice", "none"], "'alice' has no feedback of the event id 'none' that could be retracted"),
        (["alice", "e1"], "or retracted before"),
        (["bob", "e1"], "there is no user 'bob'"),
        (["alice", " "], "event_id must not be blank"),
    ],
)
def test_what_cannot_be_retracted_is_a_sentence(cli: Cli, arguments: list[str], sentence: str) -> None:
    cli.ok("feedback", "alice", "a", "like", "--event-id", "e1")
    cli.ok("retract", "alice", "e1")
    before = cli.content()
    assert sentence in cli.fails("retract", *arguments)
    assert cli.content() == before


def test_without_trust_feedback_says_the_rest(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QFZZ_DISABLE_PLUGINS", "trust")
    assert "trust" not in cli.ok("feedback", "alice", "a", "like")
    assert cli.json("feedback", "alice", "a", "like")["trust"] is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["alice", "a", "lik"], 'did you mean "like"?'),
        (["alice", "a", "play", "--rating", "2"], "rating must be from 0.0 to 1.0"),
        (["alice", "a", "play", "--rating", "nan"], "rating must be from 0.0 to 1.0"),
        (["alice", " ", "play"], "track_id"),
        ([" ", "a", "play"], "user_id must not be blank"),
        (["alice", "a", "play", "--event-id", " "], "event_id"),
        (["alice", "a", "play", "--timestamp", "2026-01-31T09:30:00"], "timestamp must be"),
        (["bob", "b", "like", "--event-id", "e1"], "event_id 'e1' was used before for another event"),
    ],
)
def test_feedback_that_cannot_be_is_a_sentence(cli: Cli, arguments: list[str], sentence: str) -> None:
    cli.ok("feedback", "bob", "a", "like", "--event-id", "e1")
    assert sentence in cli.fails("feedback", *arguments)


@pytest.mark.skipif(sys.platform != "linux", reason="arguments that are no UTF-8 are Linux's")
def test_an_id_that_is_no_text_is_a_sentence(cli: Cli) -> None:
    before = cli.content()
    for arguments in (["feedback", "alice\udcff", "a", "like"], ["profile", "show", "\udcff"], ["recommend", "\udcff"]):
        run = cli.process(*arguments)
        assert (run.returncode, run.stdout) == (1, "")
        assert "lone surrogate" in run.stderr
    assert cli.content() == before


# ---- profiles -------------------------------------------------------------------------------------------------------


def test_a_profile_is_shown_with_what_was_learned_and_what_happened_last(cli: Cli) -> None:
    cli.ok("profile", "set", "alice", "--genre", "jazz=0.9", "--tempo", "varied", "--energy", "0.25")
    cli.ok("feedback", "alice", "b", "like", "--rating", "0.75")
    cli.ok("feedback", "alice", "zzz", "play")
    lines = cli.ok("profile", "show", "alice").splitlines()
    assert lines[:3] == ["alice", "energy 0.25, tempo varied, discovery 0.30", ""]
    assert [line.split() for line in lines[5:11]] == [
        ["genre", "jazz", "0.90"],
        ["genre", "rock", "0.05"],
        ["artist", "Bob", "0.05"],
        ["mood", "upbeat", "0.05"],
        ["trust", "creator:label-7", "0.60"],
        [],
    ]
    assert lines[11] == "Latest interactions, newest first"
    assert [line[18:] for line in lines[12:]] == [
        "play: zzz (not in the catalogue)",
        "like (rated 0.75): Title b by Bob",
    ]


def test_a_profile_in_json_is_the_whole_profile(cli: Cli) -> None:
    cli.ok("feedback", "alice", "a", "like")
    shown = cli.json("profile", "show", "alice")
    assert shown["genres"] == {"jazz": 0.1}
    assert [entry["track_id"] for entry in shown["interaction_history"]] == ["a"]


def test_a_new_profile_is_short(cli: Cli) -> None:
    assert cli.ok("profile", "set", "alice", "--energy", "0").splitlines() == [
        "alice",
        "energy 0.00, tempo medium, discovery 0.30",
    ]


def test_a_long_profile_shows_its_beginning_and_says_how_much_there_is(cli: Cli) -> None:
    genres = [argument for number in range(12) for argument in ("--genre", f"g{number}={number / 20}")]
    shown = cli.ok("profile", "set", "alice", *genres)
    assert "... and 2 more (--json)" in shown
    assert "g11" in shown
    assert "g0 " not in shown
    for _ in range(6):
        cli.ok("feedback", "alice", "a", "play")
    assert cli.ok("profile", "show", "alice").count("play: Title a") == 5


def test_setting_preferences_keeps_the_others_and_creates_the_user(cli: Cli) -> None:
    everything = ["--genre", "Hip-Hop=0.5", "--artist", "A=B=0.25", "--mood", "calm=1", "--energy", "0.1"]
    made = cli.json("profile", "set", "alice", *everything, "--tempo", "slow", "--discovery", "0")
    assert (made["genres"], made["artists"], made["moods"]) == ({"Hip-Hop": 0.5}, {"A=B": 0.25}, {"calm": 1.0})
    assert (made["energy_level"], made["tempo_preference"], made["discovery_factor"]) == (0.1, "slow", 0.0)
    changed = cli.json("profile", "set", "alice", "--genre", "hip hop=0.75", "--genre", "folk=0", "--drop-mood", "CALM")
    assert (changed["genres"], changed["moods"]) == ({"Hip-Hop": 0.75, "folk": 0.0}, {})
    assert changed["artists"] == {"A=B": 0.25}
    dropped = cli.json("profile", "set", "alice", "--drop-genre", "Folk", "--drop-artist", "a=b")
    assert (dropped["genres"], dropped["artists"]) == ({"Hip-Hop": 0.75}, {})


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["alice", "--energy", "0.5", "--genre", "jazz=7"], "genres['jazz'] must be from 0.0 to 1.0"),
        (["alice", "--energy", "0.5", "--drop-genre", "polka"], "the profile has no genre 'polka' to drop"),
        (["alice", "--drop-genre", "jazz", "--discovery", "2"], "discovery_factor must be from 0.0 to 1.0"),
        (["alice", "--genre", "hip-hop=1", "--genre", "Hip Hop=0"], "two spellings of one genre"),
        (["bob", "--mood", " =0.5"], "the name of a mood must not be blank"),
        ([" ", "--energy", "0.5"], "user_id must not be blank"),
    ],
)
def test_preferences_are_set_all_or_none(cli: Cli, arguments: list[str], sentence: str) -> None:
    cli.ok("profile", "set", "alice", "--genre", "jazz=0.5")
    assert sentence in cli.fails("profile", "set", *arguments)


def test_users_are_listed_in_the_order_of_their_creation(cli: Cli) -> None:
    assert cli.ok("profile", "list") == ""
    for user in ("zoe", "alice", "a\x1bb"):
        cli.ok("profile", "set", user, "--energy", "0")
    assert cli.ok("profile", "list") == "zoe\nalice\na\\x1bb\n"
    assert cli.json("profile", "list") == ["zoe", "alice", "a\x1bb"]


@pytest.mark.parametrize("arguments", [["show"], ["export"], ["forget", "--yes"]])
def test_nobody_is_a_sentence(cli: Cli, arguments: list[str]) -> None:
    said = cli.fails("profile", *arguments, "nobody")
    assert said == "Error: there is no user 'nobody'; `qfzz profile list` shows all users\n"
    assert "must not be blank" in cli.fails("profile", *arguments, " ")


# ---- export ---------------------------------------------------------------------------------------------------------


def test_an_export_is_everything_that_is_held(cli: Cli) -> None:
    cli.ok("profile", "set", "alice", "--genre", "jazz=0.5")
    cli.ok("feedback", "alice", "b", "like", "--event-id", "e1")
    held = json.loads(cli.ok("profile", "export", "alice"))
    assert held["profile"] == cli.json("profile", "show", "alice")
    assert [event["kind"] for event in held["events"]] == ["created", "edited", "feedback"]
    assert held["events"][1]["changes"] == [{"field": "genres", "name": "jazz", "value": 0.5}]
    assert held["events"][2]["event_id"] == "e1"
    assert held["events"][2]["interaction"][STORED_FEATURES]["artist"] == "Bob"
    assert held["learned"] == {"trust": {"creator:label-7": [1.0, 0.0]}}
    assert cli.json("profile", "export", "alice", "--output", "-") == held


def test_an_export_to_a_file_is_whole_and_for_its_owner_only(cli: Cli) -> None:
    cli.ok("profile", "set", "alice", "--genre", "オ=0.5")
    target = cli.directory / "alice.json"
    target.write_text("older")
    assert cli.ok("profile", "export", "alice", "--output", str(target)) == (
        f"Wrote the profile and 2 events of alice to {target}.\n"
    )
    assert json.loads(target.read_text(encoding="utf-8"))["profile"]["genres"] == {"オ": 0.5}
    assert os.name != "posix" or target.stat().st_mode & 0o077 == 0
    assert cli.json("profile", "export", "alice", "--output", str(target)) == {
        "user_id": "alice",
        "file": str(target),
        "events": 2,
    }


def test_a_link_is_followed_and_stays(cli: Cli) -> None:
    cli.ok("profile", "set", "alice", "--energy", "0")
    link, target = cli.directory / "link.json", cli.directory / "target.json"
    link.symlink_to(target)
    cli.ok("profile", "export", "alice", "--output", str(link))
    assert link.is_symlink()
    assert json.loads(target.read_text())["profile"]["user_id"] == "alice"


def test_what_is_no_file_is_never_replaced(cli: Cli) -> None:
    cli.ok("profile", "set", "alice", "--energy", "0")
    for target in (os.devnull, str(cli.directory)):
        assert "no ordinary file; without --output, the export goes to stdout" in cli.fails(
            "profile", "export", "alice", "--output", target
        )
    assert not Path(os.devnull).is_file()
    missing = str(cli.directory / "missing" / "alice.json")
    assert "cannot be written: No such file" in cli.fails("profile", "export", "alice", "--output", missing)


def test_an_export_that_fails_leaves_the_older_file_and_no_other(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.ok("profile", "set", "alice", "--energy", "0")
    target = cli.directory / "exports" / "alice.json"
    target.parent.mkdir()
    target.write_text("older")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device" in cli.fails("profile", "export", "alice", "--output", str(target))
    assert target.read_text() == "older"
    assert list(target.parent.iterdir()) == [target]


# ---- forget ---------------------------------------------------------------------------------------------------------


def test_forgetting_asks_first(cli: Cli) -> None:
    cli.ok("profile", "set", "alice", "--energy", "0")
    for answer in ("n\n", ""):
        assert "Erase everything known of alice? [y/N]: " in cli.fails("profile", "forget", "alice", input=answer)
    result = cli("profile", "forget", "alice", input="y\n")
    assert (result.exit_code, result.stdout) == (0, "alice is forgotten.\n")
    assert cli.json("profile", "list") == []


def test_forgetting_needs_no_confirmation_with_yes(cli: Cli) -> None:
    cli.ok("profile", "set", "alice", "--energy", "0")
    assert cli.json("profile", "forget", "alice", "--yes") == {"user_id": "alice", "forgotten": True}


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupted_question_is_an_interruption(cli: Cli) -> None:
    cli.ok("profile", "set", "alice", "--energy", "0")
    command = [sys.executable, "-c", "from qfzz_core.cli import main; main()", "profile", "forget", "alice"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=cli.environment, **pipes) as running:
        assert running.stderr is not None
        question = b"Erase everything known of alice? [y/N]:"
        assert running.stderr.read(len(question)) == question
        assert interrupted(running) == 130
        assert running.stderr.read().endswith(b"Interrupted.\n")
    assert cli.json("profile", "list") == ["alice"]


def test_several_weights_in_one_option_are_refused_with_what_was_meant(cli: Cli) -> None:
    said = cli.fails("profile", "set", "alice", "--genre", "jazz=0.9,hip hop=0.5", code=2)
    meant = "--genre jazz=0.9 --genre 'hip hop=0.5'"
    assert meant in " ".join(said.replace("│", " ").split())
    cli.ok("profile", "set", "alice", "--artist", "Earth, Wind & Fire=0.5", "--artist", "+/-,=0.25")
    assert list(cli.json("profile", "show", "alice")["artists"]) == ["Earth, Wind & Fire", "+/-,"]


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("[" * 100_000, (), "this is no JSON in UTF-8"),
        ("[" * 500 + "]" * 500, (), "nested deeper than 110 levels, and no export of a profile"),
        ("9" * 5_000, (), "this is no JSON in UTF-8"),
        ('{"format": 1}', ("--max-size", "5"), "this has more than 5 characters (--max-size allows more)"),
    ],
)
def test_a_hostile_document_is_a_sentence(cli: Cli, text: str, options: tuple[str, ...], sentence: str) -> None:
    assert sentence in cli.fails("profile", "import", cli.write("hostile.json", text), *options)
    assert sentence in cli.fails("profile", "import", "-", *options, input=text)
