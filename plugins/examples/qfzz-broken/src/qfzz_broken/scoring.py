"""Ways in which a factor or a column fails while a request is answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from qfzz_core import CategoryTable, Column, ColumnFunction, TrackFunction

from qfzz_broken.parts import Factor, Plugin, UnsayableError, Way, asynchronous, broken, leave, panic

SLOW = 0.5  # seconds


def preparing(prepare: Callable[[Any], Any]) -> Callable[[], Plugin]:
    """Return what makes a plugin with a factor of this `prepare`."""
    return lambda: Plugin(qfzz_factors=lambda: [Factor(prepare)])


def computing(function: Callable[[Any, Any], Any]) -> Callable[[], Plugin]:
    """Return what makes a plugin with a factor that is this function of columns."""
    return preparing(lambda request: ColumnFunction(function=function))


def judging(function: Callable[[Any], Any]) -> Callable[[], Plugin]:
    """Return what makes a plugin with a factor that is this function of a track."""
    return preparing(lambda request: TrackFunction(function=function))


def filled(value: Any) -> Callable[[Any, Any], Any]:
    """Return a function of columns that gives the same value to all rows."""
    return lambda columns, rows: np.full(len(rows), value)


def overwriting(columns: Any, rows: Any) -> Any:
    """Make all tracks as energetic as can be."""
    columns["energy"].numbers[:] = 1.0
    return np.ones(len(rows))


def renaming(track: Any) -> float:
    """Put oneself in the place of the artist, in the dictionary that was given."""
    track["artist"] = "The Broken"
    track.clear()
    return 0.5


def persuading(request: Any) -> Any:
    """Change the listener's mind."""
    request.profile.genres["polka"] = 1.0
    return CategoryTable(column="genre", values={"polka": 1.0})


def dawdling(request: Any) -> Any:
    """Take one's time."""
    time.sleep(SLOW)
    return TrackFunction(function=lambda track: 0.5)


def unsayable(request: Any) -> Any:
    """Raise what has nothing to say."""
    raise UnsayableError


def no_column(track: Any) -> Any:
    """Find nothing in a track."""
    return track["a key that no track has"]


WAYS = [
    Way("prepare-raises", "recommend", "raises in prepare", preparing(broken)),
    Way("prepare-panics", "recommend", "panics in prepare, as compiled code can", preparing(panic)),
    Way("prepare-exits", "recommend", "ends the program in prepare", preparing(leave)),
    Way("prepare-async", "recommend", "has a coroutine as prepare", preparing(asynchronous)),
    Way("prepare-nonsense", "recommend", "returns a text from prepare", preparing(lambda request: "high")),
    Way(
        "prepare-no-column",
        "recommend",
        "scores by a column that nobody declared",
        preparing(lambda request: CategoryTable(column="colour", values={})),
    ),
    Way("prepare-slow", "recommend", f"takes {SLOW} seconds for prepare", preparing(dawdling)),
    Way("values-nan", "recommend", "gives NaN", computing(filled(np.nan))),
    Way("values-above-one", "recommend", "gives 1.5", computing(filled(1.5))),
    Way("values-shape", "recommend", "gives one value for all rows", computing(lambda columns, rows: np.zeros(1))),
    Way("values-text", "recommend", "gives strings", computing(filled("high"))),
    Way("values-raise", "recommend", "raises when it is called for values", computing(broken)),
    Way("track-raises", "recommend", "raises when it evaluates a track", judging(broken)),
    Way("mutate-columns", "recommend", "writes into a column", computing(overwriting)),
    Way("mutate-profile", "recommend", "changes the profile of the request", preparing(persuading)),
    Way("mutate-tracks", "recommend", "changes and empties the tracks that it is given", judging(renaming)),
    Way("prepare-unsayable", "recommend", "raises an exception that raises when it is shown", preparing(unsayable)),
    Way(
        "mutate-sources",
        "recommend",
        "declares a column whose source changes the tracks that it is given",
        lambda: Plugin(qfzz_columns=lambda: [Column(name="broken", kind="number", source=renaming)]),
    ),
    Way(
        "column-raises",
        "recommend",
        "declares a column whose source raises",
        lambda: Plugin(qfzz_columns=lambda: [Column(name="broken", kind="number", source=no_column)]),
    ),
    Way(
        "reason-raises",
        "recommend",
        "raises when it is called for a reason",
        preparing(lambda request: TrackFunction(function=lambda track: 0.5, reason=broken)),
    ),
]
