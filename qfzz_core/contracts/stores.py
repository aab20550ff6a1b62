"""What a store promises: tracks with ascending positions, users with a log, everything in transactions.

A store keeps and finds; what a feedback does to a profile is decided above it (`qfzz_core.profiles`) and reaches it
as a handful of small writes inside one transaction. Every method may be called from any thread. What goes in is
plain and valid already; what comes out belongs to the caller, except where read-only is said. Text
that no store can hold, which is text with lone surrogates, is never found.

Problems are raised as `qfzz_core.errors.StoreError`, and so is misuse: a second transaction inside one of the same
thread, a user who is used before `create` or created twice, a user of a transaction that is over. Only a user who was
not named when the transaction began is a `KeyError`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol, runtime_checkable

import attrs

from qfzz_core.contracts.validators import not_blank
from qfzz_core.model.events import Event
from qfzz_core.model.learning import ProfileWriter
from qfzz_core.model.plain import own_text
from qfzz_core.model.profiles import ProfileSnapshot
from qfzz_core.model.tracks import Track

# Gives the second part of a new revision: random, so that a restored backup is seen to be another history, and of 62
# bits, which every database holds.
fresh_number: Callable[[], int] = partial(secrets.randbits, 62)


@attrs.frozen
class CatalogueToken:
    """Which catalogue this is: the store's identity, a counter of its commits, and the last commit's random token.

    Equal tokens mean the same tracks. Counter 0 means that the store never held a track. A restored backup has
    another token at the same counter, so it is seen to be another history.
    """

    identity: str
    counter: int
    token: str


@attrs.frozen
class CatalogueChanges:
    """What changed in the catalogue up to `token`.

    If `complete`, `written` is the whole catalogue in order of position and `removed` is empty. Otherwise `written`
    has the tracks added or replaced since, and `removed` the positions removed since. `written` can be read once.
    Its tracks may be the store's own: they are read-only.
    """

    token: CatalogueToken
    complete: bool
    written: Iterable[tuple[int, Track]]
    removed: Collection[int] = ()


@attrs.frozen
class Written:
    """How many tracks a write added and how many it replaced."""

    added: int
    replaced: int


@attrs.frozen
class UserRecord:
    """Everything a store holds of one user, for moving it elsewhere.

    `events` are in order of position, `states` are (learner, key, state) of every learner that ever kept one, whether
    its plugin is there or not. Both can be read once.
    """

    profile: ProfileSnapshot
    events: Iterable[Event]
    states: Iterable[tuple[str, str, Any]]


class UserTransaction(ProfileWriter, Protocol):
    """One user inside a transaction, locked against every other writer.

    Until `create` was called for a user who does not exist, only `exists` and `create` may be used.
    """

    @property
    def exists(self) -> bool:
        """Whether the user exists, in the eyes of this transaction."""
        ...

    @property
    def updated_at(self) -> str:
        """When the profile was changed last."""
        ...

    @property
    def revision(self) -> tuple[int, int]:
        """The revision that a snapshot would have now: serial of the user, `fresh_number`."""
        ...

    def create(self, timestamp: str) -> None:
        """Make the user with default preferences, created and updated at `timestamp`."""
        ...

    def snapshot(self) -> ProfileSnapshot:
        """Return the profile as this transaction sees it, its own writes included."""
        ...

    def append(self, event: Event) -> int:
        """Add an event to the log and return its position, greater than every earlier one of the store.

        Nothing else follows from it here, whatever its kind.
        Also moves the profile's revision, so that who holds a snapshot sees that it is old. If the log has an event of
        this event_id already, `StoreError` is raised here or at the end of the transaction, of which nothing is left.
        """
        ...

    def find_event(self, event_id: str) -> Event | None:
        """Return the user's event of this id."""
        ...

    def state(self, learner: str, key: str) -> Any:
        """Return a learner's state under a key as plain data, None if there is none."""
        ...

    def put_state(self, learner: str, key: str, state: Any) -> None:
        """Set a learner's state under a key; None removes it."""
        ...


class Transaction(Protocol):
    """Several reads and writes that happen together or not at all.

    What is read through it shows what it wrote. The methods of the store show that to other threads when the
    transaction is over, and to its own thread no later than then.
    """

    def user(self, user_id: str) -> UserTransaction:
        """Return one of the users named when the transaction began; KeyError for anybody else."""
        ...

    def track(self, track_id: str) -> Track | None:
        """Return a track as it is now. It is read-only: others may be shown the same."""
        ...


class Foreseen(Protocol):
    """What is known of a feedback before it is recorded."""

    @property
    def user_id(self) -> str:
        """One of the users of the transaction."""
        ...

    @property
    def track_id(self) -> str:
        """Of a track that may be unknown."""
        ...

    @property
    def event_id(self) -> str | None:
        """The application's own id of the event, if it gave one."""
        ...


@runtime_checkable
class ReadsAhead(Protocol):
    """What a `Transaction` may offer beside the contract: to read in few queries what feedbacks will need."""

    def read_ahead(self, feedbacks: Sequence[Foreseen]) -> None:
        """Hear of feedbacks that are about to be recorded, one or many, in the place of those heard of before.

        Nothing that the transaction answers may change by it.
        """
        ...


@runtime_checkable
class Store(Protocol):
    """A storage backend."""

    @property
    def name(self) -> str:
        """The store's URL as it may be shown: without credentials."""
        ...

    @property
    def shared(self) -> bool:
        """Whether other processes can use the same data at the same time."""
        ...

    # -- catalogue

    def write_tracks(self, tracks: Iterable[Track]) -> Written:
        """Add tracks, or replace in place those whose track_id is there, in one transaction.

        `tracks` may be a generator: if it raises, nothing was written. Tracks that are new get positions greater than
        every position ever given. A call that writes nothing is no commit. The same track_id twice: the last counts.
        """
        ...

    def remove_tracks(self, track_ids: Collection[str]) -> int:
        """Remove tracks in one transaction and return how many there were; unknown ids are no error."""
        ...

    def catalogue_token(self) -> CatalogueToken:
        """Return the token of the catalogue as it is now: one cheap query."""
        ...

    def catalogue_since(self, token: CatalogueToken | None) -> CatalogueChanges:
        """Return what changed since `token`, or everything if that is None, unknown here or too long ago.

        A token is not too long ago before there were more than 100 commits after it, unless one of them was a `load`
        that erased everything.
        The changes are one consistent view, whatever is written while `written` is read.
        """
        ...

    def tracks_at(self, positions: Sequence[int]) -> list[Track | None]:
        """Return fresh copies of the tracks at these positions, None where there is none any more."""
        ...

    def find_track(self, track_id: str) -> tuple[int, Track] | None:
        """Return position and a fresh copy of a track."""
        ...

    # -- users

    def user_ids(self) -> Iterator[str]:
        """Iterate the ids of all users, in the order in which they were created."""
        ...

    def revision(self, user_id: str) -> tuple[int, int] | None:
        """Return the `revision` that the user's snapshot has now, None for an unknown user: one cheap query."""
        ...

    def snapshot(self, user_id: str) -> ProfileSnapshot | None:
        """Return a user's profile."""
        ...

    def events(self, user_id: str, *, newest_first: bool = False) -> Iterator[Event]:
        """Iterate a user's log in order of position; nothing for an unknown user.

        Reads in pages, each consistent: an event recorded meanwhile may or may not appear, none appears twice.
        """
        ...

    def states(self, user_id: str, learner: str) -> Mapping[str, Any]:
        """Return everything a learner knows of a user, as plain data under keys; the caller owns it."""
        ...

    def transaction(self, user_ids: Collection[str]) -> AbstractContextManager[Transaction]:
        """Begin a transaction that writes to these users, who are locked until it ends.

        Leaving normally makes everything durable; leaving by an exception leaves nothing.
        """
        ...

    def record(self, user_id: str) -> UserRecord | None:
        """Return everything held of a user as one consistent view, None for an unknown user."""
        ...

    def load(
        self,
        users: Iterable[UserRecord],
        tracks: Iterable[Track] = (),
        *,
        empty_first: bool = False,
        only_if_new: bool = False,
        held_tracks: bool = False,
    ) -> None:
        """Put users, each exactly as recorded, replacing the user who has the id, and tracks as `write_tracks` does.

        One transaction: if an iterable raises, nothing has changed. The users' serials and revisions, and the
        positions of events and tracks, are this store's own; their order stays. In the same transaction,

        - `empty_first` erases everything else, so that the store is as new, with counter 0, until a track is loaded;
        - `only_if_new` refuses a store that has users or ever held a track, by a `StoreNotEmptyError`;
        - `held_tracks` makes this a commit of the catalogue even if there are no tracks, so that the counter is not 0.
        """
        ...

    def check(self) -> list[str]:
        """Return what is wrong with the data as the backend itself sees it, in sentences; empty if nothing is."""
        ...

    def forget(self, user_id: str) -> bool:
        """Erase a user: profile, log, event ids and learned state; False if there was no such user.

        A user of the same id who is created later has another `revision`.
        """
        ...

    def close(self) -> None:
        """Release everything; called twice it does nothing. Whatever is called later raises `ClosedError`."""
        ...


LatestRow = tuple[str, str, int, int]
"""Type, track id, the last position and the greatest moment: see `KeepsLatest`."""


@runtime_checkable
class KeepsLatest(Protocol):
    """What a store may offer beside the contract: the latest interactions of a user without reading the log.

    `qfzz_core.storage.latest_of` says what of a log they are; `qfzz_core.storage.UserUnit` has those of a transaction
    in `put_latest`. A user of a transaction then has `replace_latest`, as in that class, for a rebuild and for what is
    retracted, and `log`, for a user who is loaded with retractions. Of a store that does not offer the latest
    interactions, the whole log is read by the first request of a process.
    """

    def latest_interactions(self, user_id: str, types: Collection[str]) -> Iterable[LatestRow]:
        """Return a row for each track with which a user had an interaction of one of these types, and for each type.

        A row has the type, the track id, the greatest position of such interactions, and the greatest of their
        timestamps as `qfzz_core.model.timestamps.moment_of` reads it. All rows are of one state of the log, in any
        order; an unknown user has none.
        """
        ...


# ---- what a store may offer its operator -----------------------------------------------------------------------------


@attrs.frozen
class Condition:
    """How a store fares, for the person who runs it.

    `facts` are plain values by name, such as `size` in bytes, `tracks` and `users`. `warnings` are sentences about
    what could go wrong some day, `problems` about what is wrong now.
    """

    facts: Mapping[str, Any]
    warnings: Sequence[str] = ()
    problems: Sequence[str] = ()


@runtime_checkable
class Maintainable(Protocol):
    """What a store may offer beside the contract, for the commands of its operator."""

    def backup(self, path: str, *, replace: bool = False) -> None:
        """Write a consistent copy of the store to a file while others use the store; whole, or not at all.

        Raises `StoreNotEmptyError` if the file exists, unless `replace` is given.
        """
        ...

    def vacuum(self) -> None:
        """Give the room that is not needed any more back, and leave no byte of what was removed."""
        ...

    def condition(self) -> Condition:
        """Return how the store fares, without reading tracks and logs."""
        ...


# ---- how a backend is registered -------------------------------------------------------------------------------------


@attrs.frozen
class StoreScheme:
    """A storage backend: the URL scheme it answers to, and how a store of it is opened.

    `open(url, options)` imports what it needs when it is called. `Options` is the attrs class of the table
    `[store]` beside `url`, None if the store has no options. `before_path` is what stands before the path in a URL, for
    a store that is one file: it is suggested to somebody who gave a path alone.
    """

    scheme: str = attrs.field(converter=own_text, validator=not_blank)
    open: Callable[[str, Any], Any]
    Options: type | None = None
    before_path: str = ""
