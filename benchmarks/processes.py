"""Work in a process of its own, so that memory and disturbance are those of one process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Worker = Callable[..., dict[str, Any]]

ROOT = Path(__file__).resolve().parents[1]


def started(module: str, worker: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a worker of a module that calls `run`; the arguments go there as JSON, paths as strings."""
    words = [sys.executable, "-m", module, worker, json.dumps(arguments, default=str)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def result(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a worker and return what it gave back; raises `CalledProcessError` if it failed."""
    printed, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    found: dict[str, Any] = json.loads(printed)
    return found


def run(workers: Mapping[str, Worker], arguments: Sequence[str]) -> None:
    """Run the worker that the command line names, with its arguments, and print what it gives back."""
    worker, given = arguments
    print(json.dumps(workers[worker](*json.loads(given))))


def memory() -> dict[str, float | None]:
    """Return the resident memory of this process now and at most, in MB; None where the system does not say it."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        lines = []
    kilobytes = {words[0]: int(words[1]) for line in lines if len(words := line.split()) == 3 and words[2] == "kB"}
    found = {"resident_mb": kilobytes.get("VmRSS:"), "most_mb": kilobytes.get("VmHWM:")}
    return {name: None if value is None else round(value / 1e3, 1) for name, value in found.items()}
