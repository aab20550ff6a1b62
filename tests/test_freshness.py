"""What another process changed is seen by the next call, and looking for it costs little."""

import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.store_urls import Elsewhere, elsewhere_than

from qfzz import PersonalizedDJ
from qfzz_core.contracts.stores import CatalogueChanges, CatalogueToken, Store
from qfzz_core.errors import ForgottenProfileError, UnknownTrackError
from qfzz_core.model.tracks import Track

pytest_plugins = ["support.store_urls"]

PLAIN = {"discovery_factor": 0.0}


def a_track(track_id: str, **values: Any) -> dict[str, Any]:
    track = {"track_id": track_id, "title": track_id.upper(), "artist": f"Artist {track_id}", "genre": "jazz"}
    return {**track, "mood": "calm", "energy": 0.5, "tempo": "medium", "duration": 200, **values}


@pytest.fixture
def dj(store_url: str) -> Iterator[PersonalizedDJ]:
    with PersonalizedDJ(store=store_url, seed=1) as made:
        made.add_content([a_track(f"t{number}") for number in range(5)])
        yield made


@pytest.fixture
def elsewhere(dj: PersonalizedDJ, store_url: str, another_process: ProcessPoolExecutor) -> Elsewhere:
    return elsewhere_than(dj, store_url, another_process)


def listed(dj: PersonalizedDJ, **arguments: Any) -> list[str]:
    return [track["track_id"] for track in dj.recommend("alice", PLAIN, **arguments)]


# ---- the catalogue ---------------------------------------------------------------------------------------------------


def test_tracks_added_elsewhere_are_in_the_next_list(dj: PersonalizedDJ, elsewhere: Elsewhere) -> None:
    assert listed(dj) == ["t0", "t1", "t2", "t3", "t4"]
    elsewhere(PersonalizedDJ.add_content, [a_track("t5"), a_track("best", energy=0.6)])
    assert dj.get_track("best") == a_track("best", energy=0.6)
    assert listed(dj) == ["t0", "t1", "t2", "t3", "t4", "t5", "best"]
    assert dj.explain("alice", "t5").score == dj.explain("alice", "t0").score
    dj.record_feedback("alice", "best", "like")
    assert dj.get_profile("alice").artists == {"Artist best": 0.1}


def test_the_first_tracks_added_elsewhere_take_the_place_of_the_samples(
    store_url: str, another_process: ProcessPoolExecutor
) -> None:
    with PersonalizedDJ(store=store_url) as dj:
        samples = dj.recommend("alice")
        assert len(samples) > 3
        elsewhere_than(dj, store_url, another_process)(PersonalizedDJ.add_content, [a_track("t0")])
        assert listed(dj) == ["t0"]
        assert dj.get_track(samples[0]["track_id"]) is None


def test_a_track_replaced_elsewhere_keeps_its_place_and_is_new_in_every_answer(
    dj: PersonalizedDJ, elsewhere: Elsewhere
) -> None:
    before = dj.explain("alice", "t2").score
    assert listed(dj, where={"genre": "rock"}) == []
    elsewhere(PersonalizedDJ.add_content, [a_track("t2", genre="rock", title="New")])
    assert dj.get_track("t2")["title"] == "New"
    assert [track["title"] for track in dj.recommend("alice", PLAIN)] == ["T0", "T1", "New", "T3", "T4"]
    assert listed(dj, where={"genre": "rock"}) == ["t2"]
    assert dj.explain("alice", "t2", {"genres": {"rock": 1.0}}).score == pytest.approx(before + 0.3)
    dj.record_feedback("alice", "t2", "like")
    assert dj.get_profile("alice").genres == {"rock": 0.1}


def test_a_track_removed_elsewhere_is_in_no_answer(dj: PersonalizedDJ, elsewhere: Elsewhere) -> None:
    assert "t3" in listed(dj)
    assert elsewhere(PersonalizedDJ.remove_content, ["t3", "t0"]) == 2
    assert dj.get_track("t3") is None
    assert listed(dj) == ["t1", "t2", "t4"]
    with pytest.raises(UnknownTrackError):
        dj.explain("alice", "t3")
    dj.record_feedback("alice", "t3", "like")
    assert dj.get_profile("alice").genres == {}
    elsewhere(PersonalizedDJ.add_content, [a_track("t3")])
    assert listed(dj) == ["t1", "t2", "t4", "t3"]


def test_a_track_removed_while_it_is_explained_is_named_as_unknown(
    dj: PersonalizedDJ, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = dj.engine.store.tracks_at

    def read_too_late(positions: Sequence[int]) -> list[Track | None]:
        dj.engine.store.remove_tracks(["t3"])
        return read(positions)

    monkeypatch.setattr(dj.engine.store, "tracks_at", read_too_late)
    with pytest.raises(UnknownTrackError, match="the catalogue has no track 't3'"):
        dj.explain("alice", "t3")
    assert dj.explain("alice", "t2").track_id == "t2"


def test_a_catalogue_emptied_elsewhere_gives_no_list_and_no_samples(dj: PersonalizedDJ, elsewhere: Elsewhere) -> None:
    assert len(listed(dj)) == 5
    elsewhere(PersonalizedDJ.remove_content, [f"t{number}" for number in range(5)])
    assert listed(dj) == []


class Counted:
    """Counts the calls of a store's catalogue, and how many tracks are read."""

    def __init__(self, store: Store, patch: pytest.MonkeyPatch) -> None:
        self.tracks = 0
        self.readings = 0
        self._since = store.catalogue_since
        patch.setattr(store, "catalogue_since", self._read)

    def _read(self, token: CatalogueToken | None) -> CatalogueChanges:
        self.readings += 1
        changes = self._since(token)
        return CatalogueChanges(changes.token, changes.complete, self._counting(changes.written), changes.removed)

    def _counting(self, written: Any) -> Iterator[Any]:
        for item in written:
            self.tracks += 1
            yield item


def test_a_change_of_a_few_tracks_reads_those_few(
    dj: PersonalizedDJ, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    dj.add_content([a_track(f"many {number}") for number in range(5_000)])
    counted = Counted(dj.engine.store, monkeypatch)
    dj.recommend("alice", limit=3)
    assert (counted.readings, counted.tracks) == (1, 5_005)
    elsewhere(PersonalizedDJ.add_content, [a_track("many 7", energy=0.1), a_track("late")])
    assert listed(dj, where={"energy": (0.0, 0.2)}) == ["many 7"]
    assert (counted.readings, counted.tracks) == (2, 5_007)
    elsewhere(PersonalizedDJ.remove_content, ["many 7", "many 8", "t0"])
    assert listed(dj, limit=2) == ["t1", "t2"]
    assert (counted.readings, counted.tracks) == (3, 5_007)
    assert listed(dj)[-2:] == ["many 4999", "late"]


def test_without_a_change_nothing_is_read_again(
    dj: PersonalizedDJ, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(dj.engine.store, monkeypatch)
    for _ in range(5):
        dj.recommend("alice", limit=3)
        dj.explain("alice", "t1")
        elsewhere(PersonalizedDJ.record_feedback, "bob", "t1", "like")
    assert (counted.readings, counted.tracks) == (1, 5)


# ---- users -----------------------------------------------------------------------------------------------------------


def change_preferences(dj: PersonalizedDJ) -> None:
    with dj.edit("alice") as draft:
        draft.genres["rock"] = 0.7
        draft.energy_level = 0.9
        draft.tempo_preference = "fast"
        del draft.genres["blues"]


# Each is a call of the DJ for alice, the next one after something was changed elsewhere.
CALLS: dict[str, Any] = {
    "get_profile": lambda dj: dj.get_profile("alice"),
    "get_or_create_profile": lambda dj: dj.get_or_create_profile("alice"),
    "recommend": lambda dj: dj.recommend("alice", limit=1),
    "explain": lambda dj: dj.explain("alice", "t1"),
    "record_feedback": lambda dj: dj.record_feedback("alice", "unknown", "play"),
    "record_many": lambda dj: dj.record_many([{"user_id": "alice", "track_id": "unknown", "interaction_type": "play"}]),
    "change": lambda dj: dj.engine.live_profiles["alice"].update_mood_preference("calm", 0.5),
}


@pytest.mark.parametrize("call", CALLS)
def test_the_next_call_shows_a_users_new_weights_in_the_object_held_here(
    dj: PersonalizedDJ, elsewhere: Elsewhere, call: str
) -> None:
    held = dj.get_or_create_profile("alice", {"genres": {"blues": 0.3}, "moods": {"calm": 0.5}})
    genres, before = held.genres, held.updated_at
    elsewhere(change_preferences)
    elsewhere(PersonalizedDJ.record_feedback, "alice", "t1", "like")
    CALLS[call](dj)
    assert genres == {"rock": 0.7, "jazz": 0.1}
    assert held.genres is genres
    assert dict(held.artists) == {"Artist t1": 0.1}
    assert (held.energy_level, held.tempo_preference) == (0.9, "fast")
    assert held.updated_at > before
    assert dj.get_profile("alice") is held


def test_a_score_goes_by_weights_learned_elsewhere(dj: PersonalizedDJ, elsewhere: Elsewhere) -> None:
    first = dj.explain("alice", "t4").score
    dj.recommend("alice")
    elsewhere(PersonalizedDJ.record_feedback, "alice", "t4", "favorite")
    assert dj.explain("alice", "t4").score > first
    assert listed(dj)[0] == "t4"
    assert dj.get_trust_score("alice", artist="Artist t4") == pytest.approx(0.75)


def test_history_read_here_has_what_was_recorded_elsewhere(dj: PersonalizedDJ, elsewhere: Elsewhere) -> None:
    held = dj.get_or_create_profile("alice")
    elsewhere(PersonalizedDJ.record_feedback, "alice", "t1", "dislike")
    assert [entry["track_id"] for entry in held.interaction_history] == ["t1"]
    assert "t1" not in listed(dj, where={"disliked": False})


def test_an_event_id_used_elsewhere_is_known_here(dj: PersonalizedDJ, elsewhere: Elsewhere) -> None:
    elsewhere(PersonalizedDJ.record_many, [event := {**CALL, "event_id": "e1"}])
    assert dj.record_many([event]) == 0
    assert dj.get_profile("alice").genres == {"jazz": 0.1}


CALL = {"user_id": "alice", "track_id": "t1", "interaction_type": "like"}

CHANGES: dict[str, Any] = {
    "a weight": lambda profile: profile.update_genre_preference("jazz", 0.1),
    "a key": lambda profile: profile.genres.pop("blues"),
    "a number": lambda profile: setattr(profile, "energy_level", 0.1),
    "a mapping": lambda profile: setattr(profile, "moods", {"calm": 0.1}),
    "an interaction": lambda profile: profile.add_interaction({"track_id": "t1", "type": "play"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_held_profile_of_a_user_forgotten_elsewhere_changes_nothing(
    dj: PersonalizedDJ, elsewhere: Elsewhere, change: str
) -> None:
    held = dj.get_or_create_profile("alice", {"genres": {"blues": 0.3}})
    assert elsewhere(PersonalizedDJ.forget, "alice")
    with pytest.raises(ForgottenProfileError, match="was forgotten"):
        CHANGES[change](held)
    assert list(dj.engine.store.user_ids()) == []
    assert dj.get_profile("alice") is None
    assert held.genres == {"blues": 0.3}
    assert held.interaction_history == []


def test_a_user_forgotten_elsewhere_is_unknown_to_every_answer(dj: PersonalizedDJ, elsewhere: Elsewhere) -> None:
    dj.record_feedback("alice", "t4", "favorite", event_id="e1")
    assert listed(dj)[0] == "t4"
    elsewhere(PersonalizedDJ.forget, "alice")
    assert dj.get_trust_score("alice", artist="Artist t4") == 0.5
    assert dj.explain("alice", "t4").score == dj.explain("nobody", "t4").score
    assert listed(dj)[0] == "t0"
    assert dj.record_many([{**CALL, "event_id": "e1"}]) == 1


def test_a_user_made_again_elsewhere_is_another_one(dj: PersonalizedDJ, elsewhere: Elsewhere) -> None:
    held = dj.get_or_create_profile("alice", {"genres": {"blues": 0.3}})
    elsewhere(PersonalizedDJ.forget, "alice")
    elsewhere(PersonalizedDJ.record_feedback, "alice", "t1", "like")
    with pytest.raises(ForgottenProfileError):
        held.genres["blues"] = 0.5
    new = dj.get_profile("alice")
    assert new is not held
    assert new.genres == {"jazz": 0.1}
    with pytest.raises(ForgottenProfileError):
        held.genres["blues"] = 0.5
    assert new.genres == {"jazz": 0.1}
    assert held.genres == {"blues": 0.3}


# ---- a restored backup -----------------------------------------------------------------------------------------------


def copied(source: Path, target: Path) -> None:
    """Copy a database as `.backup` and `.restore` of SQLite's shell do, under the eyes of whoever has it open."""
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


def test_a_restored_backup_is_seen_to_be_another_history(tmp_path: Path) -> None:
    path, backup = tmp_path / "music.db", tmp_path / "backup.db"
    with PersonalizedDJ(store=f"sqlite:///{path}", seed=1) as dj:
        dj.add_content([a_track("t0"), a_track("t1")])
        copied(path, backup)
        dj.add_content([a_track("lost")])
        assert listed(dj) == ["t0", "t1", "lost"]
        copied(backup, path)
        assert listed(dj) == ["t0", "t1"]
        with PersonalizedDJ(store=f"sqlite:///{path}") as other:
            other.add_content([a_track("instead")])  # the commit of the same number
        assert listed(dj) == ["t0", "t1", "instead"]
        assert dj.get_track("lost") is None


def test_a_backup_that_several_commits_followed_is_read_as_a_whole(tmp_path: Path) -> None:
    path, backup = tmp_path / "music.db", tmp_path / "backup.db"
    with PersonalizedDJ(store=f"sqlite:///{path}", seed=1) as dj:
        dj.add_content([a_track("t0"), a_track("t1")])
        copied(path, backup)
        dj.remove_content(["t1"])
        assert listed(dj) == ["t0"]
        copied(backup, path)
        with PersonalizedDJ(store=f"sqlite:///{path}") as other:
            for number in range(2, 6):
                other.add_content([a_track(f"t{number}")])
        assert listed(dj) == ["t0", "t1", "t2", "t3", "t4", "t5"]


def test_a_user_of_a_restored_backup_is_shown_as_the_backup_has_it(tmp_path: Path) -> None:
    path, backup = tmp_path / "music.db", tmp_path / "backup.db"
    with PersonalizedDJ(store=f"sqlite:///{path}", seed=1) as dj:
        held = dj.get_or_create_profile("alice", {"genres": {"blues": 0.3}})
        copied(path, backup)
        held.genres["lost"] = 0.5
        copied(backup, path)
        assert dj.get_profile("alice").genres == {"blues": 0.3}
        assert held.genres == {"blues": 0.3}


def test_a_user_of_a_restored_backup_who_changed_since_is_shown_as_stored(tmp_path: Path) -> None:
    path, backup = tmp_path / "music.db", tmp_path / "backup.db"
    with PersonalizedDJ(store=f"sqlite:///{path}", seed=1) as dj:
        held = dj.get_or_create_profile("alice", {"genres": {"blues": 0.3}})
        copied(path, backup)
        held.genres["lost"] = 0.5
        dj.recommend("alice")
        copied(backup, path)
        with PersonalizedDJ(store=f"sqlite:///{path}") as other:
            other.get_profile("alice").genres["jazz"] = 0.5  # the change of the same number
        assert dj.get_profile("alice").genres == {"blues": 0.3, "jazz": 0.5}
