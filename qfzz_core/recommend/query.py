"""The arguments of a recommendation: checked before anything else happens."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from numbers import Integral
from typing import Any, TypedDict

import attrs

from qfzz_core.contracts.filters import Filter, PreparedFilter
from qfzz_core.errors import RequestError, did_you_mean
from qfzz_core.model.plain import frozen, shown
from qfzz_core.model.profiles import checked_preferences
from qfzz_core.plugins.faults import answer
from qfzz_core.plugins.registry import Registered, Registry
from qfzz_core.ranking.conditions import column_condition
from qfzz_core.ranking.filters import not_strings, read_once

GREATEST_COUNT = 2**40  # more than any catalogue holds, so that whoever asks for more gets all


class Keywords(TypedDict, total=False):
    """The keywords that every kind of recommendation takes beside `limit`."""

    exclude: Iterable[str]
    where: Mapping[str, Any] | None
    max_per_artist: int | None
    distinct: bool
    context: Mapping[str, Any] | None


@attrs.frozen(kw_only=True)
class Query:
    """What is asked for, valid, before anything is looked up; the user apart, so that many can share it.

    `conditions` are filters on columns by column name, `filters` the options of registered filters by name.
    """

    preferences: Mapping[str, Any]
    limit: int | None
    exclude: Collection[str]
    conditions: Mapping[str, PreparedFilter]
    filters: Mapping[str, Any]
    max_per_artist: int | None
    distinct: bool
    context: Mapping[str, Any]


def checked_query(
    registry: Registry,
    preferences: Any = None,
    *,
    limit: Any = None,
    exclude: Any = (),
    where: Any = None,
    max_per_artist: Any = None,
    distinct: Any = False,
    context: Any = None,
) -> Query:
    """Return a valid query; raises `ProfileError` or `RequestError`, both ValueErrors, which name the argument."""
    conditions, filters = _where(where, registry)
    if max_per_artist is not None:
        _check_declared(registry, "max_per_artist", "artist")
    if distinct:
        _check_declared(registry, "distinct", "artist", "title")
    return Query(
        preferences=checked_preferences(preferences),
        limit=checked_count(limit, "limit", 0),
        exclude=_track_ids(exclude, "exclude"),
        conditions=conditions,
        filters=filters,
        max_per_artist=checked_count(max_per_artist, "max_per_artist", 1),
        distinct=_flag(distinct, "distinct"),
        context=_context(context),
    )


def checked_count(value: Any, what: str, least: int) -> int | None:
    """Return a whole number, or None for None; raises `RequestError` for anything else and for less than `least`."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise RequestError(f"{what} must be a whole number, {least} or more, or None, got {shown(value)}")
    return min(int(value), GREATEST_COUNT)


def checked_threads(value: Any) -> int:
    """Return a number of threads, 1 or more; raises `RequestError` for anything else."""
    count = checked_count(value, "threads", 1)
    if count is None:
        raise RequestError("threads must be a whole number, 1 or more, got None")
    return count


def _check_declared(registry: Registry, what: str, *columns: str) -> None:
    for name in columns:
        if name not in registry.columns:
            raise RequestError(f'{what} needs the column "{name}", which is not declared')


def _flag(value: Any, what: str) -> bool:
    if not isinstance(value, bool):
        raise RequestError(f"{what} must be True or False, got {value!r}")
    return value


def checked_track_ids(value: Any, what: str) -> frozenset[str]:
    """Return several track ids as a set; raises `RequestError` for anything else, a single text included."""
    return frozenset(_track_ids(value, what))


def _track_ids(value: Any, what: str) -> Collection[str]:
    """Return several track ids, none of which is looked up here: making a set of many takes longer than a search."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise RequestError(f"{what} must be several track ids, got {value!r}")
    track_ids = read_once(value)
    for wrong in not_strings(track_ids):
        raise RequestError(f"{what} holds {wrong!r}, which is no track id")
    return track_ids


def _context(value: Any) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise RequestError(f"context must be a mapping, got {value!r}")
    frozen_context: Mapping[str, Any] = frozen(dict(value or {}))
    return frozen_context


def _where(where: Any, registry: Registry) -> tuple[dict[str, PreparedFilter], dict[str, Any]]:
    if where is not None and not isinstance(where, Mapping):
        raise RequestError(f"where must map columns and filters to what they must be, got {where!r}")
    conditions: dict[str, PreparedFilter] = {}
    filters: dict[str, Any] = {}
    for name, option in (where or {}).items():
        if name in registry.filters:
            filters[name] = _checked_option(registry.filters[name], option)
        elif name in registry.columns:
            conditions[name] = column_condition(registry.columns[name].value, option)
        else:
            known = sorted([*registry.filters, *registry.columns])
            hint = did_you_mean(str(name), known) or f"; there are {', '.join(known)}"
            raise RequestError(f"where: no column or filter {name!r}{hint}")
    return conditions, filters


def _checked_option(registered: Registered[Filter], option: Any) -> Any:
    try:
        answer(registered.value.check, option)
    except ValueError as error:
        raise RequestError(f"where: {registered.value.name}: {error}") from None
    except Exception:  # noqa: BLE001 - a fault of the plugin's, met again when the request is answered
        pass
    return option
