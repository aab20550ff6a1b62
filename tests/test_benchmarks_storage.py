"""The benchmarks of the stores run, and what they do bare is what the library does. No time is looked at."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.exhaustive  # the same on every Python
pytest_plugins = ["support.postgres_server"]

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))  # the benchmarks are no part of the installed packages

from benchmarks.storage.content import record_singly, track  # noqa: E402
from benchmarks.storage.databases import KINDS, Databases, RoundTrip, connected, opened, writes_of  # noqa: E402
from benchmarks.storage.sections.feedback import prepared  # noqa: E402
from qfzz import PersonalizedDJ  # noqa: E402

WITH_A_CACHE = 10_000  # the library keeps no smaller catalogue


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[str, str | None]:
    """The name of each kind of database, and the server's URL if it has one."""
    return request.param, request.getfixturevalue("postgres").url if request.param == "postgresql" else None


@pytest.fixture
def databases(kind: tuple[str, str | None], tmp_path: Path) -> Iterator[Databases]:
    """Databases of each kind."""
    with connected(*kind, tmp_path) as made:
        yield made


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.storage", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def people(dj: PersonalizedDJ) -> list[dict[str, Any]]:
    """Return everybody who gives feedback, history included."""
    return [dj.get_or_create_profile(f"user-{number}").to_dict() for number in range(20)]


@pytest.mark.parametrize("chosen", [list, writes_of])
def test_the_statements_executed_bare_leave_what_the_library_leaves(
    databases: Databases, chosen: Callable[[list[RoundTrip]], list[RoundTrip]]
) -> None:
    with prepared(databases) as base, databases.new(base) as ours, databases.new(base) as bare:
        with databases.recording() as trips, opened(ours) as dj:
            trips.clear()
            record_singly(dj, range(40))
            made = chosen(trips)
            expected = people(dj)
        with closing(databases.bare(bare)) as connection:
            connection.make(made)
        with opened(bare) as dj:
            assert people(dj) == expected
        with opened(base) as dj:
            assert people(dj) != expected


def test_what_only_writes_has_no_query_and_commits_every_feedback(databases: Databases) -> None:
    with prepared(databases) as base, databases.recording() as trips, opened(base) as dj:
        trips.clear()
        record_singly(dj, range(2))
        written = [statement.sql.split()[0].upper() for trip in writes_of(trips) for statement in trip]
    assert "SELECT" not in written
    assert written.count("COMMIT") == 2
    assert written[-1] == "COMMIT"


def test_ready_tuples_are_the_rows_that_an_import_writes(databases: Databases) -> None:
    tracks = [track(number) for number in range(20)]
    with databases.new() as imported, databases.new() as loaded:
        with opened(imported) as dj:
            dj.add_content(tracks)
        opened(loaded).close()
        with closing(databases.bare(imported)) as ours, closing(databases.bare(loaded)) as bare:
            bare.load(databases.rows(tracks))
            assert list(bare.tracks()) == list(ours.tracks())


def test_a_database_is_gone_afterwards(databases: Databases, tmp_path: Path) -> None:
    with databases.new() as url:
        opened(url).close()
        assert databases.size(url) > 0
    with pytest.raises(Exception, match=r"No such file|does not exist"):
        databases.size(url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("unmeasured")
def test_every_figure_is_measured_for_every_store(kind: tuple[str, str | None]) -> None:
    name, _ = kind
    given = os.environ.get("QFZZ_TEST_POSTGRES")
    where = ["--url", given] if given and name == "postgresql" else []  # else the command starts a server
    done = run("--store", name, *where, "--tracks", str(WITH_A_CACHE), "--rounds", "1", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert list(document) == ["store", "version", "feedback", "importing", "opening", "history_filters"]
    assert document["store"] == name
    assert (document["feedback"].pop("sync_seconds") is None) == (name == "postgresql")
    assert all(figure > 0 for section in ("feedback", "importing") for figure in document[section].values())
    opening = document["opening"]
    assert opening["cache_mb"] > 0  # so the warm cache is one
    assert list(opening["no_cache"]) == list(opening["warm_cache"])
    filters = document["history_filters"]
    assert list(filters) == ["5000", "28000"]
    assert all(figure > 0 for sizes in filters.values() for each in sizes.values() for figure in each.values())


def test_the_figures_are_printed_as_tables_with_what_is_promised() -> None:
    done = run("--only", "feedback", "importing", "--tracks", "100", "--rounds", "1")
    assert done.returncode == 0, done.stderr
    last = {line.rsplit("  ", 1)[0].split("  ")[0]: line.split()[-1] for line in done.stdout.splitlines() if line}
    assert last["the same statements, bare"] == "0.6"
    assert last["QFZZ, a batch of 500"] == "10"
    assert last["QFZZ, add_content"] == "0.5"
    assert last["only those that write, bare"] == "-"


def test_a_server_for_files_is_refused() -> None:
    done = run("--url", "postgresql://localhost/music")
    assert done.returncode == 2
    assert "--url is for postgresql; sqlite makes its databases in --directory" in done.stderr
