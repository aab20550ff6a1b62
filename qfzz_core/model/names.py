"""When two names of genres, artists or moods are the same name, and which genres are similar."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import attrs

from qfzz_core.errors import ProfileError, shown

Normaliser = Callable[[str], str]

# Every dash of Unicode 16 (category Pd) and the minus sign; looking through all characters takes 100 ms at start.
_DASHES = (
    "\u058a\u05be\u1400\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0"
    "\ufe31\ufe32\ufe58\ufe63\uff0d\U00010d6e\U00010ead"
)
_SINGLE_QUOTES = "\u2018\u2019\u201b\u02bc\u0060\u00b4"
_DOUBLE_QUOTES = "\u201c\u201d\u201e\u201f"
_SIGNS = str.maketrans(
    {**dict.fromkeys(_DASHES, "-"), **dict.fromkeys(_SINGLE_QUOTES, "'"), **dict.fromkeys(_DOUBLE_QUOTES, '"')}
)
_SEPARATORS = str.maketrans("_-", "  ")
# What makes an ASCII name in small letters another than its normal form, but for blanks around it.
_UNUSUAL = re.compile(r"[`\t-\r\x1c-\x1f]|  ").search


# A name of other than ASCII letters takes 1.2 microseconds to normalise and 0.08 to find; ASCII names gain nothing.
@lru_cache(maxsize=65_536)
def normalise(name: str) -> str:
    """Return the form by which artists and moods compare: NFKC(casefold(NFKC(name))), trimmed, its signs made plain.

    Every dash is `-`, every typographic apostrophe or single quote `'`, every double one `"`, and each run of white
    space one space.
    """
    if name.isascii():
        form = name.lower()
        return " ".join(form.translate(_SIGNS).split()) if _UNUSUAL(form) else form.strip()
    # Before as well: NFKC takes an acute accent that stands for an apostrophe apart. It also makes new ones, such as
    # the minus of a superscript.
    folded = unicodedata.normalize("NFKC", name.translate(_SIGNS)).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).translate(_SIGNS).split())


@lru_cache(maxsize=65_536)
def normalise_genre(name: str) -> str:
    """Return the form by which genres compare: as `normalise`, with space, underscore and hyphen one character.

    A name of nothing but those is one of them, so that no name but a blank one has an empty form.
    """
    form = normalise(name)
    return " ".join(form.translate(_SEPARATORS).split()) or (form and "-")


def normalise_all(names: Sequence[str], normal: Normaliser) -> Sequence[str]:
    """Return the normal forms of names, many at a time."""
    if normal is exact:
        return names
    if normal is normalise:
        folded = "\0".join(names)
        forms = folded.lower().split("\0") if folded.isascii() and not _UNUSUAL(folded) else []
        if len(forms) == len(names):  # no name has the separator inside
            return [form.strip() for form in forms]
    return [normal(name) for name in names]


def exact(name: str) -> str:
    """Return the name itself: identifiers compare exactly."""
    return name


NORMALISERS: dict[str, Normaliser] = {"name": normalise, "genre": normalise_genre, "exact": exact}


def is_storable(text: str) -> bool:
    """Return whether the text can be written as UTF-8, which a lone surrogate cannot."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def text_of(value: Any) -> str | None:
    """Return a string as one of Python's own, whatever its class makes of it; None for anything else."""
    if type(value) is str:
        return value
    return str.__str__(value) if isinstance(value, str) else None


def names_in(value: Any) -> list[str] | None:
    """Return the strings of a list or tuple as Python's own, None for anything else, and if one of them is none."""
    if not isinstance(value, list | tuple):
        return None
    items = list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)  # not that of a class of its own
    names = list(map(text_of, items))
    return None if None in names else names  # type: ignore[return-value]


def checked_text(value: Any, what: str, normal: Normaliser = str.strip) -> str:
    """Return a string of which the normal form is not empty; raises `ProfileError` for anything else."""
    if type(value) is str and value.isascii() and normal(value):
        return value  # nearly every one, without a look at its characters one by one
    text = text_of(value)
    if text is None:
        raise ProfileError(f"{what} must be text, got {shown(value)}")
    if not normal(text):
        raise ProfileError(f"{what} must not be blank, got {shown(text)}")
    if not is_storable(text):
        raise ProfileError(f"{what} holds a lone surrogate, which is no character: {shown(text)}")
    return text


@attrs.frozen(init=False, eq=False, repr=False)
class Similarity:
    """Which genres are similar, made of maps of a genre to those like it: symmetric, but not transitive."""

    _similar: Mapping[str, frozenset[str]]

    def __init__(self, maps: Iterable[Mapping[str, Iterable[str]]]) -> None:
        similar: defaultdict[str, set[str]] = defaultdict(set)
        for pairs in maps:
            for genre, others in pairs.items():
                if isinstance(others, str):
                    raise TypeError(
                        f"the genres similar to {shown(genre)} must be several, got the text {shown(others)}"
                    )
                for other in others:
                    similar[normalise_genre(genre)].add(normalise_genre(other))
                    similar[normalise_genre(other)].add(normalise_genre(genre))
        found = {genre: frozenset(others - {genre}) for genre, others in similar.items()}
        self.__attrs_init__(MappingProxyType(found))

    def similar_to(self, genre: str) -> frozenset[str]:
        """Return the normal forms of the genres similar to one, without itself."""
        return self._similar.get(normalise_genre(genre), frozenset())
