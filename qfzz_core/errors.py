"""Every error that QFZZ raises on purpose: one family, `QfzzError`.

Bad input is an `InvalidInput`, which is also a `ValueError`, as the documented API promises.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable
from itertools import islice
from typing import Any

LONGEST_SHOWN = 300  # characters of a value in a message: about three lines of a terminal
MOST_DIGITS_BITS = 14_000  # Python refuses to write integers of more than 4,300 digits as text


class QfzzError(Exception):
    """The base of all errors of this library.

    `passes_plugins` says that the engine's own store raised it below a plugin, which is not to blame for it.
    """

    passes_plugins = False


class InvalidInput(QfzzError, ValueError):  # noqa: N818 - its children say what is invalid, and end in Error
    """The caller gave something that cannot be accepted; nothing was changed."""


class ProfileError(InvalidInput):
    """A user id, preference or other part of a profile is not valid."""


class RequestError(InvalidInput):
    """An argument of a recommendation request is not valid."""


class FeedbackError(InvalidInput):
    """A feedback is not valid. `position` is its index in the batch, None for a single one."""

    def __init__(self, message: str, *, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class TrackError(InvalidInput):
    """A track is not valid; says which one and which field.

    `position` is the index in the call, `track_id` the track's id where it has a usable one, `field` the field,
    `reason` what is wrong without saying where.
    """

    def __init__(
        self, reason: str, *, position: int | None = None, track_id: str | None = None, field: str | None = None
    ) -> None:
        place = "track" if position is None else f"track at position {position}"
        super().__init__(
            f"{place}: {reason}" if track_id is None else f"{place} (track_id {shown(track_id)}): {reason}"
        )
        self.reason = reason
        self.position = position
        self.track_id = track_id
        self.field = field


class UnknownTrackError(InvalidInput):
    """The catalogue has no track of this id."""


class ConfigError(InvalidInput):
    """The configuration cannot be used; the message names file, line and key."""


class DocumentError(InvalidInput):
    """A profile document cannot be read; the message says where in it."""


class ForgottenProfileError(QfzzError):
    """The user whose profile is held here was forgotten; the object cannot change anything any more."""


class ClosedError(QfzzError):
    """The engine or store was closed."""


class PluginError(QfzzError):
    """A plugin failed and `strict` is on; the message names plugin, distribution, version and hook."""


class PluginWarning(UserWarning):
    """A plugin failed and was left out; the message names plugin, distribution and version."""


class StoreError(QfzzError):
    """A store could not carry out an operation; nothing was changed."""


class StoreURLError(StoreError, ValueError):
    """The URL names no store that is registered, or a place that cannot be one."""


class StoreUnavailableError(StoreError):
    """The place of the store cannot be reached, read or created."""


class StoreNotEmptyError(StoreError):
    """What would be written over holds something already, and its replacement was not allowed."""


class StoreReadOnlyError(StoreError):
    """The store can be read but not written."""


class StoreLockedError(StoreError):
    """Another process held the store's lock for longer than the timeout."""


class StoreFullError(StoreError):
    """There is no room left where the store writes."""


class StoreCorruptError(StoreError):
    """The store's data is damaged."""


class ForeignStoreError(StoreError):
    """The file or database belongs to another application."""


class NewerSchemaError(StoreError):
    """The store was written by a newer version of QFZZ."""


class ClockError(InvalidInput):
    """The clock that the engine was given fails, or gives no time that can be kept; nothing was changed."""


class ArgumentTypeError(InvalidInput, TypeError):
    """A plugin called a method with an argument of a type that it does not take."""


# What somebody mistypes is a word or two. The comparison takes the product of two lengths, and 50 microseconds for each
# name that is known: 5,000 take 0.1 s.
LONGEST_NAME = 100
_MOST_NAMES = 5_000


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """Return `, did you mean "x"?` for the nearest of `known`, or an empty string if none is near."""
    text = str.__str__(name) if isinstance(name, str) else ""
    if len(text) > LONGEST_NAME:
        return ""
    near = difflib.get_close_matches(text, islice(known, _MOST_NAMES), n=1, cutoff=0.6)
    return f', did you mean "{near[0]}"?' if near else ""


def shown(value: Any) -> str:
    """Return a value as text for a message: as `repr` does, but bounded, and whatever the value raises."""
    try:
        text = _brief.repr(value)
    except Exception:  # noqa: BLE001 - a class may raise anything, and call itself "list" without being one
        text = f"an object of type {type(value).__name__}"
    if len(text) > LONGEST_SHOWN:
        text = f"{text[: LONGEST_SHOWN // 2]}...{text[-LONGEST_SHOWN // 2 :]}"
    # A `__repr__` may give lone surrogates, which no log takes.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


class _Brief(reprlib.Repr):
    """Looks at no more of a value than a message shows: the whole of a list 10,000 levels deep cannot be written."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = LONGEST_SHOWN
        self.maxlevel, self.maxdict = 4, 10
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = self.maxarray = 10

    def repr_int(self, value: int, level: int) -> str:
        """Return an integer, or how long it is."""
        if value.bit_length() > MOST_DIGITS_BITS:
            return f"an integer of {value.bit_length()} bits"
        return super().repr_int(value, level)

    def repr_dict(self, value: dict[Any, Any], level: int) -> str:
        """Return a dict in its own order."""
        if level <= 0 and value:
            return "{...}"
        items = islice(value.items(), self.maxdict)
        parts = [f"{self.repr1(key, level - 1)}: {self.repr1(item, level - 1)}" for key, item in items]
        return f"{{{', '.join(parts + ['...'] * (len(value) > self.maxdict))}}}"

    def repr_instance(self, value: Any, level: int) -> str:
        """Return any other object as it shows itself, or its type if it cannot."""
        try:
            return repr(value)
        except Exception:  # noqa: BLE001 - a class may raise anything
            return f"an object of type {type(value).__name__}"


_brief = _Brief()
