"""What a transaction knows of a user and has not written yet, so that it goes in one round trip at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from qfzz_core.model.json_codec import decoded, encoded
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_plugins.stores.postgresql.connection import Connection, Statement
from qfzz_plugins.stores.postgresql.streams import batches
from qfzz_plugins.stores.postgresql.texts import as_bytes, as_name

Name = tuple[str, bytes]  # field and normal form

_AT_ONCE = 3  # weights that one statement reads or writes: as many as a track teaches
_WEIGHT = """SELECT field, same, name, weight FROM weights
    WHERE serial = %s AND field = %s AND sha256(same) = sha256(%s)"""
_SEVERAL_WEIGHTS = [" UNION ALL ".join([_WEIGHT] * count) for count in range(5)]
_PUT_WEIGHTS = """INSERT INTO weights (serial, field, same, name, weight) VALUES {}
    ON CONFLICT (serial, field, sha256(same)) DO UPDATE SET weight = excluded.weight"""
_DROP_WEIGHT = "DELETE FROM weights WHERE serial = %s AND field = %s AND sha256(same) = sha256(%s)"
_CLEAR_WEIGHTS = "DELETE FROM weights WHERE serial = %s AND field = %s"

_IS_STATE = "serial = %s AND sha256(learner) = sha256(%s) AND sha256(key) = sha256(%s)"
_STATE = f"SELECT state FROM states WHERE {_IS_STATE}"
_PUT_STATE = """INSERT INTO states (serial, learner, key, state) VALUES (%s, %s, %s, %s)
    ON CONFLICT (serial, sha256(learner), sha256(key)) DO UPDATE SET state = excluded.state"""
_DROP_STATE = f"DELETE FROM states WHERE {_IS_STATE}"


def name_key(field: str, name: str) -> Name:
    """Return the field and the normal form by which a name is found in it."""
    return field, as_bytes(WEIGHT_FIELDS[field](name))


def _values(serial: int, rows: Iterable[tuple[Any, ...]]) -> list[Any]:
    return [value for row in rows for value in (serial, *row)]


class PendingWeights:
    """The weights of one user: those that were asked for, and those that are to be written.

    `expected` are names that will probably be asked for, too; they are then read in the same round trip.
    """

    def __init__(self, connection: Connection, serial: int, expected: list[Name], new: bool) -> None:
        self._connection = connection
        self._serial = serial
        self._expected = expected
        self._known: dict[Name, tuple[bytes, float] | None] = {}
        self._whole = set(WEIGHT_FIELDS) if new else set()  # fields of which every name is known
        self._cleared: dict[str, None] = {}
        self._dropped: dict[Name, None] = {}
        self._put: dict[Name, tuple[bytes, float]] = {}

    def get(self, field: str, name: str) -> tuple[str, float] | None:
        """Return spelling and weight of a name."""
        found = self._get(name_key(field, name))
        return None if found is None else (as_name(found[0]), found[1])

    def _get(self, key: Name) -> tuple[bytes, float] | None:
        if key not in self._known and key[0] not in self._whole:
            self._read([key, *(other for other in self._expected if other != key)])
        return self._known.get(key)

    def _read(self, keys: Sequence[Name]) -> None:
        unknown = [key for key in keys if key not in self._known and key[0] not in self._whole]
        query = _SEVERAL_WEIGHTS[len(unknown)]
        self.learn(unknown, self._connection.rows(query, _values(self._serial, unknown)))

    def learn(self, keys: Iterable[Name], rows: Iterable[tuple[Any, ...]]) -> None:
        """Take the rows of names that were read, of which some may not be there; what is known already counts more."""
        found = {(field, same): (name, weight) for field, same, name, weight in rows}
        for key in keys:
            if key not in self._known and key[0] not in self._whole:
                self._known[key] = found.get(key)

    def put(self, field: str, name: str, weight: float) -> None:
        """Set a weight under the spelling that is there."""
        key = name_key(field, name)
        present = self._get(key)
        self._known[key] = self._put[key] = (present[0] if present else as_bytes(name), weight)

    def drop(self, field: str, name: str) -> bool:
        """Remove a name; False if it is not there."""
        key = name_key(field, name)
        if self._get(key) is None:
            return False
        self._put.pop(key, None)
        self._dropped[key] = self._known[key] = None
        return True

    def clear(self, field: str) -> None:
        """Remove all names of a field."""
        self._cleared[field] = None
        self._whole.add(field)
        for kept in (self._known, self._put, self._dropped):
            for key in [key for key in kept if key[0] == field]:
                del kept[key]

    def statements(self) -> Iterator[Statement]:
        """Iterate the statements that write what is pending, which then is no more."""
        cleared, dropped, put = self._cleared, self._dropped, self._put
        self._cleared, self._dropped, self._put = {}, {}, {}
        yield from ((_CLEAR_WEIGHTS, [self._serial, field]) for field in cleared)
        yield from ((_DROP_WEIGHT, [self._serial, *key]) for key in dropped)
        for some in batches(((*key, *value) for key, value in put.items()), _AT_ONCE):
            values = ", ".join(["(%s, %s, %s, %s, %s)"] * len(some))
            yield _PUT_WEIGHTS.format(values), _values(self._serial, some)


class PendingStates:
    """The learned states of one user, as JSON: those that were asked for, and those that are to be written."""

    def __init__(self, connection: Connection, serial: int, new: bool) -> None:
        self._connection = connection
        self._serial = serial
        self._whole = new  # whether every state is known
        self._known: dict[tuple[str, str], str | None] = {}
        self._changed: dict[tuple[str, str], None] = {}

    def get(self, learner: str, key: str) -> Any:
        """Return a learner's state under a key."""
        if (learner, key) not in self._known and not self._whole:
            row = self._connection.row(_STATE, [self._serial, as_bytes(learner), as_bytes(key)])
            self._known[learner, key] = None if row is None else row[0]
        found = self._known.get((learner, key))
        return None if found is None else decoded(found)

    def learn(self, rows: Iterable[tuple[Any, ...]], whole: bool) -> None:
        """Take the rows of states that were read, be it all of them; what is known already counts more."""
        self._whole = self._whole or whole
        for learner, key, state in rows:
            self._known.setdefault((as_name(learner), as_name(key)), state)

    def put(self, learner: str, key: str, state: Any) -> None:
        """Set a learner's state under a key; None removes it."""
        self._known[learner, key] = None if state is None else encoded(state)
        self._changed[learner, key] = None

    def statements(self) -> Iterator[Statement]:
        """Iterate the statements that write what is pending, which then is no more."""
        changed, self._changed = self._changed, {}
        for learner, key in changed:
            place = [self._serial, as_bytes(learner), as_bytes(key)]
            state = self._known[learner, key]
            yield (_DROP_STATE, place) if state is None else (_PUT_STATE, [*place, state])
