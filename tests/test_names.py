"""When two names are one name, and what becomes of a store that was written when they were two."""

import json
import sqlite3
import unicodedata
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfzz_core import Config, Engine
from qfzz_core.model.names import normalise, normalise_genre
from qfzz_core.model.weights import WEIGHT_FIELDS
from qfzz_core.storage.decoding import ANYWHERE
from qfzz_core.storage.normal_forms import renewed_forms
from qfzz_core.testing.samples import a_track

HYPHEN = "JAY\u2010Z"  # as the catalogues of labels write it


@pytest.mark.parametrize(
    "spellings",
    [
        ("Jay-Z", HYPHEN, "jay\u2013z", "JAY\u2212Z", "JAY\uff0dZ", " jay\u2011z "),
        ("Don't", "don\u2019t", "DON\u2018T", "don`t", "don\u00b4t", "don\u02bct", "don\u201bt"),
        ('"Weird Al"', "\u201cWeird Al\u201d", "\u201eweird al\u201f"),
        ("a b", "a  b", "A\u00a0b", "a\t\nb ", "a\u3000b"),
    ],
)
def test_spellings_that_differ_in_signs_are_one_name(spellings: tuple[str, ...]) -> None:
    assert {normalise(each) for each in spellings} == {spellings[0].lower()}


def test_a_space_is_no_hyphen_but_in_genres() -> None:
    assert normalise("JAY Z") != normalise("Jay-Z")
    assert {normalise_genre(each) for each in ("hip hop", "Hip-Hop", "hip_hop", "hip\u2013hop", "hip - hop")} == {
        "hip hop"
    }
    assert normalise_genre("--") == "-"
    assert normalise_genre(" \t") == ""


def test_every_dash_of_unicode_is_a_hyphen() -> None:
    dashes = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Pd"]
    assert {normalise(f"a{dash}b") for dash in dashes} == {"a-b"}


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_a_normal_form_is_its_own_and_has_no_run_of_white_space(name: str) -> None:
    for normal in (normalise, normalise_genre):
        form = normal(name)
        assert normal(form) == form
        assert form == " ".join(form.split())


# ---- stores of an older version --------------------------------------------------------------------------------------


def old_form(name: str) -> str:
    """The form by which names compared in stores of schema 1 and 2."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return unicodedata.normalize("NFKC", folded).strip()


def older_store(path: Path) -> str:
    """Make a store as version 2 left it: names with a typographic hyphen are other names; return its URL."""
    url = f"sqlite:///{path}"
    with Engine(store=url, config=Config()) as engine:
        engine.add_content([{**a_track("t1"), "artist": HYPHEN}, {**a_track("t2"), "artist": "Sigur  R\u00f3s"}])
        engine.record_feedback("alice", "t1", "favorite")
        engine.record_feedback("bob", "t2", "like")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for row_id, name in database.execute("SELECT id, name FROM weights").fetchall():
            database.execute("UPDATE weights SET same = ? WHERE id = ?", (old_form(name), row_id))
        (serial,) = database.execute("SELECT serial FROM users WHERE user_id = 'alice'").fetchone()
        second = "INSERT INTO weights (serial, field, same, name, weight) VALUES (?, 'artists', 'jay-z', 'Jay-Z', 0.5)"
        database.execute(second, (serial,))
        changes = json.dumps({"changes": [["artists", "Jay-Z", 0.5]]})
        insert = "INSERT INTO events (serial, kind, timestamp, body) SELECT serial, 'edited', updated_at, ? FROM users"
        database.execute(f"{insert} WHERE user_id = 'alice'", (changes,))
        database.execute("UPDATE states SET key = replace(key, 'jay-z', 'jay\u2010z')")
        database.execute("UPDATE states SET key = replace(key, 'r\u00f3s', ' r\u00f3s')")
        database.execute("UPDATE events SET body = replace(body, 'artist:jay-z', 'artist:jay\u2010z')")
        database.execute("DELETE FROM _sqlite_migrations WHERE name = 'normal_forms'")
        database.execute("PRAGMA user_version=2")
    return url


def test_names_of_an_older_store_are_found_by_any_spelling(tmp_path: Path) -> None:
    url = older_store(tmp_path / "old.db")
    with Engine(store=url, config=Config()) as engine:
        assert engine.store.check() == []
        assert engine.learned("trust", "bob", "artist:sigur r\u00f3s") > 0.5
        engine.record_feedback("bob", "t2", "like")
        profile = engine.get_profile("bob")
        assert profile is not None
        assert profile.artists == {"Sigur  R\u00f3s": 0.2}
        assert engine.check_log("bob") == []


def test_two_spellings_of_an_older_store_are_one_name_that_the_log_can_rebuild(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = older_store(tmp_path / "old.db")
    with caplog.at_level("WARNING", "qfzz.stores"), Engine(store=url, config=Config()) as engine:
        profile = engine.get_profile("alice")
        assert profile is not None
        assert profile.artists == {HYPHEN: 0.5}
        engine.record_feedback("alice", "t1", "like")
        assert profile.artists == {HYPHEN: 0.6}
        assert engine.rebuild("alice") == []
        assert engine.learned("trust", "alice", "artist:jay-z") > 0.5
    assert "1 users had names that are one name now" in caplog.text


def test_the_first_spelling_stays_with_the_greater_weight() -> None:
    rows = [
        (1, 10, "artists", old_form(HYPHEN), HYPHEN, 0.2),
        (1, 11, "artists", "jay-z", "Jay-Z", 0.5),
        (1, 12, "artists", old_form("jay\u2013z"), "jay\u2013z", 0.1),
        (1, 13, "genres", "rock", "rock", 0.1),
        (2, 14, "artists", "jay-z", "Jay-Z", 0.9),
        (2, 15, "nonsense", "x", "x", 0.9),
    ]
    states = [(1, "trust", "artist:jay\u2010z"), (1, "trust", "creator:jay\u2010z"), (2, "trust", None)]
    found = renewed_forms(rows, states)
    assert found.dropped == [11, 12]
    assert found.weights == [(0.5, 10)]
    assert found.forms == [("jay-z", 10)]
    assert found.states == [("artist:jay-z", 1, "trust", "artist:jay\u2010z")]
    assert found.merged_users == {1}


def test_a_user_who_is_kept_whole_gets_the_forms_of_today() -> None:
    weights = {field: {} for field in WEIGHT_FIELDS}
    weights["artists"] = {old_form(HYPHEN): [HYPHEN, 0.2], "jay-z": ["Jay-Z", 0.5]}
    scalars = {
        "created_at": "2026-01-01T00:00:00+00:00",
        "updated_at": "2026-01-01T00:00:00+00:00",
        "energy_level": 0.5,
        "tempo_preference": "medium",
        "discovery_factor": 0.3,
    }
    body = {"scalars": scalars, "weights": weights, "states": {"trust": {"artist:jay\u2010z": [1.0, 0.0]}}}
    _, found, states = ANYWHERE.whole_user("alice", (1, 1), body)
    assert found == {("artists", "jay-z"): (HYPHEN, 0.5)}
    assert states == {("trust", "artist:jay-z"): [1.0, 0.0]}


def test_an_older_log_may_begin_with_what_is_two_spellings_of_one_name_now() -> None:
    body = json.dumps({"changes": [["artists", None, {HYPHEN: 0.2, "Jay-Z": 0.5}]]})
    event = ANYWHERE.event((1, "created", "2026-01-01T00:00:00+00:00", None, body))
    assert event.changes[0].value == {HYPHEN: 0.2, "Jay-Z": 0.5}
