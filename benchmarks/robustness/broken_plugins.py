"""Plugins that are broken: each way of being broken at each place where a plugin is called."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import attrs
import numpy as np

from qfzz_core import (
    CategoryTable,
    Column,
    ColumnFunction,
    InteractionType,
    Pick,
    Predicate,
    TrackFunction,
    hookimpl,
)
from qfzz_core.errors import StoreCorruptError

Body = Callable[..., Any]

# ---- ways -----------------------------------------------------------------------------------------------------------


def _fails(*given: Any, **named: Any) -> Any:
    raise RuntimeError("asked for what it does not say")


class UnsayableError(Exception):
    """An exception that raises when it is shown."""

    __str__ = __repr__ = _fails


class WordlessError(Exception):
    """An exception whose text is none."""

    __str__ = lambda self: 5  # noqa: E731


class UntraceableError(Exception):
    """An exception whose attributes raise."""

    __traceback__ = __cause__ = __context__ = property(_fails)


class PanicError(BaseException):
    """What compiled code raises."""

    __str__ = __repr__ = _fails


class Nameless(type):
    """A class of classes without names."""

    __name__ = property(_fails)


class UnnamedError(Exception, metaclass=Nameless):
    """An exception whose class has no name."""


class HostileText(str):
    """Text that raises when it is compared, hashed or shown."""

    __slots__ = ()
    __eq__ = __hash__ = __str__ = __repr__ = __format__ = strip = encode = lower = _fails


class Hostile:
    """An object that raises whatever is asked of it."""

    __getattribute__ = __eq__ = __hash__ = __str__ = __repr__ = __bool__ = __len__ = __iter__ = _fails
    __float__ = __int__ = __index__ = __getitem__ = __array__ = __call__ = _fails


def _raising(make: Callable[[], BaseException]) -> Body:
    def body(*given: Any, **named: Any) -> Any:
        raise make()

    return body


def _caused(*given: Any, **named: Any) -> Any:
    try:
        _fails()
    except RuntimeError as error:
        raise UnsayableError from error


def _recursing(*given: Any, **named: Any) -> Any:
    return _recursing(*given, **named)


def _warning(*given: Any, **named: Any) -> Any:
    warnings.warn("old", DeprecationWarning, stacklevel=2)
    raise ArithmeticError("it warned, and broke")


async def _later(*given: Any, **named: Any) -> Any:
    """Be called as a function without being one."""


def _generating(*given: Any, **named: Any) -> Any:
    yield Hostile()


def _returning(make: Callable[[], Any]) -> Body:
    return lambda *given, **named: make()


RAISING: dict[str, Body] = {
    "raises": _raising(lambda: ArithmeticError("it is broken")),
    "raises what cannot be shown": _raising(UnsayableError),
    "raises what shows as a number": _raising(WordlessError),
    "raises what shows as a million lines": _raising(lambda: ArithmeticError("line\n" * 1_000_000)),
    "raises what has no attributes": _raising(UntraceableError),
    "raises what has no name": _raising(UnnamedError),
    "raises from what cannot be shown": _caused,
    "raises an error of a store": _raising(lambda: StoreCorruptError("a store of its own is damaged")),
    "ends the program": _raising(lambda: SystemExit(Hostile())),
    "panics": _raising(PanicError),
    "ends a generator": _raising(lambda: GeneratorExit("broken")),
    "ends an iteration": _raising(lambda: StopIteration("broken")),
    "runs out of memory": _raising(lambda: MemoryError("broken")),
    "recurses without end": _recursing,
    "warns and raises": _warning,
}
RETURNING: dict[str, Body] = {
    "is async": _later,
    "returns a hostile object": _returning(Hostile),
    "returns a number": _returning(lambda: 5),
    "returns hostile text": _returning(lambda: HostileText("broken")),
    "returns an endless iterator": _returning(lambda: itertools.repeat(Hostile())),
    "returns a generator of hostile objects": _generating,
}
WAYS = RAISING | RETURNING

# ---- places ---------------------------------------------------------------------------------------------------------


@attrs.frozen
class Part:
    """An object with the attributes of factors, filters, strategies, learners and formats."""

    name: Any = "broken"
    weight: float = 1.0
    prepare: Body = lambda request, option=None: None
    check: Body = lambda option: None
    pick: Body = lambda request, ranking: [Pick(rank + 1) for rank in range(len(ranking.take(request.limit)))]
    keys: Body = lambda event: ["all"]
    learn: Body = lambda state, event, key: 1
    read: Body = lambda state: 0.0
    suffixes: tuple[str, ...] = (".broken",)
    write: Body = lambda playlist: []


Hooks = dict[str, Body]


def _hook(hook: str, argument: str = "setup") -> Callable[[Body], Hooks]:
    # pluggy reads the names of arguments: the body, which takes anything, would be called without any
    if argument == "feedback":
        return lambda body: {hook: lambda feedback: _called(body, feedback)}
    if argument == "recommended":
        return lambda body: {hook: lambda recommended: _called(body, recommended)}
    return lambda body: {hook: lambda setup: _called(body, setup)}


def _called(body: Body, given: Any) -> Any:
    return body(given)


def _objects(hook: str, make: Callable[[Body], Any]) -> Callable[[Body], Hooks]:
    return lambda body: {hook: lambda: [make(body)]}


def _shape(make: Callable[[Body], Any]) -> Callable[[Body], Hooks]:
    return _objects("qfzz_factors", lambda body: Part(prepare=lambda request: make(body)))


_HOOKS = (
    "factors",
    "columns",
    "filters",
    "strategies",
    "interaction_types",
    "genre_similarity",
    "genre_aliases",
    "learners",
    "stores",
)
REGISTERING = {f"qfzz_{kind}": _hook(f"qfzz_{kind}") for kind in (*_HOOKS, "readers", "writers", "analysers")} | {
    "qfzz_options": lambda body: {"qfzz_options": lambda: _called(body, None)}
}
IN_A_REQUEST: dict[str, Callable[[Body], Hooks]] = {
    "prepare": _objects("qfzz_factors", lambda body: Part(prepare=body)),
    "values of a table": _shape(lambda body: CategoryTable(column="genre", values={"jazz": body()})),
    "column function": _shape(lambda body: ColumnFunction(function=body)),
    "track function": _shape(lambda body: TrackFunction(function=body)),
    "check": _objects("qfzz_filters", lambda body: Part(check=body)),
    "prepare of a filter": _objects("qfzz_filters", lambda body: Part(prepare=body)),
    "predicate": _objects("qfzz_filters", lambda body: Part(prepare=lambda *_: Predicate(function=body))),
    "pick": _objects("qfzz_strategies", lambda body: Part(pick=body)),
    "reason": _shape(lambda body: TrackFunction(function=lambda track: 0.5, reason=body)),
}
ELSEWHERE: dict[str, Callable[[Body], Hooks]] = {
    "keys": _objects("qfzz_learners", lambda body: Part(keys=body)),
    "learn": _objects("qfzz_learners", lambda body: Part(learn=body)),
    "source": _objects("qfzz_columns", lambda body: Column(name="broken", kind="number", source=body)),
    "provider": _objects("qfzz_columns", lambda body: Column(name="broken", kind="number", provider=body)),
    "feedback recorded": _hook("qfzz_feedback_recorded", "feedback"),
    "recommended": _hook("qfzz_recommended", "recommended"),
    "commands": _hook("qfzz_commands"),
}
PLACES = REGISTERING | IN_A_REQUEST | ELSEWHERE

# What a sound plugin returns at the places where something is handed to it.
SOUND: dict[str, Body] = {
    "prepare": lambda request: None,
    "column function": lambda columns, rows: np.full(len(rows), 0.5),
    "track function": lambda track: 0.5,
    "check": lambda option: None,
    "prepare of a filter": lambda request, option: None,
    "predicate": lambda columns, rows: np.ones(len(rows), dtype=np.bool_),
    "pick": Part().pick,
    "reason": lambda track, value: "half",
    "keys": lambda event: ["all"],
    "learn": lambda state, event, key: {"count": [1]},
    "source": lambda track: 0.5,
    "provider": lambda track_ids: [0.5] * len(track_ids),
    "feedback recorded": lambda feedback: None,
    "recommended": lambda recommended: None,
}

# What is right although it is odd: nothing is said of it.
HARMLESS = {
    *itertools.product(("feedback recorded", "recommended"), set(RETURNING) - {"is async", "returns a hostile object"}),
    ("check", "returns a number"),
    ("check", "returns hostile text"),
    ("check", "returns an endless iterator"),
    ("check", "returns a generator of hostile objects"),
    ("reason", "returns hostile text"),
    ("learn", "returns a number"),
    ("learn", "returns hostile text"),
    ("source", "returns a number"),
    *itertools.product(("source",), ("returns hostile text", "returns an endless iterator")),
    ("source", "returns a generator of hostile objects"),
}


# ---- plugins that are broken in a way of their own -------------------------------------------------------------------


class Unlike:
    """A plugin that cannot be compared, nor asked for its name."""

    __eq__ = __hash__ = __str__ = __repr__ = _fails
    plugin_name = property(_fails)

    @hookimpl
    def qfzz_factors(self) -> Any:
        """Register a factor that fails."""
        return [Part(prepare=_fails)]


class ManyNames(Part):
    """A part whose name is no name any more when it is asked for again."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "names", iter(["broken", "broken", "broken"]))

    name = property(lambda self: next(self.names))


class AnotherColumn(Column):
    """A column that says what it is only once."""

    __slots__ = ()
    kind = property(_fails)


def _by_hand() -> dict[str, Callable[[], Any]]:
    def with_hook(hook: str, make: Callable[[], Iterable[Any]]) -> Callable[[], Any]:
        return lambda: plugin(**{hook: make})

    return {
        "a plugin that cannot be compared": Unlike,
        "a name that is hostile text": with_hook("qfzz_factors", lambda: [Part(HostileText("broken"), prepare=_fails)]),
        "a name that is bytes": with_hook("qfzz_factors", lambda: [Part(b"broken")]),
        "a name that is hostile": with_hook("qfzz_filters", lambda: [Part(Hostile())]),
        "a name that changes": with_hook("qfzz_factors", lambda: [ManyNames()]),
        "a column that changes": with_hook("qfzz_columns", lambda: [AnotherColumn(name="broken", kind="number")]),
        "a type with a hostile strength": with_hook(
            "qfzz_interaction_types", lambda: [InteractionType("x", Hostile())]
        ),
        "endless objects": with_hook("qfzz_factors", lambda: itertools.repeat(Part())),
        "endless similar genres": with_hook("qfzz_genre_similarity", lambda: {"jazz": itertools.repeat("rock")}),
        "a wrong signature": lambda: plugin(qfzz_factors=lambda setup, catalogue: []),
        "a hook that is no hook": lambda: plugin(qfzz_scorers=lambda: [Part()]),
    }


BY_HAND = _by_hand()


def plugin(**hooks: Body) -> ModuleType:
    """Return a plugin with these hooks, named "broken"."""
    module = ModuleType("broken")
    for name, function in hooks.items():
        setattr(module, name, hookimpl(function))
    return module


def cases() -> list[tuple[str, str]]:
    """Return every place with every way, and those made by hand."""
    return [*itertools.product(PLACES, WAYS), *(("by hand", name) for name in BY_HAND)]


def made(place: str, way: str) -> Any:
    """Return a plugin that is broken in a way at a place."""
    return BY_HAND[way]() if place == "by hand" else plugin(**PLACES[place](WAYS[way]))
