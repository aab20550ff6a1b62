"""Values that nobody expects: odd types, huge numbers, endless nesting, and objects that raise at every touch."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np

HUGE = 10**5000  # Python refuses to write it as text


class HostileError(Exception):
    """What hostile objects raise: nobody's family."""


def _raise(*_: Any, **__: Any) -> NoReturn:
    raise HostileError("whatever was done, it was refused")


_EVERYTHING = [
    "__repr__",
    "__str__",
    "__format__",
    "__eq__",
    "__ne__",
    "__lt__",
    "__le__",
    "__gt__",
    "__ge__",
    "__hash__",
    "__bool__",
    "__len__",
    "__iter__",
    "__contains__",
    "__getitem__",
    "__index__",
    "__int__",
    "__float__",
    "__round__",
    "__neg__",
    "__abs__",
    "__add__",
    "__radd__",
    "__sub__",
    "__rsub__",
    "__mul__",
    "__truediv__",
    "__fspath__",
    "__call__",
    "__reversed__",
    "__length_hint__",
]


def _hostile(base: type, *arguments: Any, but: tuple[str, ...] = ()) -> Any:
    """Return an object of a subclass of `base` all of whose methods raise, `but` a few."""
    methods = dict.fromkeys([name for name in _EVERYTHING if name not in but], _raise)
    public = [name for name in dir(base) if not name.startswith("_")]
    return type(f"Hostile{base.__name__.title()}", (base,), {**methods, **dict.fromkeys(public, _raise)})(*arguments)


class HostileMapping(Mapping[Any, Any]):
    """A mapping that cannot be read."""

    __getitem__ = __iter__ = __len__ = __repr__ = _raise  # type: ignore[assignment]


class HostileZone(tzinfo):
    """A time zone that does not say which."""

    utcoffset = dst = tzname = _raise  # type: ignore[assignment]


class Member(IntEnum):
    """An integer of another type."""

    THREE = 3
    HUGE = HUGE


class Text(str):
    """A string of another type."""


class Partial:
    """Looks like a track without having its fields."""

    track_id = "t1"


def _nested(depth: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(depth):
        nested = [nested]
    return nested


def _nested_dict(depth: int) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for _ in range(depth):
        nested = {"genres": nested}
    return nested


def _endless() -> list[Any]:
    endless: list[Any] = []
    endless.append(endless)
    return endless


def _endless_dict() -> dict[str, Any]:
    endless: dict[str, Any] = {}
    endless["genres"] = endless
    return endless


def _exhausted() -> Iterator[Any]:
    items = iter([1])
    next(items)
    return items


async def _coroutine() -> None:
    """Return nothing, if anybody waits for it."""


def _closed() -> Coroutine[Any, Any, None]:
    coroutine = _coroutine()
    coroutine.close()  # so that nobody is warned that it was never awaited
    return coroutine


# Each is made for every call, so that no call meets what another one did to it.
ODD_VALUES: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "0": lambda: 0,
    "-1": lambda: -1,
    "2**63": lambda: 2**63,
    "10**5000": lambda: HUGE,
    "-10**5000": lambda: -HUGE,
    "NaN": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "-0.0": lambda: -0.0,
    "1e308": lambda: 1e308,
    "complex": lambda: 1j,
    "Decimal": lambda: Decimal("0.5"),
    "Decimal NaN": lambda: Decimal("NaN"),
    "Fraction": lambda: Fraction(1, 2),
    "huge Fraction": lambda: Fraction(HUGE, 3),
    "np.int64": lambda: np.int64(3),
    "np.uint8": lambda: np.uint8(3),
    "np.float64": lambda: np.float64(0.5),
    "np.float32": lambda: np.float32(0.5),
    "np.str_": lambda: np.str_("jazz"),
    "np.bool_": lambda: np.bool_(True),
    "array": lambda: np.array([0.1, 0.2]),
    "array of objects": lambda: np.array([None, "a"], dtype=object),
    "empty": lambda: "",
    "blank": lambda: " ",
    "NUL": lambda: "\0",
    "lone surrogate": lambda: "\ud800",
    "a megabyte": lambda: "x" * 1_000_000,
    "escape": lambda: "\x1b[2J",
    "bytes": lambda: b"jazz",
    "bytearray": lambda: bytearray(b"jazz"),
    "memoryview": lambda: memoryview(b"jazz"),
    "str subclass": lambda: Text("jazz"),
    "IntEnum": lambda: Member.THREE,
    "huge IntEnum": lambda: Member.HUGE,
    "list": list,
    "tuple": tuple,
    "dict": dict,
    "set": set,
    "range": lambda: range(3),
    "generator": lambda: (each for each in ["t1", 2]),
    "exhausted iterator": _exhausted,
    "deep list": lambda: _nested(10_000),
    "deep dict": lambda: _nested_dict(10_000),
    "endless list": _endless,
    "endless dict": _endless_dict,
    "list of odd": lambda: [None, HUGE, _hostile(object), "\ud800"],
    "pairs": lambda: [("jazz", 0.5)],
    "triples": lambda: [("jazz", 0.5, 1)],
    "dict of odd keys": lambda: {None: 1, 2: 3, (): 4, HUGE: 5, frozenset(): 6},
    "dict of surrogates": lambda: {"\ud800": "\ud800"},
    "read-only dict": lambda: MappingProxyType({"genre": "jazz"}),
    "keys": {"jazz": 1}.keys,
    "object": object,
    "class": lambda: Partial,
    "partial track": Partial,
    "function": lambda: _closed,
    "coroutine": _closed,
    "naive datetime": lambda: datetime(2026, 1, 31),
    "aware datetime": lambda: datetime(2026, 1, 31, tzinfo=timezone(timedelta(hours=14))),
    "first moment": lambda: datetime.min.replace(tzinfo=UTC),
    "last moment": lambda: datetime.max.replace(tzinfo=UTC),
    "hostile zone": lambda: datetime(2026, 1, 31, tzinfo=HostileZone()),
    "last moment as text": lambda: "9999-12-31T23:59:59.999999+00:00",
    "date": lambda: date(2026, 1, 31),
    "path": lambda: Path("jazz"),
    "hostile object": lambda: _hostile(object),
    "hostile str": lambda: _hostile(str, "jazz", but=("__hash__", "__eq__")),
    "hostile int": lambda: _hostile(int, 1, but=("__hash__", "__eq__")),
    "hostile float": lambda: _hostile(float, 0.5, but=("__hash__", "__eq__")),
    "hostile list": lambda: _hostile(list, ["jazz"]),
    "hostile tuple": lambda: _hostile(tuple, ["jazz"]),
    "hostile set": lambda: _hostile(set, ["jazz"]),
    "hostile dict": lambda: _hostile(dict, {"jazz": 0.5}),
    "hostile mapping": HostileMapping,
    "hostile datetime": lambda: _hostile(datetime, 2026, 1, 31),
    "hostile path": type("HostilePath", (), {"__fspath__": _raise}),
}


def put(value: Any, place: Sequence[Any], odd: Any) -> Any:
    """Return a copy of nested dicts and lists in which an odd value is at a place."""
    if not place:
        return odd
    copy = value.copy()
    copy[place[0]] = put(value[place[0]], place[1:], odd)
    return copy


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    """Iterate the places of nested dicts and lists, the whole of it first."""
    yield ()
    inside = value.items() if type(value) is dict else enumerate(value) if type(value) is list else ()
    for key, item in inside:
        for place in places(item):
            yield key, *place
