"""A cattrs converter that takes values only as they are, and refuses in words that a person can act on.

This module imports cattrs, so it is imported on use.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping
from dataclasses import is_dataclass
from datetime import date, datetime, time, timezone
from enum import Enum
from functools import partial
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
import cattrs
from cattrs.cols import mapping_structure_factory
from cattrs.gen import make_dict_structure_fn

from qfzz_core import errors
from qfzz_core.config.places import quoted
from qfzz_core.errors import did_you_mean

Hook = Callable[[Any, Any], Any]

REST = "rest"
"""Metadata of an attribute that takes the keys its class does not know: `attrs.field(metadata={"rest": True})`."""

_SHOWN_CHARACTERS = 60  # with file, line and key before it, a sentence stays on two lines of a terminal
_LISTS = (list, tuple, set, frozenset)

# A subclass stands before its base: to Python True is an int, and a datetime is a date.
_SCALARS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a finite number",
    str: "text",
    bytes: "bytes",
    datetime: "a date with a time",
    date: "a date",
    time: "a time",
    Path: "a path",
}


class UnfitError(ValueError):
    """A value does not fit its type; the message is a predicate: what it must be, and what it is."""


def unfit(cls: Any, value: Any) -> UnfitError:
    """Return the refusal of a value that is not of a type, with the nearest choice if the type lists some."""
    near = did_you_mean(value, _text_choices(cls)) if isinstance(value, str) else ""
    return UnfitError(f"must be {described(cls)}, got {shown(value)}{near}")


# ---- values and types in words -------------------------------------------------------------------------------------


def shown(value: Any) -> str:
    """Return a value as a configuration would write it: short, on one line and safe to print on a terminal."""
    if isinstance(value, str):
        return quoted(_shortened(str.__str__(value)))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, _LISTS):
        return "a list"
    # a moment may have a time zone of somebody else's class, and an integer be too large to be written
    of_toml = isinstance(value, (date, time)) and isinstance(getattr(value, "tzinfo", None), timezone | None)
    return _shortened(str(value) if of_toml else errors.shown(value))


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."


def described(cls: Any) -> str:
    """Return what a value of this type must be: "text", "a finite number", `"a" or "b"`, "a list".

    Words that annotate a type say it instead: `Annotated[str, "the name of a genre"]`.
    """
    if get_origin(cls) is Annotated:
        return next((words for words in cls.__metadata__ if isinstance(words, str)), described(cls.__origin__))
    if hasattr(cls, "__supertype__"):
        return described(cls.__supertype__)
    if choices := _choices(cls):
        return either(shown(plain) for plain, _ in choices)
    if _is_union(cls):
        return either(described(member) for member in _members(cls))
    scalar = _scalar_base(cls)
    return _SCALARS[scalar] if scalar else _container(cls) or "a value"


def either(words: Iterable[str]) -> str:
    """Return the words as an enumeration: "a, b or c"."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def keys_of(cls: Any) -> list[str]:
    """Return the keys of the table that is structured into this class."""
    if attrs.has(cls):
        return [field.name for field in attrs.fields(cls) if field.init and REST not in field.metadata]
    return list(get_type_hints(cls))


def rest_of(cls: Any) -> str:
    """Return the attribute of this class that takes the keys which it does not know, "" if it refuses them."""
    fields = attrs.fields(cls) if attrs.has(cls) else ()
    return next((field.name for field in fields if REST in field.metadata), "")


def _choices(cls: Any) -> list[tuple[Any, Any]]:
    """Return what can be written and what it means, for a type that lists its values."""
    values = get_args(cls) if get_origin(cls) is Literal else cls if _is_enum(cls) else ()
    return [(value.value if isinstance(value, Enum) else value, value) for value in values]


def _text_choices(cls: Any) -> list[str]:
    types = _members(cls) if _is_union(cls) else [cls]
    return [plain for member in types for plain, _ in _choices(member) if isinstance(plain, str)]


def _is_enum(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, Enum)


def _is_union(cls: Any) -> bool:
    return get_origin(cls) in (Union, UnionType)


def _is_mapping(cls: Any) -> bool:
    return (get_origin(cls) or cls) in (dict, Mapping, MutableMapping)


def _members(union: Any) -> list[Any]:
    return [member for member in get_args(union) if member is not NoneType]


def _scalar_base(cls: Any) -> type | None:
    return next((scalar for scalar in _SCALARS if isinstance(cls, type) and issubclass(cls, scalar)), None)


def _container(cls: Any) -> str | None:
    """Return "a table" or "a list", with its length if that is fixed; None for a type that is neither."""
    base = get_origin(cls) or cls
    if not isinstance(base, type):
        return None
    if issubclass(base, Mapping) or attrs.has(base) or is_dataclass(base):
        return "a table"
    length = _fixed_length(cls)
    return ("a list" if length is None else f"a list of {length}") if issubclass(base, Collection) else None


def _fixed_length(cls: Any) -> int | None:
    items = get_args(cls)
    return len(items) if get_origin(cls) is tuple and ... not in items else None


# ---- the converter -------------------------------------------------------------------------------------------------


def strict_converter() -> cattrs.Converter:
    """Return a new converter that takes values only as they are; an integer is taken for a float."""
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    for scalar in _SCALARS:
        converter.register_structure_hook(scalar, _structure_scalar)
    converter.register_structure_hook(Enum, _structure_choice)
    converter.register_structure_hook_func(lambda cls: bool(_choices(cls)), _structure_choice)
    converter.register_structure_hook_factory(_is_union, partial(_union_hook, converter))
    # cattrs' own factory for mappings puts its hooks where no other factory is called for them, past the guard.
    converter.register_structure_hook_factory(_is_mapping, lambda cls: mapping_structure_factory(cls, converter))
    guard = _Guard(converter)
    converter.register_structure_hook_factory(guard.applies, guard.hook)
    converter.register_structure_hook_factory(lambda cls: bool(rest_of(cls)), partial(_open_hook, converter))
    return converter


def _structure_scalar(value: Any, cls: Any) -> Any:
    if _is_enum(cls):  # cattrs finds the hook of int for an IntEnum
        return _structure_choice(value, cls)
    if not _is_scalar(value, _scalar_base(cls)):
        raise unfit(cls, value)
    return value if isinstance(value, cls) else cls(value)


def _is_scalar(value: Any, base: Any) -> bool:
    # True is an int and a datetime is a date to `isinstance`: `seed = true` must not be 1
    if isinstance(value, bool) or base is bool:
        return isinstance(value, bool) and base is bool
    if isinstance(value, datetime):
        return base is datetime
    if base is float:
        return isinstance(value, (int, float)) and abs(value) <= sys.float_info.max  # refuses NaN too
    return isinstance(value, (str, Path) if base is Path else base)


def _structure_choice(value: Any, cls: Any) -> Any:
    for plain, meaning in _choices(cls):
        if type(value) is type(plain) and value == plain:  # True == 1 == 1.0
            return meaning
    raise unfit(cls, value)


def _union_hook(converter: cattrs.Converter, cls: Any) -> Hook:
    members = [(member, converter.get_structure_hook(member)) for member in _members(cls)]

    def structure(value: Any, _: Any) -> Any:
        if value is None and NoneType in get_args(cls):
            return None
        inside: list[cattrs.BaseValidationError] = []
        for member, hook in members:
            try:
                return hook(value, member)
            except cattrs.BaseValidationError as error:
                inside.append(error)
            except UnfitError:
                continue
        if len(inside) == 1:  # the one member of this shape says more exactly what is wrong
            raise inside[0]
        raise unfit(cls, value)

    return structure


class _Guard:
    """Lets only tables and lists reach cattrs' own hooks for them, which would take any iterable, text included."""

    def __init__(self, converter: cattrs.Converter) -> None:
        self._converter = converter
        self._guarded: Any = None

    def applies(self, cls: Any) -> bool:
        return cls is not self._guarded and _container(cls) is not None

    def hook(self, cls: Any) -> Hook:
        # The converter finds this factory again for the same class: it has to stand aside then, or it recurs forever.
        outer, self._guarded = self._guarded, cls
        try:
            inner = self._converter.get_structure_hook(cls, cache_result=False)
        finally:
            self._guarded = outer
        kind: Any = Mapping if _container(cls) == "a table" else _LISTS
        length = _fixed_length(cls)

        def structure(value: Any, cls: Any) -> Any:
            if not isinstance(value, kind) or (length is not None and len(value) != length):
                raise unfit(cls, value)
            return inner(value, cls)

        return structure


def _open_hook(converter: cattrs.Converter, cls: Any) -> Hook:
    own, rest = keys_of(cls), rest_of(cls)
    closed = make_dict_structure_fn(cls, converter)

    def structure(value: Any, cls: Any) -> Any:
        if not isinstance(value, Mapping):
            raise unfit(cls, value)
        known = {key: value[key] for key in own if key in value}
        return closed({**known, rest: {key: item for key, item in value.items() if key not in own}}, cls)

    return structure
