"""The stores that the tests of the whole library run on, and other processes that use them.

Each is named by the URL of a store that is new and empty; PostgreSQL's is skipped where no server can run.

PYTEST_DONT_REWRITE: the tests import this module before pytest takes its fixtures.
"""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from qfzz import PersonalizedDJ
from qfzz_core import Config
from qfzz_core.model.events import Event

pytest_plugins = ["support.postgres_server"]

STORES = ("memory", "sqlite", "postgresql")
SHARED = STORES[1:]  # those that several processes can use

# Waiting in a queue is no error in these tests, however slow the machine.
PATIENT = {"sqlite": {"timeout": 300}, "postgresql": {"lock_timeout": 300, "statement_timeout": 300}}

# A server that has imported what takes long, and forks; it has no threads, which a fork would not copy.
_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
_CONTEXT: Any = multiprocessing.get_context(_METHOD)
if _METHOD == "forkserver":
    _CONTEXT.set_forkserver_preload(["pytest", "qfzz.dj.personalized_dj", "qfzz_plugins.stores.sqlite.store"])

_numbers = count()


def new_url(store: str, directory: Path, request: pytest.FixtureRequest) -> str:
    """Return the URL of a new and empty store; skips the test if there is no such store here."""
    if store == "memory":
        return "memory:"
    if store == "sqlite":
        return f"sqlite:///{directory}/store-{next(_numbers)}.db"
    made: str = request.getfixturevalue("postgres_url")()
    return made


@pytest.fixture(params=STORES)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new store of every kind."""
    return new_url(request.param, tmp_path, request)


@pytest.fixture(params=SHARED)
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new store of every kind that processes can share."""
    return new_url(request.param, tmp_path, request)


@pytest.fixture
def new_urls(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], dict[str, str]]:
    """A function that gives URLs of new stores, one of every kind that there is."""

    def made() -> dict[str, str]:
        urls = {}
        for store in STORES:
            with suppress(pytest.skip.Exception):
                urls[store] = new_url(store, tmp_path, request)
        return urls

    return made


def patient(url: str) -> Config:
    """Return the configuration of a store that waits for others as long as it takes."""
    return Config.from_dict({"store": {"url": url, **PATIENT.get(url.partition(":")[0], {})}})


# ---- what is stored, and why -----------------------------------------------------------------------------------------


def learned_from_the_log(log: Iterable[Event]) -> list[dict[str, float]]:
    """Return the genres, artists and moods that a log comes to, by the rule of the specification alone.

    Names are taken as they are spelt, so they must not differ in spelling only.
    """
    fields: dict[str, dict[str, float]] = {"genres": {}, "artists": {}, "moods": {}}
    for event in log:
        for change in event.changes:
            if change.name is not None and change.value is None:
                fields[change.field].pop(change.name, None)
            elif change.name is not None:
                fields[change.field][change.name] = change.value
            elif change.field in fields:
                fields[change.field] = dict(change.value)
        features = event.interaction and event.interaction.features
        for field, name in zip(
            fields.values(), (features.genre, features.artist, features.mood) if features else (), strict=False
        ):
            weight = min(1.0, max(0.0, round(field.get(name, 0.0) + (event.interaction.strength or 0.0), 12)))
            if weight or name in field:
                field[name] = weight
    return list(fields.values())


def assert_the_log_says_what_is_stored(dj: PersonalizedDJ, user_id: str) -> None:
    """The weights are those that the log comes to, in its order, and a rebuild would change nothing else either."""
    stored = dj.engine.store.snapshot(user_id)
    assert stored is not None
    said = learned_from_the_log(dj.engine.store.events(user_id))
    assert [list(field.items()) for field in (stored.genres, stored.artists, stored.moods)] == [
        list(field.items()) for field in said
    ]
    assert dj.engine.check_log(user_id) == []


# ---- others that use a store -----------------------------------------------------------------------------------------


def _begun(work: Callable[..., Any], url: str, number: int, barrier: Any) -> None:
    with PersonalizedDJ(config=patient(url)) as dj:
        barrier.wait()
        work(dj, number, barrier)


def in_processes(processes: int, work: Callable[..., Any], url: str) -> None:
    """Run `work(dj, number, barrier)` in processes that begin together, each with a DJ of its own, until all are done.

    `work` is a function of a module.
    """
    barrier = _CONTEXT.Barrier(processes)
    started = [_CONTEXT.Process(target=_begun, args=(work, url, number, barrier)) for number in range(processes)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * processes
    for process in started:
        process.close()


def in_threads(threads: int, work: Callable[..., Any], dj: PersonalizedDJ) -> None:
    """Run `work(dj, number, barrier)` in threads that begin together and share one DJ, until all are done."""
    barrier = Barrier(threads)

    def begin(number: int) -> None:
        barrier.wait()
        work(dj, number, barrier)

    with ThreadPoolExecutor(threads) as pool:
        for running in [pool.submit(begin, number) for number in range(threads)]:
            running.result()


@pytest.fixture(scope="session")
def another_process() -> Iterator[ProcessPoolExecutor]:
    """One process more, for what is done to a store behind a DJ's back."""
    with ProcessPoolExecutor(1, mp_context=_CONTEXT) as pool:
        yield pool


def _done(work: Callable[..., Any], url: str, arguments: tuple[Any, ...]) -> Any:
    with PersonalizedDJ(config=patient(url)) as dj:
        return work(dj, *arguments)


Elsewhere = Callable[..., Any]


def elsewhere_than(dj: PersonalizedDJ, url: str, process: ProcessPoolExecutor) -> Elsewhere:
    """Return what runs `work(another_dj, *arguments)` on the same store: in another process, if the store allows it."""

    def run(work: Callable[..., Any], *arguments: Any) -> Any:
        if dj.engine.store.shared:
            return process.submit(_done, work, url, arguments).result()
        return work(PersonalizedDJ(store=dj.engine.store), *arguments)

    return run
