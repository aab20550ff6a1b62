"""Discovery strategies."""
