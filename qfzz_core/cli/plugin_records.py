"""The records of plugins in plain types, as a table, one by one, and by the time their import took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs

from qfzz_core.cli.output import console, visible
from qfzz_core.cli.tables import table_of
from qfzz_core.errors import RequestError, did_you_mean
from qfzz_core.plugins.record import PluginRecord, normalised
from qfzz_core.plugins.registry import KINDS

if TYPE_CHECKING:
    from qfzz_core.engine import Engine


def as_dict(record: PluginRecord) -> dict[str, Any]:
    """Return a plugin's record in plain types."""
    return {
        "name": record.name,
        "status": record.status,
        "where": record.where,
        "distribution": record.origin.distribution,
        "version": record.origin.version,
        "file": record.origin.file,
        "registered": list(record.objects),
        "hooks": list(record.hooks),
        "problems": [*([record.reason] if record.reason else []), *record.problems],
        "failures": dict(record.failures),
        "import_seconds": record.import_seconds,
    }


def strategy_options(record: PluginRecord, engine: Engine) -> list[str]:
    """Return a sentence for each strategy of a plugin that has options: "strategy split: pool_depth = 5"."""
    own = {name for name, each in engine.registry.strategies.items() if each.origin == record.origin}
    return [
        f"strategy {name}: {', '.join(f'{key} = {value}' for key, value in attrs.asdict(options).items())}"
        for name, options in engine.settings.strategy_options.items()
        if name in own and options is not None
    ]


def named(records: Sequence[PluginRecord], name: str) -> list[PluginRecord]:
    """Return the records of a plugin's name or of a distribution's; raises `RequestError` if there is none."""
    found = [record for record in records if name == record.name]
    found = found or [record for record in records if normalised(name) == normalised(record.origin.distribution or "")]
    if not found:
        known = {*(record.name for record in records), *(record.origin.distribution or "" for record in records)}
        raise RequestError(f'there is no plugin or distribution "{name}"{did_you_mean(name, known)}')
    return found


def print_records(found: Sequence[dict[str, Any]]) -> None:
    """Write the list, and below it what is wrong."""
    rows = [
        {
            "name": visible(record["name"]),
            "status": record["status"],
            "from": visible(f"{_brought_by(record)}, {record['where']}"),
            "registered": visible(_registered(record)),
        }
        for record in found
    ]
    out = console()
    out.print(table_of(rows, (("name",), ("status",), ("from",), ("registered",))))
    for record in found:
        for problem in record["problems"]:
            out.print(visible(f"{record['name']} ({record['distribution'] or record['file']}): {problem}"))


def print_details(found: Sequence[dict[str, Any]]) -> None:
    """Write all that is known, a line for each thing."""
    out = console()
    for number, record in enumerate(found):
        failures = [f"{component}: {count} times" for component, count in record["failures"].items()]
        lines = {
            "name": [record["name"]],
            "status": [record["status"]],
            "where": [f"{_brought_by(record)}, {record['where']}"],
            "import": [f"{1000 * record['import_seconds']:.1f} ms"],
            "hooks": record["hooks"] or ["none"],
            "registered": record["registered"] or ["nothing"],
            **({"options": record["options"]} if record.get("options") else {}),
            "failed": failures or ["never"],
            "problems": record["problems"] or ["none"],
        }
        if number:
            out.print()
        for title, values in lines.items():
            out.print(visible(f"{title + ':':<12}{values[0]}"))
            for value in values[1:]:
                out.print(visible(f"{'':<12}{value}"))


def print_timings(found: Sequence[dict[str, Any]]) -> None:
    """Write how long each import took, the slowest first, and all of them together."""
    slowest = sorted(found, key=lambda record: -record["import_seconds"])
    total = {"name": "all", "import_seconds": sum(record["import_seconds"] for record in found), "status": ""}
    rows = [
        {
            "name": visible(record["name"]),
            "import": f"{1000 * record['import_seconds']:.1f} ms",
            "status": record["status"],
        }
        for record in [*slowest, total]
    ]
    console().print(table_of(rows, (("name",), ("import",), ("status",))))


def _brought_by(record: dict[str, Any]) -> str:
    return str(record["file"] or f"{record['distribution']} {record['version']}")


def _registered(record: dict[str, Any]) -> str:
    """Return what a plugin registered, objects of one kind together: "column title, artist; factor trust"."""
    words = [kind.word for kind in KINDS.values()]
    by_kind: dict[str, list[str]] = {}
    for described in record["registered"]:
        kind = next(word for word in words if described.startswith(f"{word} "))
        by_kind.setdefault(kind, []).append(described.removeprefix(f"{kind} "))
    objects = [f"{kind} {', '.join(names)}" for kind, names in by_kind.items()]
    # what is no object with a name, such as similar genres, commands and observers, is known by its hook
    return "; ".join(objects or [hook.removeprefix("qfzz_").replace("_", " ") for hook in record["hooks"]])
