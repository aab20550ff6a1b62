"""The documented DJ."""
