"""Run the benchmarks of the stores: `python -m benchmarks.storage --help`, from the root of the repository."""

from benchmarks.storage.command import main

main()
