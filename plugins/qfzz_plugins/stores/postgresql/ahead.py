"""Reading ahead: in two round trips what feedbacks that are about to be recorded will ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from qfzz_core.contracts.stores import Foreseen
from qfzz_core.model.json_codec import decoded_all
from qfzz_core.model.tracks import Track
from qfzz_plugins.stores.postgresql.connection import Connection, Row, Statement
from qfzz_plugins.stores.postgresql.pending import Name, name_key
from qfzz_plugins.stores.postgresql.rows import EVENT_COLUMNS
from qfzz_plugins.stores.postgresql.texts import as_bytes, digests

STATES = 1000  # that are read of one user at most

_TAUGHT_BY = (("genres", "genre"), ("artists", "artist"), ("moods", "mood"))
_TRACKS = "SELECT body FROM tracks WHERE sha256(track_id) = ANY(%s::bytea[])"
_EVENTS = f"SELECT {EVENT_COLUMNS} FROM events WHERE serial = %s AND sha256(event_id) = ANY(%s::bytea[])"
_STATES = f"SELECT learner, key, state FROM states WHERE serial = %s LIMIT {STATES}"
_WEIGHTS = """SELECT field, same, name, weight FROM weights
    WHERE serial = %s AND field = %s AND sha256(same) = ANY(%s::bytea[])"""


def features_of(track: Track) -> list[Name]:
    """Return the names that feedback on a track teaches."""
    return [name_key(field, track[key]) for field, key in _TAUGHT_BY]


@attrs.define
class UserAhead:
    """What was read of one user: the rows of events by id, of states, and of weights with all names asked for."""

    serial: int
    events: dict[bytes, Row | None] = attrs.field(factory=dict)
    states: list[Row] = attrs.field(factory=list)
    names: dict[Name, None] = attrs.field(factory=dict)
    weights: list[Row] = attrs.field(factory=list)

    def first_statements(self) -> list[Statement]:
        """Return the queries for events and states."""
        return [(_EVENTS, [self.serial, digests(self.events)]), (_STATES, [self.serial])]

    def statements_for_weights(self) -> Iterator[Statement]:
        """Iterate the queries for weights, one for each field."""
        for field, _ in _TAUGHT_BY:
            sames = [same for of, same in self.names if of == field]
            yield _WEIGHTS, [self.serial, field, digests(sames)]


def read_ahead(
    connection: Connection, feedbacks: Sequence[Foreseen], serials: Mapping[str, int]
) -> tuple[dict[str, Track | None], dict[str, UserAhead]]:
    """Return the tracks by id, and what was read of the users whose serials are given."""
    users = {user: UserAhead(serials[user]) for user in {each.user_id for each in feedbacks} if user in serials}
    for feedback in feedbacks:
        if feedback.event_id is not None and feedback.user_id in users:
            users[feedback.user_id].events[as_bytes(feedback.event_id)] = None
    tracks = _read_tracks_and_logs(connection, {each.track_id for each in feedbacks}, list(users.values()))
    for feedback in feedbacks:
        track = tracks[feedback.track_id]
        if track is not None and feedback.user_id in users:
            users[feedback.user_id].names.update(dict.fromkeys(features_of(track)))
    _read_weights(connection, list(users.values()))
    return tracks, users


def _read_tracks_and_logs(
    connection: Connection, track_ids: set[str], users: Sequence[UserAhead]
) -> dict[str, Track | None]:
    statements: list[Statement] = [(_TRACKS, [digests(map(as_bytes, track_ids))])]
    bodies, *rest = connection.together([*statements, *(each for user in users for each in user.first_statements())])
    for user, events, states in zip(users, rest[::2], rest[1::2], strict=True):
        user.events.update({row[3]: row for row in events})
        user.states = states
    found = {track["track_id"]: track for track in decoded_all(body for (body,) in bodies)}
    return {track_id: found.get(track_id) for track_id in track_ids}


def _read_weights(connection: Connection, users: Sequence[UserAhead]) -> None:
    statements = [(user, statement) for user in users for statement in user.statements_for_weights()]
    answers = connection.together([statement for _, statement in statements])
    for (user, _), rows in zip(statements, answers, strict=True):
        user.weights += rows
