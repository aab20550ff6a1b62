"""`qfzz config`: what is in effect and where it comes from, and whether a file can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import click

from qfzz_core.cli.options import command
from qfzz_core.cli.output import echo, print_json, print_line, print_result
from qfzz_core.cli.session import Choice, Session, storeless_engine
from qfzz_core.config import Config, load_config
from qfzz_core.errors import QfzzError
from qfzz_core.model.credentials import shown_url

if TYPE_CHECKING:
    from qfzz_core.engine import Engine


@click.group()
def config() -> None:
    """Show the configuration in effect, or check a file."""


@command(config)
def show(session: Session, as_json: bool) -> None:
    """Show the configuration in effect and where each part comes from."""
    configuration = session.configuration()
    # the engine checks what the file alone cannot say: the options that factors and strategies of plugins have
    with storeless_engine(configuration) as engine:
        effective = in_effect(session, configuration, engine)
    print_json(effective) if as_json else _print(effective)


@command(config)
@click.argument("file", required=False)
@click.pass_context
def check(ctx: click.Context, session: Session, file: str | None, as_json: bool) -> None:
    """Check a configuration file, by default the one in effect; exit code 1 if it cannot be used."""
    chosen = Choice(file, "the argument") if file else session.config_file()
    problems = problems_of(session, chosen.value)
    if as_json or not problems:
        name = "the defaults, because there is no configuration file" if chosen.value is None else chosen.value
        print_result({"file": chosen.value, "ok": not problems, "problems": problems}, as_json, f"ok: {name}")
    else:
        for problem in problems:
            print_line(problem)
    ctx.exit(1 if problems else 0)


def problems_of(session: Session, path: str | None) -> list[str]:
    """Return what is wrong with a configuration, a line for each problem; nothing if it can be used."""
    from qfzz_core.plugins.settings import DEFAULT_URL, checked_store

    try:
        configuration = Config() if path is None else load_config(path)
        with storeless_engine(configuration) as engine:
            checked_store(session.store_url(configuration).value or DEFAULT_URL, configuration, engine.registry)
    except QfzzError as error:
        return str(error).splitlines()
    return []


def in_effect(session: Session, configuration: Config, engine: Engine) -> dict[str, Any]:
    """Return the configuration that an engine of this session works with, in plain types."""
    file, store = session.config_file(), session.store_url(configuration)
    settings = engine.settings
    chosen = settings.strategy and settings.strategy.name
    options = {name: _plain(options) for name, options in sorted(settings.strategy_options.items())}
    return {
        "file": {"path": file.value, "from": file.origin},
        "store": {"url": shown_url(store.value or ""), "from": store.origin},
        "seed": configuration.seed,
        "strict": configuration.strict,
        "factors": [
            {"name": factor.name, "weight": factor.weight, "options": _plain(factor.options)}
            for factor in settings.factors
        ],
        "factors_off": sorted(engine.registry.factors.keys() - {factor.name for factor in settings.factors}),
        "discovery": {
            "strategy": chosen,
            "options": options.pop(chosen, {}) if chosen else {},
            "wrapped": options,
        },
        "plugins_disabled": sorted(record.name for record in engine.plugins if record.status == "disabled"),
    }


def _plain(options: Any) -> dict[str, Any]:
    return attrs.asdict(options) if attrs.has(type(options)) else {}


def _print(effective: dict[str, Any]) -> None:
    file, store, discovery = effective["file"], effective["store"], effective["discovery"]
    lines = {
        "file": f"{file['path'] or 'none'} ({file['from']})",
        "store": f"{store['url']} ({store['from']})",
        "seed": "a new one for each run" if effective["seed"] is None else effective["seed"],
        "strict": "yes" if effective["strict"] else "no",
        "discovery": f"{discovery['strategy'] or 'none'}{_with(discovery['options'])}",
        "plugins disabled": ", ".join(effective["plugins_disabled"]) or "none",
        "factors off": ", ".join(effective["factors_off"]) or "none",
        "factors": "",
    }
    for name, value in lines.items():
        print_line(f"{name + ':':<18}{value}".rstrip())
    for factor in effective["factors"]:
        print_line(f"  {factor['name']:<16}{factor['weight']:g}{_with(factor['options'])}")
    if discovery["wrapped"]:
        echo("other strategies:")
    for name, options in discovery["wrapped"].items():
        print_line(f"  {name:<16}{_with(options).strip()}".rstrip())


def _with(options: dict[str, Any]) -> str:
    return f" ({', '.join(f'{name} = {value}' for name, value in options.items())})" if options else ""
