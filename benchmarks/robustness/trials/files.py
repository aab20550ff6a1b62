"""Files that go away under a live engine, paths that are no files, killed backups, read-only mounts, modes.

Run as a program it is the application whose store is taken away, in a process of its own, so that a hang is a finding.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any

from benchmarks.processes import ROOT
from benchmarks.robustness.trial import Finding, Settings, Trial
from qfzz import PersonalizedDJ
from qfzz_core.errors import QfzzError, StoreReadOnlyError, StoreUnavailableError
from qfzz_core.testing.samples import some_tracks

FEEDBACKS, BACKUPS = 100, 50
_TIMEOUT = 60.0  # seconds until a worker counts as hanging; each takes one or two
_LONGEST_REFUSAL = 5.0  # seconds, the start of the interpreter included
_QFZZ = [sys.executable, "-c", "from qfzz_core.cli import main; main()"]


def _run(settings: Settings) -> Iterator[Finding]:
    yield from _gone(settings)
    yield from _special(settings.directory / "special")
    yield from _killed(settings.directory / "killed", settings.times(BACKUPS))
    yield _read_only(settings.directory / "mount")
    yield from _modes(settings.directory / "modes")


# ---- a file that goes away -------------------------------------------------------------------------------------------


def _take(home: Path, *endings: str) -> None:
    for ending in endings:
        Path(f"{home}/music.db{ending}").unlink()


def _replace(home: Path) -> None:
    shutil.copy(home / "music.db", home / "copy.db")
    (home / "copy.db").replace(home / "music.db")


WAYS: dict[str, Callable[[Path], Any]] = {
    "moved": lambda home: (home / "music.db").rename(home / "elsewhere.db"),
    "removed": lambda home: _take(home, "", "-wal", "-shm"),
    "replaced": _replace,
    "with its directory renamed": lambda home: home.rename(home.parent / f"{home.name} elsewhere"),
    "without its -wal": lambda home: _take(home, "-wal"),
    "without its -shm": lambda home: _take(home, "-shm"),
}


def _gone(settings: Settings) -> Iterator[Finding]:
    count = settings.times(FEEDBACKS)
    for number, way in enumerate(WAYS):
        home = settings.directory / f"gone {number}"
        home.mkdir(parents=True)
        found = _application(way, home, count)
        what = f"feedbacks acknowledged and lost, the file {way} under a live engine"
        if found is None:
            yield Finding(what, "hangs", False)
            continue
        lost = sorted(set(found["acknowledged"]) - _stored(home / "music.db"))
        foreign = f", foreign errors: {', '.join(found['foreign'])}" if found["foreign"] else ""
        value = f"{len(lost)} of {count}, {found['refused']} refused{foreign}"
        yield Finding(what, value, not lost and not foreign and found["refused"] > 0)


def _application(way: str, home: Path, count: int) -> dict[str, Any] | None:
    command = [sys.executable, "-m", __name__, way, str(home), str(count)]
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=_TIMEOUT, check=True)
    except subprocess.TimeoutExpired:
        return None
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _stored(path: Path) -> set[str | None]:
    """Return the ids of the feedbacks in the file at a path, none without one."""
    if not path.exists():
        return set()
    with PersonalizedDJ(store=f"sqlite:///{path}") as dj:
        return {event.event_id for event in dj.engine.store.events("alice")}


def application(way: str, home: Path, count: int) -> dict[str, Any]:
    """Give feedback while another thread takes the file, and return what was acknowledged after it was gone."""
    found: dict[str, Any] = {"acknowledged": [], "refused": 0, "foreign": []}
    begun, gone = Event(), Event()

    def take() -> None:
        begun.wait()
        WAYS[way](home)
        gone.set()

    dj = PersonalizedDJ(store=f"sqlite:///{home}/music.db", seed=1)
    dj.add_content(some_tracks(20))
    Thread(target=take).start()
    number = attempts = 0
    while attempts < count:
        event_id, counts = f"e{number}", gone.is_set()
        try:
            dj.record_feedback("alice", "t1", "like", event_id=event_id)
            found["acknowledged"] += [event_id] if counts else []
        except StoreUnavailableError as error:
            found["refused"] += counts and str(home) in str(error)
        except Exception as error:  # noqa: BLE001 - which is the finding
            found["foreign"].append(type(error).__name__)
        begun.set()
        number += 1
        attempts += counts
    return found


# ---- paths that are no files -----------------------------------------------------------------------------------------


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the names of sockets are short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path.name)
    os.chdir(here)


KINDS: dict[str, Callable[[Path], Any]] = {
    "FIFO": os.mkfifo,
    "socket": _socket,
    "directory": Path.mkdir,
    "loop of links": lambda path: path.symlink_to(path),
    "/dev/null": lambda path: path.symlink_to("/dev/null"),
    "/dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "/proc/self/mem": lambda path: path.symlink_to("/proc/self/mem"),
}
USES: dict[str, Sequence[str]] = {
    "store": ("profile", "list", "--store", "sqlite:///{}"),
    "configuration": ("--config", "{}", "profile", "list"),
    "target of an export": ("profile", "export", "alice", "--output", "{}"),
    "target of a playlist": ("recommend", "alice", "--format", "csv", "--output", "{}"),
    "target of a backup": ("store", "backup", "{}", "--replace"),
    "import of tracks": ("import", "--format", "csv", "{}"),
    "import of a profile": ("profile", "import", "{}"),
}


def _special(home: Path) -> Iterator[Finding]:
    home.mkdir()
    with PersonalizedDJ(store=f"sqlite:///{home}/music.db") as dj:
        dj.record_feedback("alice", "t1", "like")
    for use, arguments in USES.items():
        kinds = [kind for kind in KINDS if (use[:6], kind) != ("import", "FIFO")]  # which is read
        found = [_refusal(home, kind, arguments) for kind in kinds]
        wrong = [f"{kind} {said}" for kind, (_, said) in zip(kinds, found, strict=True) if said]
        slowest = max(seconds for seconds, _ in found)
        value = f"{len(kinds) - len(wrong)} of {len(kinds)}, the slowest in {slowest:.1f} s"
        what = f"kinds of special files refused in a sentence as {use}"
        yield Finding(what, "; ".join([value, *wrong]), not wrong and slowest <= _LONGEST_REFUSAL)


def _refusal(home: Path, kind: str, arguments: Sequence[str]) -> tuple[float, str]:
    """Return how long it took to refuse a file, and what was wrong with it, if anything was."""
    path = home / "special"
    KINDS[kind](path)
    command = [*_QFZZ, *(each.format(path) for each in arguments)]
    environment = {**os.environ, "QFZZ_STORE": f"sqlite:///{home}/music.db", "QFZZ_CONFIG": "", "HOME": str(home)}
    begun = time.perf_counter()
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        return _TIMEOUT, "hangs"
    finally:
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    said = done.stderr.decode(errors="replace")
    is_sentence = done.returncode == 1 and "Traceback" not in said and "unexpected" not in said
    return time.perf_counter() - begun, "" if is_sentence else f"exit code {done.returncode}: {said[-200:]}"


# ---- killed backups, read-only mounts, modes -------------------------------------------------------------------------


def _killed(home: Path, count: int) -> Iterator[Finding]:
    home.mkdir()
    backups = home / "backups"
    backups.mkdir()
    with PersonalizedDJ(store=f"sqlite:///{home}/music.db") as dj:
        dj.add_content(some_tracks(1000, more="x" * 1000))
        command = [*_QFZZ, "store", "backup", str(backups / "backup.db"), "--replace", "--store", dj.engine.store.name]
        for number in range(count):
            older = set(backups.glob(".*"))
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and not set(backups.glob(".*")) - older:
                time.sleep(0.0005)
            time.sleep(0.0005 * (number % 20))
            process.send_signal(signal.SIGKILL)
            process.wait()
        left = len(list(backups.glob(".*")))
        dj.engine.store.backup(str(backups / "backup.db"), replace=True)
    litter = [path for path in backups.iterdir() if path.name != "backup.db"]
    size = sum(path.stat().st_size for path in litter) / 1e6
    yield Finding(f"files that the last of {count} killed backups left", str(left), True)
    yield Finding("files that are left after the next backup", f"{len(litter)}, {size:.1f} MB", not litter)


def _read_only(place: Path) -> Finding:
    what = "a store on a read-only mount is read, and a write refused in a sentence"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "none", place], check=False, capture_output=True).returncode != 0:
        return Finding(what, "not tried: nothing can be mounted here", True)
    try:
        with PersonalizedDJ(store=f"sqlite:///{place}/music.db") as dj:
            dj.add_content(some_tracks(20))
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        return Finding(what, *_reading(f"sqlite:///{place}/music.db"))
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def _reading(store: str) -> tuple[str, bool]:
    try:
        with PersonalizedDJ(store=store, seed=1) as dj:
            found = len(dj.recommend("alice", limit=5))
            dj.record_feedback("alice", "t1", "like")
    except StoreReadOnlyError as error:
        said = str(error).removeprefix(f"{Path(store.removeprefix('sqlite:///')).parent}/")
        return f"{found} tracks recommended; {said}", found == 5
    except QfzzError as error:
        return str(error), False
    return "the write was acknowledged", False


def _modes(home: Path) -> Iterator[Finding]:
    home.mkdir()
    mask = os.umask(0)
    try:
        with PersonalizedDJ(store=f"sqlite:///{home}/music.db") as dj:
            dj.record_feedback("alice", "t1", "like")
            dj.engine.store.backup(str(home / "backup.db"))
            arguments = ("profile", "export", "alice", "--output", str(home / "alice.json"))
            subprocess.run([*_QFZZ, *arguments, "--store", dj.engine.store.name], check=True, capture_output=True)
            wide = [path.name for path in home.iterdir() if stat.S_IMODE(path.stat().st_mode) & 0o077]
    finally:
        os.umask(mask)
    yield Finding("files that others can read, with a umask of 0", f"{len(wide)} {' '.join(wide)}".strip(), not wide)


TRIAL = Trial(
    "files", "SQLite files go away under a live engine, paths are no files, backups are killed, mounts read-only.", _run
)

if __name__ == "__main__":
    print(json.dumps(application(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))), flush=True)
    os._exit(0)  # as one that is killed: a journal that was taken away ends with it
