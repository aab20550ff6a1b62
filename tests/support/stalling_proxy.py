"""A proxy before a PostgreSQL server that stops passing things on, as a network does that lost its way.

Its own end of every connection stays open and takes what it is sent, so TCP finds nothing wrong.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict


class StallingProxy:
    """Passes PostgreSQL's messages on, both ways, until it is made to stall. Each counts one in `passed`."""

    def __init__(self, url: str) -> None:
        with psycopg.connect(url) as connection:
            info = connection.info
            self._target = (info.host, info.port)
            parts = {**conninfo_to_dict(url), "user": info.user, "dbname": info.dbname}
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        application = parts.get("application_name", "")
        self.url = (
            f"postgresql://{parts['user']}:{parts.get('password', '')}@127.0.0.1:{port}/{parts['dbname']}"
            f"?application_name={application}&sslmode=disable&gssencmode=disable"
        )
        self._changed = threading.Condition()
        self._sockets: set[socket.socket] = set()
        self._stalled: Callable[[socket.socket], bool] = lambda _: False
        self._limit = inf
        self.passed = 0
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    # -- what a test does

    def stall(self) -> None:
        """Pass nothing on, of old connections and new ones."""
        self._stall(lambda _: True)

    def stall_those_there(self) -> None:
        """Pass nothing on of the connections that are there; new ones work."""
        those = {*self._sockets}
        self._stall(those.__contains__)

    def stall_after(self, messages: int) -> None:
        """Pass so many messages on and no more."""
        with self._changed:
            self._limit = self.passed + messages

    def resume(self) -> None:
        """Pass on what was held, and what comes."""
        with self._changed:
            self._limit = inf
            self._stalled = lambda _: False
            self._changed.notify_all()

    def drop(self) -> None:
        """End every connection."""
        with self._changed:
            sockets = list(self._sockets)
        for each in sockets:
            _shut(each, socket.SHUT_RDWR)
        self.resume()

    def close(self) -> None:
        """End everything."""
        self._listener.close()
        self.drop()

    def _stall(self, which: Callable[[socket.socket], bool]) -> None:
        with self._changed:
            self._stalled = which

    # -- what it does

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, self._connected() as server:
            with self._changed:
                self._sockets |= {client, server}
            back = threading.Thread(target=self._pass_on, args=(server, client, False), daemon=True)
            back.start()
            self._pass_on(client, server, True)
            back.join()
            with self._changed:
                self._sockets -= {client, server}

    def _connected(self) -> socket.socket:
        host, port = self._target
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _pass_on(self, source: socket.socket, target: socket.socket, startup: bool) -> None:
        with suppress(OSError), source.makefile("rb") as stream:
            while message := _message(stream, startup):
                startup = False
                self._wait(source)
                target.sendall(message)
        self._wait(source, counts=False)  # the end of a connection is held too
        _shut(target, socket.SHUT_WR)

    def _wait(self, source: socket.socket, counts: bool = True) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.passed < self._limit and not self._stalled(source))
            self.passed += counts


def _message(stream: Any, startup: bool) -> bytes:
    """Return the next message, empty at the end. The first of a client has no type before its length."""
    head: bytes = stream.read(4 if startup else 5)
    size = int.from_bytes(head[-4:], "big") - 4
    return head + stream.read(size) if len(head) > 3 else b""


def _shut(end: socket.socket, how: int) -> None:
    with suppress(OSError):
        end.shutdown(how)
