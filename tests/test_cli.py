from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path

import click
import pytest
from support.cli_runs import RECORDINGS, Cli, install, interrupted, isolated, json_lines, track

from qfzz_core import cli as package
from qfzz_core._version import __version__
from qfzz_core.cli import output, root
from qfzz_core.cli.commands import recommend as recommend_module
from qfzz_core.cli.errors import warnings_as_lines
from qfzz_core.cli.output import visible
from qfzz_core.errors import PluginWarning, StoreError


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


# ---- start-up -------------------------------------------------------------------------------------------------------


def imported_by(code: str) -> set[str]:
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(run.stdout.split())


def test_the_version_needs_nothing_but_click_and_the_number() -> None:
    code = "import sys; import click; before = set(sys.modules); sys.argv = ['qfzz', '--version']; import atexit; "
    code += "atexit.register(lambda: print(*(set(sys.modules) - before))); from qfzz_core.cli import main; main()"
    ours = {
        "qfzz_core",
        "qfzz_core._moved",
        "qfzz_core._version",
        "qfzz_core.cli",
        "qfzz_core.cli.root",
        "qfzz_core.cli.options",
    }
    modules = imported_by(code) - {"qfzz", __version__, "qfzz,", "version"}
    assert {name for name in modules if name.startswith("qfzz")} == ours
    assert not {name.partition(".")[0] for name in modules} & {"numpy", "rich", "attrs", "attr", "pluggy", "cattrs"}


def test_importing_qfzz_imports_neither_rich_nor_sqlite_utils() -> None:
    loaded = imported_by("import sys, qfzz, qfzz.dj.personalized_dj; print(*sys.modules)")
    assert "qfzz_core.engine" in loaded
    assert not {"rich", "sqlite_utils", "click"} & loaded


def test_the_help_of_no_command_imports_rich_or_the_engine() -> None:
    code = "import sys; from qfzz_core.cli.root import root\n"
    code += f"for name in {sorted(root.BUILT_IN)}: root([name, '--help'], standalone_mode=False)\n"
    loaded = imported_by(code + "print(*sys.modules)")
    assert "qfzz_core.cli.commands.demo" in loaded
    assert not {"rich", "numpy", "qfzz_core.engine"} & loaded


def test_version_names_the_program_and_its_version(cli: Cli) -> None:
    assert cli.ok("--version") == f"qfzz {__version__}\n"


def test_help_lists_every_command_with_the_help_that_the_command_gives_itself(cli: Cli) -> None:
    shown = cli.ok("--help")
    for name, (module, short_help) in root.BUILT_IN.items():
        command = getattr(import_module(f"qfzz_core.cli.commands.{module}"), module)
        assert command.get_short_help_str(100) == short_help
        assert command.name == name
        assert any(line.split() == [name, *short_help.split()] for line in shown.splitlines())


def test_the_commands_can_be_listed_for_completion(cli: Cli) -> None:
    with click.Context(root.root) as context:
        assert root.root.list_commands(context) == sorted(root.BUILT_IN)


def test_main_ends_with_the_exit_code_and_never_stumbles_over_an_encoding(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["qfzz", "profile", "list"])
    with pytest.raises(SystemExit) as end:
        package.main()
    assert end.value.code == 0
    assert sys.stdout.errors == "backslashreplace"
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit) as end:
        package.main()
    assert end.value.code == 0


# ---- exit codes and errors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["recomend", "alice"],
        ["--nonsense"],
        ["recommend"],
        ["recommend", "alice", "--genre", "jazz"],
        ["recommend", "alice", "--genre", "jazz=much"],
        ["recommend", "alice", "--genre", "jazz=1", "--genre", "jazz=0.5"],
        ["recommend", "alice", "--where", "jazz"],
        ["recommend", "alice", "--where", "=jazz"],
        ["recommend", "alice", "--energy", "high"],
        ["recommend", "alice", "--tempo", "brisk"],
        ["recommend", "alice", "-n", "-1"],
        ["recommend", "alice", "--max-per-artist", "-1"],
        ["profile", "set", "alice"],
        ["tracks", "search"],
        ["tracks", "remove"],
        ["import"],
        ["import", "x.csv", "--preset", "napster"],
        ["feedback", "alice", "t1"],
    ],
)
def test_wrong_usage_is_exit_code_2_and_changes_nothing(cli: Cli, arguments: list[str]) -> None:
    assert "Error: " in cli.fails(*arguments, code=2)


def test_an_unknown_command_is_answered_with_the_nearest_one(cli: Cli) -> None:
    assert 'there is no command "recomend", did you mean "recommend"?' in cli.fails("recomend", code=2)


def test_an_error_is_one_sentence_without_a_traceback(cli: Cli) -> None:
    said = cli.fails("recommend", "alice", "--energy", "7")
    assert said == "Error: energy_level must be from 0.0 to 1.0, got 7.0\n"


def test_debug_shows_the_traceback_and_the_log_before_or_after_the_command(cli: Cli) -> None:
    for arguments in (["--debug", "recommend", " "], ["recommend", " ", "--debug"]):
        run = cli.process(*arguments)
        assert run.returncode == 1
        assert "Traceback (most recent call last)" in run.stderr
        assert "ProfileError: user_id must not be blank" in run.stderr
        assert "INFO qfzz.engine: engine ready" in run.stderr
    assert "INFO" not in cli.process("recommend", "alice").stderr
    assert logging.getLogger("qfzz").level == logging.NOTSET


def raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(recommend_module, "given_preferences", fail)


def test_an_error_that_nobody_foresaw_is_a_sentence_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(RuntimeError("the sky fell"), monkeypatch)
    expected = "Error: unexpected RuntimeError: the sky fell (--debug shows where)\n"
    assert cli.fails("recommend", "alice") == expected
    assert isinstance(cli("--debug", "recommend", "alice").exception, RuntimeError)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError(28, "No space left on device", "out.json"), "out.json: No space left on device"),
        (StoreError("locked"), "locked"),
    ],
)
def test_an_error_of_the_system_is_its_own_sentence(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    raising(error, monkeypatch)
    assert cli.fails("recommend", "alice") == f"Error: {sentence}\n"


def test_an_interrupted_command_ends_with_130_and_a_word(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(KeyboardInterrupt(), monkeypatch)
    assert cli.fails("recommend", "alice", code=130) == "Interrupted.\n"


def test_an_interrupted_prompt_is_an_interruption_and_its_ended_input_is_not(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    abort = click.Abort()
    raising(abort, monkeypatch)
    assert cli.fails("recommend", "alice") == "Aborted!\n"
    abort.__context__ = KeyboardInterrupt()
    assert cli.fails("recommend", "alice", code=130) == "Interrupted.\n"


def writing_end(pipe: Path) -> int:
    """Open a named pipe as soon as somebody reads it."""
    for _ in range(600):
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("nobody reads the pipe")


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes and signals of POSIX")
def test_an_interrupted_import_imports_nothing(cli: Cli) -> None:
    cli.ok("import", cli.write("first.jsonl", json_lines(track("old"))))
    before = cli.content()
    pipe = cli.directory / "pipe.jsonl"
    os.mkfifo(pipe)
    command = [sys.executable, "-c", "from qfzz_core.cli import main; main()", "import", str(pipe)]
    with (
        subprocess.Popen(command, env=cli.environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as running,
        open(writing_end(pipe), "w", encoding="utf-8") as writer,
    ):
        writer.write(json_lines(*(track(f"new{number}") for number in range(300))))
        writer.flush()
        assert interrupted(running) == 130
        assert running.communicate() == (b"", b"Interrupted.\n")
    assert cli.content() == before


@pytest.mark.skipif(sys.platform == "win32", reason="closed pipes are reported in another way")
@pytest.mark.parametrize("arguments", [["--json"], []])
def test_output_that_nobody_reads_to_its_end_is_no_error(cli: Cli, arguments: list[str]) -> None:
    cli.ok("import", str(RECORDINGS))
    command = [sys.executable, "-c", "from qfzz_core.cli import main; main()", "tracks", "search", "e", "-n", "999"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*command, *arguments], env=cli.environment, **pipes) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""


# ---- which store, which configuration -------------------------------------------------------------------------------


def test_the_store_is_the_options_then_the_environments_then_the_configurations_then_the_users_own(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = {name: f"sqlite:///{cli.directory}/{name}.db" for name in ("option", "variable", "config")}
    config = cli.write("qfzz.toml", f'store = "{stores["config"]}"\n')
    monkeypatch.setenv("QFZZ_STORE", stores["variable"])
    cli.ok("--store", stores["option"], "--config", config, "profile", "set", "option", "--energy", "0")
    cli.ok("--config", config, "profile", "set", "variable", "--energy", "0")
    monkeypatch.delenv("QFZZ_STORE")
    cli.ok("--config", config, "profile", "set", "config", "--energy", "0")
    cli.ok("profile", "set", "own", "--energy", "0")
    stores["own"] = f"sqlite:///{cli.directory}/data/qfzz.db"
    for user, store in stores.items():
        assert cli.json("profile", "list", "--store", store) == [user]


def test_the_users_own_store_may_lie_below_any_name(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QFZZ_STORE")
    place = cli.directory / "a b?c%20d#é"
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: place)
    cli.ok("profile", "set", "alice", "--energy", "0")
    assert (place / "qfzz.db").is_file()


def test_a_data_directory_that_cannot_be_made_is_a_sentence(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QFZZ_STORE")
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: Path(cli.write("file", "")) / "below")
    result = cli("profile", "list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "choose another place with --store" in result.stderr


def test_the_configuration_is_the_options_then_the_environments_then_the_users_own(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cli.directory / "config").mkdir()
    paths = {name: cli.write(name, f"seed = {seed}\n") for seed, name in enumerate(("one", "two", "config/qfzz.toml"))}

    def seed() -> int:
        return int(cli.json("config", "show", *given)["seed"])

    given = ["--config", paths["one"]]
    monkeypatch.setenv("QFZZ_CONFIG", paths["two"])
    assert seed() == 0
    given = []
    assert seed() == 1
    monkeypatch.setenv("QFZZ_CONFIG", "")
    assert seed() == 2


def test_global_options_stand_before_or_after_the_command_and_the_nearer_counts(cli: Cli) -> None:
    other = f"sqlite:///{cli.directory}/other.db"
    cli.ok("--store", "memory:", "profile", "set", "alice", "--energy", "0", "--store", other)
    assert cli.json("--store", other, "profile", "list") == ["alice"]


@pytest.mark.parametrize(
    ("store", "sentence"),
    [
        (
            "music.db",
            'no store is registered for a URL that begins with "music.db", did you mean "sqlite:///music.db"?',
        ),
        ("./my music.db", 'did you mean "sqlite:///my music.db"?'),
        ("/var/lib/a?b.db", 'did you mean "sqlite:////var/lib/a%3Fb.db"?'),
        ("C:\\music.db", 'did you mean "sqlite:///C:/music.db"?'),
        ("music.sqlite", 'did you mean "sqlite:///music.sqlite"?'),
        ("below/music", 'did you mean "sqlite:///below/music"?'),
        ("memory", 'did you mean "memory:"?'),
        ("music", "; there are memory:, "),
        ("sqlit:///x.db", 'did you mean "sqlite"?'),
        ("sqlite:///", "names no file"),
    ],
)
def test_a_store_that_cannot_be_opened_is_a_sentence(cli: Cli, store: str, sentence: str) -> None:
    assert sentence in cli.fails("profile", "list", "--store", store)


def test_a_file_of_another_application_is_refused_and_left_as_it_is(cli: Cli) -> None:
    path = Path(cli.write("letter.db", "Dear diary, " * 200))
    assert "Error: " in cli.fails("recommend", "alice", "--store", f"sqlite:///{path}")
    assert path.read_text(encoding="utf-8") == "Dear diary, " * 200


def test_a_broken_configuration_is_named_with_file_line_and_key(cli: Cli) -> None:
    path = cli.write("qfzz.toml", "\n[factors.genre]\nwieght = 1\n")
    said = cli.fails("recommend", "alice", "--config", path)
    assert said == f'Error: {path}:3: [factors.genre] unknown key "wieght", did you mean "weight"?\n'


# ---- output ---------------------------------------------------------------------------------------------------------


def test_a_pipe_gets_whole_lines_without_colour(cli: Cli) -> None:
    long = "A very long title " * 12
    cli.ok("import", cli.write("x.jsonl", json_lines(track(title=long))))
    lines = cli.process("recommend", "alice").stdout.splitlines()
    assert long.strip() in lines[2]
    assert "\x1b" not in "".join(lines)


def test_a_narrow_terminal_gets_all_facts_below_one_another(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.ok("import", cli.write("x.jsonl", json_lines(track(title="A very long title indeed " * 3))))
    monkeypatch.setenv("COLUMNS", "60")
    shown = cli.ok("recommend", "alice")
    assert all(len(line) <= 60 for line in shown.splitlines())
    for fact in ("indeed", "Ada", "jazz, calm, medium, 0.50", "0.3500", "ranked", "t1"):
        assert fact in shown


def test_titles_cannot_steer_the_terminal(cli: Cli) -> None:
    cli.ok("import", cli.write("x.jsonl", json_lines(track(title="\x1b[2J[bold]:smile:\n"))))
    for arguments in (["recommend", "alice"], ["recommend", "alice", "--explain"], ["tracks", "show", "t1"]):
        assert r"\x1b[2J[bold]:smile:\n" in cli.ok(*arguments)


def test_visible_text_keeps_what_is_no_control_character() -> None:
    assert visible("Björk \u3000オ [x]") == "Björk \u3000オ [x]"
    assert visible("a\x00b\u2028c") == r"a\x00b\u2028c"
    assert visible(7) == "7"


def test_json_survives_an_encoding_that_lacks_its_characters(cli: Cli) -> None:
    cli.ok("import", cli.write("x.jsonl", json_lines(track(title="オ"))))
    narrow = {**cli.environment, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    assert r'"title": "\u30aa"' in cli.process("tracks", "show", "t1", "--json", env=narrow).stdout
    assert r"\u30aa" in cli.process("tracks", "show", "t1", env=narrow).stdout
    assert '"title": "オ"' in cli.process("tracks", "show", "t1", "--json").stdout


def test_running_text_is_never_wider_than_a_hundred_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert output.prose_console().width == 100
    monkeypatch.setenv("COLUMNS", "70")
    assert output.prose_console().width == 70


# ---- plugins that fail, and commands of plugins ---------------------------------------------------------------------

COMMAND = """
import click
from qfzz_core import hookimpl

@click.command("users")
@click.pass_obj
def users(session):
    "Count the users."
    with session.engine() as engine:
        click.echo(len(list(engine.store.user_ids())))

@click.command("import")
def hijacked():
    "Never called."

@hookimpl
def qfzz_commands():
    return [users, hijacked]
"""
HOOK = "from qfzz_core import hookimpl\n@hookimpl\ndef qfzz_commands():"


def test_a_plugin_adds_a_command_that_works_on_the_store(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    install(cli.directory, monkeypatch, "counting", COMMAND)
    cli.ok("profile", "set", "alice", "--energy", "0")
    assert cli.ok("users") == "1\n"
    assert cli("users", "--nonsense").exit_code == 2
    shown = cli.ok("--help")
    assert "Commands of plugins:\n  users  Count the users.\n" in shown
    assert "Never called" not in shown
    assert 'did you mean "users"?' in cli("user").stderr


def test_a_command_of_a_plugin_that_is_switched_off_is_gone(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    install(cli.directory, monkeypatch, "counting", COMMAND)
    config = cli.write("qfzz.toml", '[plugins]\ndisable = ["counting"]\n')
    assert "Commands of plugins" not in cli.ok("--config", config, "--help")
    assert cli("--config", config, "users").exit_code == 2


@pytest.mark.parametrize(
    ("source", "warning"),
    [
        (
            "raise RuntimeError('no')",
            'plugin "broken" (distribution broken-distribution 1.0), failed to import: RuntimeError: no',
        ),
        (f"{HOOK} raise RuntimeError('no')", 'hook qfzz_commands of plugin "broken"'),
        (f"{HOOK} return [7]", 'hook qfzz_commands of plugin "broken"'),
        (f"{HOOK} return [__import__('types').SimpleNamespace(name='x')]", 'hook qfzz_commands of plugin "broken"'),
    ],
)
def test_a_plugin_that_fails_breaks_neither_the_help_nor_a_command(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, source: str, warning: str
) -> None:
    install(cli.directory, monkeypatch, "broken", source)
    result = cli("--help")
    assert result.exit_code == 0
    assert "recommend" in result.stdout
    assert warning in result.stderr
    assert result.stderr.startswith("warning: ")
    assert result.stderr.count("\n") == 1
    assert cli("x").exit_code == 2
    cli.ok("recommend", "alice")


def test_help_does_not_need_a_configuration_that_can_be_used(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    install(cli.directory, monkeypatch, "counting", COMMAND)
    result = cli("--config", cli.write("qfzz.toml", "sed = 1\n"), "--help")
    assert result.exit_code == 0
    assert 'qfzz.toml:1: unknown key "sed", did you mean "seed"?' in result.stderr


def test_a_warning_of_a_plugin_is_one_line_and_every_other_warning_what_it_was(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def warn() -> None:
        with warnings_as_lines():
            warnings.warn("it is left out", PluginWarning, stacklevel=1)
            warnings.warn("another", stacklevel=1)

    with pytest.warns(UserWarning, match="another"):
        warn()
    assert capsys.readouterr().err == "warning: it is left out\n"
