"""What can be chosen about stores, in the table `[store]` of the configuration."""

from __future__ import annotations

import math
import re
from typing import Any

import attrs

from qfzz_core.errors import InvalidInput, shown
from qfzz_core.model.names import text_of
from qfzz_core.model.plain import number_of, whole_of

SYNCHRONOUS = ("FULL", "EXTRA", "NORMAL", "OFF")
JOURNAL_MODES = ("WAL", "DELETE", "TRUNCATE")
LONGEST = 3600.0
LARGEST_POOL = 1000
_SCHEMA = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")  # what stands for itself, quoted or not


def _upper(value: Any) -> Any:
    text = text_of(value)
    return value if text is None else text.upper()


def _number(value: Any) -> Any:
    number = number_of(value)
    return value if number is None else number


def _one_of(choices: tuple[str, ...]) -> Any:
    def check(_: Any, attribute: attrs.Attribute[str], value: Any) -> None:
        if text_of(value) not in choices:
            raise InvalidInput(f"{attribute.name} must be one of {', '.join(choices)}, got {shown(value)}")

    return check


def _seconds(shortest: float) -> Any:
    def check(_: Any, attribute: attrs.Attribute[float], value: Any) -> None:
        if not isinstance(value, float) or not math.isfinite(value) or not shortest <= value <= LONGEST:
            raise InvalidInput(
                f"{attribute.name} must be seconds from {shortest:g} to {LONGEST:.0f}, got {shown(value)}"
            )

    return check


def _connections(_: Any, attribute: attrs.Attribute[int], value: Any) -> None:
    if not 1 <= (whole_of(value) or 0) <= LARGEST_POOL:
        raise InvalidInput(f"{attribute.name} must be a whole number from 1 to {LARGEST_POOL}, got {shown(value)}")


def _name(_: Any, attribute: attrs.Attribute[str], value: Any) -> None:
    if not _SCHEMA.fullmatch(text_of(value) or ""):
        raise InvalidInput(
            f"{attribute.name} must be 1 to 63 lower-case letters, digits and underscores, "
            f"not begin with a digit or pg_, got {shown(value)}"
        )


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
    timeout: float = attrs.field(default=10.0, converter=_number, validator=_seconds(0))


@attrs.frozen(kw_only=True)
class PostgresqlOptions:
    """Where a PostgreSQL store keeps its tables and how long it waits; anything else is a ValueError.

    `schema`: the schema of the database that holds the tables, and nothing else.

    `pool_size`: how many connections a process has at most, those that read a long catalogue not counted.

    `connect_timeout`, `statement_timeout`, `lock_timeout`: how many seconds a connection attempt, a statement, and the
    wait for another writer or for a free connection may take.

    `retry`: for how many seconds an operation that has not begun to write looks for a server that went away.

    `deadline`: for how many seconds a call waits for a server that says nothing, whatever keeps it from answering. A
    statement that takes longer is waited for as long as the server says that it works on it.
    """

    schema: str = attrs.field(default="qfzz", validator=_name)
    pool_size: int = attrs.field(default=10, validator=_connections)
    connect_timeout: float = attrs.field(default=5.0, converter=_number, validator=_seconds(1))
    statement_timeout: float = attrs.field(default=30.0, converter=_number, validator=_seconds(0.001))
    lock_timeout: float = attrs.field(default=10.0, converter=_number, validator=_seconds(0.001))
    retry: float = attrs.field(default=10.0, converter=_number, validator=_seconds(0))
    deadline: float = attrs.field(default=30.0, converter=_number, validator=_seconds(0.1))
