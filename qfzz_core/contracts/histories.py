"""What readers of listening histories promise: plays, each with its own time, and what is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from attrs import field, frozen

from qfzz_core.contracts.descriptions import Description
from qfzz_core.contracts.formats import TrackFile

__all__ = ["HistoryReader", "LeftOut", "Play"]

Kind = Literal["podcast", "incognito", "other", "bad"]


def _check_aware(play: Any, attribute: Any, value: datetime) -> None:
    if value.tzinfo is None:
        raise ValueError(f"the timestamp of a play needs a time zone, got {value.isoformat()}")


@frozen(kw_only=True)
class Play:
    """One entry of a listening history: what was heard, and when.

    `line` is where it stands: in the file, the first line being 1, or in a list, its first item being 1. `timestamp` is
    aware. `played` are the seconds that were heard, None where the source does not say; `skipped` is what the source
    itself says of it: True for a skip, False for a play that ended by itself or that the source counts as one.

    The same play comes again, in a later export or another form of it. It is known by `family`, `resolution` and the
    names: plays of one family are the same if their timestamps, cut to a multiple of `resolution` seconds, agree, and
    artist, title and `played` do too. With a `source_id`, that and the family alone decide. `source` names the service
    for whoever reads the log.
    """

    line: int
    heard: Description
    timestamp: datetime = field(validator=_check_aware)
    source: str
    family: str
    resolution: int = 60
    source_id: str | None = None
    played: float | None = None
    skipped: bool | None = None


@frozen
class LeftOut:
    """An entry that is no play of music, and why.

    `kind` is `podcast` (audiobooks too), `incognito`, `other` for what the source itself does not count as a play, or
    `bad` for an entry that cannot be read; `reason` says of the last what is wrong.
    """

    line: int
    kind: Kind
    reason: str = ""


@runtime_checkable
class HistoryReader(Protocol):
    """Reads the listening histories of one form; `qfzz history import` finds it by what files hold."""

    @property
    def name(self) -> str:
        """The name of the form, which `--format` takes."""
        ...

    @property
    def suffixes(self) -> Sequence[str]:
        """The suffixes of its files, in small letters, such as (".json",); others are not shown to `recognises`."""
        ...

    def recognises(self, name: str, beginning: str) -> bool:
        """Return whether a file is of this form, by its name and the text that it begins with, up to 65,536 characters.

        It must be sure: `qfzz import` refuses as a history what any reader recognises.
        """
        ...

    def read(self, file: TrackFile) -> Iterable[Play | LeftOut]:
        """Yield what every entry of a file is, in the order of the file, as they are read.

        Where the whole file is of no use, raise `file.unusable(reason, line)`.
        """
        ...
