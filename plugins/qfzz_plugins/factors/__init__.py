"""The documented scoring factors, and trust."""
