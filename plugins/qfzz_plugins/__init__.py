"""The built-in plugins, which use the same entry points and hooks as third-party plugins."""
