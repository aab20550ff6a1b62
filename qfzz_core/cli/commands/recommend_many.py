"""`qfzz recommend-many`: lists for many users, one line of JSON for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from functools import partial
from io import TextIOWrapper
from typing import IO, Any

import click

from qfzz_core.cli.options import command, limit_option
from qfzz_core.cli.output import print_json, progress_line
from qfzz_core.cli.request_options import given_preferences, list_keywords, request_options
from qfzz_core.cli.session import Session
from qfzz_core.contracts.limits import MAX_LINE
from qfzz_core.model.files import open_ordinary

_SHOWN_EVERY = 100  # users, for which 28,352 tracks take 0.03 to 0.09 seconds: often enough for the eye


@command(name="recommend-many", json=False)
@click.argument("file", type=click.Path(allow_dash=True))
@limit_option(0)
@click.option(
    "--threads", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="How many share the work."
)
@request_options
def recommend_many(session: Session, *, file: str, limit: int, threads: int, seed: int | None, **values: Any) -> None:
    """Recommend tracks to many users.

    FILE holds a user id on each line, - is stdin; empty lines are skipped. For each user, in the same order, a line of
    JSON is printed as soon as it is known. The other options are those of `qfzz recommend`.

    A user who is not known yet is served by default preferences, and not created. The number of threads does not change
    any list.
    """
    with (
        _opened(file) as lines,
        session.engine(seed=seed) as engine,
    ):
        keywords = list_keywords(engine.registry, values)
        found = engine.recommend_many(_users(lines), limit, given_preferences(values), threads=threads, **keywords)
        with closing(found), progress_line() as show:
            for done, (user_id, recommendations) in enumerate(found, 1):
                print_json({"user_id": user_id, "recommendations": recommendations}, indent=None)
                if done % _SHOWN_EVERY == 0:
                    show(f"{done} users")


def _opened(file: str) -> AbstractContextManager[IO[str]]:
    # a file may begin with a byte order mark, and ids may hold bytes that are no UTF-8, as the command line's may
    if file == "-":
        return click.open_file(file, encoding="utf-8-sig", errors="surrogateescape")
    return TextIOWrapper(open_ordinary(file, streams=True), encoding="utf-8-sig", errors="surrogateescape")


def _users(lines: IO[str]) -> Iterator[str]:
    """Yield the ids; one that is longer than any is comes in parts, which are users whom nobody knows."""
    return (user_id for line in iter(partial(lines.readline, MAX_LINE), "") if (user_id := line.rstrip("\n")))
