"""The group `qfzz`: knows its commands by name and imports each when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from qfzz_core._version import __version__
from qfzz_core.cli.options import GLOBAL_OPTIONS, session_of

if TYPE_CHECKING:
    from qfzz_core.cli.session import Session

# Each name: a module of `qfzz_core.cli.commands`, which holds a command under the module's name; and the short help,
# which stands here so that `qfzz --help` imports no command.
BUILT_IN = {
    "analyse": ("analyse", "Analyse audio files for what their tags do not say."),
    "config": ("config", "Show the configuration in effect, or check a file."),
    "demo": ("demo", "Show the whole loop on a catalogue that ships with QFZZ."),
    "doctor": ("doctor", "Look for problems: versions, store, disk space, plugins."),
    "feedback": ("feedback", "Record what a user did with a track, and learn from it."),
    "history": ("history", "Import a listening history, and list what is not found."),
    "import": ("import_tracks", "Import tracks from files, or directories of audio files."),
    "playlist": ("playlist", "Show playlists of other programs, and learn from them."),
    "plugins": ("plugins", "List the plugins and what became of them."),
    "profile": ("profile", "Show, change, move or forget what is known of a user."),
    "recommend": ("recommend", "Recommend tracks to a user."),
    "recommend-many": ("recommend_many", "Recommend tracks to many users."),
    "retract": ("retract", "Take a feedback back, as if it had never been recorded."),
    "store": ("store", "Back up, check, rebuild, shrink or copy a store."),
    "tracks": ("tracks", "Search, show or remove tracks of the catalogue."),
}

_FOUND = "qfzz.plugin_commands"  # where a context keeps what was found


class Root(click.Group):
    """The built-in commands, and those of plugins, which are only looked up when they are needed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options before the command; what is wrong with them is shown as a terminal may be given it."""
        try:
            return super().parse_args(ctx, args)
        except click.ClickException as error:
            from qfzz_core.cli.errors import make_visible

            make_visible(error)
            raise

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(BUILT_IN.keys() | self._of_plugins(ctx).keys())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; a plugin cannot take the name of a built-in one."""
        if cmd_name not in BUILT_IN:
            return self._of_plugins(ctx).get(cmd_name)
        module = BUILT_IN[cmd_name][0]
        command: click.Command = getattr(import_module(f"qfzz_core.cli.commands.{module}"), module)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first argument names; an unknown name is a usage error with the nearest one."""
        # click itself reports an unknown option, with the nearest one
        if args[0].startswith("-") or self.get_command(ctx, args[0]) is not None:
            return super().resolve_command(ctx, args)
        from qfzz_core.errors import did_you_mean

        known = self.list_commands(ctx)
        raise click.UsageError(f'there is no command "{args[0]}"{did_you_mean(args[0], known)}', ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands and their short helps, importing none that is built in."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, BUILT_IN[name][1]) for name in sorted(BUILT_IN)])
        of_plugins = self._of_plugins(ctx)
        if of_plugins:
            with formatter.section("Commands of plugins"):
                formatter.write_dl([(name, _short_help(of_plugins[name])) for name in sorted(of_plugins)])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what it raises becomes a sentence and an exit code."""
        from qfzz_core.cli.errors import reported

        with reported(session_of(ctx)):
            return super().invoke(ctx)

    def _of_plugins(self, ctx: click.Context) -> dict[str, click.Command]:
        if _FOUND not in ctx.meta:
            ctx.meta[_FOUND] = _plugin_commands(session_of(ctx))
        return {name: command for name, command in ctx.meta[_FOUND].items() if name not in BUILT_IN}


def _short_help(command: click.Command) -> str:
    """Return what a plugin's command says of itself in the list, nothing if it raises."""
    from qfzz_core.model.plain import attempted

    return attempted(lambda: str(command.get_short_help_str()), "")


def _plugin_commands(session: Session) -> dict[str, click.Command]:
    """Return the commands of the active plugins by name.

    Nothing a plugin does can break the command line: where there can be no engine, there is a warning on stderr.
    """
    from qfzz_core.cli.errors import warnings_as_lines
    from qfzz_core.cli.output import others_print_to_stderr, sentence
    from qfzz_core.cli.session import storeless_engine
    from qfzz_core.errors import QfzzError
    from qfzz_core.plugins.record import find_plugins

    try:
        config = session.configuration()
        # the engine imports NumPy, which takes longer than all else here; without third-party plugins it is not needed
        if all(record.built_in for record in find_plugins(config=config)):
            return {}
        # a command of a plugin may print; what finds it may not
        with others_print_to_stderr(), warnings_as_lines(), storeless_engine(config, lenient=True) as engine:
            return engine.commands()
    except QfzzError as error:
        click.echo(f"warning: the commands of plugins are not available: {sentence(error)}", err=True)
        return {}


@click.group(
    cls=Root,
    params=[*GLOBAL_OPTIONS],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def root() -> None:
    """QFZZ recommends music, explains why, and learns from feedback.

    Start with `qfzz demo`. The store is a file in your data directory unless --store, QFZZ_STORE or the configuration
    names another one.
    """
