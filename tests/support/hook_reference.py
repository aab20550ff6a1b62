"""The part of `docs/reference/python.md` that follows from `qfzz_core/hookspecs.py`; run it to update the page."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs

from qfzz_core import hookspecs

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "python.md"
HEADING = "## Hooks\n"
LEAD = """
A plugin implements any of these, marked with `@hookimpl`. All but the observers, the last two, and `qfzz_commands` are
called once, when an engine is made. An implementation names the parameters that it wants and may leave out the rest.
[Writing plugins](../how-to/plugins.md#the-hooks) tells what each is for.
"""


def hooks() -> dict[str, Callable[..., Any]]:
    """The hooks by name, in the order of the page of specifications."""
    return {name: value for name, value in vars(hookspecs).items() if name.startswith("qfzz_") and callable(value)}


def given() -> list[type]:
    """The classes of what hooks are given, in the order of the page."""
    own = [value for value in vars(hookspecs).values() if inspect.isclass(value) and attrs.has(value)]
    return [value for value in own if value.__module__ == hookspecs.__name__]


def signature(hook: Callable[..., Any]) -> str:
    """The signature as it is written, without quotes around its types."""
    return str(inspect.signature(hook)).replace("'", "")


def reference() -> str:
    """The section on hooks, its heading included."""
    return HEADING + LEAD + "".join([*_hooks(), *_given()])


def _hooks() -> Iterator[str]:
    for name, hook in hooks().items():
        yield f"\n### {name}\n\n`{name}{signature(hook)}`\n\n{_said(hook)}\n"


def _given() -> Iterator[str]:
    for kind in given():
        yield f"\n### {kind.__name__}\n\n{_said(kind)}\n\n| Field | Type |\n| --- | --- |\n"
        for field in attrs.fields(kind):
            kept = str(field.type).replace("|", "\\|")
            yield f"| `{field.name}` | `{kept}` |\n"


def _said(value: Any) -> str:
    return inspect.cleandoc(value.__doc__ or "")


def before() -> str:
    """The page up to the section."""
    return PAGE.read_text(encoding="utf-8").partition(f"\n{HEADING}")[0]


if __name__ == "__main__":
    PAGE.write_text(f"{before().rstrip()}\n\n{reference()}", encoding="utf-8")
