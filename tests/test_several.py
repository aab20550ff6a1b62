"""Tracks of several genres and artists: what columns, requests, learning and explanations make of them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfzz import PersonalizedDJ
from qfzz_core import CategoryFilter, CategoryTable, Column, Engine, hookimpl
from qfzz_core.config import load_config
from qfzz_core.errors import DocumentError, InvalidInput, StoreCorruptError
from qfzz_core.model import vocabulary as vocabulary_module
from qfzz_core.model.events import STORED_FEATURES
from qfzz_core.model.names import exact, normalise
from qfzz_core.model.vocabulary import Names, Vocabulary
from qfzz_core.storage import event_of, profile_document
from qfzz_core.storage.user_documents import record_from_document
from qfzz_core.testing.samples import TIME, a_track
from qfzz_plugins.stores.memory import MemoryStore

NAME = st.sampled_from(["a", "A ", "b", "B", "ß", "ss", "d e", "", " \x1f", "a\x1fb"])
NAMES = st.none() | NAME | st.lists(NAME, min_size=1, max_size=4).map(tuple)


# The vocabulary


def plainly(names: Names) -> tuple[str, ...]:
    """The normal forms of a track's names: the first one first, the others sorted, each once, no blank one."""
    forms = list(map(normalise, (names,) if isinstance(names, str) else names or ()))
    forms = list(filter(None, forms)) or forms
    return (*forms[:1], *sorted({*forms} - {*forms[:1]}))


def check_vocabulary(vocabulary: Vocabulary, batches: Sequence[Sequence[Names]]) -> None:
    every = [names for batch in batches for names in batch]
    codes = vocabulary.encode_all(every)
    assert vocabulary.all_names(codes) == list(map(plainly, every))
    assert vocabulary.names(codes) == [(plainly(names) or (None,))[0] for names in every]
    members = [[vocabulary.name(code) for code in some] for some in vocabulary.members(codes)]
    assert members == [list(plainly(names)) or [None] for names in every]
    assert vocabulary.primaries(codes).tolist() == [some[0] for some in vocabulary.members(codes)]
    for wanted in (["a"], ["SS", "none"], ["b", "d e"], []):
        having = vocabulary.having(*wanted)
        assert having.dtype == np.int32
        assert (np.diff(having) > 0).all()
        named = [bool({*map(normalise, wanted)} & {*plainly(names)}) for names in every]
        assert np.isin(codes, having).tolist() == named


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(NAMES, max_size=6), max_size=6), st.integers(0, 6), st.sampled_from([1, 3, 1000]))
def test_a_vocabulary_knows_the_names_of_every_code_however_it_came_to_them(
    batches: list[list[Names]], restored: int, beside: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary_module, "_BESIDE", beside)
        vocabulary = Vocabulary(normalise)
        for place, batch in enumerate(batches):
            vocabulary.encode_all(batch)
            if place == restored:
                vocabulary.settle()
                vocabulary = Vocabulary(normalise, vocabulary.strings())
            check_vocabulary(vocabulary, batches[: place + 1])


def test_names_that_compare_exactly_are_never_several() -> None:
    vocabulary = Vocabulary(exact)
    codes = vocabulary.encode_all(["a\x1fb", "a", "a b"])
    assert vocabulary.all_names(codes) == [("a\x1fb",), ("a",), ("a b",)]
    again = Vocabulary(exact, vocabulary.strings())
    assert again.having("a").tolist() == [1]
    assert again.name(0) == "a\x1fb"


@pytest.mark.parametrize("wrong", [{"kind": "tags"}, {"compare": "exact"}, {"provider": len}, {"further": 5}])
def test_only_categories_that_compare_by_name_have_further_names(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="further must be the key of a track"):
        Column(**{"name": "label", "kind": "category", "further": "labels", **wrong})


def test_a_configured_column_reads_several_names_and_fills_in_what_is_missing(tmp_path: Path) -> None:
    config = tmp_path / "qfzz.toml"
    config.write_text('[columns.label]\nkind = "category"\nfurther = "labels"\nmissing = "none"', "utf-8")
    given: list[dict[str, Any]] = [{"label": "A", "labels": ["B"]}, {"labels": ["B"]}, {"labels": []}, {"label": "a"}]
    with Engine(store="memory:", config=load_config(config)) as engine:
        engine.add_content([a_track(str(number), **fields) for number, fields in enumerate(given)])
        found = {
            name: {each.track["track_id"] for each in engine.recommend("u", limit=9, where={"label": name})}
            for name in ("A", "b", "none")
        }
    assert found == {"A": {"0", "3"}, "b": {"0", "1"}, "none": {"2"}}


# Requests


def by(track_id: str, artist: str, *artists: str, **values: Any) -> dict[str, Any]:
    return a_track(track_id, artist=artist, artists=list(artists), **values)


def ids(tracks: Sequence[dict[str, Any]]) -> list[str]:
    return [track["track_id"] for track in tracks]


def test_a_condition_finds_a_further_name_and_only_a_track_with_none_of_the_names_passes_its_opposite() -> None:
    class Without:
        name = "without"

        def check(self, option: Any) -> None:
            pass

        def prepare(self, request: Any, option: Any) -> Any:
            return CategoryFilter(column="artist", names=option, exclude=True)

    class Plugin:
        @hookimpl
        def qfzz_filters(self) -> list[Without]:
            return [Without()]

    with Engine(store="memory:", seed=1, plugins=[Plugin()]) as engine:
        engine.add_content([by("1", "A", "B"), by("2", "B"), by("3", "C", "A"), by("4", "D")])
        found = {
            name: sorted(each.track["track_id"] for each in engine.recommend("u", limit=9, where={name: names}))
            for name, names in (("artist", ["b"]), ("without", ["A"]))
        }
    assert found == {"artist": ["1", "2"], "without": ["2", "4"]}


def test_a_track_counts_for_each_of_its_artists_and_only_if_it_is_kept() -> None:
    with PersonalizedDJ() as dj:
        dj.add_content([by("1", "A", "B"), by("2", "B", "C"), by("3", "C"), by("4", "C", "D"), by("5", "D")])
        found = dj.recommend("u", {"discovery_factor": 0.0}, limit=5, max_per_artist=1)
    assert ids(found) == ["1", "3", "5"]  # C of the second does not count, for B had it left out


def test_a_penalty_holds_only_if_all_names_have_it() -> None:
    class Penalty:
        name = "penalty"
        weight = 1.0

        def prepare(self, request: Any) -> CategoryTable:
            return CategoryTable(column="artist", values={"A": 0.25, "B": 0.5}, default=1.0)

    class Plugin:
        @hookimpl
        def qfzz_factors(self) -> list[Penalty]:
            return [Penalty()]

    tracks = [by("1", "A"), by("2", "A", "B"), by("3", "A", "C"), by("4", "C")]
    with Engine(store="memory:", plugins=[Plugin()]) as engine:
        engine.add_content(tracks)
        values = [
            next(factor.value for factor in engine.explain("u", track["track_id"]).factors if factor.name == "penalty")
            for track in tracks
        ]
    assert values == [0.25, 0.5, 1.0, 1.0]


def test_a_reason_names_the_genre_and_the_artist_that_count() -> None:
    profile = {"genres": {"Blues": 0.5, "rock": 0.9}, "artists": {"Ella Fitzgerald": 0.6, "miles davis": 0.2}}
    with PersonalizedDJ() as dj:
        dj.add_content([by("1", "Miles Davis", "ELLA FITZGERALD", genre="pop", genres=["Jazz", "folk"])])
        genre, artist, *_ = dj.explain("u", "1", profile).factors
    assert (genre.value, genre.reason) == (0.5, "similar to Blues, which you like")
    assert (artist.value, artist.reason) == (0.6, "you like ELLA FITZGERALD")


def test_what_an_older_store_holds_under_these_keys_is_left_as_it_is_and_not_used() -> None:
    store = MemoryStore()
    old = a_track("1", genres="rock", artists=["B", 7])
    store.write_tracks([old, a_track("2", genres=["rock"])])
    with Engine(store=store) as engine:
        found = engine.recommend("u", preferences={"genres": {"rock": 1.0}, "discovery_factor": 0.0}, limit=2)
        assert [each.track["track_id"] for each in found] == ["2", "1"]
        assert found[1].track == old
        assert engine.unusable_values() == {"genre": 1, "artist": 1}
        engine.record_feedback("u", "1", "like")
        assert dict(engine.get_profile("u").artists) == {"Miles Davis": 0.1}


# Learning


def test_further_names_move_by_half_the_strength_and_never_twice() -> None:
    track = by(
        "1", "Miles Davis", "MILES DAVIS", "Gil Evans", "gil evans ", genre="jazz", genres=[" ", "Cool_Jazz", "Jazz"]
    )
    with PersonalizedDJ() as dj:
        dj.add_content([track])
        dj.get_or_create_profile("u", {"genres": {"cool jazz": 0.5}})
        for rating in (None, 1.0):
            dj.record_feedback("u", "1", "like", rating)
        profile = dj.get_profile("u")
        assert profile is not None
        assert dict(profile.genres) == {"cool jazz": 0.6, "jazz": 0.2}
        assert dict(profile.artists) == {"Miles Davis": 0.2, "Gil Evans": 0.1}
        assert dj.engine.check_log("u") == []
        (features,) = {event.interaction.features for event in dj.engine.store.events("u") if event.interaction}
        assert (features.genres, features.artists) == (("Cool_Jazz",), ("Gil Evans",))


def test_a_user_who_learned_of_several_names_is_exported_and_imported_whole() -> None:
    with PersonalizedDJ() as dj:
        dj.add_content([by("1", "A", "B"), by("2", "C")])
        for track_id in "12":
            dj.record_feedback("u", track_id, "like")
        log = [event.interaction for event in dj.engine.store.events("u")]
        document = profile_document(dj.engine.store.record("u"))
    first, second = (event["interaction"][STORED_FEATURES] for event in document["events"] if event["interaction"])
    assert first["artists"] == ["B"]
    assert "genres" not in first
    assert "artists" not in second
    assert [event.interaction for event in record_from_document(document).events] == log
    first["artists"] = ["B", 5]
    with pytest.raises(DocumentError, match=r"\.artists\[1\] must be text"):
        record_from_document(document)


@pytest.mark.parametrize("names", ["rock", [5], None])
def test_further_names_in_a_log_that_are_no_list_of_text_are_damage(names: Any) -> None:
    stored = ["jazz", "Miles Davis", "calm", "artist:miles davis", [], names]
    body = {"track_id": "t1", "type": "like", "rating": None, "strength": 0.1, STORED_FEATURES: stored}
    with pytest.raises(StoreCorruptError, match="further genres or artists"):
        event_of((1, "feedback", TIME, None, json.dumps(body)))
