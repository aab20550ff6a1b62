"""The columns of the documented fields."""

from __future__ import annotations

from qfzz_core import Column, hookimpl


@hookimpl
def qfzz_columns() -> list[Column]:
    """Declare a column for each documented field of a track."""
    return [
        Column(name="track_id", kind="category", compare="exact"),
        Column(name="title", kind="category"),
        Column(name="artist", kind="category", further="artists"),
        Column(name="genre", kind="category", compare="genre", further="genres"),
        Column(name="mood", kind="category"),
        Column(name="tempo", kind="category"),
        Column(name="energy", kind="number"),
        Column(name="duration", kind="number"),
    ]
