"""`qfzz plugins`: what was found, what became of it, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from qfzz_core.cli.options import command, json_option
from qfzz_core.cli.output import console, print_json, visible
from qfzz_core.cli.session import Session, storeless_engine

if TYPE_CHECKING:
    from qfzz_core.plugins.record import PluginRecord


@command()
@json_option
def plugins(session: Session, as_json: bool) -> None:
    """List the plugins and what became of them.

    A plugin that failed or clashes is listed with its reason and does not change the exit code.
    """
    lenient = attrs.evolve(session.configuration(), strict=False)
    with storeless_engine(lenient) as engine:
        found = [as_dict(record) for record in engine.plugins]
    print_json(found) if as_json else _print(found)


def as_dict(record: PluginRecord) -> dict[str, Any]:
    """Return a plugin's record in plain types."""
    return {
        "name": record.name,
        "status": record.status,
        "where": record.where,
        "distribution": record.origin.distribution,
        "version": record.origin.version,
        "registered": list(record.objects),
        "hooks": list(record.hooks),
        "problems": [*([record.reason] if record.reason else []), *record.problems],
        "import_seconds": record.import_seconds,
    }


def _print(found: list[dict[str, Any]]) -> None:
    from qfzz_core.cli.tables import table_of

    rows = [
        {
            "name": visible(record["name"]),
            "status": record["status"],
            "from": visible(f"{record['distribution']} {record['version']}, {record['where']}"),
            "registered": visible(_registered(record)),
        }
        for record in found
    ]
    out = console()
    out.print(table_of(rows, (("name",), ("status",), ("from",), ("registered",))))
    for record in found:
        for problem in record["problems"]:
            out.print(visible(f"{record['name']} ({record['distribution']}): {problem}"))


def _registered(record: dict[str, Any]) -> str:
    """Return what a plugin registered, objects of one kind together: "column title, artist; factor trust"."""
    from qfzz_core.plugins.registry import KINDS

    words = [kind.word for kind in KINDS.values()]
    by_kind: dict[str, list[str]] = {}
    for described in record["registered"]:
        kind = next(word for word in words if described.startswith(f"{word} "))
        by_kind.setdefault(kind, []).append(described.removeprefix(f"{kind} "))
    objects = [f"{kind} {', '.join(names)}" for kind, names in by_kind.items()]
    # what is no object with a name, such as similar genres, commands and observers, is known by its hook
    return "; ".join(objects or [hook.removeprefix("qfzz_").replace("_", " ") for hook in record["hooks"]])
