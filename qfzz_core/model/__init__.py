"""The model that everybody shares: tracks, profiles, events, learning, names and plain data. Imports nothing above."""
