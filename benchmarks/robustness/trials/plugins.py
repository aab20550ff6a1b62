"""Plugins that are broken in many ways, and plugins that try to change what they are given, in engines of their own."""

from __future__ import annotations

import json
import logging
import multiprocessing
import random
import traceback
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import attrs

from benchmarks.robustness import broken_plugins
from benchmarks.robustness.broken_plugins import HARMLESS, PLACES, SOUND
from benchmarks.robustness.trial import Finding, Settings, Trial
from benchmarks.robustness.vandal import change_everything
from qfzz_core import Config, Engine

VANDAL = "changes everything"
SECONDS = 60.0  # after which a case hangs; on a slow machine one takes 2
CHANGED = {"genres": {"jazz": 0.8}, "artists": {"Artist 3": 0.5}}
CONTEXT = {"place": {"name": "home"}, "people": ["ann"]}
TRACKS = [
    {
        "track_id": f"t{number}",
        "title": f"Title {number}",
        "artist": f"Artist {number % 5}",
        "genre": ("jazz", "rock", "pop")[number % 3],
        "mood": ("calm", "upbeat")[number % 2],
        "energy": number / 30,
        "tempo": ("slow", "medium", "fast")[number % 3],
        "duration": 100 + number,
        "tags": ["live", f"tag {number % 4}"],
        "album": {"name": "Album", "year": 1960 + number},
    }
    for number in range(30)
]

Case = tuple[str, str]


@attrs.frozen
class Outcome:
    """What came of one case: what callers got, the faults that were logged, and what was raised or reached."""

    answers: Any = None
    reports: tuple[str, ...] = ()
    raised: str = ""
    reached: tuple[str, ...] = ()


# ---- one case -------------------------------------------------------------------------------------------------------


class _Reports(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(self.format(record))


@contextmanager
def _reported() -> Iterator[list[str]]:
    reports, logger = _Reports(), logging.getLogger("qfzz.plugins")
    logger.addHandler(reports)
    try:
        yield reports.messages
    finally:
        logger.removeHandler(reports)


def answers(plugins: Sequence[Any], place: str) -> dict[str, Any]:
    """Return what callers get of an engine with these plugins, from every call that runs some of a plugin's code."""
    where = {"broken": {"a": [1]}} if place in ("check", "prepare of a filter", "predicate") else {}
    chosen: dict[str, Any] = {"plugins": {"factor_seconds": SECONDS}}
    chosen |= {"discovery": {"strategy": "broken"}} if place == "pick" else {}
    with Engine(plugins=plugins, config=Config.from_dict(chosen), seed=1) as engine:
        known = {name: option for name, option in where.items() if name in engine.registry.filters}
        keywords: dict[str, Any] = {"where": known, "context": CONTEXT}
        engine.add_content(TRACKS)
        profile = engine.get_or_create_profile("ann", CHANGED)
        profile.add_interaction({"track_id": "t1", "type": "play", "note": {"place": ["car"]}})
        engine.record_feedback("ann", "t4", "like")
        engine.record_many([{"user_id": "ann", "track_id": f"t{n}", "interaction_type": "play"} for n in range(3)])
        lists = [engine.recommend("ann", limit=limit, **keywords) for limit in (5, 5, None)]
        lists.append(list(engine.iter_recommend("ann", limit=4, **keywords)))
        many = [
            (user, _shown(found)) for user, found in engine.recommend_many(["ann", "bob"], 3, threads=2, **keywords)
        ]
        explained = engine.explain("ann", "t2")
        engine.commands()
        return {
            "lists": [_shown(found) for found in lists],
            "many": many,
            "explained": [_part(part) for part in explained.factors],
            "plan": engine.plan("ann", limit=5, **keywords).tracks,
            "genres": dict(profile.genres),
            "history": [{**each, "timestamp": ""} for each in profile.interaction_history],
            "tracks": [engine.get_track(track["track_id"]) for track in TRACKS],
            "given": [where, CONTEXT, TRACKS, CHANGED],
            "trust": engine.learned("trust", "ann", "artist:artist 4"),
            "warm": _shown(engine.recommend("ann", limit=5)),
            "log": engine.check_log("ann"),
        }


def _shown(found: Iterable[Any]) -> list[Any]:
    return [[each.track, each.score, each.rank, [_part(part) for part in each.explanation.factors]] for each in found]


def _part(part: Any) -> list[Any]:
    return [part.name, part.value, part.contribution]


def tried(place: str, way: str, *, errors: bool) -> Outcome:
    """Return what comes of a broken plugin, or of no plugin for no way; with `errors` every warning is one."""
    reached: list[str] = []
    with warnings.catch_warnings(), _reported() as reports:
        warnings.simplefilter("error" if errors else "ignore")
        try:
            plugins = [_plugin(place, way, reached)] if way else []
            given = answers(plugins, place)
        except BaseException as error:  # noqa: BLE001 - whatever comes through takes the caller down
            frames = traceback.extract_tb(error.__traceback__)
            return Outcome(None, tuple(reports), f"{type(error).__name__} at {frames[-1].name}", tuple(reached))
    return Outcome(json.loads(json.dumps(given)), tuple(reports), "", tuple(reached))


def _plugin(place: str, way: str, reached: list[str]) -> Any:
    if way not in (VANDAL, "sound"):
        return broken_plugins.made(place, way)
    sound = SOUND[place]

    def body(*given: Any) -> Any:
        answer = sound(*given)
        if way == VANDAL:
            reached.extend(change_everything(*given))
        return answer

    return broken_plugins.plugin(**PLACES[place](body))


def problems(place: str, way: str) -> list[str]:
    """Return in words what does not hold of a case, tried as it is and with warnings as errors."""
    found = []
    for errors in (False, True):
        outcome = tried(place, way, errors=errors)
        if outcome.raised:
            found.append(f"a call was taken down: {outcome.raised}")
            continue
        alone = way != VANDAL and place not in ("reason", "pick")
        reference = tried(place, "" if alone else "sound", errors=False)
        if outcome.answers != reference.answers:
            wrong = [key for key, value in outcome.answers.items() if value != reference.answers[key]]
            found.append(f"a result differs: {', '.join(wrong)}")
        if outcome.reached:
            found.append(f"the store was reached: {outcome.reached[0]}")
        expected = 0 if way == VANDAL or (place, way) in HARMLESS else 1
        if len(outcome.reports) != expected:
            found.append(f"it was reported {len(outcome.reports)} times, not {expected}: {outcome.reports}"[:500])
    return found


# ---- all of them, in processes that may hang -------------------------------------------------------------------------


def _work(connection: Connection) -> None:
    while True:
        place, way = connection.recv()
        connection.send(problems(place, way))


class _Worker:
    """A process that tries one case after the other, and is replaced when one hangs or ends it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def problems(self, case: Case) -> list[str] | None:
        """Return what does not hold of a case; None if it hangs or ends the process."""
        self._connection.send(case)
        try:
            found: list[str] | None = self._connection.recv() if self._connection.poll(SECONDS) else None
        except EOFError:
            found = None
        return found

    def end(self) -> None:
        self._process.kill()
        self._process.join()


def all_cases() -> list[Case]:
    """Return every case there is."""
    return [*broken_plugins.cases(), *((place, VANDAL) for place in SOUND)]


def run(settings: Settings) -> Iterator[Finding]:
    """Try a share of the cases, at least one of each place."""
    cases = all_cases()
    random.Random(settings.seed).shuffle(cases)
    cases = cases[: settings.times(len(cases))]
    wrong: dict[str, list[str]] = {}
    worker = _Worker()
    for case in cases:
        found = worker.problems(case)
        if found is None:
            worker.end()
            worker = _Worker()
        for problem in ["it hangs, or ends the process"] if found is None else found:
            wrong.setdefault(problem.partition(":")[0].partition(" times")[0], []).append(
                f"{' / '.join(case)}: {problem}"
            )
    worker.end()
    yield Finding("plugins tried, each with warnings as errors too", str(len(cases)), len(cases) > 0)
    for what in ("a call was taken down", "a result differs", "the store was reached", "it hangs, or ends the process"):
        yield _counted(what, wrong.pop(what, []))
    yield _counted("a fault was reported more or less than once", [each for some in wrong.values() for each in some])


def _counted(what: str, found: list[str]) -> Finding:
    return Finding(what, f"{len(found)}{'' if not found else f', such as {found[0]}'}", not found)


TRIAL = Trial(
    "plugins",
    "Each way of being broken at each place where a plugin is called, and plugins that change all they can reach.",
    run,
)
