"""Filters against the unfiltered call, and the hard ones against a scan of what they let pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.ranking import measure, ours
from benchmarks.ranking.catalogue import Catalogue, Rows
from benchmarks.ranking.generator import generated
from benchmarks.ranking.listeners import Listener, listeners
from benchmarks.ranking.settings import Section, Settings, milliseconds, times
from benchmarks.ranking.taste import best, taste
from qfzz_core import Predicate, hookimpl
from qfzz_core.contracts.columns import Columns
from qfzz_core.model.names import normalise_genre

EXCLUDED = 10_000
CHECKED = 8
UNFILTERED = "no filter"
Arguments = Callable[[Listener], dict[str, Any]]
Mask = Callable[[Listener], Any]


class OneOf:
    """A third-party predicate: one track in `option` passes, whatever they are."""

    name = "one_of"

    def check(self, option: Any) -> None:
        if not isinstance(option, int) or option < 1:
            raise ValueError(f"one_of takes a whole number, 1 or more, got {option!r}")

    def prepare(self, request: Any, option: int) -> Predicate:
        return Predicate(function=lambda columns, rows: chosen(columns, rows, option))


def chosen(columns: Columns, rows: Rows, option: int) -> Any:
    """Return which rows pass: a mixture of row and duration, independent of every score."""
    return (rows * 2_654_435_761 + columns["duration"].at(rows).astype(np.int64)) % 2**32 % option == 0


class Plugin:
    """Registers the filter."""

    @hookimpl
    def qfzz_filters(self) -> list[OneOf]:
        return [OneOf()]


class Cases:
    """The filters that are measured: by name the arguments of the call, and which rows pass.

    A scan masks the arrays by hand, but it has to call a third-party predicate, which takes `columns`.
    """

    def __init__(self, catalogue: Catalogue, columns: Columns) -> None:
        self._catalogue = catalogue
        self._columns = columns
        low, self._rare = np.quantile(catalogue.duration, [0.9, 0.9999]).tolist()
        self._tenth = float(low)
        excluded = np.random.default_rng(3).choice(len(catalogue), min(EXCLUDED, len(catalogue) // 10), replace=False)
        self._excluded = excluded
        self._excluded_ids = [catalogue.track_id(row) for row in excluded.tolist()]

    def all(self) -> dict[str, tuple[Arguments, Mask]]:
        """Return the cases."""
        catalogue, rows = self._catalogue, np.arange(len(self._catalogue))
        return {
            UNFILTERED: (lambda one: {}, lambda one: np.ones(len(rows), dtype=np.bool_)),
            "a range, a tenth passes": (
                lambda one: {"where": {"duration": (self._tenth, None)}},
                lambda one: catalogue.duration >= self._tenth,
            ),
            "a predicate, a tenth passes": (
                lambda one: {"where": {"one_of": 10}},
                lambda one: chosen(self._columns, rows, 10),
            ),
            f"{len(self._excluded):,} ids excluded": (
                lambda one: {"exclude": self._excluded_ids},
                lambda one: ~np.isin(rows, self._excluded),
            ),
            "a range, 0.01% passes": (
                lambda one: {"where": {"duration": (self._rare, None)}},
                lambda one: catalogue.duration >= self._rare,
            ),
            "a predicate, 0.01% passes": (
                lambda one: {"where": {"one_of": 10_000}},
                lambda one: chosen(self._columns, rows, 10_000),
            ),
            "all liked genres excluded": (self._not_liked, self._not_liked_mask),
        }

    def _not_liked(self, one: Listener) -> dict[str, Any]:
        return {"where": {"genre": [self._catalogue.genres[code] for code in self._not_liked_codes(one)]}}

    def _not_liked_mask(self, one: Listener) -> Any:
        passes = np.zeros(len(self._catalogue.genres), dtype=np.bool_)
        passes[self._not_liked_codes(one)] = True
        return passes[self._catalogue.genre]

    def _not_liked_codes(self, one: Listener) -> list[int]:
        liked = {normalise_genre(name) for name in one.preferences["genres"]}
        return [code for name, code in self._catalogue.genre_codes.items() if name not in liked]


def measured(settings: Settings) -> Section:
    """Measure each filter beside the unfiltered call and beside a filtered scan."""
    catalogue = generated(settings.tracks)
    people = listeners(catalogue, settings.listeners)
    engine = ours.engine_of(catalogue, plugins=[Plugin()])
    ours.introduce(engine, people)
    cases = Cases(catalogue, ours.columns_of(engine)).all()
    unfiltered = _call(engine, cases[UNFILTERED][0], settings.limit)
    figures = {}
    for name, (arguments, mask) in cases.items():
        calls: dict[str, Callable[[Listener], Rows]] = {
            "filtered": _call(engine, arguments, settings.limit),
            "scan": lambda one, mask=mask: _scanned(catalogue, one, mask(one), settings.limit),  # type: ignore[misc]
        }
        measure.check(calls, people[:CHECKED])
        calls["unfiltered"] = unfiltered
        found = measure.alternated(calls, people, settings.calls // 4, before=lambda name: ours.forget(engine))
        figures[name] = {key: groups["all"] for key, groups in measure.compared(found, "filtered", people).items()}
    return Section(
        title="Filters",
        pattern=f"the best {settings.limit} of {settings.tracks:,} tracks, {settings.calls // 4} calls alternating, "
        "no feedback between them, nothing cached",
        head=("", "median ms", "p99 ms", "times the unfiltered call", "a filtered scan ms", "times"),
        rows=[_row(name, one) for name, one in figures.items()],
        figures=figures,
    )


def _call(engine: Any, arguments: Arguments, limit: int) -> Callable[[Listener], Rows]:
    return lambda one: ours.best(engine, one.user_id, limit, **arguments(one))


def _scanned(catalogue: Catalogue, one: Listener, mask: Any, limit: int) -> Rows:
    """Score every row that passes, exactly, and take the best."""
    return best(taste(one.preferences, catalogue), catalogue, np.flatnonzero(mask), limit)[0]


def _row(name: str, figures: dict[str, Any]) -> tuple[str, ...]:
    filtered, unfiltered, scan = figures["filtered"], figures["unfiltered"], figures["scan"]
    slower = filtered["median_ms"] / unfiltered["median_ms"]
    cells = (milliseconds(filtered), milliseconds(filtered, "p99_ms"), f"{slower:,.2f}")
    return (name, *cells, milliseconds(scan), times(scan["ratio"]))
