"""The built-in plugins: they come in through the same entry points and hooks as anybody's."""
