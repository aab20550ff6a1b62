"""The engine's call against the rivals, and how it grows with the catalogue between scans of every track."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.ranking import measure, ours, rivals
from benchmarks.ranking.catalogue import Catalogue, Rows, real_catalogue
from benchmarks.ranking.generator import generated
from benchmarks.ranking.listeners import Listener, listeners
from benchmarks.ranking.rivals.fused_ranking import Fused
from benchmarks.ranking.rivals.one_pass_ranking import OnePass
from benchmarks.ranking.settings import Section, Settings, grown, milliseconds, times
from qfzz_core import Engine

SCANS = (Fused, OnePass)
AT_EVERY_SIZE = ("fused", "one_pass")
CHECKED = 12

Answer = Callable[[Listener], Rows]


def measured(settings: Settings) -> Section:
    """Measure every size, then the real catalogue."""
    sizes = {f"{size:,}": _measured(generated(size), _names(settings, size), settings) for size in settings.sizes}
    if settings.real:
        catalogue = real_catalogue(settings.real)
        sizes[f"{len(catalogue):,} real"] = _measured(catalogue, settings.rivals, settings)
    return Section(
        title="Ranking",
        pattern=f"the best {settings.limit}, discovery 0 but where it is named: {measure.PATTERN}",
        head=("tracks", "", "median ms", "p99 ms", "times", "of cold", "cold ms", "times", "of cold", "what differs"),
        rows=[row for size, figures in sizes.items() for row in _rows(size, figures)] + _growth(settings, sizes),
        figures=sizes,
    )


def _names(settings: Settings, size: int) -> tuple[str, ...]:
    return tuple(name for name in settings.rivals if name in AT_EVERY_SIZE or size == settings.rivals_at)


def _measured(catalogue: Catalogue, names: tuple[str, ...], settings: Settings) -> dict[str, Any]:
    people = listeners(catalogue, settings.listeners)
    engine = ours.engine_of(catalogue)
    ours.introduce(engine, people)
    there, missing = rivals.installed(names)
    for rival in there:
        rival.prepare(catalogue)
    answers = _answers(engine, there, settings.limit)
    _check(answers, there, people)
    caches = ours.Caches(engine)
    _introduce(engine, people, caches, settings.limit)
    contestants: dict[str, Any] = {}
    for group in _groups(answers, there):
        feedback = _feedback(engine, catalogue)
        found = measure.alternated(group, people, settings.calls, feedback, before=caches)
        contestants = {**_compared(found, people), **contestants}
    _check(answers, there, people)
    differs = {rival.name: rival.differs for rival in there}
    return {"missing": missing, "differs": differs, "contestants": {name: contestants[name] for name in answers}}


def _introduce(engine: Engine, people: list[Listener], caches: ours.Caches, limit: int) -> None:
    """Serve every listener once in each of our ways, as if the service had run before."""
    for name, answer in ours.answers(engine, limit).items():
        for listener in people:
            caches(name)
            answer(listener)


def _compared(found: dict[str, measure.Times], people: list[Listener]) -> dict[str, Any]:
    """Return the figures, with ratios to our call, and to our call when nothing is cached."""
    figures, cold = (measure.compared(found, name, people) for name in (ours.NAME, ours.COLD))
    for name, groups in figures.items():
        for group, one in groups.items():
            one["ratio_cold"] = cold[name][group]["ratio"]
    return figures


def _groups(answers: dict[str, Answer], there: list[rivals.Rival]) -> list[dict[str, Answer]]:
    """Return who alternates with whom: the quick ones apart from those that leave nothing of others in the caches."""
    slow = [rival.name for rival in there if not isinstance(rival, SCANS)]
    quick = {name: answer for name, answer in answers.items() if name not in slow}
    others = {name: answers[name] for name in (ours.NAME, ours.COLD, *slow)}
    return [quick, others] if slow else [quick]


def _check(answers: dict[str, Answer], there: list[rivals.Rival], people: list[Listener]) -> None:
    """Compare the exact answers: those of the scans for everyone, those of slow rivals for some."""
    exact = [rival for rival in there if rival.exact]
    quick = {ours.NAME, *(rival.name for rival in exact if isinstance(rival, SCANS))}
    measure.check({name: answers[name] for name in quick}, people)
    measure.check({name: answers[name] for name in (ours.NAME, *(rival.name for rival in exact))}, people[:CHECKED])


def _answers(engine: Engine, there: list[rivals.Rival], limit: int) -> dict[str, Answer]:
    answers: dict[str, Answer] = ours.answers(engine, limit)
    for rival in there:
        answers[rival.name] = lambda one, rival=rival: rival.answer(one.preferences, limit)  # type: ignore[misc]
    return answers


def _feedback(engine: Engine, catalogue: Catalogue) -> measure.Feedback:
    """Return what lets a listener like the best track: the engine stores it, the rivals see other preferences."""

    def like(listener: Listener) -> None:
        listener.likes(catalogue, ours.like_best(engine, catalogue, listener.user_id))

    return like


def _rows(size: str, figures: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for name, groups in figures["contestants"].items():
        every, cold = groups["all"], groups["cold"]
        differs = figures["differs"].get(name, "")
        cells = (milliseconds(every), milliseconds(every, "p99_ms"), *_times(every), milliseconds(cold), *_times(cold))
        rows.append((size, name, *cells, differs))
    return rows + [(size, name, *["-"] * 7, "not installed") for name in figures["missing"]]


def _times(figures: dict[str, Any]) -> tuple[str, str]:
    return times(figures["ratio"]), times(figures["ratio_cold"])


def _growth(settings: Settings, sizes: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return how much the engine's call grows from the smallest to the largest size, caches emptied by the scans."""
    least, most = f"{min(settings.sizes):,}", f"{max(settings.sizes):,}"
    if least == most:
        return []
    rows = []
    for name in (ours.NAME, ours.COLD):
        small, large = (sizes[size]["contestants"][name]["all"] for size in (least, most))
        label = f"{name}: between the scans grows, times"
        rows.append((f"{least} to {most}", label, *grown(small, large), *["-"] * 5, ""))
    return rows
