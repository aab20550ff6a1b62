"""Every error that QFZZ raises on purpose: one family, `QfzzError`.

Bad input is an `InvalidInput`, which is also a `ValueError`, as the documented API promises.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice


class QfzzError(Exception):
    """The base of all errors of this library."""


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
        super().__init__(f"{place}: {reason}" if track_id is None else f"{place} (track_id {track_id!r}): {reason}")
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


# What somebody mistypes is a word or two. The comparison takes the product of two lengths, and 50 microseconds for each
# name that is known: 5,000 take 0.1 s.
LONGEST_NAME = 100
_MOST_NAMES = 5_000


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `, did you mean "x"?` for the nearest of `known`, or an empty string if none is near."""
    if len(name) > LONGEST_NAME:
        return ""
    near = difflib.get_close_matches(name, islice(known, _MOST_NAMES), n=1, cutoff=0.6)
    return f', did you mean "{near[0]}"?' if near else ""
