"""Weights of genres, artists and moods: a validated dict, and the rules for its names and numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, SupportsIndex

from qfzz_core.errors import ProfileError, shown
from qfzz_core.model.events import Change
from qfzz_core.model.names import Normaliser, checked_text, normalise, normalise_genre, text_of
from qfzz_core.model.plain import mapping_of, number_of, several_of

WEIGHT_FIELDS: dict[str, Normaliser] = {"genres": normalise_genre, "artists": normalise, "moods": normalise}
WITH_ARTICLE = {"genres": "a genre", "artists": "an artist", "moods": "a mood"}
SINGULAR = {"genres": "genre", "artists": "artist", "moods": "mood"}


def unit_number(value: Any, what: str) -> float:
    """Return a number of [0, 1] as a float; raises `ProfileError` for anything else, booleans included."""
    number = number_of(value)
    if number is None:
        raise ProfileError(f"{what} must be a number from 0.0 to 1.0, got {shown(value)}")
    if not 0.0 <= number <= 1.0:
        raise ProfileError(f"{what} must be from 0.0 to 1.0, got {shown(value)}")
    return number + 0.0  # -0.0 becomes 0.0: not every store keeps the sign


def checked_name(field: str, name: Any) -> str:
    """Return a usable name of a genre, artist or mood; raises `ProfileError` for one that is not."""
    return checked_text(name, f"the name of {WITH_ARTICLE[field]}", WEIGHT_FIELDS[field])


def checked_weights(field: str, weights: Any) -> dict[str, float]:
    """Return a valid copy of a whole mapping; raises `ProfileError` that names field and name."""
    given = mapping_of(weights)
    if given is None:
        raise ProfileError(f"{field} must map names to weights, got {shown(weights)}")
    spellings: dict[str, str] = {}
    checked: dict[str, float] = {}
    for name, weight in given.items():
        spelling = checked_name(field, name)
        refuse_second_spelling(field, spelling, spellings.setdefault(WEIGHT_FIELDS[field](spelling), spelling))
        checked[spelling] = unit_number(weight, f"{field}[{shown(spelling)}]")
    return checked


def refuse_second_spelling(field: str, name: str, present: str) -> None:
    """Raise `ProfileError` that names both if `name` is another spelling of the name that is `present`."""
    if name != present:
        raise ProfileError(
            f"{field}: {shown(name)} and {shown(present)} are two spellings of one {SINGULAR[field]}; "
            f"use {shown(present)}"
        )


class Weights(dict[str, float]):
    """The weights of one field of a profile: a dict whose every change goes through the profile.

    A change is validated and, if the profile is live, durable when it returns; if it raises, nothing changed.
    Copies and pickles are plain dicts.
    """

    def __init__(self, field: str, weights: Mapping[str, float], change: Callable[[Sequence[Change]], None]) -> None:
        super().__init__(weights)
        self._field = field
        self._change = change
        self._spellings: dict[str, str] | None = None  # by normal form, made when a name is looked for first

    def __setitem__(self, name: str, weight: float) -> None:
        checked = checked_name(self._field, name)
        self._change([Change(self._field, checked, unit_number(weight, f"{self._field}[{shown(checked)}]"))])

    def __delitem__(self, name: str) -> None:
        known = self._known(name)
        if known is None:
            raise KeyError(name)
        self._change([Change(self._field, known, None)])

    def clear(self) -> None:
        """Remove every name."""
        self._change([Change(self._field, None, {})])

    def update(self, *args: Any, **weights: float) -> None:
        """Set several weights in one change."""
        checked = checked_weights(self._field, self._together(*args, **weights))
        self._change([Change(self._field, name, weight) for name, weight in checked.items()])

    def __ior__(self, other: Mapping[str, float] | Iterable[tuple[str, float]]) -> Weights:  # type: ignore[override,misc]
        self.update(other)
        return self

    def setdefault(self, name: str, default: float = 0.0) -> float:
        """Return the weight of a name, setting it first if it is not there."""
        known = self._known(name)
        if known is None:
            known = checked_name(self._field, name)
            self[known] = default
        return self[known]

    def pop(self, name: str, *default: Any) -> Any:
        """Remove a name and return its weight; a default instead if it is not there."""
        known = self._known(name)
        if known is None:
            if default:
                return default[0]
            raise KeyError(name)
        weight = self[known]
        del self[known]
        return weight

    def popitem(self) -> tuple[str, float]:
        """Remove the last name and return it with its weight."""
        for name in reversed(self):
            return name, self.pop(name)
        raise KeyError("there is no name left")

    def _known(self, name: Any) -> str | None:
        """Return a name that is there, None for anything else."""
        text = text_of(name)
        return text if text in self else None

    def _together(self, given: Any = (), /, **weights: float) -> dict[Any, Any]:
        """Return what `dict` makes of these arguments; raises `ProfileError` if it makes nothing of them."""
        pairs = mapping_of(given)
        try:
            return {**dict(several_of(given) or () if pairs is None else pairs), **weights}
        except (TypeError, ValueError):
            raise ProfileError(f"{self._field} must map names to weights, got {shown(given)}") from None

    def spelling_of(self, name: str) -> str | None:
        """Return the spelling under which a name is there, None if it is not."""
        text = text_of(name)
        return None if text is None else self._known_spellings().get(WEIGHT_FIELDS[self._field](text))

    def _known_spellings(self) -> dict[str, str]:
        # a name that is set for the first time is compared with all others: a look at each would make n names n * n
        if self._spellings is None:
            self._spellings = {WEIGHT_FIELDS[self._field](name): name for name in self}
        return self._spellings

    def copy(self) -> dict[str, float]:
        """Return a plain dict."""
        return dict(self)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return dict, (dict(self),)

    def _check(self, changes: Sequence[Change]) -> None:
        """Raise `ProfileError` if one of these changes, in their order, sets another spelling of a name."""
        present: Mapping[str, str] = self._known_spellings()
        changed: dict[str, str | None] = {}
        for change in changes:
            if change.name is None:
                present = {WEIGHT_FIELDS[self._field](name): name for name in change.value}
                changed = {}
                continue
            normal = WEIGHT_FIELDS[self._field](change.name)
            spelling = changed[normal] if normal in changed else present.get(normal)
            refuse_second_spelling(self._field, change.name, spelling or change.name)
            changed[normal] = None if change.value is None else change.name

    def _apply(self, change: Change) -> None:
        """Make a change that was checked; a name that is removed is there."""
        spellings = self._known_spellings()
        if change.name is None:
            super().clear()
            super().update(change.value)
            self._spellings = None
        elif change.value is not None:
            super().__setitem__(change.name, change.value)
            spellings[WEIGHT_FIELDS[self._field](change.name)] = change.name
        else:
            super().__delitem__(change.name)
            del spellings[WEIGHT_FIELDS[self._field](change.name)]

    def _show(self, weights: Mapping[str, float]) -> None:
        """Show these weights, in their order; called by the profile after the change was made."""
        # In place, so that a caller who holds these weights sees the change. A dict keeps the order of its first
        # insertions: where names that stay come in another order, all are inserted again.
        kept = [name for name in self if name in weights]
        if kept != [name for name in weights if name in self]:
            super().clear()
        for name in [name for name in self if name not in weights]:
            super().__delitem__(name)
        super().update(weights)
        self._spellings = None
