"""What stores cost beyond their databases: another name of `python -m benchmarks.storage`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.storage.command import main

main()
