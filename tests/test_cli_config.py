from __future__ import annotations

from pathlib import Path

import pytest
from support.cli_runs import Cli, install, isolated

CLASHING = """
from qfzz_core import hookimpl, Column

@hookimpl
def qfzz_columns():
    return [Column(name="energy", kind="flag")]
"""
OBSERVER = """
from qfzz_core import hookimpl

@hookimpl
def qfzz_recommended(recommended):
    pass
"""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


# ---- plugins --------------------------------------------------------------------------------------------------------


def test_every_plugin_is_listed_with_what_it_registered(cli: Cli) -> None:
    records = {record["name"]: record for record in cli.json("plugins")}
    assert records["genre"] == {
        **records["genre"],
        "status": "active",
        "where": "built in",
        "distribution": "qfzz",
        "registered": ["factor genre"],
        "hooks": ["qfzz_factors"],
        "problems": [],
    }
    assert records["genre"]["import_seconds"] >= 0


def test_the_list_of_plugins_reads_as_a_table(cli: Cli) -> None:
    lines = [" ".join(line.split()) for line in cli.ok("plugins").splitlines()]
    assert lines[0] == "Name Status From Registered"
    assert "heard active qfzz 0.1.0, built in filter heard_within_days, heard_within_plays" in lines
    assert "similarity active qfzz 0.1.0, built in genre similarity" in lines
    assert "trust active qfzz 0.1.0, built in factor trust; column publisher; learner trust" in lines
    assert any(line.endswith("interaction type play, skip, like, dislike, favorite") for line in lines)


def test_plugins_that_fail_or_clash_are_listed_with_the_reason_and_are_no_error(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(cli.directory, monkeypatch, "broken", "raise RuntimeError('no\\x1b')")
    install(cli.directory, monkeypatch, "clashing", CLASHING)
    install(cli.directory, monkeypatch, "watching", OBSERVER)
    monkeypatch.setenv("QFZZ_DISABLE_PLUGINS", "trust")
    result = cli("plugins", "--config", cli.write("qfzz.toml", "strict = true\n"))
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "broken failed to import broken-distribution 1.0, entry point" in lines
    assert r"broken (broken-distribution): RuntimeError: no\x1b" in lines
    assert "watching active watching-distribution 1.0, entry point recommended" in lines
    assert any(line.startswith('clashing (clashing-distribution): column "energy" clashes') for line in lines)
    assert "trust (qfzz): by the environment variable QFZZ_DISABLE_PLUGINS" in lines
    assert all(line.startswith("warning: ") for line in result.stderr.splitlines())


def test_listing_plugins_touches_no_store(cli: Cli) -> None:
    cli.ok("plugins")
    cli.ok("config", "show")
    cli.ok("config", "check")
    assert not (cli.directory / "store.db").exists()


# ---- config show ----------------------------------------------------------------------------------------------------

CONFIG = """
seed = 7
strict = true
[store]
url = "sqlite:///music.db"
timeout = 3
[factors.genre]
weight = 0.6
match = "graded"
[factors.mood]
weight = 0
[discovery]
shuffle = "none"
[plugins]
disable = ["heard"]
"""

STRATEGY = """
from qfzz_core import Pick, hookimpl

class Best:
    name = "best"

    def pick(self, request, ranking):
        return [Pick(rank) for rank in range(1, len(ranking.take(request.limit)) + 1)]

@hookimpl
def qfzz_strategies():
    return [Best()]
"""


def test_the_configuration_is_shown_as_it_is_in_effect(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QFZZ_STORE")
    path = cli.write("qfzz.toml", CONFIG)
    assert cli.json("config", "show", "--config", path) == {
        "file": {"path": path, "from": "the option --config"},
        "store": {"url": "sqlite:///music.db", "from": "the configuration"},
        "seed": 7,
        "strict": True,
        "factors": [
            {"name": "genre", "weight": 0.6, "options": {"match": "graded", "missing": 0.0}},
            {"name": "artist", "weight": 0.25, "options": {}},
            {"name": "energy", "weight": 0.2, "options": {"missing": 0.5}},
            {"name": "tempo", "weight": 0.15, "options": {"missing": 0.5}},
        ],
        "factors_off": ["mood", "trust"],
        "discovery": {"strategy": "split", "options": {"pool_depth": 10, "shuffle": "none"}, "wrapped": {}},
        "plugins_disabled": ["heard"],
    }
    assert cli.ok("config", "show", "--config", path).splitlines() == [
        f"file:             {path} (the option --config)",
        "store:            sqlite:///music.db (the configuration)",
        "seed:             7",
        "strict:           yes",
        "discovery:        split (pool_depth = 10, shuffle = none)",
        "plugins disabled: heard",
        "factors off:      mood, trust",
        "factors:",
        "  genre           0.6 (match = graded, missing = 0.0)",
        "  artist          0.25",
        "  energy          0.2 (missing = 0.5)",
        "  tempo           0.15 (missing = 0.5)",
    ]


def test_the_options_of_every_strategy_are_shown(cli: Cli) -> None:
    cli.write("best.py", STRATEGY)
    tables = '[discovery]\nstrategy = "best"\n[discovery.split]\npool_depth = 5\n[plugins]\nfiles = ["best.py"]\n'
    path = cli.write("qfzz.toml", tables)
    assert cli.json("config", "show", "--config", path)["discovery"] == {
        "strategy": "best",
        "options": {},
        "wrapped": {"split": {"pool_depth": 5, "shuffle": "riffle"}},
    }
    lines = cli.ok("config", "show", "--config", path).splitlines()
    assert lines[-2:] == ["other strategies:", "  split           (pool_depth = 5, shuffle = riffle)"]
    shown = cli.ok("plugins", "show", "split", "--config", path)
    assert "\noptions:    strategy split: pool_depth = 5, shuffle = riffle\n" in shown
    path = cli.write("wrong.toml", tables.replace("pool_depth", "pool_dept"))
    said = f'{path}:4: [discovery.split] unknown key "pool_dept", did you mean "pool_depth"?'
    assert cli("config", "check", path).stdout == f"{said}\n"


def test_without_a_configuration_the_defaults_are_shown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QFZZ_DISABLE_PLUGINS", "split")
    lines = cli.ok("config", "show").splitlines()
    assert lines[0] == f"file:             none (there is no {cli.directory}/config/qfzz.toml)"
    assert lines[1] == f"store:            {cli.store} (the environment variable QFZZ_STORE)"
    assert lines[2:6] == [
        "seed:             a new one for each run",
        "strict:           no",
        "discovery:        none",
        "plugins disabled: split",
    ]


@pytest.mark.parametrize("secret", ["postgresql://me:hush@host/db", "postgresql://host/db?user=me&password=hush&x=1"])
def test_a_password_is_never_shown(cli: Cli, secret: str) -> None:
    assert "hush" not in cli.ok("config", "show", "--store", secret)
    assert "***" in cli.ok("config", "show", "--store", secret)


# ---- config check ---------------------------------------------------------------------------------------------------


def test_a_configuration_that_can_be_used_is_ok(cli: Cli) -> None:
    path = cli.write("qfzz.toml", CONFIG)
    assert cli.ok("config", "check", path) == f"ok: {path}\n"
    assert cli.json("config", "check", path) == {"file": path, "ok": True, "problems": []}
    assert cli.ok("config", "check") == "ok: the defaults, because there is no configuration file\n"
    assert cli.ok("--config", path, "config", "check") == f"ok: {path}\n"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("sed = 1\nstric = true\n", [':1: unknown key "sed"', ':2: unknown key "stric"']),
        ("[factors.gener]\n", [':1: [factors.gener] no factor "gener" is registered']),
        ('[factors.genre]\nmatch = "loose"\n', [":2: [factors.genre] match must be"]),
        ("seed =\n", [":1: this is not TOML"]),
        ('store = "sqlit:///x.db"\n', ['no store is registered for a URL that begins with "sqlit:", did you mean']),
        ('[store]\nurl = "sqlite:///x.db"\ntimeuot = 3\n', [':3: [store] unknown key "timeuot"']),
        ("[store]\ntimeuot = 3\n", [':2: [store] unknown key "timeuot"']),
    ],
)
def test_every_problem_of_a_configuration_is_a_line_and_the_exit_code_1(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, text: str, problems: list[str]
) -> None:
    monkeypatch.delenv("QFZZ_STORE")
    path = cli.write("qfzz.toml", text)
    result = cli("config", "check", path)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert len(lines) == len(problems)
    assert all(problem in line for problem, line in zip(problems, lines, strict=True))
    result = cli("config", "check", path, "--json")
    assert result.exit_code == 1
    assert '"ok": false' in result.stdout


def test_a_file_that_is_not_there_is_a_problem(cli: Cli) -> None:
    result = cli("config", "check", "missing.toml")
    assert (result.exit_code, result.stdout) == (1, "missing.toml: there is no such file\n")


def test_options_of_the_configured_store_do_not_concern_another_one(cli: Cli) -> None:
    path = cli.write("qfzz.toml", '[store]\nurl = "sqlite:///x.db"\ntimeout = 3\n')
    assert cli.ok("--store", "memory:", "config", "check", path) == f"ok: {path}\n"
