"""From a plain table to an attrs class, or to everything that is wrong with the table, each with its place.

This module imports cattrs, so it is imported on use.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

import attrs
import cattrs
from cattrs.errors import AttributeValidationNote, ClassValidationError, IterableValidationError

from qfzz_core.config.converter import UnfitError, described, either, keys_of, rest_of, shown, strict_converter
from qfzz_core.config.places import KeyPath, quoted, shown_key
from qfzz_core.errors import did_you_mean

# A validator of a plugin says "depth must be ..." or "'depth' must be ...": that key is what the line is looked up for.
_NAMED = re.compile(r"""^(\w+)\b|['"](\w+)['"]""")


@attrs.frozen
class Problem:
    """One thing that is wrong: the table and the key inside it, relative to what was structured, and a sentence."""

    table: KeyPath
    key: KeyPath
    sentence: str


class StructuringError(Exception):
    """A table does not fit its class; `problems` says everything that is wrong with it."""

    def __init__(self, problems: Collection[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


def structure(raw: Any, cls: Any, *, own_keys: Collection[str] = (), converter: cattrs.Converter | None = None) -> Any:
    """Return `raw` as an object of `cls`; of class None, which takes no key, as None.

    `own_keys` are names known in this table beside those of the class. Raises `StructuringError` if anything is wrong
    with `raw`; what is wrong with the class itself, as a type that nothing can be structured into, raises as it is.
    """
    if cls is None:
        if problems := [Problem((), (key,), _unknown(key, (), own_keys)) for key in raw]:
            raise StructuringError(problems)
        return None
    try:
        return (converter or strict_converter()).structure(raw, cls)
    except (UnfitError, cattrs.BaseValidationError) as error:
        raise StructuringError(list(_problems(error, (), cls, own_keys))) from None


# ---- from the exceptions of cattrs to problems ---------------------------------------------------------------------


def _problems(error: Exception, path: KeyPath, cls: Any, own_keys: Collection[str]) -> Iterator[Problem]:
    """Yield what an exception of cattrs holds; `path` leads to where it was raised, `cls` was wanted there."""
    if not isinstance(error, (ClassValidationError, IterableValidationError)):
        yield _wrong_value(error, path, cls)
        return
    located, others = error.group_exceptions()
    for inner, note in located:
        step = note.name if isinstance(note, AttributeValidationNote) else note.index
        # The attribute that takes all other keys is no key of the file: `options` of [discovery] must not be named.
        below = path if step and step == rest_of(error.cl) else (*path, step)
        yield from _problems(inner, below, note.type, own_keys)
    for inner in others:
        yield from _wrong_table(inner, path, error.cl, () if path else own_keys)


def _wrong_value(error: Exception, path: KeyPath, cls: Any) -> Problem:
    if isinstance(error, cattrs.StructureHandlerNotFoundError):
        raise error  # some versions of cattrs find out about the class only when there is a value
    cut = max(_headed(path) - 1, 0)
    if isinstance(error, KeyError):  # cattrs raises it for an attribute without default
        message = f"is missing; it must be {described(cls)}"
    else:
        message = str(error) if isinstance(error, UnfitError) else f"cannot be used: {error}"
    return Problem(path[:cut], path[cut:], f"{_label(path[cut:])} {message}".lstrip())


def _wrong_table(error: Exception, path: KeyPath, cls: Any, own_keys: Collection[str]) -> Iterator[Problem]:
    """Yield what is wrong with a table as a whole: keys that its class does not know, or what a validator refused."""
    known = keys_of(cls)
    if isinstance(error, cattrs.ForbiddenExtraKeysError):
        for key in error.extra_fields:
            yield _about(path, key, _unknown(key, known, own_keys))
        return
    message = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    if not isinstance(error, (ValueError, TypeError)):
        message = f"{type(error).__name__}: {message}"
    named = (match[1] or match[2] for match in _NAMED.finditer(message))
    blamed = next((name for name in named if name in known), None)
    yield _about(path, blamed, re.sub(r"^'(\w+)' ", r"\1 ", message))  # attrs puts the name between quotes


def _unknown(key: Any, known: Collection[str], own_keys: Collection[str]) -> str:
    names = [*known, *own_keys]
    if near := did_you_mean(str(key), names):
        return f"unknown key {shown(key)}{near}"
    listed = either(map(quoted, names)) if names else ""
    expected = f"expected {listed}" if known else "it takes no options" + f" but {listed}" * bool(names)
    return f"unknown key {shown(key)}, {expected}"


def _about(path: KeyPath, key: str | None, message: str) -> Problem:
    """Return a problem of the table at `path`; `key` is the one that is to blame, if that is known."""
    blamed = () if key is None else (key,)
    if _headed(path) == len(path):
        return Problem(path, blamed, message)
    cut = max(_headed(path) - 1, 0)
    return Problem(path[:cut], (*path[cut:], *blamed), f"{_label(path[cut:])}: {message}")


def _headed(path: KeyPath) -> int:
    """Return how many keys come before the first position in a list: only a table below no list has a header."""
    return next((index for index, part in enumerate(path) if not isinstance(part, str)), len(path))


def _label(key: KeyPath) -> str:
    """Return a key as it is read in a sentence: `rules[1].high`."""
    steps = [f".{shown_key(part)}" if isinstance(part, str) else f"[{part}]" for part in key]
    return "".join(steps).removeprefix(".")
