"""The sections of a run; each module has `measured(databases, settings) -> Section`."""
