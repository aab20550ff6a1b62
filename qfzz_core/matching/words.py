"""The words of titles and artists as they are compared: what people leave out, and how they credit several artists."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from attrs import frozen

from qfzz_core.contracts.descriptions import Description
from qfzz_core.model.editions import Edition, edition_of
from qfzz_core.model.names import normalise

# What stands between several artists. Band names hold these too, so the whole name is always among the names.
_BETWEEN = re.compile(
    r"\s*(?:[,;/+&|]|\bfeat\b\.?|\bft\b\.?|\bfeaturing\b|\bwith\b|\bvs\b\.?|\band\b|\bx\b)\s*|[()\[\]]", re.IGNORECASE
)
_NOT_A_WORD = re.compile(r"[^\w\s]+|_")
_DROPPED = re.compile(r"['.]")
_NUMBERS = re.compile(r"\d+|\b(?:i{2,3}|iv|vi{0,3}|ix|x)\b")
_MARKS = re.compile(r"^(?:feat|ft|featuring|with)\b\.?\s*")


@lru_cache(maxsize=65_536)
def folded(form: str) -> str:
    """Return a normal form without accents and signs; one of nothing else stays as it is."""
    if form.isascii() and form.isalnum():
        return form
    base = form
    if not form.isascii():
        base = "".join(each for each in unicodedata.normalize("NFKD", form) if not unicodedata.combining(each))
    return " ".join(_NOT_A_WORD.sub(" ", _DROPPED.sub("", base.replace("&", " and "))).split()) or form


@lru_cache(maxsize=65_536)
def folded_work(title: str) -> str:
    """Return the work of a title, folded, without an article."""
    return folded(edition_of(title).work).removeprefix("the ")


@lru_cache(maxsize=65_536)
def numbers(work: str) -> tuple[str, ...]:
    """Return the numbers of a folded title, Roman ones too: `Part 1` is never `Part 2`, however alike they look."""
    return tuple(_NUMBERS.findall(work))


@lru_cache(maxsize=65_536)
def artists_of(form: str) -> tuple[str, ...]:
    """Return the folded names that a credit holds: the whole of it, its parts, and these without an article."""
    parts = [part for part in _BETWEEN.split(form) if part and part.strip()]
    names = [folded(part) for part in (form, *parts)]
    return _different(name for each in names for name in (each, each.removeprefix("the ")) if name)


@lru_cache(maxsize=65_536)
def main_artists(form: str) -> frozenset[str]:
    """Return the folded names of the artist who comes first in a credit: the whole of it, and its first part."""
    first = next((part for part in _BETWEEN.split(form) if part and part.strip()), form)
    names = folded(form), folded(first)
    return frozenset(name for each in names for name in (each, each.removeprefix("the ")) if name)


@frozen
class Wanted:
    """What a description says, ready to be compared.

    `artists` are the names of all that it credits, the first as it is written, `main` those of who comes first, and
    `forms` the normal forms of all.
    """

    title: str
    edition: Edition
    work: str
    whole: str
    forms: tuple[str, ...]
    artists: tuple[str, ...]
    main: frozenset[str]
    duration: float | None
    album: str | None

    @classmethod
    def of(cls, description: Description) -> Wanted | None:
        """Return what a description says; None if it lacks title or artist."""
        title = normalise(description.title or "")
        credited = [*filter(None, (description.artist, *description.artists))]
        forms = [*filter(None, map(normalise, credited))]
        if not title or not forms:
            return None
        edition = edition_of(title)
        parts = [part.strip() for form in forms for part in _BETWEEN.split(form) if part and part.strip()]
        featured = [_MARKS.sub("", part) for part in edition.featured]
        names = [name for form in (*forms, *featured) for name in artists_of(form)]
        return cls(
            title=title,
            edition=edition,
            work=folded_work(title),
            whole=folded(title),
            forms=_different([*forms, *parts]),
            artists=_different(names),
            main=main_artists(forms[0]),
            duration=description.duration if description.duration and description.duration > 0 else None,
            album=folded(normalise(description.album)) if description.album else None,
        )


def _different(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
