"""The command `qfzz`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from qfzz_core.cli.root import root

    # a title that the terminal's encoding lacks must not end a list half way
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    root(prog_name="qfzz")
