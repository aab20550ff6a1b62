"""Which genres are similar: a symmetric relation that is not transitive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from qfzz_core.model.names import normalise_genre


class Similarity:
    """The relation, made of maps of a genre to those like it."""

    def __init__(self, maps: Iterable[Mapping[str, Iterable[str]]]) -> None:
        similar: defaultdict[str, set[str]] = defaultdict(set)
        for pairs in maps:
            for genre, others in pairs.items():
                if isinstance(others, str):
                    raise TypeError(f"the genres similar to {genre!r} must be several, got the text {others!r}")
                for other in others:
                    similar[normalise_genre(genre)].add(normalise_genre(other))
                    similar[normalise_genre(other)].add(normalise_genre(genre))
        self._similar = {genre: frozenset(others - {genre}) for genre, others in similar.items()}

    def similar_to(self, genre: str) -> frozenset[str]:
        """Return the normal forms of the genres similar to one, without itself."""
        return self._similar.get(normalise_genre(genre), frozenset())
