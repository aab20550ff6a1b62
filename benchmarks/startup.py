"""What a start costs: `qfzz --version` against `import click`, and `import qfzz` against `import numpy`.

Each pair runs in alternating rounds of fresh processes, so that what else the machine does falls on both; the ratio is
that of the medians. The promise is below 2 for the first. Run it with the Python that has QFZZ installed.

    python -m benchmarks.startup [--rounds 21] [--json]
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence

Command = Sequence[str]


def python(code: str) -> Command:
    return (sys.executable, "-c", code)


def script() -> Command:
    """The installed command, beside this Python if it is there."""
    found = shutil.which("qfzz", path=sysconfig.get_path("scripts")) or shutil.which("qfzz")
    return python("from qfzz_core.cli import main; main()") if found is None else (found,)


def pairs() -> dict[str, tuple[Command, Command]]:
    return {
        "qfzz --version / import click": ((*script(), "--version"), python("import click")),
        "import qfzz / import numpy": (python("import qfzz"), python("import numpy")),
        "import PersonalizedDJ / import numpy": (python("from qfzz import PersonalizedDJ"), python("import numpy")),
    }


def seconds(command: Command) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def compared(ours: Command, other: Command, rounds: int) -> dict[str, float]:
    seconds(ours), seconds(other)  # both once, so that files are in the cache and bytecode is written
    times = [(seconds(ours), seconds(other)) for _ in range(rounds)]
    first, second = (statistics.median(column) for column in zip(*times, strict=True))
    return {"ms": round(first * 1000, 1), "against_ms": round(second * 1000, 1), "ratio": round(first / second, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21, help="how often each is measured (default: 21)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    results = {name: compared(*pair, options.rounds) for name, pair in pairs().items()}
    if options.json:
        print(json.dumps(results, indent=2))
        return
    for name, result in results.items():
        print(f"{name:<38}{result['ms']:>8.1f} ms /{result['against_ms']:>7.1f} ms = {result['ratio']:.2f}")


if __name__ == "__main__":
    main()
