"""Libraries of other programs: what players and taggers know of their tracks, read without changing a byte of it."""
