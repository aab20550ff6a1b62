"""A PostgreSQL store keeps the contract; how it is named and set up, and what its errors say."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from qfzz import PersonalizedDJ
from qfzz_core import Config, Engine
from qfzz_core.contracts.stores import Store
from qfzz_core.errors import (
    ForeignStoreError,
    NewerSchemaError,
    QfzzError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreUnavailableError,
    StoreURLError,
)
from qfzz_core.model.events import Event, Interaction
from qfzz_core.testing import StoreContract
from qfzz_core.testing.samples import TIME, a_feedback, a_track, create, some_tracks
from qfzz_core.testing.stores_events import append, track_ids
from qfzz_core.testing.stores_latest import TIMESTAMPS, TYPES, read_plainly
from qfzz_core.testing.stores_transactions import everything
from qfzz_core.testing.stores_users import fill
from qfzz_plugins.stores import postgresql
from qfzz_plugins.stores.postgresql import PostgresqlOptions, catalogue, open_postgresql, schema
from qfzz_plugins.stores.postgresql.errors import RepeatedRowError, store_error
from qfzz_plugins.stores.postgresql.place import place_of

if TYPE_CHECKING:
    from support.postgres_server import Database, Server

    from qfzz_plugins.stores.postgresql.store import PostgresqlStore

pytest_plugins = ["support.postgres_server"]

SECRET = "distinctive-password"
USER = "distinctive-user"


class TestPostgresql(StoreContract):
    @pytest.fixture(autouse=True)
    def _database(self, postgres: Database) -> None:
        self.postgres = postgres

    def open_store(self, tmp_path: Path) -> Store:
        return self.postgres.open(tmp_path)


@pytest.fixture
def store(postgres: Database, tmp_path: Path) -> Iterator[PostgresqlStore]:
    with_defaults = postgres.open(tmp_path)
    yield with_defaults
    with_defaults.close()


def shown(error: BaseException) -> str:
    """Everything that a log shows of an error, those that led to it included."""
    formatter = logging.Formatter()
    return formatter.formatException((type(error), error, error.__traceback__))


# ---- URLs and options ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://host/music", "postgresql://host/music"),
        ("postgres://host/music", "postgresql://host/music"),
        (f"postgresql://me:{SECRET}@host:5433/music", "postgresql://host:5433/music"),
        (f"postgresql://me@host/music?password={SECRET}&sslmode=require", "postgresql://host/music"),
        (f"postgresql://me:{SECRET}@[::1]:5433/a%20b", "postgresql://[::1]:5433/a%20b"),
        (f"postgresql://me:{SECRET}@/music?host=/var/run", "postgresql:///music?host=/var/run"),
        (f"postgresql://me:{SECRET}@one:1,two:2/music", "postgresql:///music?host=one%2Ctwo&port=1%2C2"),
        ("postgresql://", "postgresql:///"),
    ],
)
def test_a_store_is_named_without_credentials(url: str, name: str) -> None:
    place = place_of(url, 5)
    assert place.name == name
    assert SECRET not in repr(place)
    assert (SECRET in url) == (conninfo_to_dict(place.conninfo).get("password") == SECRET)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("postgresql:", "write postgresql://user:password@host:port/database"),
        ("postgresql:music", "write postgresql://user:password@host:port/database"),
        (f"postgresql://me:{SECRET}@host/music?schema=other", r'"schema" is no parameter.*\[store\]'),
        (f"postgresql://me:{SECRET}@%00host/music", "in a password as %40"),
        (f"postgresql://me:%00{SECRET}@host/music", "in a password as %40"),
        (f"postgresql://me:to@{SECRET}@host/music", "in a password as %40"),
        (f"postgresql://me:to:{SECRET}@[host/music", "in a password as %40"),
        (f"postgresql://me:a/{SECRET}@host/music", "in a password as %40"),
        (f"postgresql://me:a?{SECRET}@host/music", "in a password as %40"),
        (f"postgresql://me:a#{SECRET}@host/music", "in a password as %40"),
        (f"postgresql://me:a?{SECRET}", "in a password as %40"),
        ("postgresql://host\0/music", "in a password as %40"),
    ],
)
def test_a_url_that_names_no_database_is_refused(url: str, advice: str) -> None:
    with pytest.raises(StoreURLError, match=advice) as caught:
        open_postgresql(url)
    assert SECRET not in shown(caught.value)


def test_options_are_as_documented() -> None:
    assert PostgresqlOptions() == PostgresqlOptions(
        schema="qfzz", pool_size=10, connect_timeout=5, statement_timeout=30, lock_timeout=10, retry=10, deadline=30
    )


@pytest.mark.parametrize(
    "options",
    [
        {"schema": ""},
        {"schema": "pg_music"},
        {"schema": "Music"},
        {"schema": 'a"b'},
        {"schema": "x" * 64},
        {"schema": None},
        {"pool_size": 0},
        {"pool_size": True},
        {"pool_size": 2.0},
        {"connect_timeout": 0.5},
        {"statement_timeout": 0},
        {"statement_timeout": float("nan")},
        {"lock_timeout": 3601},
        {"lock_timeout": "10"},
        {"retry": -1},
        {"retry": True},
        {"deadline": 0},
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} must"):
        PostgresqlOptions(**options)


def test_a_connection_keeps_the_options(postgres: Database, tmp_path: Path) -> None:
    store = postgres.open(tmp_path, statement_timeout=7, lock_timeout=0.25)
    settings = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), current_schema()"
    assert store._connections.rows(settings, ()) == [("7s", "250ms", postgres.schema(tmp_path))]
    store.close()


@pytest.mark.parametrize("name", ["user", "table", "select"])
def test_a_schema_may_have_any_such_name(postgres: Database, tmp_path: Path, name: str) -> None:
    postgres.run(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')
    store = open_postgresql(postgres.url, PostgresqlOptions(schema=name))
    create(store, "alice")
    assert store.check() == []
    store.close()
    postgres.run(f'DROP SCHEMA "{name}" CASCADE')


def test_the_configuration_chooses_schema_and_timeouts(postgres: Database, tmp_path: Path) -> None:
    options = {"url": postgres.url, "schema": postgres.schema(tmp_path), "lock_timeout": 3}
    with PersonalizedDJ(config=Config.from_dict({"store": options}), seed=1) as dj:
        dj.add_content([a_track()])
        dj.record_feedback("alice", "t1", "like")
    with PersonalizedDJ(config=Config.from_dict({"store": options}), seed=1) as dj:
        assert dj.get_profile("alice").genres == {"jazz": 0.1}


def test_both_schemes_are_registered() -> None:
    assert [scheme.scheme for scheme in postgresql.qfzz_stores()] == ["postgresql", "postgres"]
    assert {scheme.Options for scheme in postgresql.qfzz_stores()} == {PostgresqlOptions}


def test_a_plugin_list_does_not_import_psycopg() -> None:
    code = "import sys, qfzz_plugins.stores.postgresql; print({'psycopg', 'psycopg_pool'} & sys.modules.keys())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_a_missing_psycopg_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("qfzz_plugins.stores.postgresql.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreUnavailableError, match=r"qfzz\[postgres\]"):
        open_postgresql("postgresql://host/music")


# ---- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("55P03", StoreLockedError),
        ("40P01", StoreLockedError),
        ("40001", StoreLockedError),
        ("57014", StoreUnavailableError),
        ("57P01", StoreUnavailableError),
        ("57P03", StoreUnavailableError),
        ("53100", StoreFullError),
        ("53300", StoreUnavailableError),
        ("53200", StoreUnavailableError),
        ("25006", StoreReadOnlyError),
        ("42501", StoreReadOnlyError),
        ("42P01", StoreUnavailableError),
        ("58030", StoreUnavailableError),
        ("XX001", StoreCorruptError),
        ("XX002", StoreCorruptError),
        ("XX000", StoreError),
        ("23503", StoreError),
        ("23505", RepeatedRowError),
    ],
)
def test_every_error_of_the_server_has_a_meaning(state: str, kind: type[StoreError]) -> None:
    place = place_of(f"postgresql://{USER}:{SECRET}@host/music", 5)
    error = psycopg.errors.lookup(state)(f'what the server says to user "{USER}" of\n{SECRET}')
    found = store_error(error, place)
    assert isinstance(found, kind)
    assert (type(found) is StoreError) == (kind is StoreError)
    assert str(found).startswith("postgresql://host/music ")
    assert str(found).endswith('(what the server says to user "***" of ***)')


def test_a_mistake_in_a_query_is_no_absence_of_the_server() -> None:
    found = store_error(psycopg.ProgrammingError("placeholders"), place_of("postgresql://host/music", 5))
    assert type(found) is StoreError


def test_credentials_are_in_no_error_and_no_log(postgres: Database, caplog: pytest.LogCaptureFixture) -> None:
    parts = conninfo_to_dict(postgres.url)
    url = f"postgresql://{USER}:{SECRET}@/music?host={parts.get('host', 'localhost')}&port=1"
    caplog.set_level(logging.DEBUG)
    with pytest.raises(StoreUnavailableError, match="cannot be reached") as caught:
        open_postgresql(url)
    for text in (shown(caught.value), caplog.text):
        assert "distinctive" not in text


def test_a_login_that_is_refused_shows_nobody(postgres: Database, caplog: pytest.LogCaptureFixture) -> None:
    parts = conninfo_to_dict(postgres.url)
    place = f"host={parts.get('host', 'localhost')}&port={parts.get('port', 5432)}"
    caplog.set_level(logging.DEBUG)
    with pytest.raises(StoreUnavailableError) as caught:
        open_postgresql(f"postgresql://{USER}:{SECRET}@/postgres?{place}")
    assert "distinctive" not in shown(caught.value) + caplog.text


def test_what_an_outage_logs_has_no_credentials(
    store: PostgresqlStore, postgres: Database, caplog: pytest.LogCaptureFixture
) -> None:
    connections = store._connections
    parts = conninfo_to_dict(postgres.url)
    place = f"host={parts.get('host', 'localhost')}&port={parts.get('port', 5432)}"
    bad = place_of(f"postgresql://{USER}:{SECRET}@/postgres?{place}", 5)
    connections.close()
    caplog.set_level(logging.DEBUG)
    others = type(connections)(bad, PostgresqlOptions(retry=0))
    with pytest.raises(StoreUnavailableError, match="cannot be reached"):
        others.rows("SELECT 1", ())
    others.close()
    assert "cannot be reached" in caplog.text
    assert "distinctive" not in caplog.text


# ---- which schemas are taken -----------------------------------------------------------------------------------------


def test_a_foreign_schema_is_refused_untouched(postgres: Database, tmp_path: Path) -> None:
    name = postgres.schema(tmp_path)
    postgres.run(f"CREATE SCHEMA {name}")
    postgres.run(f"CREATE TABLE {name}.invoices (id int)")
    for _ in range(2):
        with pytest.raises(ForeignStoreError, match=rf"the schema {name} of .* choose another schema"):
            postgres.open(tmp_path)
        postgres.run(f"CREATE TABLE IF NOT EXISTS {name}.store (id int)")
    tables = postgres.run("SELECT count(*) FROM pg_tables WHERE schemaname = %s", [name])
    assert tables == [(2,)]


def test_a_store_of_another_application_is_refused(postgres: Database, tmp_path: Path) -> None:
    postgres.open(tmp_path).close()
    name = postgres.schema(tmp_path)
    postgres.run(f"UPDATE {name}.store SET application = 'other'")
    with pytest.raises(ForeignStoreError):
        postgres.open(tmp_path)
    postgres.run(f"DELETE FROM {name}.store")
    with pytest.raises(ForeignStoreError):
        postgres.open(tmp_path)


def test_a_newer_schema_is_refused_untouched(postgres: Database, tmp_path: Path) -> None:
    postgres.open(tmp_path).close()
    name = postgres.schema(tmp_path)
    postgres.run(f"UPDATE {name}.store SET version = 99")
    with pytest.raises(NewerSchemaError, match=r"schema 99, this one knows 3\): upgrade QFZZ"):
        postgres.open(tmp_path)
    assert postgres.run(f"SELECT version FROM {name}.store") == [(99,)]


def test_an_older_schema_is_migrated(postgres: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = postgres.open(tmp_path)
    fill_store(store)
    held = everything(store)
    store.close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE later (n int)",)))
    monkeypatch.setattr(schema, "VERSION", 4)
    store = postgres.open(tmp_path)
    assert everything(store) == held
    assert store._connections.rows("SELECT version FROM store", ()) == [(4,)]
    assert store._connections.rows("SELECT * FROM later", ()) == []
    store.close()


def test_names_of_an_older_schema_are_found_by_any_spelling(postgres: Database, tmp_path: Path) -> None:
    with closing(postgres.open(tmp_path)) as store, Engine(store=store) as engine:
        engine.add_content([{**a_track("t1"), "artist": "JAY\u2010Z"}])
        engine.record_feedback("alice", "t1", "favorite")
    name = postgres.schema(tmp_path)
    old = "convert_to('jay\u2010z', 'UTF8')"
    postgres.run(f"UPDATE {name}.weights SET same = {old} WHERE field = 'artists'")
    postgres.run(
        f"INSERT INTO {name}.weights (serial, field, same, name, weight) SELECT serial, 'artists', "
        f"convert_to('jay-z', 'UTF8'), convert_to('Jay-Z', 'UTF8'), 0.5 FROM {name}.users"
    )
    postgres.run(f"UPDATE {name}.states SET key = convert_to('artist:jay\u2010z', 'UTF8')")
    postgres.run(f"UPDATE {name}.store SET version = 2")
    with closing(postgres.open(tmp_path)) as store, Engine(store=store) as engine:
        assert store.check() == []
        profile = engine.get_profile("alice")
        assert profile is not None
        assert profile.artists == {"JAY\u2010Z": 0.5}
        assert engine.learned("trust", "alice", "artist:jay-z") > 0.5


def test_a_store_of_version_1_gets_the_latest_interactions_of_its_log(
    postgres: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(schema, "_MIGRATED", 100)
    with closing(postgres.open(tmp_path)) as store:
        create(store, "alice", "bob")
        for user_id in ("alice", "bob"):
            done = [Interaction(f"t{n % 70}", TYPES[n % 3], None, TIMESTAMPS[n % 8]) for n in range(500)]
            append(store, user_id, *(Event("interaction", TIME, each) for each in done))
        expected = [read_plainly(store, user_id, TYPES) for user_id in ("alice", "bob")]
    name = postgres.schema(tmp_path)
    postgres.run(f"DROP TABLE {name}.latest")
    postgres.run(f"UPDATE {name}.store SET version = 1")
    with caplog.at_level("INFO", "qfzz.stores"), closing(postgres.open(tmp_path)) as store:
        found = [sorted(store.latest_interactions(user_id, TYPES)) for user_id in ("alice", "bob")]
        assert store.check() == []
    assert found == expected
    assert "migrating a store of an older version" in caplog.text


def test_a_migration_that_fails_leaves_nothing(
    postgres: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE NONSENSE",)))
    with pytest.raises(StoreError, match="NONSENSE"):
        postgres.open(tmp_path)
    name = postgres.schema(tmp_path)
    assert postgres.run("SELECT count(*) FROM pg_namespace WHERE nspname = %s", [name]) == [(0,)]


def test_an_empty_schema_that_was_prepared_is_used(postgres: Database, tmp_path: Path) -> None:
    postgres.run(f"CREATE SCHEMA {postgres.schema(tmp_path)}")
    store = postgres.open(tmp_path)
    create(store, "alice")
    store.close()


def test_a_database_that_cannot_hold_every_text_is_refused(own_server: Server) -> None:
    own_server.run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(StoreUnavailableError, match=r"encoding LATIN1.*ENCODING 'UTF8'"):
        open_postgresql(own_server.url.replace("/postgres?", "/latin?"))


def test_a_server_that_is_too_old_is_refused(
    postgres: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "_OLDEST_SERVER", 1000)
    with pytest.raises(StoreUnavailableError, match="older than PostgreSQL 1000"):
        postgres.open(tmp_path)


# ---- what it holds ---------------------------------------------------------------------------------------------------


def fill_store(store: Store) -> None:
    store.write_tracks(some_tracks(50))
    create(store, "alice")
    fill(store, "alice")


def test_forgetting_leaves_no_row_that_holds_the_user(
    store: PostgresqlStore, postgres: Database, tmp_path: Path
) -> None:
    name = "a-very-distinctive-user\0"
    with store.transaction([name]) as transaction:
        user = transaction.user(name)
        user.create(TIME)
        user.put_weight("artists", name, 0.5)
        user.put_state("learner", name, {name: name})
        user.append(a_feedback(name, event_id=name))
    create(store, "bob")

    def holding() -> list[str]:
        space = postgres.schema(tmp_path)
        forms = f"%(distinctive|{b'distinctive'.hex()})%"
        tables = [table for (table,) in postgres.run("SELECT tablename FROM pg_tables WHERE schemaname = %s", [space])]
        query = "SELECT count(*) FROM {0}.{1} WHERE {1}::text SIMILAR TO %s"
        return [table for table in tables if postgres.run(query.format(space, table), [forms]) != [(0,)]]

    assert sorted(holding()) == ["events", "latest", "states", "users", "weights"]
    assert store.forget(name)
    assert holding() == []
    assert list(store.user_ids()) == ["bob"]


def test_ids_that_no_index_could_hold_are_kept(store: PostgresqlStore) -> None:
    names = [f"{number}{''.join(chr(0x4E00 + number * i % 20_000) for i in range(20_000))}" for number in (7, 11)]
    store.write_tracks(a_track(name) for name in names)
    create(store, *names)
    for name in names:
        with store.transaction([name]) as transaction:
            transaction.user(name).put_weight("artists", name, 0.5)
            transaction.user(name).put_state(name, name, name)
            transaction.user(name).append(a_feedback(name, event_id=name))
        assert dict(store.states(name, name)) == {name: name}
        assert store.find_track(name) is not None
    assert list(store.user_ids()) == names


def test_many_tracks_are_replaced_at_once(store: PostgresqlStore) -> None:
    store.write_tracks(some_tracks(7000))
    token = store.catalogue_token()
    again = [*some_tracks(7000, title="New"), *some_tracks(10, first=7000), *some_tracks(10, first=6995, title="Twice")]
    written = store.write_tracks(again)
    assert (written.added, written.replaced) == (10, 7000)
    changes = list(store.catalogue_since(token).written)
    assert [track["track_id"] for _, track in changes] == [f"t{number}" for number in range(7010)]
    assert [track["title"] for _, track in changes[6993:6997]] == ["New", "New", "Twice", "Twice"]
    assert [position for position, _ in changes] == list(range(1, 7011))


def test_an_import_may_meet_tracks_of_an_earlier_batch_among_new_ones(store: PostgresqlStore) -> None:
    batch = catalogue.BATCH
    many = [
        *some_tracks(batch),
        *some_tracks(batch, first=batch - 1, title="Twice"),
        *some_tracks(2 * batch, 2 * batch - 1),
    ]
    written = store.write_tracks(many)
    assert (written.added, written.replaced) == (4 * batch - 1, 0)
    changes = list(store.catalogue_since(None).written)
    assert [position for position, _ in changes] == list(range(1, 4 * batch))
    assert [track["title"] for _, track in changes[batch - 2 : batch]] == ["So What", "Twice"]
    store.remove_tracks([f"t{number}" for number in range(batch)])
    written = store.write_tracks(some_tracks(2 * batch))
    assert (written.added, written.replaced) == (batch, batch)


def test_commits_of_long_ago_are_forgotten(store: PostgresqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "KEPT_COMMITS", 10)
    tokens = [store.catalogue_token()]
    for number in range(15):
        store.write_tracks([a_track(f"t{number}")])
        store.remove_tracks([f"t{number - 1}"])
        tokens.append(store.catalogue_token())
    assert store.catalogue_since(tokens[0]).complete
    assert store.catalogue_since(tokens[5]).complete
    assert not store.catalogue_since(tokens[-4]).complete
    assert store._connections.rows("SELECT count(*) FROM commits", ()) == [(10,)]


def test_a_long_log_is_appended_in_parts_and_recorded_whole(
    store: PostgresqlStore, postgres: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = [f"t{number}" for number in range(11_000)]
    with store.transaction(["alice"]) as transaction:
        transaction.user("alice").create(TIME)
        for name in names:
            transaction.user("alice").append(a_feedback(name, event_id=name))
    record = store.record("alice")
    assert record is not None
    append(store, "alice", a_feedback("later"))
    other = postgres.open(tmp_path_factory.mktemp("other"))
    other.load([record], some_tracks(3), empty_first=True)
    assert track_ids(other) == names
    other.close()


def test_the_same_user_may_be_loaded_twice(store: PostgresqlStore) -> None:
    create(store, "alice")
    fill(store, "alice")
    records = []
    for _ in range(2):
        record = store.record("alice")
        assert record is not None
        records.append(record)
    store.load(records)
    assert len(list(store.events("alice"))) == 1
    assert list(store.user_ids()) == ["alice"]


def test_a_feedback_reads_rows_by_their_keys_only(store: PostgresqlStore) -> None:
    create(store, *(f"user {number}" for number in range(300)))
    store.write_tracks(some_tracks(3000))
    seen: list[tuple[str, Any]] = []
    connection = type(store._connections.read(lambda connection: connection))
    with pytest.MonkeyPatch.context() as patch:
        run, together = connection._executed, connection._pipelined
        patch.setattr(connection, "_executed", lambda self, *one: (seen.append(one), run(self, *one))[1])
        patch.setattr(connection, "_pipelined", lambda self, all_: (seen.extend(all_), together(self, all_))[1])
        with store.transaction(["user 7"]) as transaction:
            transaction.track("t1")
            transaction.user("user 7").find_event("e1")
            transaction.user("user 7").weight("genres", "jazz")
            transaction.user("user 7").state("trust", "artist:x")
        store.revision("user 7")
    queries = [(sql, values) for sql, values in seen if sql.startswith("SELECT")]
    assert len(queries) >= 6
    for sql, values in queries:
        plan = store._connections.rows(f"EXPLAIN {sql}", values)
        assert not [line for (line,) in plan if re.search(r"Seq Scan on (users|tracks)", line)], plan


# ---- what the server finds wrong -------------------------------------------------------------------------------------


def test_rows_that_belong_to_nobody_are_found(store: PostgresqlStore, postgres: Database, tmp_path: Path) -> None:
    fill_store(store)
    assert store.check() == []
    space = postgres.schema(tmp_path)
    postgres.run(f"ALTER TABLE {space}.weights DROP CONSTRAINT weights_serial_fkey")
    postgres.run(f"UPDATE {space}.weights SET serial = 77")
    postgres.run(f"UPDATE {space}.catalogue SET last_position = 5")
    found = store.check()
    assert len(found) == 2
    assert "positions" in found[0]
    assert "table weights" in found[1]


def test_damage_is_found_and_named(own_server: Server, tmp_path: Path) -> None:
    own_server.run("CREATE EXTENSION IF NOT EXISTS amcheck")
    store = own_server.open(tmp_path)
    fill_store(store)
    assert store.check() == []
    space = own_server.schema(tmp_path)
    files = [
        own_server.run("SELECT pg_relation_filepath(%s)", [f"{space}.{name}"]) for name in ("tracks", "users_by_id")
    ]
    store.close()
    own_server.halt()
    for ((file,),) in files:
        path = own_server.directory / "data" / str(file)
        content = bytearray(path.read_bytes())
        content[-8192:] = b"\x55" * 8192
        path.write_bytes(content)
    own_server.start()
    store = own_server.open(tmp_path)
    with pytest.raises(StoreCorruptError, match="is damaged: restore a backup"):
        list(store.catalogue_since(None).written)
    found = store.check()
    assert len(found) == 3
    assert [" is damaged" in sentence for sentence in found] == [True, False, True]
    assert "failed their checksums" in found[1]
    store.close()


@pytest.mark.parametrize(
    "wrong",
    [
        ("tracks", "body = '['", "position 1, track_id 't0': it cannot be decoded"),
        ("tracks", "body = replace(body, 'genre', 'genra')", "position 1, track_id 't0': genre is missing"),
        ("tracks", "body = '[]'", "position 1, track_id 't0': expected an object"),
        ("users", "energy_level = 'NaN'", "user_id 'alice': no user has the values"),
        ("users", "updated_at = 'never'", "user_id 'alice': Invalid isoformat string"),
        ("users", "user_id = '\\xff'", "user_id b'\\xff': user_id is no text"),
        ("weights", "weight = 'NaN'", "user_id 'alice', genres 'jazz': nan is no weight"),
        ("weights", "weight = 2", "user_id 'alice', genres 'jazz': 2.0 is no weight"),
        ("weights", "name = '\\xff'", "user_id 'alice', genres b'\\xff': 0.5 is no weight"),
        ("weights", "field = 'shoes'", "user_id 'alice', shoes 'jazz'"),
        ("events", "kind = 'x'", "no event is of the kind 'x'"),
        ("events", "body = 'null'", "it cannot be decoded (TypeError"),
        ("events", "event_id = '\\xff'", "no event is of the kind 'feedback' with this position, event_id"),
        ("states", "state = 'null'", "user_id 'alice', learner 'trust', key 'artist:x': null is no state"),
        ("states", "key = '\\xff'", "user_id 'alice', learner 'trust', key b'\\xff': key is no text"),
    ],
)
def test_a_wrong_value_is_refused_with_table_and_key(
    store: PostgresqlStore, postgres: Database, tmp_path: Path, wrong: tuple[str, str, str]
) -> None:
    table, change, sentence = wrong
    store.write_tracks(some_tracks(1))
    create(store, "alice")
    fill(store, "alice")
    postgres.run(f"UPDATE {postgres.schema(tmp_path)}.{table} SET {change}")
    assert [f"table {table}, " in found and sentence in found for found in store.check()] == [True]
    refused = []
    with PersonalizedDJ(store=store, seed=1) as dj:
        calls: list[Callable[[], object]] = [
            lambda: dj.recommend("alice"),
            lambda: dj.get_track("t0"),
            lambda: store.tracks_at([1]),
            lambda: list(store.user_ids()),
            lambda: everything(store),
            lambda: store.states("alice", "trust"),
            lambda: dj.record_feedback("alice", "t0", "like", event_id="the same id"),
            lambda: dj.record_many([{"user_id": "alice", "track_id": "t0", "interaction_type": "like"}] * 2),
        ]
        for call in calls:
            try:
                call()
            except StoreCorruptError as error:
                refused.append(str(error))
            except (QfzzError, UserWarning):
                pass
    assert refused
    assert all(f"table {table}, " in sentence for sentence in refused)
    assert not any("password" in sentence for sentence in refused)


def test_an_index_that_is_not_valid_is_found(store: PostgresqlStore, postgres: Database, tmp_path: Path) -> None:
    space = postgres.schema(tmp_path)
    fill_store(store)
    with pytest.raises(psycopg.errors.UniqueViolation):
        postgres.run(f"CREATE UNIQUE INDEX CONCURRENTLY broken ON {space}.tracks (changed)")
    assert store.check() == ["the index broken is not valid: REINDEX it"]
