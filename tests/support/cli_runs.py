"""Running the command line in tests, away from the user's own files."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import platformdirs
import pytest
from click.testing import CliRunner, Result

from qfzz_core.cli.root import root
from qfzz_core.engine import Engine

RECORDINGS = Path(__file__).resolve().parents[2] / "qfzz_core" / "cli" / "data" / "recordings.csv"
SPOTIFY = Path(__file__).resolve().parents[3] / "shared" / "data" / "spotify_songs.csv.gz"


@attrs.frozen
class Cli:
    """The command line over a store in a temporary directory."""

    directory: Path

    @property
    def store(self) -> str:
        return f"sqlite:///{self.directory}/store.db"

    def __call__(self, *args: str, **settings: Any) -> Result:
        return CliRunner().invoke(root, list(args), prog_name="qfzz", **settings)

    def ok(self, *args: str, **settings: Any) -> str:
        result = self(*args, **settings)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *args: str) -> Any:
        return json.loads(self.ok(*args, "--json"))

    def fails(self, *args: str, code: int = 1, **settings: Any) -> str:
        """Return what stderr says of a refused command, after which the store holds what it held before."""
        before = self.content()
        result = self(*args, **settings)
        assert result.exit_code == code, result.output
        assert not isinstance(result.exception, Exception), result.exception
        assert result.stdout == ""
        assert self.content() == before
        return result.stderr

    def content(self, store: str | None = None) -> dict[str, Any]:
        """Return everything that a store holds."""
        with Engine(store=store or self.store) as engine:
            return {
                "token": attrs.astuple(engine.store.catalogue_token()),
                "tracks": list(engine.store.catalogue_since(None).written),
                "users": [
                    (
                        engine.store.snapshot(user_id),
                        list(engine.store.events(user_id)),
                        {name: dict(engine.store.states(user_id, name)) for name in engine.registry.learners},
                    )
                    for user_id in engine.store.user_ids()
                ],
            }

    def write(self, name: str, text: str) -> str:
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    @property
    def environment(self) -> dict[str, str]:
        """An environment for a real process, in which the user's directories are below the temporary one."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("QFZZ_", "COV_", "COLUMNS"))}
        home = {"HOME": str(self.directory), "XDG_DATA_HOME": f"{self.directory}/data"}
        home |= {"XDG_CONFIG_HOME": f"{self.directory}/config", "XDG_CACHE_HOME": f"{self.directory}/cache"}
        return {**kept, **home, "QFZZ_STORE": self.store}

    def process(self, *args: str, **settings: Any) -> subprocess.CompletedProcess[str]:
        settings = {"env": self.environment, "capture_output": True, "encoding": "utf-8", "timeout": 60, **settings}
        command = [sys.executable, "-c", "from qfzz_core.cli import main; main()", *args]
        return subprocess.run(command, check=False, **settings)


def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Return a command line whose store and user directories are below a temporary directory."""
    cli = Cli(tmp_path)
    for name in ("QFZZ_CONFIG", "QFZZ_DISABLE_PLUGINS", "COLUMNS", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QFZZ_STORE", cli.store)
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: tmp_path / "data")
    monkeypatch.setattr(platformdirs, "user_config_path", lambda *_, **__: tmp_path / "config")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    return cli


def install(directory: Path, monkeypatch: pytest.MonkeyPatch, name: str, source: str, **rest: Any) -> None:
    """Put a distribution with one plugin of the same name on the path."""
    lay_out(directory, name, source, **rest)
    monkeypatch.syspath_prepend(str(directory))
    monkeypatch.delitem(sys.modules, f"{name}_module", raising=False)


def lay_out(
    directory: Path, name: str, source: str, *, version: str = "1.0", entry_points: Mapping[str, str] = {}
) -> None:
    """Write a distribution as an installer lays it out: a module, its metadata, its entry points."""
    metadata = directory / f"{name}_distribution-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-distribution\nVersion: {version}\n")
    points = entry_points or {name: f"{name}_module"}
    lines = "".join(f"{point} = {target}\n" for point, target in points.items())
    (metadata / "entry_points.txt").write_text(f"[qfzz]\n{lines}")
    (directory / f"{name}_module.py").write_text(source)


def interrupted(running: subprocess.Popen[bytes]) -> int:
    """Send Ctrl-C; again if the first one came in the moment before the process began to wait for its input."""
    for _ in range(30):
        running.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return running.wait(timeout=2)
    raise AssertionError("the process does not end")


def track(track_id: str = "t1", **fields: Any) -> dict[str, Any]:
    made = {
        "track_id": track_id,
        "title": f"Title {track_id}",
        "artist": "Ada",
        "genre": "jazz",
        "mood": "calm",
        "energy": 0.5,
        "tempo": "medium",
        "duration": 180,
    }
    return {**made, **fields}


def json_lines(*tracks: dict[str, Any]) -> str:
    return "".join(json.dumps(item) + "\n" for item in tracks)
