"""The catalogue in PostgreSQL: one row for each track, and which commit wrote it last."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from qfzz_core.contracts.stores import CatalogueChanges, CatalogueToken, Written
from qfzz_core.model.json_codec import decoded, decoded_all
from qfzz_core.model.tracks import Track
from qfzz_plugins.stores.postgresql.connection import VIEW, Connection, Row
from qfzz_plugins.stores.postgresql.connections import Connections
from qfzz_plugins.stores.postgresql.importing import BATCH, CatalogueWriter, begin_catalogue
from qfzz_plugins.stores.postgresql.streams import PAGE, batches, streamed
from qfzz_plugins.stores.postgresql.texts import as_bytes

_NOW = "SELECT counter, token FROM catalogue"
_OLDEST = "SELECT coalesce(min(counter), 1) - 1 FROM commits"
_KNOWN = "SELECT token FROM commits WHERE counter = %s"
_REMOVED = "SELECT position FROM removed WHERE changed > %s ORDER BY position"
_ALL = "SELECT position, body FROM tracks ORDER BY position"
_SINCE = "SELECT position, body FROM tracks WHERE changed > %s ORDER BY position"
_AT = "SELECT position, body FROM tracks WHERE position = ANY(%s::bigint[])"
_FIND = "SELECT position, body FROM tracks WHERE sha256(track_id) = sha256(%s)"


class PostgresqlCatalogue:
    """The tracks of one store."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        found = connections.read(lambda connection: connection.row("SELECT identity FROM store"))
        self._identity = str((found or ("",))[0])

    # -- writing

    def write(self, tracks: Iterable[Track]) -> Written:
        """Add or replace tracks in one transaction, taking them in batches."""
        pages = batches(tracks, BATCH)
        first = next(pages, None)
        self._connections.enter()
        if first is None:
            return Written(0, 0)
        with self._connections.writing(begin_catalogue) as (connection, state):
            writer = CatalogueWriter(connection, state)
            writer.put(first)
            for page in pages:
                writer.put(page)
            self._connections.commit(connection, writer.ending())
        return writer.written

    def remove(self, track_ids: Collection[str]) -> int:
        """Remove tracks in one transaction and return how many there were."""
        self._connections.enter()
        with self._connections.writing(begin_catalogue) as (connection, state):
            writer = CatalogueWriter(connection, state)
            count = sum(writer.remove(page) for page in batches(track_ids, BATCH))
            self._connections.commit(connection, writer.ending())
        return count

    # -- reading

    def token(self) -> CatalogueToken:
        """Return the token of the catalogue as it is now."""
        return self._connections.read(lambda connection: self._token(connection.row(_NOW)))

    def _token(self, row: Row | None) -> CatalogueToken:
        counter, token = row or (0, "")
        return CatalogueToken(self._identity, counter, token)

    def since(self, token: CatalogueToken | None) -> CatalogueChanges:
        """Return what changed since `token`.

        What does not fit one page streams over a connection of its own, whose transaction ends when `written` does.
        So a million tracks are never in memory at once, and no connection of the pool is kept from others.
        """
        return self._connections.read(lambda connection: self._short(connection, token)) or self._long(token)

    def _short(self, connection: Connection, token: CatalogueToken | None) -> CatalogueChanges | None:
        with connection.viewing():
            now, since, removed = self._state(connection, token)
            query, parameters = (_ALL, []) if since is None else (_SINCE, [since])
            page = connection.rows(f"{query} LIMIT {PAGE + 1}", parameters)
        if len(page) > PAGE:
            return None
        return CatalogueChanges(now, since is None, _decoded(page), removed)

    def _long(self, token: CatalogueToken | None) -> CatalogueChanges:
        connection = self._connections.another()
        try:
            connection.run(VIEW)
            now, since, removed = self._state(connection, token)
            query, parameters = (_ALL, []) if since is None else (_SINCE, [since])
            return CatalogueChanges(now, since is None, streamed(connection, query, parameters, _decoded), removed)
        except BaseException:
            connection.close()
            raise

    def _state(
        self, connection: Connection, token: CatalogueToken | None
    ) -> tuple[CatalogueToken, int | None, list[int]]:
        """Return the token of now, the commit of `token` if it is known here, and the positions removed since."""
        now, oldest, known = connection.view([(_NOW, ()), (_OLDEST, ()), (_KNOWN, [token.counter if token else 0])])
        since = None
        if token is not None and token.identity == self._identity:
            known_here = oldest == [(0,)] if token.counter == 0 else known == [(token.token,)]
            since = token.counter if known_here else None
        removed = [] if since is None else connection.rows(_REMOVED, [since])
        return self._token(now[0] if now else None), since, [position for (position,) in removed]

    def at(self, positions: Sequence[int]) -> list[Track | None]:
        """Return the tracks at these positions."""
        asked = "{" + ",".join(map(str, positions)) + "}"
        found: dict[int, str] = dict(self._connections.read(lambda connection: connection.rows(_AT, [asked])))
        return [decoded(found[position]) if position in found else None for position in positions]

    def find(self, track_id: str) -> tuple[int, Track] | None:
        """Return position and track."""
        return self._connections.read(lambda connection: _find(connection, track_id))


def _find(connection: Connection, track_id: str) -> tuple[int, Track] | None:
    row = connection.row(_FIND, [as_bytes(track_id)])
    return None if row is None else (row[0], decoded(row[1]))


def find_track(connection: Connection, track_id: str) -> Track | None:
    """Return a track as it is now."""
    found = _find(connection, track_id)
    return None if found is None else found[1]


def _decoded(page: list[Row]) -> Iterator[tuple[int, Track]]:
    return zip([position for position, _ in page], decoded_all(body for _, body in page), strict=True)
