"""Structuring the options of a plugin: strictly, and with sentences for whoever wrote them."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, TypedDict

import attrs
import cattrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfzz_core.config import Config, parse_config
from qfzz_core.config.converter import strict_converter
from qfzz_core.config.structuring import structure
from qfzz_core.errors import ConfigError

TABLE = ("plugins", "radio")


class Shade(enum.Enum):
    """A choice by text."""

    LIGHT = "light"
    DARK = "dark"


class Level(enum.IntEnum):
    """A choice by number."""

    LOW = 1
    HIGH = 2


class TurnTable:
    """Nothing that a configuration could say."""


UserId = NewType("UserId", str)


class Percent(float):
    """A number with a name."""


@attrs.frozen
class Rule:
    """A table inside the options."""

    low: int
    high: int = 10

    def __attrs_post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("the lower end lies above the upper one")


@dataclass(frozen=True)
class Point:
    """Options may be a dataclass too."""

    x: float
    y: float = 0.0


class Pair(TypedDict):
    """Or a dictionary with known keys."""

    left: int


@attrs.frozen
class Node:
    """A class that holds itself."""

    name: str
    below: list[Node] = attrs.field(factory=list)


def options(**types: Any) -> type:
    """Return an attrs class with one required attribute of each type."""
    return attrs.make_class("Options", {name: attrs.field(type=kind) for name, kind in types.items()}, frozen=True)


def structured(kind: Any, value: Any) -> Any:
    return Config().structure(TABLE, {"x": value}, options(x=kind)).x


def refusal(kind: Any, value: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        structured(kind, value)
    return str(caught.value).removeprefix("configuration: [plugins.radio] ")


# ---- no value becomes another --------------------------------------------------------------------------------------

SCALARS = [bool, int, float, str, bytes, datetime, date, time]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(), st.integers(), max_size=2),
)


@settings(deadline=None)  # cattrs writes and compiles a function for each example
@given(st.sampled_from(SCALARS), VALUES)
def test_a_value_is_taken_as_it_is_or_not_at_all(kind: type, value: Any) -> None:
    finite = not isinstance(value, float) or math.isfinite(value)
    whole_for_float = kind is float and type(value) is int
    if (type(value) is kind and finite) or whole_for_float:
        result = structured(kind, value)
        assert result == kind(value) if whole_for_float else result == value
        assert type(result) is kind
    else:
        assert refusal(kind, value).startswith("x must be ")


@settings(deadline=None)  # cattrs writes and compiles a function for each example
@given(VALUES)
def test_a_list_is_never_made_of_anything_else(value: Any) -> None:
    if isinstance(value, list):
        assert structured(tuple[int, ...], value) == tuple(value)
    else:
        assert refusal(tuple[int, ...], value).startswith("x must be a list, got ")


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Any, math.inf, math.inf),
        (int | None, None, None),
        (int | str, "1", "1"),
        (int | str, 1, 1),
        (int | list[int] | None, None, None),
        (int | list[int], [1], [1]),
        (list, [1, "a"], [1, "a"]),
        (dict, {"a": 1}, {"a": 1}),
        (frozenset[str], ["a", "b"], frozenset({"a", "b"})),
        (Sequence[float], [1, 0.5], (1.0, 0.5)),
        (tuple[int, str], [1, "a"], (1, "a")),
        (dict[str, list[int]], {"a": [1]}, {"a": [1]}),
        (Mapping[str, Mapping[str, float]], {"a": {"b": 1}}, {"a": {"b": 1.0}}),
        (Path, "a/b", Path("a/b")),
        (Path, Path("a/b"), Path("a/b")),
        (UserId, "alice", "alice"),
        (Percent, 1, Percent(1.0)),
        (Annotated[int, "a count"], 3, 3),
        (Literal["a", 1], 1, 1),
        (Shade, "dark", Shade.DARK),
        (Literal[Shade.DARK], "dark", Shade.DARK),
        (Level, 2, Level.HIGH),
        (Rule, {"low": 1}, Rule(1)),
        (Point, {"x": 1}, Point(1.0)),
        (Pair, {"left": 1}, {"left": 1}),
        (Node, {"name": "a", "below": [{"name": "b"}]}, Node("a", [Node("b")])),
    ],
)
def test_what_fits_is_taken(kind: Any, value: Any, expected: Any) -> None:
    assert structured(kind, value) in (expected, list(expected) if isinstance(expected, tuple) else expected)


# ---- what is said of what does not fit -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        (int, True, "x must be a whole number, got true"),
        (int, 1.0, "x must be a whole number, got 1.0"),
        (str, 1, "x must be text, got 1"),
        (str, None, "x must be text, got None"),
        (bool, 1, "x must be true or false, got 1"),
        (float, math.nan, "x must be a finite number, got nan"),
        (float, "0.5", 'x must be a finite number, got "0.5"'),
        (float, 10**400, "x must be a finite number, got 1" + "0" * 59 + "..."),
        (date, datetime(2020, 1, 2, tzinfo=UTC), "x must be a date, got 2020-01-02 00:00:00+00:00"),
        (Path, 3, "x must be a path, got 3"),
        (str, ["a"], "x must be text, got a list"),
        (int, {}, "x must be a whole number, got a table"),
        (int, "e\x1b" * 40, 'x must be a whole number, got "' + "e\\u001b" * 30 + '..."'),
        (int | None, "1", 'x must be a whole number, got "1"'),
        (int | str | None, 1.5, "x must be a whole number or text, got 1.5"),
        (tuple[int, int], [1], "x must be a list of 2, got a list"),
        (tuple[str, str], "ab", 'x must be a list of 2, got "ab"'),
        (list[int], [1, "2"], 'x[1] must be a whole number, got "2"'),
        (Literal["documented", "graded"], "x", 'x must be "documented" or "graded", got "x"'),
        (Literal["one", "two", 3], "twoo", 'x must be "one", "two" or 3, got "twoo", did you mean "two"?'),
        (Literal["full"] | bool, "ful", 'x must be "full" or true or false, got "ful", did you mean "full"?'),
        (Literal[1], True, "x must be 1, got true"),
        (Shade, "drak", 'x must be "light" or "dark", got "drak", did you mean "dark"?'),
        (Level, 3, "x must be 1 or 2, got 3"),
        (Level, True, "x must be 1 or 2, got true"),
        (Rule, 3, "x must be a table, got 3"),
        (Rule | str, 3, "x must be a table or text, got 3"),
        (Point, [1], "x must be a table, got a list"),
        (list[Rule], [{"low": "a"}], 'x[0].low must be a whole number, got "a"'),
        (list[Rule], [{"low": 1}, {"low": 1, "hihg": 2}], 'x[1]: unknown key "hihg", did you mean "high"?'),
        (list[Rule], [{"low": 11}], "x[0]: the lower end lies above the upper one"),
    ],
)
def test_a_refusal_says_what_it_must_be_and_what_it_is(kind: Any, value: Any, sentence: str) -> None:
    assert refusal(kind, value) == sentence


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        (dict[str, int], {"a b": "1"}, '[plugins.radio.x] "a b" must be a whole number, got "1"'),
        (Rule, {}, "[plugins.radio.x] low is missing; it must be a whole number"),
        (Rule | str, {"low": 1.5}, "[plugins.radio.x] low must be a whole number, got 1.5"),
        (Rule, {"low": 11}, "[plugins.radio.x] the lower end lies above the upper one"),
        (Point, {"x": 1, "xx": 1}, '[plugins.radio.x] unknown key "xx", did you mean "x"?'),
        (Pair, {"left": "1"}, '[plugins.radio.x] left must be a whole number, got "1"'),
        (Pair, {"left": 1, "z": 1}, '[plugins.radio.x] unknown key "z", expected "left"'),
    ],
)
def test_inside_a_table_its_own_header_is_named(kind: Any, value: Any, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        structured(kind, value)
    assert str(caught.value) == f"configuration: {sentence}"


@attrs.frozen
class Checked:
    """Options with the validators of attrs and of their author."""

    depth: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    tag: str = attrs.field(default="abc", validator=attrs.validators.min_len(3))
    high: int = attrs.field(default=9)
    broken: int = attrs.field(default=1)
    made: int = attrs.field(default=0, init=False)

    @high.validator
    def _check_high(self, _: Any, high: int) -> None:
        if high < self.depth:
            raise ValueError(f"high must not be below depth, got {high}")

    def __attrs_post_init__(self) -> None:
        if self.broken > 1:
            raise LookupError(self.broken)


OPTIONS = 'seed = 1\n\n[plugins.radio]  # all of them\nbroken = 1\n"depth" = 1\ntag = """\nxyz"""\nhigh = 5\n'


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({"depth": 0}, "qfzz.toml:5: [plugins.radio] depth must be >= 1: 0"),
        ({"tag": "x"}, "qfzz.toml:6: [plugins.radio] Length of 'tag' must be >= 3: 1"),
        ({"depth": 5, "high": 2}, "qfzz.toml:8: [plugins.radio] high must not be below depth, got 2"),
        ({"broken": 2}, "qfzz.toml:3: [plugins.radio] LookupError: 2"),
        ({"made": 2}, 'qfzz.toml:3: [plugins.radio] unknown key "made", expected "depth", "tag", "high" or "broken"'),
    ],
)
def test_what_a_validator_refuses_is_said_at_the_line_of_the_key_it_names(raw: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(OPTIONS, "qfzz.toml").structure(TABLE, raw, Checked)
    assert str(caught.value) == sentence


def test_everything_that_is_wrong_is_said_in_the_order_of_the_lines() -> None:
    config = parse_config("[plugins.radio]\nhigh = 1.5\nzzz = 1\ndepth = true\n", "qfzz.toml")
    with pytest.raises(ConfigError) as caught:
        config.structure(TABLE, config.plugins["radio"], Checked, own_keys=("weight",))
    assert str(caught.value).splitlines() == [
        "qfzz.toml:2: [plugins.radio] high must be a whole number, got 1.5",
        'qfzz.toml:3: [plugins.radio] unknown key "zzz", expected "depth", "tag", "high", "broken" or "weight"',
        "qfzz.toml:4: [plugins.radio] depth must be a whole number, got true",
    ]


def test_elements_of_an_array_of_tables_have_their_own_lines() -> None:
    config = parse_config("[[plugins.radio.rules]]\nlow = 1\n[[plugins.radio.rules]]\nhigh = 'x'\n", "qfzz.toml")
    with pytest.raises(ConfigError) as caught:
        config.structure(TABLE, config.plugins["radio"], options(rules=list[Rule]))
    assert str(caught.value).splitlines() == [
        "qfzz.toml:3: [plugins.radio] rules[1].low is missing; it must be a whole number",
        'qfzz.toml:4: [plugins.radio] rules[1].high must be a whole number, got "x"',
    ]


# ---- no options ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own_keys", "sentence"),
    [
        ((), 'unknown key "wieght", it takes no options'),
        (("weight",), 'unknown key "wieght", did you mean "weight"?'),
        (("url",), 'unknown key "wieght", it takes no options but "url"'),
    ],
)
def test_without_a_class_there_are_no_options(own_keys: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config().structure(TABLE, {"wieght": 1}, None, own_keys=own_keys)
    assert str(caught.value) == f"configuration: [plugins.radio] {sentence}"


def test_no_options_are_the_defaults() -> None:
    assert Config().structure(TABLE, {}, None) is structure({}, None) is None
    assert Config().structure(TABLE, {}, Checked) == Checked()
    assert Config().structure(TABLE, {}, dict[str, int]) == {}


def test_an_option_without_a_default_must_be_given() -> None:
    with pytest.raises(ConfigError, match=r"^configuration: \[plugins.radio\] low is missing; it must be a whole"):
        Config().structure(TABLE, {}, Rule)
    with pytest.raises(ConfigError, match=r"^configuration: \[plugins.radio\] x is missing; it must be a value$"):
        Config().structure(TABLE, {}, options(x=Any))
    with pytest.raises(ConfigError, match=r"x is missing; it must be text$"):
        Config().structure(TABLE, {}, options(x=UserId))


# ---- the class is wrong --------------------------------------------------------------------------------------------


def test_a_type_that_nothing_can_be_structured_into_is_the_fault_of_the_class() -> None:
    with pytest.raises(cattrs.StructureHandlerNotFoundError):
        structured(TurnTable, "x")


def test_that_fault_is_no_refusal_of_the_value_either_when_it_shows_late() -> None:
    def unsupported(_: Any, cls: type) -> Any:
        raise cattrs.StructureHandlerNotFoundError("unsupported", cls)

    converter = strict_converter()
    converter.register_structure_hook(TurnTable, unsupported)
    with pytest.raises(cattrs.StructureHandlerNotFoundError):
        structure({"x": "y"}, options(x=TurnTable), converter=converter)


def test_what_fails_in_another_way_is_still_said_with_its_place() -> None:
    assert refusal(frozenset[Any], [[]]) == "x cannot be used: unhashable type: 'list'"
