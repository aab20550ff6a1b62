"""What decided about the store, a factor or the strategy, step by step from the default to the command line."""

from __future__ import annotations

import os

import attrs

from qfzz_core.cli.output import print_line
from qfzz_core.cli.session import STORE_VARIABLE, Session
from qfzz_core.config import Config
from qfzz_core.engine import Engine
from qfzz_core.errors import RequestError, did_you_mean
from qfzz_core.model.credentials import shown_url
from qfzz_core.plugins.settings import checked_store


@attrs.frozen
class Step:
    """Something that may decide, and what it says; None if it says nothing."""

    who: str
    says: str | None = None


@attrs.frozen
class Decision:
    """What was decided; the last of the steps that says something decided it. `notes` are what else matters."""

    about: str
    value: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()

    @property
    def decided_by(self) -> Step:
        """The step that decided."""
        return [step for step in self.steps if step.says is not None][-1]


def decision(session: Session, engine: Engine, kind: str, name: str | None = None) -> Decision:
    """Return what decided about the "store", the "strategy" or the "factor" of a name.

    Raises `RequestError` for a factor that no plugin registered, `StoreURLError` for a store that no plugin can open.
    """
    if name is not None:
        return _factor(engine, name)
    return _store(session, engine) if kind == "store" else _strategy(engine)


def _store(session: Session, engine: Engine) -> Decision:
    config = session.configuration()
    default = session.default_store_url()
    chosen = session.store_url(config).value or default
    checked_store(chosen, config, engine.registry)
    steps: tuple[Step, ...] = (
        Step("the default", default),
        Step(_configuration(config, "store"), config.store_url),
        Step(f"the environment variable {STORE_VARIABLE}", os.environ.get(STORE_VARIABLE) or None),
        Step("the option --store", session.store),
    )
    steps = tuple(attrs.evolve(step, says=step.says and shown_url(step.says)) for step in steps)
    opener = engine.registry.stores[chosen.partition(":")[0]].origin
    return Decision("store", shown_url(chosen), steps, (f"it is opened by {opener}", *_absent(engine)))


def _strategy(engine: Engine) -> Decision:
    config, registry = engine.config, engine.registry
    # a plugin may call its strategy the default too; a built-in one goes before it, then the first name
    defaults = [name for name, each in registry.strategies.items() if getattr(each.value, "default", False)]
    default = next((name for name in defaults if registry.strategies[name].built_in), None) or min(defaults, default="")
    used = engine.settings.strategy
    steps = (
        Step("the strategy that is the default", default or "none: the plain ranking"),
        Step(_configuration(config, "discovery", "strategy"), config.strategy),
    )
    if used is None:
        return Decision("strategy", "none: the plain ranking", steps, _absent(engine))
    others = sorted(registry.strategies.keys() - {used.name})
    notes = (f"it is registered by {used.origin}", *([f"there are also {', '.join(others)}"] if others else []))
    return Decision("strategy", used.name, steps, (*notes, *_absent(engine)))


def _factor(engine: Engine, name: str) -> Decision:
    config, registered = engine.config, engine.registry.factors.get(name)
    if registered is None:
        absent = "".join(f"; {note}" for note in _absent(engine))
        hint = did_you_mean(name, engine.registry.factors)
        raise RequestError(f'no active plugin registers a factor "{name}"{hint}{absent}')
    table = config.factors.get(name)
    weight = None if table is None else table.weight
    active = next((factor for factor in engine.settings.factors if factor.name == name), None)
    steps = (
        Step(f"the default of {registered.origin}", f"weight {registered.value.weight:g}"),
        Step(_configuration(config, "factors", name), None if weight is None else f"weight {weight:g}"),
    )
    notes = (f"its options are {active.options}",) if active is not None and active.options is not None else ()
    if active is None:
        return Decision(f"factor {name}", "off: it is not in the sum", steps, notes)
    total = sum(factor.weight for factor in engine.settings.factors)
    return Decision(f"factor {name}", f"weight {active.weight:g} of {total:g}", steps, notes)


def _configuration(config: Config, *path: str) -> str:
    return "the configuration" if config.path is None else f"the configuration, {config.place(path)}"


def _absent(engine: Engine) -> tuple[str, ...]:
    """Return a sentence for each plugin that does not take part."""
    return tuple(
        f'plugin "{record.name}" takes no part: {record.status}, {record.reason}'
        for record in engine.plugins
        if not record.takes_part
    )


def print_decision(decided: Decision) -> None:
    """Write the steps, with an arrow at the one that decided."""
    print_line(f"{decided.about}: {decided.value}")
    for step in decided.steps:
        mark = "->" if step is decided.decided_by else "  "
        print_line(f"  {mark} {step.who}: {step.says or 'says nothing'}")
    for note in decided.notes:
        print_line(f"  {note}")
