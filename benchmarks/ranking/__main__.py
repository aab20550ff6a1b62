"""Run the benchmarks of the ranking: `python -m benchmarks.ranking --help`, from the root of the repository."""

from benchmarks.ranking.command import main

main()
