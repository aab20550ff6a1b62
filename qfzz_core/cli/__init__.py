"""The command `qfzz`."""

from __future__ import annotations

import atexit
import sys
from contextlib import suppress


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from qfzz_core.cli.root import root

    # a title that the terminal's encoding lacks must not end a list half way
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        root(prog_name="qfzz")
    finally:
        if "qfzz_core.engine" in sys.modules:  # else no plugin was imported
            # What plugins print when the process ends must not follow a JSON document: registered last, called first.
            atexit.register(_end_stdout)


def _end_stdout() -> None:
    """Write what stdout still holds, and let what comes later go to stderr."""
    with suppress(OSError, ValueError, AttributeError):  # nobody reads it, it was closed, or there is none
        sys.stdout.flush()  # at its end, Python flushes only what `sys.stdout` then is
    sys.stdout = sys.stderr
