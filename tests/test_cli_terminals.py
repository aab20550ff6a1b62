"""What a terminal is given: nothing steers it, nothing turns the direction of text, and no credential is shown."""

import json
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from support.cli_runs import Cli, install, isolated, json_lines, track

from qfzz_core.engine import Engine

pytestmark = pytest.mark.once

STEERING = "".join(map(chr, [*range(1, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
HOSTILE = f"a{STEERING}\x1b]0;owned\x07\x1b[2Jz"
IN_A_NAME = HOSTILE.replace("/", "")
RAW = re.compile(f"[{re.escape(STEERING.replace(chr(10), ''))}]")
SECRET = "hunter2"
LOGINS = (
    "postgresql://me:{}@127.0.0.1:1/x",
    "postgresql://me:a:b/{}@127.0.0.1:1/x",
    "postgresql:/me:{}@host",
    "postgresql://me:{}",
    "sqlite://me:{}@music.db",
    "sqlite:me:{}@music.db",
    "memory:me:{}@host",
    "nothing://me:{}@host/x",
    "{}@host",
    "postgresql://127.0.0.1:1/x?user=me&password={}&nothing=1",
)
COMMANDS = (
    ("config", "show"),
    ("config", "check"),
    ("doctor",),
    ("feedback", "user", "x", "like"),
    ("plugins",),
    ("profile", "list"),
    ("recommend", "user"),
    ("store", "check"),
    ("tracks", "search", "x"),
)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


@pytest.fixture
def hostile(cli: Cli) -> Cli:
    """A command line over a store in which every text that somebody gave is hostile."""
    hostile = dict.fromkeys(("title", "artist", "genre", "mood", "album", HOSTILE), HOSTILE)
    with Engine(store=cli.store) as engine:
        engine.add_content([track(HOSTILE, **hostile)])
        engine.record_feedback(HOSTILE, HOSTILE, "like", event_id=HOSTILE)
        engine.record_feedback(HOSTILE, f"unknown{HOSTILE}", "like")
    return cli


def refuse_steering(*shown: str) -> None:
    for text in shown:
        assert RAW.findall(text) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("recommend", HOSTILE),
        ("recommend", HOSTILE, "--explain"),
        ("recommend", HOSTILE, "--plan"),
        ("recommend", HOSTILE, "--where", f"genre={HOSTILE}"),
        ("recommend", HOSTILE, "--where", f"{HOSTILE}=1"),
        ("recommend", HOSTILE, "--genre", f"{HOSTILE}=2"),
        ("recommend", HOSTILE, "--output", f"x/{IN_A_NAME}/y.csv"),
        ("recommend", HOSTILE, "--output", f"x.{IN_A_NAME}"),
        ("recommend", HOSTILE, f"--{HOSTILE}"),
        ("recommend-many", "--output", f"{IN_A_NAME}/x.jsonl"),
        ("feedback", HOSTILE, HOSTILE, HOSTILE),
        ("feedback", HOSTILE, HOSTILE, "like"),
        ("feedback", HOSTILE, HOSTILE, "like", "--event-id", HOSTILE),
        ("feedback", HOSTILE, f"other{HOSTILE}", "like"),
        ("import", f"{IN_A_NAME}.csv"),
        ("import", f"{IN_A_NAME}.{IN_A_NAME}"),
        ("profile", "list"),
        ("profile", "show", HOSTILE),
        ("profile", "show", f"other{HOSTILE}"),
        ("profile", "set", HOSTILE, "--tempo", HOSTILE),
        ("profile", "export", HOSTILE, f"{IN_A_NAME}/x.json"),
        ("profile", "import", f"{IN_A_NAME}.json"),
        ("profile", "forget", f"other{HOSTILE}", "--yes"),
        ("tracks", "search", HOSTILE),
        ("tracks", "show", HOSTILE),
        ("tracks", "show", f"other{HOSTILE}"),
        ("tracks", "remove", f"other{HOSTILE}"),
        ("store", "check"),
        ("store", "backup", f"{IN_A_NAME}/x.db"),
        ("store", "copy", f"{HOSTILE}:"),
        ("--store", f"{HOSTILE}:", "recommend", "a"),
        ("--store", f"sqlite:///{quote(IN_A_NAME)}/x.db", "recommend", "a"),
        ("--config", f"{IN_A_NAME}.toml", "recommend", "a"),
        (f"--{HOSTILE}", "recommend", "a"),
        (HOSTILE,),
        ("plugins", "--why", HOSTILE),
        ("plugins", "check", HOSTILE),
        ("config", "check", f"{IN_A_NAME}.toml"),
        ("--debug", "feedback", HOSTILE, HOSTILE, "like"),
    ],
)
def test_no_command_lets_a_text_steer_the_terminal(hostile: Cli, arguments: tuple[str, ...]) -> None:
    result = hostile(*arguments)
    refuse_steering(result.stdout, result.stderr)
    assert result.stdout + result.stderr
    assert not isinstance(result.exception, Exception), result.exception


@pytest.mark.parametrize(
    "arguments",
    [
        ("recommend", HOSTILE, "--explain"),
        ("profile", "show", HOSTILE),
        ("tracks", "show", HOSTILE),
        ("profile", "list"),
    ],
)
def test_json_escapes_what_steers_and_says_it_all(hostile: Cli, arguments: tuple[str, ...]) -> None:
    said = hostile.ok(*arguments, "--json")
    refuse_steering(said)
    assert HOSTILE in _strings(json.loads(said))


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [found for item in value.items() for each in item for found in _strings(each)]
    if isinstance(value, list):
        return [found for item in value for found in _strings(item)]
    return [value] if isinstance(value, str) else []


def test_a_row_of_a_file_that_is_refused_does_not_steer(cli: Cli) -> None:
    path = cli.write("x.jsonl", json_lines(track(HOSTILE, tempo=HOSTILE), track(HOSTILE, energy=7)))
    result = cli("import", path)
    refuse_steering(result.stdout, result.stderr)
    assert "x1b" in result.stdout + result.stderr


def test_a_plugin_does_not_steer_by_what_it_raises(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    install(cli.directory, monkeypatch, "steering", f"raise RuntimeError({HOSTILE!r})")
    result = cli("plugins")
    refuse_steering(result.stdout, result.stderr)
    assert "x1b" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal")
@pytest.mark.parametrize("format_", ["csv", "json", "jsonl", "m3u8", "xspf"])
def test_a_file_that_goes_to_a_terminal_does_not_steer_it(hostile: Cli, format_: str) -> None:
    command = [sys.executable, "-c", "from qfzz_core.cli import main; main()", "recommend", "u", "--output", "-"]
    ours, theirs = os.openpty()
    with open(ours, "rb", buffering=0) as terminal:
        with open(theirs, "wb") as out:
            settings: dict[str, Any] = {"stdout": out, "stderr": subprocess.PIPE, "env": hostile.environment}
            ran = subprocess.run([*command, "--format", format_], check=False, timeout=60, **settings)
        shown = b"" if ran.returncode else terminal.read(1 << 16)  # a format may refuse what it cannot say
    refuse_steering(ran.stderr.decode(), shown.decode().replace("\r\n", "\n").replace("\t", ""))
    assert shown or ran.stderr


def test_a_file_that_goes_to_a_pipe_is_as_it_is(hostile: Cli) -> None:
    assert HOSTILE.encode() in hostile("recommend", "u", "--output", "-", "--format", "csv").stdout_bytes


def test_every_character_that_steers_is_meant() -> None:
    steering = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cc"} - {"\0"}
    overrides = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    turning = {chr(code) for code in range(0x110000) if unicodedata.bidirectional(chr(code)) in overrides}
    assert set(STEERING) == steering | turning


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("login", LOGINS)
def test_no_command_shows_a_password(
    cli: Cli, login: str, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cli.directory)
    config = cli.write("own.toml", f'[store]\nurl = "{login.format(SECRET)}"\n')
    for arguments in (("--store", login.format(SECRET)), ("--config", config)):
        if arguments[0] == "--config":
            monkeypatch.delenv("QFZZ_STORE")
        for more in ((), ("--json",)):
            result = cli(*arguments, *command, *more)
            assert SECRET not in result.stdout + result.stderr
            monkeypatch.setenv("QFZZ_STORE", cli.store)
