"""The catalogue: from the tracks of a store to columns in memory."""
