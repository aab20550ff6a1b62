"""Which format a file has: what somebody says, or else what its name ends in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qfzz_core.errors import InvalidInput, did_you_mean

if TYPE_CHECKING:
    from qfzz_core.plugins.registry import Registered


def by_name(formats: Mapping[str, Registered[Any]], name: str, error: type[InvalidInput]) -> Registered[Any]:
    """Return the format of a name; raises `error` with the nearest one or all."""
    if name not in formats:
        hint = did_you_mean(name, formats) or f"; there are {', '.join(sorted(formats))}"
        raise error(f'there is no format "{name}" for this{hint}')
    return formats[name]


def by_suffix(
    formats: Mapping[str, Registered[Any]],
    path: Path,
    error: type[InvalidInput],
    *,
    gzipped: bool = False,
    also: str = "",
) -> Registered[Any]:
    """Return the format that a name's end tells; a built-in one goes before others. `gzipped`: look before the .gz.
    `also` says in the error what else may stand there.

    Raises `error` if there is none, or if several plugins claim the suffix.
    """
    suffix = (Path(path.stem) if gzipped else path).suffix.lower()
    found = [each for each in formats.values() if suffix in each.value.suffixes]
    found = [each for each in found if each.built_in] or found
    if not found:
        raise error(f"{path}: the name must end in one of {', '.join(_suffixes(formats))}{also}")
    if len(found) > 1:
        everyone = " and ".join(sorted(f'"{each.value.name}" of {each.origin}' for each in found))
        raise error(f"{path}: {suffix} is read or written by {everyone}; say which with --format")
    return found[0]


def _suffixes(formats: Mapping[str, Registered[Any]]) -> list[str]:
    return sorted({suffix for each in formats.values() for suffix in each.value.suffixes})
