"""Run the trials of robustness: `python -m benchmarks.robustness --help`, from the root of the repository."""

from benchmarks.robustness.command import main

raise SystemExit(main())
