"""Plain data as JSON text, one by one and all at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from qfzz_core.json_texts import decoded, decoded_all, encoded, encoded_all

SCALARS = some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False)
VALUES = some.recursive(
    SCALARS | some.text(some.characters(exclude_categories=["Cs"])),
    lambda inside: some.lists(inside, max_size=4) | some.dictionaries(some.text("ab,{}", max_size=3), inside),
    max_leaves=8,
)
DICTS = some.dictionaries(some.text("ab,{}\0", max_size=3), VALUES, max_size=3)


@given(some.lists(DICTS, max_size=5))
def test_several_dicts_have_the_texts_that_each_has_alone(values: list[dict[str, object]]) -> None:
    assert encoded_all(values) == [encoded(value) for value in values]


@pytest.mark.parametrize("value", [{"a": [{}, None, {}]}, {"a": "},null,{"}, {"},null,{": 1}])
def test_what_looks_like_the_boundary_between_two_dicts_is_none(value: dict[str, object]) -> None:
    assert encoded_all([value, {}, value]) == [encoded(value), "{}", encoded(value)]


@given(some.lists(DICTS, max_size=5))
def test_texts_say_again_what_they_were_made_of(values: list[dict[str, object]]) -> None:
    assert decoded_all(encoded_all(values)) == values == [decoded(encoded(value)) for value in values]
    assert [list(value) for value in decoded_all(encoded_all(values))] == [list(value) for value in values]
