"""Plain data as JSON text, one by one and all at once."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from qfzz_core.model.json_codec import decoded, decoded_all, encoded, encoded_all, encoder

SCALARS = some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False)
VALUES = some.recursive(
    SCALARS | some.text(some.characters(exclude_categories=["Cs"])),
    lambda inside: some.lists(inside, max_size=4) | some.dictionaries(some.text("ab,{}", max_size=3), inside),
    max_leaves=8,
)
DICTS = some.dictionaries(some.text("ab,{}\0", max_size=3), VALUES, max_size=3)


@given(some.lists(DICTS, max_size=5))
def test_several_dicts_are_encoded_as_each_is_alone(values: list[dict[str, object]]) -> None:
    assert encoded_all(values) == [encoded(value) for value in values]


@pytest.mark.parametrize("value", [{"a": [{}, None, {}]}, {"a": "},null,{"}, {"},null,{": 1}])
def test_what_looks_like_the_boundary_between_two_dicts_is_none(value: dict[str, object]) -> None:
    assert encoded_all([value, {}, value]) == [encoded(value), "{}", encoded(value)]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(some.lists(DICTS, max_size=5))
def test_what_was_encoded_is_decoded_again(values: list[dict[str, object]]) -> None:
    assert decoded_all(encoded_all(values)) == values == [decoded(encoded(value)) for value in values]
    assert [list(value) for value in decoded_all(encoded_all(values))] == [list(value) for value in values]


@given(VALUES)
def test_without_a_compiled_encoder_the_text_is_the_same(value: object) -> None:
    assert encoder(None)(value) == encoded(value)


def test_a_compiled_encoder_that_gives_another_text_is_not_used() -> None:
    assert encoder(lambda *options: lambda value, level: ["something else"])([1]) == "[1]"


@pytest.mark.parametrize("value", [float("nan"), {"a": float("inf")}])
def test_what_json_cannot_say_has_no_text(value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encoded(value)


def test_what_is_of_no_plain_type_has_no_text() -> None:
    with pytest.raises(TypeError, match="set is not JSON serializable"):
        encoded([set()])


@pytest.mark.parametrize("text", ["", "[1", "[1]]", "[1] x"])
def test_a_damaged_text_says_nothing(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|Expecting"):
        decoded(text)
