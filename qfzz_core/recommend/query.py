"""The arguments of a recommendation: checked before anything else happens."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Literal, TypedDict, TypeVar

import attrs

from qfzz_core.contracts.filters import Filter, PreparedFilter
from qfzz_core.contracts.request import checked_count
from qfzz_core.errors import RequestError, did_you_mean, shown
from qfzz_core.model.names import text_of
from qfzz_core.model.plain import NotPlainError, frozen, mapping_of, several_of, unshared
from qfzz_core.model.profiles import checked_preferences
from qfzz_core.plugins.faults import answer, fault_in, said_by, shortened
from qfzz_core.plugins.registry import Registered, Registry
from qfzz_core.ranking.filters import not_strings
from qfzz_core.recommend.conditions import column_condition

Function = TypeVar("Function", bound=Callable[..., Any])


Distinctness = bool | Literal["exact"]


class CommonKeywords(TypedDict, total=False):
    """The keywords of every call that recommends, with those of `Keywords` declared here alone.

    `exclude` are track ids. `where` maps a column to a value, a list of values or a (low, high) range, or a filter to
    its option. `max_per_artist` (1 or more) and `distinct` keep the best-ranked tracks: no artist and work
    twice, or with "exact" no artist and whole title.
    `context` is passed to the plugins.
    """

    exclude: Iterable[str]
    where: Mapping[str, Any] | None
    max_per_artist: int | None
    distinct: Distinctness
    context: Mapping[str, Any] | None


class Keywords(CommonKeywords, total=False):
    """The keywords of calls for one user.

    `limit` is how many tracks, 0 or more; None, the default, for the documented process over the whole catalogue.
    """

    limit: int | None


# Far more than processors, and far fewer than a system starts: each user of a batch would get a thread, up to as many.
MOST_THREADS = 256

DEFAULTS: Keywords = {
    "limit": None,
    "exclude": (),
    "where": None,
    "max_per_artist": None,
    "distinct": False,
    "context": None,
}


def shows_keywords(function: Function) -> Function:
    """Let `help` and `inspect.signature` show the keywords of `Keywords` in the place of `**keywords`."""
    signature = inspect.signature(function)
    shown = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
    shown += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in DEFAULTS.items()
        if name not in signature.parameters
    ]
    function.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
    return function


@attrs.frozen(kw_only=True)
class Query:
    """What is wanted, valid, before anything is looked up; the user apart, so that many can share it.

    `conditions` are filters on columns by column name, `filters` the options of registered filters by name.
    `discovers` says whether the strategy picks.
    """

    preferences: Mapping[str, Any]
    limit: int | None
    exclude: Collection[str]
    conditions: Mapping[str, PreparedFilter]
    filters: Mapping[str, Any]
    max_per_artist: int | None
    distinct: Distinctness
    context: Mapping[str, Any]
    discovers: bool = True


def checked_query(registry: Registry, preferences: Any, keywords: Keywords) -> Query:
    """Return a valid query; raises `ProfileError` or `RequestError`, both ValueErrors, which name the argument.

    A keyword that there is not is a TypeError, as it is for any function.
    """
    given: dict[str, Any] = {**DEFAULTS, **keywords}
    for name in given.keys() - DEFAULTS.keys():
        raise TypeError(f"there is no keyword argument {name!r}{did_you_mean(name, DEFAULTS)}")
    conditions, filters = _where(given["where"], registry)
    if given["max_per_artist"] is not None:
        _check_declared(registry, "max_per_artist", "artist")
    distinct = _distinctness(given["distinct"])
    if distinct:
        _check_declared(registry, "distinct", "artist", "title")
    return Query(
        preferences=checked_preferences(preferences),
        limit=checked_count(given["limit"], "limit", 0),
        exclude=_track_ids(given["exclude"], "exclude"),
        conditions=conditions,
        filters=filters,
        max_per_artist=checked_count(given["max_per_artist"], "max_per_artist", 1),
        distinct=distinct,
        context=_context(given["context"]),
    )


def _distinctness(value: Any) -> Distinctness:
    if isinstance(value, bool):
        return value
    if text_of(value) == "exact":
        return "exact"
    raise RequestError(f'distinct must be True, False or "exact", got {shown(value)}')


def checked_threads(value: Any) -> int:
    """Return a number of threads, 1 or more; raises `RequestError` for anything else."""
    count = checked_count(value, "threads", 1)
    if count is None:
        raise RequestError("threads must be a whole number, 1 or more, got None")
    return min(count, MOST_THREADS)


def _check_declared(registry: Registry, what: str, *columns: str) -> None:
    for name in columns:
        if name not in registry.columns:
            raise RequestError(f'{what} needs the column "{name}", which is not declared')


def checked_track_ids(value: Any, what: str) -> frozenset[str]:
    """Return several track ids as a set; raises `RequestError` for anything else, a single text included."""
    return frozenset(_track_ids(value, what))


def _track_ids(value: Any, what: str) -> Collection[str]:
    """Return several track ids, none of which is looked up here: making a set of many takes longer than a search."""
    if type(value) is tuple and not value:  # the default, at nearly every call
        return ()
    keys = mapping_of(value)
    track_ids = several_of(value if keys is None else keys.keys())
    if track_ids is None:
        raise RequestError(f"{what} must be several track ids, got {shown(value)}")
    # 0.3 us for 10 ids and 0.13 ms for 10,000; of which a string of another class is one, somebody wrote its methods
    if [*map(type, track_ids)].count(str) == len(track_ids):
        return track_ids
    for wrong in not_strings(track_ids):
        raise RequestError(f"{what} holds {shown(wrong)}, which is no track id")
    return tuple(text_of(each) or "" for each in track_ids)


def _context(value: Any) -> Mapping[str, Any]:
    given = {} if value is None else mapping_of(value)
    if given is None:
        raise RequestError(f"context must be a mapping, got {shown(value)}")
    try:
        frozen_context: Mapping[str, Any] = frozen(given)
    except NotPlainError as error:
        raise RequestError(f"context: {error}") from None
    return frozen_context


def _where(where: Any, registry: Registry) -> tuple[dict[str, PreparedFilter], dict[str, Any]]:
    given = {} if where is None else mapping_of(where)
    if given is None:
        raise RequestError(f"where must map columns and filters to what they must be, got {shown(where)}")
    conditions: dict[str, PreparedFilter] = {}
    filters: dict[str, Any] = {}
    for key, option in given.items():
        name = text_of(key) or ""
        if name in registry.filters:
            filters[name] = _checked_option(registry.filters[name], option)
        elif name in registry.columns:
            conditions[name] = column_condition(registry.columns[name].value, option)
        else:
            known = sorted([*registry.filters, *registry.columns])
            hint = did_you_mean(key, known) or f"; there are {', '.join(known)}"
            raise RequestError(f"where: no column or filter {shown(key)}{hint}")
    return conditions, filters


def _checked_option(registered: Registered[Filter], option: Any) -> Any:
    try:
        option = unshared(option)  # the filter is asked again, when the caller's own may be another
    except Exception:  # noqa: BLE001 - what is read may be somebody else's, and raise anything
        raise RequestError(f"where: {registered.name}: {shown(option)} cannot be read") from None
    try:
        answer(registered.value.check, unshared(option))
    except ValueError as error:
        raise RequestError(f"where: {registered.name}: {shortened(said_by(error))}") from None
    except BaseException as error:  # noqa: BLE001 - a fault of the plugin's, met again when the request is answered
        fault_in(error)
    return option
