"""How well, and how fast, entries of other lists are matched with a catalogue: `python -m benchmarks.matching`."""
