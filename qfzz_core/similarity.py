"""Which genres are similar: a relation, the same both ways round, not transitive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qfzz_core.names import normalise_genre


class Similarity:
    """The relation, made of maps of a genre to those like it."""

    def __init__(self, maps: Iterable[Mapping[str, Iterable[str]]]) -> None:
        self._similar: dict[str, set[str]] = {}
        for pairs in maps:
            for genre, others in pairs.items():
                if isinstance(others, str):
                    raise TypeError(f"the genres similar to {genre!r} must be several, got the text {others!r}")
                for other in others:
                    self._add(normalise_genre(genre), normalise_genre(other))

    def _add(self, genre: str, other: str) -> None:
        if genre != other:
            self._similar.setdefault(genre, set()).add(other)
            self._similar.setdefault(other, set()).add(genre)

    def similar_to(self, genre: str) -> frozenset[str]:
        """Return the normal forms of the genres similar to one, without itself."""
        return frozenset(self._similar.get(normalise_genre(genre), ()))
