"""`qfzz store`: keeping what is stored safe, sound and small, and moving it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import click

from qfzz_core.cli.commands.profile import refuse_unknown
from qfzz_core.cli.options import command
from qfzz_core.cli.output import echo, print_json, print_line, print_result, progress_line
from qfzz_core.cli.session import Session, refuse_missing, storeless_engine
from qfzz_core.contracts.stores import Maintainable
from qfzz_core.errors import StoreCorruptError, StoreError
from qfzz_core.storage import without_advice

if TYPE_CHECKING:
    from qfzz_core.engine import Engine
    from qfzz_core.storage.copies import Copied


@click.group()
def store() -> None:
    """Back up, check, rebuild, shrink or copy a store."""


@command(store)
@click.argument("file")
@click.option("--replace", is_flag=True, help="Put the backup in the place of a file that exists.")
def backup(session: Session, file: str, replace: bool, as_json: bool) -> None:
    """Write a copy of the store to a file, while others use the store.

    The copy is a store itself: open it, or put it in the place of the store that was lost.
    """
    with session.existing_store() as engine:
        _maintainable(engine).backup(file, replace=replace)
        name = engine.store.name
    size = os.path.getsize(file)
    print_result({"store": name, "file": file, "size": size}, as_json, f"Wrote {name} to {file} ({size:,} bytes).")


@command(store)
@click.pass_context
def check(ctx: click.Context, session: Session, as_json: bool) -> None:
    """Check the data, and what is stored of every user against the log; exit code 1 if something is wrong."""
    with session.existing_store() as engine:
        checked, findings = _findings(engine)
        name = engine.store.name
    if as_json:
        print_json({"store": name, "ok": not findings, "users": checked, "findings": findings})
    else:
        _print_findings(findings)
        print_line(f"{name}: {_number(checked, 'user')} checked, {_number(len(findings), 'finding')}.")
    ctx.exit(1 if findings else 0)


@command(store)
def vacuum(session: Session, as_json: bool) -> None:
    """Give back the disk space that the store no longer needs."""
    with session.existing_store() as engine:
        maintained = _maintainable(engine)
        before = maintained.condition().facts["size"]
        maintained.vacuum()
        after = maintained.condition().facts["size"]
    name = engine.store.name
    text = f"{name}: {before:,} bytes before, {after:,} bytes now."
    print_result({"store": name, "size_before": before, "size": after}, as_json, text)


@command(store)
@click.argument("users", nargs=-1, metavar="[USER]...")
@click.pass_context
def rebuild(ctx: click.Context, session: Session, users: tuple[str, ...], as_json: bool) -> None:
    """Replay the log into weights and learned state, of all users or of some.

    Prints what was different. Tracks and strengths as they are now make no difference: the log holds the features and
    the strength of each event.
    """
    with session.existing_store() as engine:
        for user in users:
            refuse_unknown(engine, user)
        rebuilt, changed, failed = _each_user(engine, users, engine.rebuild)
    if as_json:
        print_json({"users": rebuilt, "changed": changed, "failed": failed})
    else:
        _print_findings(changed + failed)
        count = len({each["user_id"] for each in changed})
        echo(f"{_number(rebuilt, 'user')} rebuilt, {count:,} of them changed.")
    ctx.exit(1 if failed else 0)


@command(store)
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--replace", is_flag=True, help="Erase what TO holds first, in the same transaction.")
def copy(session: Session, source: str, target: str, replace: bool, as_json: bool) -> None:
    """Copy all users and tracks of the store FROM into the store TO, both URLs: all or nothing."""
    from qfzz_core.plugins.settings import opened_store
    from qfzz_core.storage.copies import copy_store

    refuse_missing(source)
    config = session.configuration()
    with storeless_engine(config) as engine, closing(opened_store(source, config, engine.registry)) as of:
        with closing(opened_store(target, config, engine.registry)) as into, progress_line() as show:
            copied = copy_store(of, into, replace=replace, progress=lambda done: show(_counted(done)))
        names = {"from": of.name, "to": into.name}
    text = f"Copied {_counted(copied)} from {names['from']} to {names['to']}."
    print_result({**names, "users": copied.users, "tracks": copied.tracks}, as_json, text)


def _counted(copied: Copied) -> str:
    return f"{_number(copied.users, 'user')} and {_number(copied.tracks, 'track')}"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _maintainable(engine: Engine) -> Maintainable:
    if not isinstance(engine.store, Maintainable):
        raise StoreError(
            f"{engine.store.name} offers neither backup nor vacuum; use the tools of its database, "
            "or `qfzz store copy` into a SQLite file"
        )
    return engine.store


Finding = dict[str, Any]  # `user_id`, None for the whole store; and the sentence `finding`


def _finding(user_id: str | None, sentence: str) -> Finding:
    return {"user_id": user_id, "finding": sentence}


def _print_findings(findings: list[Finding]) -> None:
    for finding in findings:
        about = "" if finding["user_id"] is None else f"{finding['user_id']}: "
        print_line(f"{about}{finding['finding']}")


def _findings(engine: Engine) -> tuple[int, list[Finding]]:
    """Return how many users were checked, and what is wrong."""
    with progress_line() as show:
        show("the tables")
        of_tables = engine.store.check()
    checked, different, damaged = _each_user(engine, (), engine.check_log)
    of_users = {each["finding"] for each in damaged}  # which say whose row it is
    return checked, [_finding(None, each) for each in of_tables if each not in of_users] + different + damaged


def _show_events(show: Callable[[str], None], number: int, events: int) -> None:
    show(f"user {number:,}, event {events:,}")


def _each_user(
    engine: Engine, named: tuple[str, ...], replay: Callable[[str, Callable[[int], None]], list[str]]
) -> tuple[int, list[Finding], list[Finding]]:
    """Replay the logs of the users named, or of all, and go on after one that is damaged.

    Return how many could be replayed, what was different, and what is damaged. Users whom another process has erased
    meanwhile are passed over.
    """
    replayed, different, damaged = 0, [], []
    user_ids = iter(named or engine.store.user_ids())
    with progress_line() as show:
        for number in count(1):
            user_id = None
            show(f"user {number:,}")
            try:
                user_id = next(user_ids, None)
                if user_id is None:
                    break
                if engine.store.revision(user_id) is not None:
                    found = replay(user_id, partial(_show_events, show, number))
                    different += [_finding(user_id, sentence) for sentence in found]
                    replayed += 1
            except StoreCorruptError as error:
                damaged.append(_finding(user_id, without_advice(error)))
    return replayed, different, damaged
