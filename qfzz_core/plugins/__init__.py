"""The plugins of one engine: found, loaded, isolated, and what they registered."""
