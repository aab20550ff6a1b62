"""Every hook that a QFZZ plugin may implement, on one page.

A plugin is a Python object, usually a module, with functions of these names marked `@hookimpl`
(`from qfzz_core import hookimpl`). An implementation names the parameters that it uses and leaves out the rest.

Life of a plugin, in the order of this page:

1. An engine is made. The plugin is imported, `qfzz_options` gives the class of its options, and each hook that
   registers is called once, with a frozen `Setup`. It returns an iterable of objects that keep the promises of
   `qfzz_core.contracts`; None stands for no objects.
2. Requests are served. The engine calls methods of the registered objects, never the hooks: `prepare` and `pick` once
   in each request, nothing for each track.
3. Observers are called after what they observe.

A plugin never takes a call of the user down. If a hook that registers raises, or returns what is no such object, the
whole plugin is left out: its record has the status "failed to register" and the reason, and a `PluginWarning` and a
log record name it once. If an observer raises, that is counted, and reported the first time. With `strict = true` in
the configuration, both raise `PluginError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import pluggy

if TYPE_CHECKING:
    import click

    from qfzz_core.contracts.analysers import Analyser
    from qfzz_core.contracts.columns import Column
    from qfzz_core.contracts.factors import Factor
    from qfzz_core.contracts.filters import Filter
    from qfzz_core.contracts.formats import Reader, Writer
    from qfzz_core.contracts.histories import HistoryReader
    from qfzz_core.contracts.learners import InteractionType, Learner
    from qfzz_core.contracts.playlists import PlaylistReader
    from qfzz_core.contracts.recommendation import Recommendation
    from qfzz_core.contracts.request import Request
    from qfzz_core.contracts.stores import StoreScheme
    from qfzz_core.contracts.strategies import DiscoveryStrategy

# A deprecated hook, or a (hook, argument), and what to do instead: a plugin that uses it is named at every start.
DEPRECATED: dict[str | tuple[str, str], str] = {}

hookspec = pluggy.HookspecMarker("qfzz")
hookimpl = pluggy.HookimplMarker("qfzz")


@attrs.frozen(kw_only=True)
class Setup:
    """What a hook that registers is given.

    `plugin` is the name of its own plugin. `options` is an object of the class that `qfzz_options` returned, with
    the values of the table `[plugins.NAME]`, and None if the plugin has no such class.
    """

    plugin: str
    options: Any = None


@attrs.frozen(kw_only=True)
class FeedbackRecorded:
    """One feedback, as it was stored.

    `rating` is the rating that the caller gave, in [0, 1], or None. `strength` is how much profiles learned from
    it, in [-1, 1], and None if the catalogue has no such track. `event_id` is the caller's key against recording
    one feedback twice, or None. `timestamp` is when it happened, ISO-8601 in UTC.
    """

    user_id: str
    track_id: str
    interaction_type: str
    rating: float | None
    strength: float | None
    event_id: str | None
    timestamp: str


@attrs.frozen(kw_only=True)
class Recommended:
    """One result, as the caller gets it.

    `request` is the request as this plugin sees it, with its own generator and without options. `recommendations`
    are in the order of the result. They are the observer's own: changing a track's dictionary changes nothing for
    the caller.
    """

    request: Request
    recommendations: Sequence[Recommendation]


# ---- options --------------------------------------------------------------------------------------------------------


@hookspec
def qfzz_options() -> type | None:
    """Give the class of the plugin's options.

    Called once, when an engine is made, before the hooks that register. Returns an attrs class; the table
    `[plugins.NAME]` is structured into it, and what is wrong with that table raises `ConfigError`, with file, line
    and key. Without this hook the plugin takes no options. If it raises, or returns anything else, the plugin is
    left out.
    """


# ---- what is registered ---------------------------------------------------------------------------------------------


@hookspec
def qfzz_factors(setup: Setup) -> Iterable[Factor]:  # type: ignore[empty-body]
    """Register scoring factors.

    Called once, when an engine is made. Returns `Factor` objects; a factor with a weight above 0 has `prepare`
    called once in each request. A name that a built-in factor has stays the built-in one's, and of two other
    plugins with one name neither gets it: both are reported. The same holds for every kind of object below. If it
    raises, the plugin is left out.
    """


@hookspec
def qfzz_columns(setup: Setup) -> Iterable[Column]:  # type: ignore[empty-body]
    """Declare columns of the catalogue.

    Called once, when an engine is made. Returns `Column` objects. Their values are read when tracks are added and
    when the catalogue is loaded. The same declaration twice is no clash. If it raises, the plugin is left out.
    """


@hookspec
def qfzz_filters(setup: Setup) -> Iterable[Filter]:  # type: ignore[empty-body]
    """Register filters, the named conditions of `where`.

    Called once, when an engine is made. Returns `Filter` objects. In each request that names it, a filter has
    `check` called before anything else happens, and then `prepare`. A filter must not have the name of a column. If
    it raises, the plugin is left out.
    """


@hookspec
def qfzz_strategies(setup: Setup) -> Iterable[DiscoveryStrategy]:  # type: ignore[empty-body]
    """Register discovery strategies.

    Called once, when an engine is made. Returns `DiscoveryStrategy` objects. The one that `[discovery] strategy`
    names has `pick` called once in each request; the others can be wrapped. Each has its options from the table
    `[discovery.NAME]`. If it raises, the plugin is left out.
    """


@hookspec
def qfzz_interaction_types(setup: Setup) -> Iterable[InteractionType]:  # type: ignore[empty-body]
    """Register types of interaction, with their strengths.

    Called once, when an engine is made. Returns `InteractionType` objects, whose names `record_feedback` then
    takes. If it raises, the plugin is left out.
    """


@hookspec
def qfzz_genre_similarity(setup: Setup) -> Mapping[str, Iterable[str]]:  # type: ignore[empty-body]
    """Add pairs of similar genres.

    Called once, when an engine is made. Returns a mapping from a genre to those like it, read both ways round and
    added to the pairs of other plugins and of the configuration. If it raises, the plugin is left out.
    """


@hookspec
def qfzz_genre_aliases(setup: Setup) -> Mapping[str, str]:  # type: ignore[empty-body]
    """Name genres that are written in several ways.

    Called once, when an engine is made. Returns a mapping from an alias to the genre that it means. Imports write the
    genre where a file has the alias; names that compare equal need none. What the configuration says of an alias
    counts before a built-in plugin, and that before others; where two others differ, neither counts. If it raises, the
    plugin is left out.
    """


@hookspec
def qfzz_learners(setup: Setup) -> Iterable[Learner]:  # type: ignore[empty-body]
    """Register learners, which keep state for each user.

    Called once, when an engine is made. Returns `Learner` objects. `keys` and `learn` are called for each event,
    inside the transaction that stores it and again when a user's log is replayed. If it raises, the plugin is left
    out.
    """


@hookspec
def qfzz_stores(setup: Setup) -> Iterable[StoreScheme]:  # type: ignore[empty-body]
    """Register storage backends.

    Called once, when an engine is made. Returns `StoreScheme` objects. The one whose scheme begins the URL has
    `open` called; until then a backend need not be imported. If it raises, the plugin is left out.
    """


@hookspec
def qfzz_readers(setup: Setup) -> Iterable[Reader]:  # type: ignore[empty-body]
    """Register readers of files of tracks.

    Called once, when an engine is made. Returns `Reader` objects, which `qfzz import` chooses by `--format` or by
    the suffix of the file. If it raises, the plugin is left out.
    """


@hookspec
def qfzz_playlist_readers(setup: Setup) -> Iterable[PlaylistReader]:  # type: ignore[empty-body]
    """Register readers of playlists.

    Called once, when an engine is made. Returns `PlaylistReader` objects, which `qfzz playlist` chooses by `--format`
    or by the suffix of the file. If it raises, the plugin is left out.
    """


@hookspec
def qfzz_history_readers(setup: Setup) -> Iterable[HistoryReader]:  # type: ignore[empty-body]
    """Register readers of listening histories.

    Called once, when an engine is made. Returns `HistoryReader` objects. `qfzz history import` shows each the name and
    the beginning of a file, in the order of their names, the built-in ones first; the first that recognises it reads
    it, unless `--format` names one. `qfzz import` refuses files that any of them recognises. If it raises, the plugin
    is left out.
    """


@hookspec
def qfzz_writers(setup: Setup) -> Iterable[Writer]:  # type: ignore[empty-body]
    """Register writers of playlists.

    Called once, when an engine is made. Returns `Writer` objects, which `qfzz recommend` chooses by `--format` or
    by the suffix of the file. If it raises, the plugin is left out.
    """


@hookspec
def qfzz_analysers(setup: Setup) -> Iterable[Analyser]:  # type: ignore[empty-body]
    """Register analysers of audio files.

    Called once, when an engine is made. Returns `Analyser` objects, which `qfzz analyse` chooses by `--with`. Import
    what is heavy when `analyse` is called: nothing else waits for it then. If it raises, the plugin is left out.
    """


@hookspec
def qfzz_commands(setup: Setup) -> Iterable[click.Command]:  # type: ignore[empty-body]
    """Add commands to the `qfzz` command line.

    Called when the command line is given a command that is not built in, or lists all commands; never by an engine.
    Returns click commands; of two with one name, the one of the plugin that is first by name stays. If it raises,
    that is reported and its commands are left out; the rest of the plugin stays.
    """


# ---- observers ------------------------------------------------------------------------------------------------------


@hookspec
def qfzz_feedback_recorded(feedback: FeedbackRecorded) -> None:
    """Observe feedback.

    Called after a feedback was stored, in the thread that recorded it and before `record_feedback` returns; for
    each new one of `record_many`, and not for an event that was recorded before, nor for the plays of a listening
    history, which happened long ago. If it raises, the feedback stays stored.
    """


@hookspec
def qfzz_recommended(recommended: Recommended) -> None:
    """Observe results.

    Called after a result was made, in the caller's thread and before the caller gets it: after `recommend`, for
    each user of `recommend_many`, and with what was read when the reading of `iter_recommend` ends; not after
    `plan` or `explain`. If it raises, the caller gets the same result.
    """
