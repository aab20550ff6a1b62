"""Names that mean one genre although they do not compare equal: HipHop and hip-hop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from qfzz_core.errors import shown
from qfzz_core.model.names import normalise_genre, text_of


@attrs.frozen(init=False, eq=False, repr=False)
class GenreAliases:
    """Genres by names that mean them too, made of mappings of an alias to its genre: of one alias, the last counts.

    Aliases compare as genres do. A genre that is an alias itself leads on to its own.
    """

    _genres: Mapping[str, str]

    def __init__(self, maps: Iterable[Mapping[str, str]] = ()) -> None:
        direct: dict[str, str] = {}
        for pairs in maps:
            for alias, genre in checked_aliases(pairs).items():
                direct[normalise_genre(alias)] = genre.strip()
        led = {alias: _end(alias, direct) for alias in direct}
        self.__attrs_init__(
            MappingProxyType({alias: genre for alias, genre in led.items() if normalise_genre(genre) != alias})
        )

    def genre(self, name: str) -> str | None:
        """Return the genre that a name is an alias of, None if it is none."""
        return self._genres.get(normalise_genre(name))

    def apply(self, track: dict[str, Any]) -> int:
        """Put genres in the place of their aliases, in `genre` and `genres`, and return how many there were."""
        count = 0
        genre, genres = track.get("genre"), track.get("genres")
        if isinstance(genre, str) and (found := self.genre(genre)) is not None:
            track["genre"] = found
            count += 1
        if isinstance(genres, list):
            read = [self.genre(name) if isinstance(name, str) else None for name in genres]
            if any(read):
                # the first of them is `genre` again, which is no second value
                count += sum(name is not None and genres[place] != genre for place, name in enumerate(read))
                track["genres"] = _once([new or old for new, old in zip(read, genres, strict=True)])
        return count


def _end(alias: str, direct: Mapping[str, str]) -> str:
    """Return where an alias leads; where aliases lead round in a circle, the next one."""
    seen = {alias}
    genre = direct[alias]
    while (form := normalise_genre(genre)) in direct and form not in seen:
        seen.add(form)
        genre = direct[form]
    return genre if form not in seen else direct[alias]


def _once(names: list[Any]) -> list[Any]:
    kept: dict[Any, Any] = {}
    for name in names:
        kept.setdefault(normalise_genre(name) if isinstance(name, str) else id(name), name)
    return [*kept.values()]


def checked_aliases(given: Mapping[Any, Any]) -> dict[str, str]:
    """Return a mapping of names to names as strings of Python's own; raises `TypeError` for any other."""
    checked: dict[str, str] = {}
    for alias, genre in given.items():
        name, meant = text_of(alias), text_of(genre)
        if name is None or meant is None or not name.strip() or not meant.strip():
            raise TypeError(f"an alias and its genre must be names, got {shown(alias)} for {shown(genre)}")
        checked[name] = meant
    return checked
