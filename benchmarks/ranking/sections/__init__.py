"""The sections of a run; each module has `measured(settings) -> Section`."""
