"""Every hook that a QFZZ plugin may implement, on one page.

A plugin is a Python object, usually a module, with functions of these names marked `@hookimpl`
(`from qfzz_core import hookimpl`). Hooks that register are called once, when an engine is made, and pass one frozen
`Setup` object (the argument may be left out); they return iterables of objects that keep the promises of
`qfzz_core.contracts`. Nothing is called for every track, and nothing for every request but `prepare`, `pick` and
the observers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import pluggy

if TYPE_CHECKING:
    import click

    from qfzz_core.contracts.columns import Column
    from qfzz_core.contracts.factors import Factor
    from qfzz_core.contracts.filters import Filter
    from qfzz_core.contracts.formats import Reader, Writer
    from qfzz_core.contracts.learners import InteractionType, Learner
    from qfzz_core.contracts.recommendation import Recommendation
    from qfzz_core.contracts.request import Request
    from qfzz_core.contracts.stores import StoreScheme
    from qfzz_core.contracts.strategies import DiscoveryStrategy

# What is on its way out, a hook or a (hook, argument), and what to do instead; implementers are told at every start.
DEPRECATED: dict[str | tuple[str, str], str] = {}

hookspec = pluggy.HookspecMarker("qfzz")
hookimpl = pluggy.HookimplMarker("qfzz")


@attrs.frozen(kw_only=True)
class Setup:
    """What a registering hook may know: its plugin's name, and the options of its table `[plugins.NAME]`."""

    plugin: str
    options: Any = None


@attrs.frozen(kw_only=True)
class FeedbackRecorded:
    """What an observer of feedback is told, after it was stored."""

    user_id: str
    track_id: str
    interaction_type: str
    rating: float | None
    strength: float | None
    event_id: str | None


@attrs.frozen(kw_only=True)
class Recommended:
    """What an observer of recommendations is told, after the result was made."""

    request: Request
    recommendations: Sequence[Recommendation]


# ---- options --------------------------------------------------------------------------------------------------------


@hookspec
def qfzz_options() -> type | None:
    """Return the attrs class into which the table `[plugins.NAME]` of the configuration is structured."""


# ---- what is registered ---------------------------------------------------------------------------------------------


@hookspec
def qfzz_factors(setup: Setup) -> Iterable[Factor]:  # type: ignore[empty-body]
    """Register scoring factors."""


@hookspec
def qfzz_columns(setup: Setup) -> Iterable[Column]:  # type: ignore[empty-body]
    """Declare columns of the catalogue; the same declaration twice is no clash."""


@hookspec
def qfzz_filters(setup: Setup) -> Iterable[Filter]:  # type: ignore[empty-body]
    """Register filters, named conditions of `where`."""


@hookspec
def qfzz_strategies(setup: Setup) -> Iterable[DiscoveryStrategy]:  # type: ignore[empty-body]
    """Register discovery strategies, chosen by `[discovery] strategy`."""


@hookspec
def qfzz_interaction_types(setup: Setup) -> Iterable[InteractionType]:  # type: ignore[empty-body]
    """Register types of interaction and their strengths."""


@hookspec
def qfzz_genre_similarity(setup: Setup) -> Mapping[str, Iterable[str]]:  # type: ignore[empty-body]
    """Add pairs of similar genres: a genre and those like it, read both ways round."""


@hookspec
def qfzz_learners(setup: Setup) -> Iterable[Learner]:  # type: ignore[empty-body]
    """Register learners, which keep state for each user from the log."""


@hookspec
def qfzz_stores(setup: Setup) -> Iterable[StoreScheme]:  # type: ignore[empty-body]
    """Register storage backends by URL scheme; a backend is imported when it is chosen."""


@hookspec
def qfzz_readers(setup: Setup) -> Iterable[Reader]:  # type: ignore[empty-body]
    """Register readers of files of tracks, chosen by `--format` or by the suffix of a file."""


@hookspec
def qfzz_writers(setup: Setup) -> Iterable[Writer]:  # type: ignore[empty-body]
    """Register writers of playlists, chosen by `--format` or by the suffix of a file."""


@hookspec
def qfzz_commands(setup: Setup) -> Iterable[click.Command]:  # type: ignore[empty-body]
    """Add commands to the `qfzz` command line; click commands, asked for only when a command is not built in."""


# ---- observers ------------------------------------------------------------------------------------------------------


@hookspec
def qfzz_feedback_recorded(feedback: FeedbackRecorded) -> None:
    """Be told of a feedback after it was stored; raising cannot undo it."""


@hookspec
def qfzz_recommended(recommended: Recommended) -> None:
    """Be told of a result before the caller gets it."""
