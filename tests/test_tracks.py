"""Checking tracks: the quick way and the close look agree, and a copy belongs to its caller."""

import math
from collections import OrderedDict
from collections.abc import Iterator
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from qfzz_core.errors import TrackError
from qfzz_core.model import tracks
from qfzz_core.model.plain import NotPlainError, plain, quickly_plain
from qfzz_core.model.tracks import REQUIRED_FIELDS, checked_track, checked_tracks
from qfzz_core.testing.samples import a_track


class Name(StrEnum):
    """Text of a type that is not built in."""

    TITLE = "title"
    SLOW = "slow"


class Number(IntEnum):
    """A whole number of a type that is not built in."""

    ONE = 1


TEXT = some.text() | some.sampled_from(["", " ", "slow", "a\0b", "Café", "音楽", "\ud800", Name.SLOW])
NUMBERS = (
    some.integers()
    | some.floats()
    | some.sampled_from([-1, 0, 1, 2**63, 2**63 + 1, -(2**63) - 1, -0.0, math.inf, math.nan])
    | some.sampled_from([True, False, Number.ONE])
    | some.sampled_from([64, 13_999, 14_000, 20_000]).map(lambda bits: 2**bits)
)
SCALARS = TEXT | NUMBERS | some.none() | some.sampled_from([b"bytes", (1, 2), {1}, object, MappingProxyType({"a": 1})])
KEYS = (
    some.sampled_from([*REQUIRED_FIELDS, "genres", "artists", "year", "Jahr à", "\udfff", Name.TITLE, 7]) | some.text()
)
SEVERAL = some.lists(TEXT, max_size=2)
VALUES = some.recursive(
    SCALARS | SEVERAL | SEVERAL.map(tuple),
    lambda inside: some.lists(inside, max_size=3) | some.dictionaries(KEYS, inside, max_size=3),
    max_leaves=6,
)


def outcome(work: Any, *arguments: Any) -> Any:
    """Return what came out, with the types of everything in it, be it an error."""
    try:
        return typed(work(*arguments))
    except TrackError as error:
        return str(error), error.reason, error.position, error.track_id, error.field


def typed(value: Any) -> Any:
    """Return a value in which what is equal but of another type differs."""
    if isinstance(value, dict):
        return dict, [(typed(key), typed(item)) for key, item in value.items()]
    if isinstance(value, list):
        return list, [typed(item) for item in value]
    return type(value), repr(value) if isinstance(value, float) else value


@given(some.dictionaries(KEYS, VALUES, max_size=4), some.sets(some.sampled_from(REQUIRED_FIELDS), max_size=1))
def test_a_track_is_checked_quickly_as_it_is_closely(changes: dict[Any, Any], missing: set[str]) -> None:
    track = {key: value for key, value in {**a_track(), **changes}.items() if key not in missing}
    quick = outcome(checked_track, track, 3)
    assert quick == outcome(checked_track, OrderedDict(track), 3)  # which is a Mapping, but no plain dict


@given(some.dictionaries(KEYS, VALUES, max_size=4))
def test_what_is_quickly_plain_is_plain(value: dict[Any, Any]) -> None:
    quick = quickly_plain(value)
    if quick is not None:
        assert typed(quick) == typed(plain(value))


@pytest.mark.parametrize("value", [math.nan, math.inf, "\ud800", b"", [math.nan], {"a": [object()]}, {1: 2}, (1,)])
def test_what_json_cannot_say_is_not_quickly_plain(value: Any) -> None:
    assert quickly_plain({"key": value}) is None
    with pytest.raises(NotPlainError):
        plain({"key": value})


def test_an_ordinary_track_needs_no_closer_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(tracks, "_closely_checked")
    track = a_track(title="Café", year=1959, live=False, label=None, tags=["a", {"b": 1.5}])
    assert checked_track(track) == track


def test_a_checked_track_shares_nothing_with_the_given_one() -> None:
    track = a_track(tags=["a"], nested={"deep": {"x": [1]}})
    copy = checked_track(track)
    track["tags"].append("b")
    track["nested"]["deep"]["x"].clear()
    track["title"] = "Another"
    assert copy == a_track(tags=["a"], nested={"deep": {"x": [1]}})


def test_keys_of_a_checked_track_keep_their_order() -> None:
    track = dict(reversed(a_track(tags=["a"], year=1).items()))
    assert list(checked_track(track)) == list(track)


@pytest.mark.parametrize("number", [2**63, 10**4000])
def test_whole_numbers_of_a_track_may_be_large(number: int) -> None:
    assert checked_track(a_track(number=number))["number"] == number


@pytest.mark.parametrize("field", ["genres", "artists"])
@pytest.mark.parametrize("value", ["rock", 5, {"rock"}, ["rock", 5], ["rock", None], {"rock": 1}])
def test_further_names_that_are_no_list_of_names_are_refused_with_what_would_be_right(field: str, value: Any) -> None:
    with pytest.raises(
        TrackError, match=rf"^track at position 4 .*: {field} must be a list of names, such as"
    ) as error:
        checked_track(a_track(**{field: value}), 4)
    assert error.value.field == field


def test_several_names_are_kept_as_a_list() -> None:
    given = a_track(genres=("rock", Name.SLOW), artists=None)
    assert typed(checked_track(given)) == typed(a_track(genres=["rock", "slow"], artists=None))


def test_a_track_id_stands_once_in_one_call() -> None:
    with pytest.raises(TrackError, match="already used at position 1 of this call") as caught:
        list(checked_tracks([a_track("a"), a_track("b"), a_track("b")]))
    assert (caught.value.position, caught.value.track_id, caught.value.field) == (2, "b", "track_id")


def test_a_generator_of_tracks_has_ended_when_the_first_copy_is_given() -> None:
    ended = []

    def generated() -> Iterator[Any]:
        yield a_track("a")
        yield a_track("b")
        ended.append(True)

    assert next(checked_tracks(generated()))["track_id"] == "a"
    assert ended


@pytest.mark.parametrize("kind", [list, tuple])
def test_tracks_of_a_list_are_copied_as_they_are_taken(kind: Any) -> None:
    given = [a_track("a"), a_track("b", energy=2)]
    checked = checked_tracks(kind(given))
    assert next(checked) == given[0]
    with pytest.raises(TrackError, match="energy must be from"):
        next(checked)


@pytest.mark.parametrize("field", REQUIRED_FIELDS)
@pytest.mark.parametrize("value", [-(2**20_000), [2**20_000]], ids=["alone", "in a list"])
def test_a_number_that_python_does_not_write_is_refused_in_words(field: str, value: Any) -> None:
    with pytest.raises(TrackError, match="an integer of ") as caught:
        checked_track(a_track(**{field: value}))
    assert caught.value.field == field
