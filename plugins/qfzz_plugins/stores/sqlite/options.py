"""What can be chosen about a SQLite store, in the table `[store]` of the configuration."""

from __future__ import annotations

import math
from typing import Any

import attrs

SYNCHRONOUS = ("FULL", "EXTRA", "NORMAL", "OFF")
JOURNAL_MODES = ("WAL", "DELETE", "TRUNCATE")
LONGEST_TIMEOUT = 3600.0


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _one_of(choices: tuple[str, ...]) -> Any:
    def check(_: Any, attribute: attrs.Attribute[str], value: Any) -> None:
        if value not in choices:
            raise ValueError(f"{attribute.name} must be one of {', '.join(choices)}, got {value!r}")

    return check


def _seconds(_: Any, attribute: attrs.Attribute[float], value: Any) -> None:
    if not isinstance(value, float) or not math.isfinite(value) or not 0.0 <= value <= LONGEST_TIMEOUT:
        raise ValueError(f"{attribute.name} must be seconds from 0 to {LONGEST_TIMEOUT:.0f}, got {value!r}")


@attrs.frozen(kw_only=True)
class SQLiteOptions:
    """How a SQLite store weighs safety against speed; anything else is a ValueError.

    `synchronous`: whether what was acknowledged survives. A crash of the process loses nothing with any of them. A
    crash of the system or a power loss loses nothing with `FULL` (nor `EXTRA`, which also syncs the directory after
    `DELETE`); with `NORMAL` and WAL it may lose the last commits; with `OFF` it may damage the file.

    `journal_mode`: `WAL` lets readers and one writer work at the same time and costs one sync for each commit;
    `DELETE` and `TRUNCATE` make them wait for each other, but need no shared memory and keep one file between commits.

    `timeout`: how many seconds an operation waits for another writer before it raises `StoreLockedError`.
    """

    synchronous: str = attrs.field(default="FULL", converter=_upper, validator=_one_of(SYNCHRONOUS))
    journal_mode: str = attrs.field(default="WAL", converter=_upper, validator=_one_of(JOURNAL_MODES))
    timeout: float = attrs.field(default=10.0, converter=_number, validator=_seconds)
