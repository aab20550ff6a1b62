"""Strings and vocabularies in a few arrays, held against lists and dictionaries."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfzz_core.model import strings as strings_module
from qfzz_core.model.names import exact, normalise, normalise_all, normalise_genre
from qfzz_core.model.strings import EncodedStrings, StringIndex, hash_of
from qfzz_core.model.vocabulary import Vocabulary

quick = settings(max_examples=80, deadline=None)

NAME = st.one_of(
    st.text(st.sampled_from("ab -_\0İß\ud800"), max_size=20),
    st.text(max_size=30),
    st.sampled_from(["", "Björk", "BJÖRK ", "Bjo\u0308rk", "x" * 100]),
)
NAMES = st.lists(NAME, max_size=40)
DISTINCT = st.lists(NAME, max_size=40, unique=True)


def of_all(strings: StringIndex) -> list[str]:
    return [strings.string(number) for number in range(len(strings))]


@quick
@given(DISTINCT, NAMES)
def test_strings_are_found_by_number_and_by_string(held: list[str], wanted: list[str]) -> None:
    strings = StringIndex.of(held)
    expected = [held.index(string) if string in held else -1 for string in [*wanted, *held]]
    assert of_all(strings) == held
    assert [strings.find(string) for string in [*wanted, *held]] == expected
    assert strings.find_all(EncodedStrings.of([*wanted, *held])).tolist() == expected


@quick
@given(NAMES)
def test_a_string_has_one_hash_however_it_is_made(names: list[str]) -> None:
    encoded = EncodedStrings.of(names)
    assert encoded.hashes().tolist() == [hash_of(name.encode("utf-8", "surrogatepass")) for name in names]


@quick
@given(DISTINCT, NAMES)
def test_strings_whose_hashes_collide_are_still_distinguished(held: list[str], wanted: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EncodedStrings, "hashes", lambda encoded: np.full(len(encoded), 7, np.uint32))
        patch.setattr(strings_module, "hash_of", lambda data: 7)
        test_strings_are_found_by_number_and_by_string.hypothesis.inner_test(held, wanted)  # type: ignore[attr-defined]


@quick
@given(DISTINCT, st.integers(0, 40), st.data())
def test_strings_are_joined_and_selected_as_lists_are(held: list[str], cut: int, data: st.DataObject) -> None:
    joined = StringIndex.of(held[:cut]).followed_by(StringIndex.of(held[cut:]))
    assert of_all(joined) == held
    assert [joined.find(string) for string in held] == list(range(len(held)))
    numbers = data.draw(st.lists(st.integers(0, len(held) - 1), unique=True)) if held else []
    chosen = joined.select(np.array(numbers, dtype=np.intp))
    assert of_all(chosen) == [held[number] for number in numbers]
    assert [chosen.find(string) for string in held] == [
        numbers.index(number) if number in numbers else -1 for number in range(len(held))
    ]


def test_many_strings_are_hashed_and_selected_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"name {number}" for number in range(100)]
    whole = StringIndex.of(names)
    monkeypatch.setattr(strings_module, "_CHUNK", 7)
    chunked = StringIndex.of(names)
    assert chunked.hashes.tolist() == whole.hashes.tolist()
    assert of_all(chunked.select(np.arange(99, -1, -1))) == names[::-1]


@quick
@given(NAMES)
def test_names_are_normalised_together_as_they_are_alone(names: list[str]) -> None:
    for normal in (normalise, normalise_genre, exact):
        assert list(normalise_all(names, normal)) == [normal(name) for name in names]


# Vocabularies


def test_a_vocabulary_knows_a_name_by_any_of_its_spellings() -> None:
    vocabulary = Vocabulary(normalise)
    assert vocabulary.encode_all(["Björk", "ABBA", " BJÖRK", "Bjo\u0308rk"]).tolist() == [0, 1, 0, 0]
    assert [vocabulary.code(name) for name in ("abba", "björk", "Who")] == [1, 0, -1]
    assert [vocabulary.name(code) for code in (0, 1, -1)] == ["björk", "abba", None]


@pytest.mark.parametrize("settled", [1, 3, 1000])
@pytest.mark.parametrize("remembered", [0, 4, 1000])
@settings(max_examples=40, deadline=None)
@given(batches=st.lists(NAMES, max_size=8), settling=st.sets(st.integers(0, 7)), wanted=NAMES)
def test_a_vocabulary_counts_up_the_normal_forms_as_they_come(
    settled: int, remembered: int, batches: list[list[str]], settling: set[int], wanted: list[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qfzz_core.model.vocabulary._INDEXED", settled)
        patch.setattr("qfzz_core.model.vocabulary._REMEMBERED", remembered)
        patch.setattr("qfzz_core.model.vocabulary._FEW", 3)
        check_vocabulary(batches, settling, wanted)


def check_vocabulary(batches: Sequence[Sequence[str]], settling: set[int], wanted: list[str]) -> None:
    vocabulary = Vocabulary(normalise)
    expected: dict[str, int] = {}
    for place, names in enumerate(batches):
        codes = vocabulary.encode_all([*names, None])
        assert codes.dtype == np.int32
        assert codes.tolist() == [*(expected.setdefault(normalise(name), len(expected)) for name in names), -1]
        known = [expected.get(normalise(name), -1) for name in wanted]
        assert vocabulary.codes(wanted).tolist() == vocabulary.codes(iter(wanted)).tolist() == known
        if place in settling:
            vocabulary.settle()
    assert len(vocabulary) == len(expected)
    assert [vocabulary.name(code) for code in range(len(expected))] == list(expected)
    assert of_all(vocabulary.strings()) == list(expected)
    backwards = np.arange(len(expected))[::-1]
    twice = np.concatenate([backwards, backwards[:3]])
    assert vocabulary.names(twice) == [vocabulary.name(code) for code in twice]
    assert vocabulary.names(np.append(twice, -1)) == [*vocabulary.names(twice), None]
    assert of_all(vocabulary.strings(backwards)) == list(expected)[::-1]
    assert Vocabulary(normalise, vocabulary.strings()).codes(wanted).tolist() == vocabulary.codes(wanted).tolist()


def test_a_name_that_was_not_there_is_found_when_a_track_has_it() -> None:
    vocabulary = Vocabulary(normalise)
    assert [vocabulary.code("ABBA"), vocabulary.code("ABBA")] == [-1, -1]
    vocabulary.encode_all(["Abba"])
    assert vocabulary.code("ABBA") == 0
