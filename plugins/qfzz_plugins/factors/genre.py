"""Genre: 1.0 for a preferred genre, 0.5 for one that is similar to a preferred one, else 0.0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from qfzz_core import CategoryTable, Request, hookimpl
from qfzz_core.model.names import normalise_genre
from qfzz_core.model.tracks import names_of
from qfzz_plugins.factors.missing import unknown, value_for_missing

SIMILAR = 0.5  # the reference's value


@attrs.frozen
class GenreOptions:
    """How a match counts, as documented or graded by the profile's weights, and what an unknown genre counts."""

    match: Literal["documented", "graded"] = "documented"
    missing: float = value_for_missing(0.0)


@attrs.frozen
class GenreValues:
    """The value of each genre for one request, and for each similar genre the preferred one it is similar to."""

    values: dict[str, float]
    similar_to: dict[str, str]

    def reason(self, track: Mapping[str, Any], value: float) -> str:
        """Say why the track's genre has its value: of several genres, the one with the greatest."""
        names = names_of(track, "genre")
        if not names:
            return unknown("genre", value)
        name = max(names, key=lambda name: self.values.get(normalise_genre(name), 0.0))
        genre = normalise_genre(name)
        if genre in self.similar_to:
            return f"similar to {self.similar_to[genre]}, which you like"
        return f"you like {name}" if genre in self.values else f"{name} is not among your genres"


def genre_values(request: Request) -> GenreValues:
    """Return the value of every genre that has one in a request."""
    graded = request.options.match == "graded"
    # a weight of 0 is what dislikes leave behind; the reference's "preferred" cannot mean it
    liked = {name: weight for name, weight in request.profile.genres.items() if weight > 0}
    values: dict[str, float] = {}
    similar_to: dict[str, str] = {}
    for name, weight in liked.items():
        for genre in request.similarity.similar_to(name):
            value = SIMILAR * weight if graded else SIMILAR
            if value > values.get(genre, 0.0):
                values[genre], similar_to[genre] = value, name
    # after all similar ones: whoever likes jazz and blues, which are similar, must get 1.0 for both, not 0.5
    for name, weight in liked.items():
        values[normalise_genre(name)] = weight if graded else 1.0
        similar_to.pop(normalise_genre(name), None)
    return GenreValues(values, similar_to)


class GenreFactor:
    """The documented genre factor."""

    name = "genre"
    weight = 0.30
    order = 1
    Options = GenreOptions

    def prepare(self, request: Request) -> CategoryTable:
        """Score by a table of genres."""
        found = genre_values(request)
        missing = request.options.missing
        return CategoryTable(column="genre", values=found.values, missing=missing, reason=found.reason)


@hookimpl
def qfzz_factors() -> list[GenreFactor]:
    """Register the factor."""
    return [GenreFactor()]
