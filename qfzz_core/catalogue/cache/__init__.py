"""The catalogue on disk, so that a process that opens a large store need not read all its tracks."""
