"""What the benchmarks need of a kind of database: new ones, and the same work with nothing but its driver."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from qfzz import PersonalizedDJ

KINDS = ("sqlite", "postgresql")

Row = tuple[Any, ...]


class Statement(NamedTuple):
    """What was executed; `many` says that the parameters are those of one execution after the other."""

    sql: str
    parameters: Any
    many: bool = False

    @property
    def is_write(self) -> bool:
        """Whether it is no query; beginning and committing count as writing."""
        return not self.sql.lstrip().upper().startswith("SELECT")


RoundTrip = list[Statement]  # what goes to the database together


def writes_of(trips: Iterable[RoundTrip]) -> list[RoundTrip]:
    """Return round trips without their queries."""
    kept = ([statement for statement in trip if statement.is_write] for trip in trips)
    return [trip for trip in kept if trip]


class Bare(Protocol):
    """A connection as an application without a library would open it, to tables that the store has made."""

    def make(self, trips: Iterable[RoundTrip]) -> None:
        """Execute statements, those of a round trip together, and fetch what they give."""
        ...

    def load(self, rows: Iterable[Row]) -> None:
        """Write ready tuples of tracks in the quickest way there is, in one transaction."""
        ...

    def tracks(self) -> Iterator[Row]:
        """Iterate position and body of every track."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class Databases(Protocol):
    """The databases of one kind.

    `version` names the software, `loading` what `Bare.load` does. `promised` are the least ratios that the store
    promises, by the name of the figure. `bare` opens a connection to the database of a URL.
    """

    name: str
    version: str
    loading: str
    promised: Mapping[str, float]
    bare: Callable[[str], Bare]

    def new(self, template: str | None = None) -> AbstractContextManager[str]:
        """Give the URL of a new database until the end, a copy of another one that nobody has open."""
        ...

    def size(self, url: str) -> int:
        """Return the bytes of a database that nobody has open."""
        ...

    def sync_seconds(self) -> float | None:
        """Return what a sync of the disk takes, None where that is unknown."""
        ...

    def recording(self) -> AbstractContextManager[list[RoundTrip]]:
        """Give a list that grows by what the library sends to databases meanwhile, over any connection it opens."""
        ...

    def rows(self, tracks: Sequence[Mapping[str, Any]]) -> list[Row]:
        """Return the tuples that `Bare.load` takes."""
        ...


def kind(name: str) -> ModuleType:
    """Return the module of one of `KINDS`: its class `Connection` is a `Bare`."""
    return import_module(f"benchmarks.storage.{name}")


def connected(name: str, url: str | None, directory: Path) -> AbstractContextManager[Databases]:
    """Give the databases of one of `KINDS`: on the server of a URL, or in a directory."""
    databases: AbstractContextManager[Databases] = kind(name).connected(url, directory)
    return databases


def opened(url: str) -> PersonalizedDJ:
    """Return a DJ that keeps nothing on disk beside its store."""
    return PersonalizedDJ(store=url, seed=1)
