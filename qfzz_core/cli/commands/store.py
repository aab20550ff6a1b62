"""`qfzz store`: keeping what is stored safe, sound and small, and moving it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import click

from qfzz_core.cli.options import command, json_option
from qfzz_core.cli.output import print_json, visible
from qfzz_core.cli.places import chosen_url, refuse_missing
from qfzz_core.cli.progress import progress_line
from qfzz_core.cli.session import Session, storeless_engine
from qfzz_core.errors import ProfileError, StoreCorruptError, StoreError
from qfzz_core.model.profiles import checked_user_id

if TYPE_CHECKING:
    from qfzz_core.contracts.stores import Maintainable
    from qfzz_core.engine import Engine
    from qfzz_core.storage.copies import Copied


@click.group()
def store() -> None:
    """Back up, check, rebuild, shrink or copy a store."""


@command(store)
@click.argument("file")
@click.option("--replace", is_flag=True, help="Put the backup in the place of a file that exists.")
@json_option
def backup(session: Session, file: str, replace: bool, as_json: bool) -> None:
    """Write a copy of the store to a file, while others use the store.

    The copy is a store itself: open it, or put it in the place of the store that was lost.
    """
    with _existing(session) as engine:
        _maintainable(engine).backup(file, replace=replace)
        name = engine.store.name
    if as_json:
        print_json({"store": name, "file": file, "size": os.path.getsize(file)})
    else:
        click.echo(visible(f"Wrote {name} to {file} ({os.path.getsize(file):,} bytes)."))


@command(store)
@json_option
@click.pass_context
def check(ctx: click.Context, session: Session, as_json: bool) -> None:
    """Check the data, and what is stored of every user against the log; exit code 1 if something is wrong."""
    with _existing(session) as engine:
        checked, findings = _findings(engine)
        name = engine.store.name
    if as_json:
        print_json({"store": name, "ok": not findings, "users": checked, "findings": findings})
    else:
        for finding in findings:
            click.echo(visible(_said(finding)))
        click.echo(visible(f"{name}: {_number(checked, 'user')} checked, {_number(len(findings), 'finding')}."))
    ctx.exit(1 if findings else 0)


@command(store)
@json_option
def vacuum(session: Session, as_json: bool) -> None:
    """Give the room back that the store does not need any more."""
    with _existing(session) as engine:
        maintained = _maintainable(engine)
        before = maintained.condition().facts["size"]
        maintained.vacuum()
        after = maintained.condition().facts["size"]
    if as_json:
        print_json({"store": engine.store.name, "size_before": before, "size": after})
    else:
        click.echo(visible(f"{engine.store.name}: {before:,} bytes before, {after:,} bytes now."))


@command(store)
@click.argument("users", nargs=-1, metavar="[USER]...")
@json_option
@click.pass_context
def rebuild(ctx: click.Context, session: Session, users: tuple[str, ...], as_json: bool) -> None:
    """Replay the log into weights and learned state, of all users or of some.

    Says what was different. What tracks and strengths are now makes no difference: the log holds what was taught.
    """
    with _existing(session) as engine:
        for user in users:
            if engine.get_profile(checked_user_id(user)) is None:
                raise ProfileError(f"there is no user {user!r}; `qfzz profile list` says who there is")
        rebuilt, changed, failed = _rebuilt(engine, users)
    if as_json:
        print_json({"users": rebuilt, "changed": changed, "failed": failed})
    else:
        for each in changed + failed:
            click.echo(visible(_said(each)))
        count = len({each["user_id"] for each in changed})
        click.echo(f"{_number(rebuilt, 'user')} rebuilt, {count:,} of them changed.")
    ctx.exit(1 if failed else 0)


@command(store)
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--replace", is_flag=True, help="Erase what TO holds first, in the same transaction.")
@json_option
def copy(session: Session, source: str, target: str, replace: bool, as_json: bool) -> None:
    """Copy all users and tracks of the store FROM into the store TO, two URLs: all or nothing."""
    from qfzz_core.plugins.settings import opened_store
    from qfzz_core.storage.copies import copy_store

    refuse_missing(source)
    config = session.configuration()
    with storeless_engine(config) as engine, closing(opened_store(source, config, engine.registry)) as of:
        with closing(opened_store(target, config, engine.registry)) as into, progress_line() as show:
            copied = copy_store(of, into, replace=replace, progress=lambda done: show(_counted(done)))
        names = {"from": of.name, "to": into.name}
    if as_json:
        print_json({**names, "users": copied.users, "tracks": copied.tracks})
    else:
        click.echo(visible(f"Copied {_counted(copied)} from {names['from']} to {names['to']}."))


def _counted(copied: Copied) -> str:
    return f"{_number(copied.users, 'user')} and {_number(copied.tracks, 'track')}"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


@contextmanager
def _existing(session: Session) -> Iterator[Engine]:
    """Give the engine over a store that exists: these commands have nothing to do with a new one."""
    chosen_url(session)
    with session.engine() as engine:
        yield engine


def _maintainable(engine: Engine) -> Maintainable:
    from qfzz_core.contracts.stores import Maintainable

    if not isinstance(engine.store, Maintainable):
        raise StoreError(
            f"{engine.store.name} offers neither backup nor vacuum; use the tools of its database, "
            "or `qfzz store copy` into a SQLite file"
        )
    return engine.store


Finding = dict[str, Any]  # user_id, None for the whole store; and a sentence


def _finding(user_id: str | None, sentence: str) -> Finding:
    return {"user_id": user_id, "finding": sentence}


def _said(finding: Finding) -> str:
    return finding["finding"] if finding["user_id"] is None else f"{finding['user_id']}: {finding['finding']}"


def _findings(engine: Engine) -> tuple[int, list[Finding]]:
    """Return how many users were checked, and what is wrong."""
    findings = [_finding(None, sentence) for sentence in engine.store.check()]
    checked = 0
    try:
        for user_id in _each_user(engine):
            findings += [_finding(user_id, sentence) for sentence in engine.check_log(user_id)]
            checked += 1
    except StoreCorruptError as error:
        findings.append(_finding(None, str(error)))
    return checked, findings


def _rebuilt(engine: Engine, named: tuple[str, ...]) -> tuple[int, list[Finding], list[Finding]]:
    """Return how many users were rebuilt, what was different, and who could not be rebuilt."""
    changed: list[Finding] = []
    failed: list[Finding] = []
    rebuilt = 0
    for user_id in _each_user(engine, named):
        try:
            changed += [_finding(user_id, sentence) for sentence in engine.rebuild(user_id)]
            rebuilt += 1
        except StoreCorruptError as error:
            failed.append(_finding(user_id, str(error)))
    return rebuilt, changed, failed


def _each_user(engine: Engine, named: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the ids of the users who are there when their turn comes, of all if none is named."""
    with progress_line() as show:
        for number, user_id in enumerate(named or engine.store.user_ids(), start=1):
            show(f"user {number:,}")
            if engine.store.revision(user_id) is not None:
                yield user_id
