"""One module for each command or group of commands; each holds the command under its own name."""
