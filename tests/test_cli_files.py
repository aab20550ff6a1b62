"""Files that the command line is given: which it opens, which it refuses, and what killed runs leave."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from support.cli_runs import Cli, isolated, json_lines, track

from qfzz_core import Engine
from qfzz_core.testing.samples import some_tracks

pytestmark = pytest.mark.skipif(os.name != "posix", reason="FIFOs, devices and modes are POSIX")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    cli = isolated(tmp_path, monkeypatch)
    cli.ok("import", cli.write("tracks.jsonl", json_lines(track("a"), track("b", genre="blues"))))
    cli.ok("feedback", "alice", "a", "like")
    return cli


# ---- what is no file -------------------------------------------------------------------------------------------------


@pytest.fixture(params=["fifo", "directory", "loop", "null", "zero", "below a file", "too long"])
def special(request: pytest.FixtureRequest, cli: Cli) -> Path:
    """A path where no file is, nor can be."""
    path = cli.directory / "special.db"
    match request.param:
        case "fifo":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
        case "loop":
            path.symlink_to(path)
        case "null" | "zero":
            path.symlink_to(f"/dev/{request.param}")
        case "below a file":
            path = cli.directory / "tracks.jsonl" / "x.db"
        case "too long":
            path = cli.directory / f"{'x' * 300}.db"
    return path


USES = {
    "store": ["profile", "list", "--store", "sqlite:///{}"],
    "checked store": ["store", "check", "--store", "sqlite:///{}"],
    "configuration": ["--config", "{}", "profile", "list"],
    "export": ["profile", "export", "alice", "--output", "{}"],
    "playlist": ["recommend", "alice", "--format", "csv", "--output", "{}"],
    "backup": ["store", "backup", "{}", "--replace"],
}


@pytest.mark.parametrize("use", USES)
def test_what_is_no_file_is_refused_by_name_wherever_a_file_is_meant(cli: Cli, special: Path, use: str) -> None:
    shown = quote(str(special)) if "store" in use else str(special)
    assert str(special) in cli.fails(*(argument.format(shown) for argument in USES[use]))


@pytest.mark.parametrize("use", [["import", "--format", "csv"], ["profile", "import"], ["recommend-many"]])
def test_what_has_no_end_or_cannot_be_opened_is_not_read(cli: Cli, special: Path, use: list[str]) -> None:
    if os.path.exists(special) and special.is_fifo():
        pytest.skip("a FIFO is read")
    assert str(special) in cli.fails(*use, str(special))


def test_doctor_says_what_stands_in_the_place_of_a_store(cli: Cli, special: Path) -> None:
    result = cli("doctor", "--store", f"sqlite:///{special}")
    assert (result.exit_code, type(result.exception)) == (1, SystemExit) or "not made yet" in result.output


def test_a_fifo_is_read_by_imports_which_a_shell_gives_for_a_process(cli: Cli) -> None:
    document = cli.ok("profile", "export", "alice")
    for name, text, arguments in (
        ("tracks.jsonl.fifo", json_lines(track("c")), ["import", "--format", "jsonl"]),
        ("profile.fifo", document.replace('"alice"', '"bob"'), ["profile", "import"]),
        ("users.fifo", "alice\nbob\n", ["recommend-many"]),
    ):
        fifo = cli.directory / name
        os.mkfifo(fifo)
        writing = threading.Thread(target=fifo.write_text, args=(text,))
        writing.start()
        cli.ok(*arguments, str(fifo))
        writing.join()
    assert cli.json("profile", "list") == ["alice", "bob"]
    assert len(cli.content()["tracks"]) == 3


@pytest.mark.parametrize("how", ["pipe", "file"])
def test_stdin_is_a_file_too(cli: Cli, how: str) -> None:
    text = json_lines(track("c"))
    with Path(cli.write("stdin.jsonl", text)).open() as file:
        given = {"input": text} if how == "pipe" else {"stdin": file}
        done = cli.process("import", "/dev/stdin", "--format", "jsonl", "--json", **given)
    assert json.loads(done.stdout)["added"] == 1, done.stderr


# ---- modes -----------------------------------------------------------------------------------------------------------


def test_what_the_command_line_makes_is_for_its_owner_alone(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QFZZ_STORE")
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path / "new" / "data")
    mask = os.umask(0)
    try:
        cli.ok("feedback", "alice", "a", "like")
        for target in ("export.json", "backup.db"):
            command = ["profile", "export", "alice", "--output"] if target == "export.json" else ["store", "backup"]
            cli.ok(*command, str(tmp_path / "new" / target))
    finally:
        os.umask(mask)
    made = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").rglob("*")}
    assert made == {"data": 0o700, "qfzz.db": 0o600, "export.json": 0o600, "backup.db": 0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


# ---- a backup that was killed ----------------------------------------------------------------------------------------


def test_backups_that_were_killed_leave_nothing_after_the_next_one(tmp_path: Path) -> None:
    store, target = f"sqlite:///{tmp_path}/store.db", tmp_path / "backups" / "backup.db"
    target.parent.mkdir()
    with Engine(store=store) as engine:
        engine.add_content(some_tracks(2000, more="x" * 2000))
    program = (
        "import sys\nfrom qfzz_core import Engine\n"
        "with Engine(store=sys.argv[1]) as engine:\n"
        "    while True:\n"
        "        engine.store.backup(sys.argv[2], replace=True)\n"
    )
    left = 0
    for number in range(8):
        process = subprocess.Popen([sys.executable, "-c", program, store, str(target)])
        deadline = time.monotonic() + 60
        while not list(target.parent.glob(".qfzz-*")) and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.002 * number)
        process.send_signal(signal.SIGKILL)
        process.wait()
        left += len(list(target.parent.glob(".qfzz-*")))
    assert left  # or nothing was tried
    with Engine(store=store) as engine:
        engine.store.backup(str(target), replace=True)
    assert list(target.parent.iterdir()) == [target]
    with Engine(store=f"sqlite:///{target}") as engine:
        assert engine.store.check() == []
        assert engine.store.catalogue_token().counter == 1
