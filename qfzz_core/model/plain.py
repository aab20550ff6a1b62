"""Plain data: values that JSON can say, copied so that nobody shares them; and what a caller gave, read once."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from datetime import UTC, datetime
from numbers import Integral, Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

from qfzz_core.errors import MOST_DIGITS_BITS, ClockError, shown
from qfzz_core.model.names import is_storable

if TYPE_CHECKING:
    from numpy.typing import NDArray

P = ParamSpec("P")
T = TypeVar("T")

MAX_DEPTH = 100  # far below the 1,000 frames after which Python itself gives up, in `copied` and in `json`
_SMALLEST, _LARGEST = -(2**63), 2**63  # integers of which the length needs no look
_LONGEST_STEP = 60  # characters of a key where a message says the place of a value

# A profile's `updated_at` moves forward on every change, so the last year that there is must never be reached: no
# microsecond is left after it.
LAST_YEAR = 9999

_SCALARS = frozenset({str, int, float, bool, type(None)})


class NotPlainError(ValueError):
    """The value holds something that JSON cannot say; the message says where and what."""


def plain(value: Any, where: str = "value", depth: int = 0) -> Any:
    """Return a deep copy of `value` made of dict, list, str, int, float, bool and None only.

    Numbers keep their types and objects their key order. Raises `NotPlainError` for everything that JSON cannot
    say: other types, NaN and infinities, lone surrogates, keys that are no text, nesting deeper than `MAX_DEPTH`.
    """
    kind = type(value)
    if value is None or kind is bool or (kind is float and value - value == 0.0) or (kind is str and value.isascii()):
        return value  # what most values are; of infinities and NaN the difference is NaN
    if isinstance(value, str):
        return _plain_text(value, where)
    if isinstance(value, float):
        number = float.__float__(value)
        if not math.isfinite(number):
            raise NotPlainError(f"{where} is {number}, which JSON cannot say")
        return number
    whole = whole_of(value)
    if whole is not None:
        if whole.bit_length() > MOST_DIGITS_BITS:
            raise NotPlainError(f"{where} is an integer of more than 4,200 digits")
        return whole
    return _plain_container(value, where, depth + 1)


def quickly_plain(value: dict[Any, Any]) -> dict[str, Any] | None:
    """Return what `plain` returns, None if that takes a closer look, be it only to say what is wrong.

    For a dict that holds scalars of built-in types, and little else, this takes a quarter of the time.
    """
    copy = value.copy()
    for key, item in value.items():
        kind = type(item)
        if type(key) is not str or not key.isascii():
            return None
        if kind is str:
            if not item.isascii() and not is_storable(item):
                return None
        elif kind is float:
            if item - item != 0.0:  # of infinities and NaN that is NaN
                return None
        elif kind is int:
            if not _SMALLEST <= item <= _LARGEST:
                return None
        elif kind is not bool and item is not None:
            try:
                copy[key] = plain(item, depth=1)
            except NotPlainError:
                return None
    return copy


def _plain_text(value: str, where: str) -> str:
    text = str.__str__(value)
    if not is_storable(text):
        raise NotPlainError(f"{where} holds a lone surrogate, which is no character")
    return text


def _plain_container(value: Any, where: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise NotPlainError(f"{where} is nested deeper than {MAX_DEPTH} levels, or contains itself")
    if isinstance(value, list):
        return [plain(item, where, depth) for item in list.__iter__(value)]
    mapping = mapping_of(value)
    if mapping is None:
        raise NotPlainError(f"{where} is of type {type(value).__name__}, which JSON cannot say")
    copy = {}
    for key, item in mapping.items():
        name = _plain_key(key, where)
        copy[name] = plain(item, f"{where}.{name[:_LONGEST_STEP]}" if depth < 4 else where, depth)
    return copy


def _plain_key(key: Any, where: str) -> str:
    if not isinstance(key, str):
        raise NotPlainError(f"{where} has the key {shown(key)}; keys must be text")
    return _plain_text(key, f"a key of {where}")


def deeper_than(most: int, values: Iterable[Any]) -> bool:
    """Return whether in any of several values more than `most` lists and dicts are within each other."""
    level = [value for value in values if type(value) not in _SCALARS]
    for _ in range(most):
        if not level:
            return False
        inner = (value.values() if isinstance(value, Mapping) else value for value in level)
        level = [each for values in inner for each in values if isinstance(each, (dict, list))]
    return bool(level)


def copied(value: Any) -> Any:
    """Return a deep copy of a value that is known to be plain."""
    if isinstance(value, dict):
        copy = dict(value)
        for key, item in copy.items():
            if type(item) not in _SCALARS:  # a third of the time that looking at each value by isinstance takes
                copy[key] = copied(item)
        return copy
    if isinstance(value, list):
        return [item if type(item) in _SCALARS else copied(item) for item in value]
    return value


def frozen(value: Any, depth: int = 0) -> Any:
    """Return a copy that cannot be changed: mappings read-only, lists as tuples, sets as frozensets, arrays sealed.

    Raises `NotPlainError` for what is nested deeper than `MAX_DEPTH`, or cannot be read.
    """
    if depth > MAX_DEPTH:
        raise NotPlainError(f"it is nested deeper than {MAX_DEPTH} levels, or contains itself")
    if isinstance(value, Mapping):
        mapping = mapping_of(value)
        if mapping is None:
            raise NotPlainError(f"it holds {shown(value)}, which cannot be read")
        return MappingProxyType({key: frozen(item, depth + 1) for key, item in mapping.items()})
    if isinstance(value, (list, tuple)):
        items = list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)
        return tuple(frozen(item, depth + 1) for item in items)
    if _is_array(value):
        return sealed(value.copy())
    return frozenset(set.copy(value)) if isinstance(value, set) else value


def unshared(value: Any, depth: int = 0) -> Any:
    """Return a value whose dictionaries, lists, tuples, sets and arrays are copies; all else in it stays the same.

    Raises `NotPlainError` for what is nested deeper than `MAX_DEPTH`.
    """
    if type(value) in _SCALARS:
        return value
    if depth > MAX_DEPTH:
        raise NotPlainError(f"it is nested deeper than {MAX_DEPTH} levels, or contains itself")
    if isinstance(value, dict):
        return {key: unshared(item, depth + 1) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(unshared(item, depth + 1) for item in value)
    return value.copy() if isinstance(value, (set, bytearray)) or _is_array(value) else value


def _is_array(value: Any) -> bool:
    return type(value).__module__ == "numpy" and type(value).__name__ == "ndarray"  # numpy is not imported for this


def own_text(value: Any) -> Any:
    """Return text as a `str` of the built-in type, and anything else as it is.

    Text of a class of its own may compare, hash and show itself by code that raises.
    """
    return str.__str__(value) if isinstance(value, str) else value


def attempted(function: Callable[[], T], otherwise: T) -> T:
    """Return what a function returns that runs somebody else's code for a message, `otherwise` if it raises."""
    try:
        return function()
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - their code may raise anything, and end the program
        return otherwise


# A metaclass may have made it a property that raises.
class_name: Callable[[type], str] = vars(type)["__name__"].__get__


def only_called(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function that calls another one: given to a plugin, a method leads by its `__self__` to its object."""

    def called(*args: P.args, **keywords: P.kwargs) -> T:
        return function(*args, **keywords)

    return called


class _Unwritable:
    """Lends memory to NumPy that NumPy then never writes to; what owns the memory lives as long, out of reach."""

    __slots__ = ("__array_interface__", "_keeps")

    def __init__(self, array: NDArray[Any]) -> None:
        interface = array.__array_interface__
        object.__setattr__(self, "__array_interface__", {**interface, "data": (interface["data"][0], True)})
        object.__setattr__(self, "_keeps", lambda: len(array))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("without its owner, the memory would be somebody else's")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("without its owner, the memory would be somebody else's")


def sealed(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view of an array through which nobody can write to it.

    A view that is only marked as read-only can be marked as writeable again, and leads by its `base` to the array.
    """
    # Looked at first: it takes 0.4 us, a new view 5, and most arrays are sealed more than once.
    import numpy as np

    owner: object = array.base
    if isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, _Unwritable) and not array.flags.writeable:
        return array
    view: NDArray[Any] = np.asarray(_Unwritable(array))
    return view


# ---- what a caller gave ---------------------------------------------------------------------------------------------

# A value of somebody else's class may raise anything, and be another one each time it is looked at. So it is read once
# into built-in types, and what was read is checked and kept. None stands for what cannot be read so.


def whole_of(value: Any) -> int | None:
    """Return an integer of any type, such as one of NumPy's, as one of Python's own; a boolean is none."""
    if type(value) is int:
        return value
    if isinstance(value, bool) or not isinstance(value, Integral):
        return None
    try:
        return int(operator.index(value))
    except Exception:  # noqa: BLE001 - the conversion is somebody else's
        return None


def number_of(value: Any) -> float | None:
    """Return a real number as a float, NaN if it is too large for one; a boolean is none."""
    if type(value) is float:
        return value
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        return float(value) + 0.0
    except OverflowError:
        return math.nan
    except Exception:  # noqa: BLE001 - the conversion is somebody else's
        return None


def number_or_nan(value: Any) -> float:
    """Return a real number as `number_of` does, NaN for what is none: no range holds it."""
    number = number_of(value)
    return math.nan if number is None else number


def mapping_of(value: Any) -> dict[Any, Any] | None:
    """Return a mapping as a dict, a dict as it is."""
    if type(value) is dict:
        return value
    if not isinstance(value, Mapping):
        return None
    try:
        return dict(value)
    except Exception:  # noqa: BLE001 - reading it is somebody else's
        return None


def iterator_of(value: Any) -> Iterator[Any] | None:
    """Return an iterator over the items of an iterable; text and mappings are none."""
    if isinstance(value, (str, bytes, bytearray, Mapping)) or not isinstance(value, Iterable):
        return None
    try:
        return iter(value)
    except Exception:  # noqa: BLE001 - reading it is somebody else's
        return None


def several_of(value: Any) -> Collection[Any] | None:
    """Return the items of an iterable, of a set as a set, of others as a tuple; text and mappings are none.

    What the caller's own iterator raises as it runs, such as a generator that reads a file, is raised.
    """
    if type(value) in (list, tuple) or isinstance(value, Iterator):
        return tuple(value)
    if iterator_of(value) is None:
        return None
    try:
        return frozenset(value) if isinstance(value, Set) else tuple(value)
    except Exception:  # noqa: BLE001 - reading it is somebody else's
        return None


def checked_clock(clock: Callable[[], datetime]) -> Callable[[], datetime]:
    """Return a clock that gives what `clock` gives, in UTC, and raises `ClockError` for what is no usable time."""
    if not callable(clock):
        raise ClockError(f"the clock must be a function that gives the time, got {shown(clock)}")

    def checked() -> datetime:
        try:
            moment = clock()
            if type(moment) is datetime and moment.tzinfo is UTC and moment.year < LAST_YEAR:
                return moment  # nearly every one
        except Exception as error:
            raise ClockError(f"the clock fails: {type(error).__name__}") from error
        return _kept(moment)

    return checked


def _kept(moment: Any) -> datetime:
    try:
        if isinstance(moment, datetime) and moment.utcoffset() is not None:
            in_utc = datetime.astimezone(moment, UTC)
            if in_utc.year < LAST_YEAR:
                return in_utc
    except Exception as error:  # the time zone may be somebody else's class, and the time beyond what UTC can say
        raise ClockError(f"the clock gives a time that cannot be kept in UTC: {shown(moment)}") from error
    raise ClockError(
        f"the clock must give a datetime with a time zone, before the year {LAST_YEAR}, got {shown(moment)}"
    )
