"""Run the benchmark of the matching: `python -m benchmarks.matching --help`, from the root of the repository."""

from benchmarks.matching.command import main

main()
