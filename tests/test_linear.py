"""Twice as many names, columns, tags, tracks or events take twice the work, never four times."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.built_in import built_in_readers
from support.cli_runs import track
from support.operations import Counted, operations

from qfzz_core import Engine
from qfzz_core.config import Config, load_config, parse_config
from qfzz_core.errors import ConfigError, InvalidInput, did_you_mean
from qfzz_core.importing.job import Import
from qfzz_core.importing.mapping import FieldMapping
from qfzz_core.model.profiles import UserProfile, spelling_of
from qfzz_core.storage.copies import profile_document, record_from_document

SIZE = 150
FIELDS = ("genres", "artists", "moods")


def names(n: int) -> dict[str, float]:
    return {Counted(f"name {number}"): 0.5 for number in range(n)}


def tracks(n: int) -> list[dict[str, Any]]:
    # ids and names of tracks become plain text when they are checked
    return [track(f"t{i}", artist=f"artist {i}", genre=f"genre {i}", mood=f"mood {i}") for i in range(n)]


def engine(n: int = 0) -> Engine:
    made = Engine(installed=(), config=Config.from_dict({"columns": {"labels": {"kind": "tags"}}}))
    made.add_content(tracks(n))
    return made


def events(n: int, users: int = 1) -> list[dict[str, Any]]:
    kinds = {"interaction_type": "like"}
    return [{"user_id": f"u{i % users}", "track_id": f"t{i}", "event_id": f"e{i}", **kinds} for i in range(n)]


# ---- each makes what it needs for a size, and returns the call to be counted ----------------------------------------

Scene = Callable[[int, Path], Callable[[], Any]]
SCENES: dict[str, Scene] = {}


def scene(made: Scene) -> Scene:
    SCENES[made.__name__] = made
    return made


@scene
def names_of_a_profile_in_one_update(n: int, _: Path) -> Callable[[], Any]:
    profile = UserProfile("u")
    return lambda: profile.genres.update(names(n))


@scene
def names_of_a_profile_one_by_one(n: int, _: Path) -> Callable[[], Any]:
    profile = UserProfile("u")
    return lambda: [profile.update_genre_preference(name, 0.5) for name in names(n)]


@scene
def spellings_that_are_looked_for(n: int, _: Path) -> Callable[[], Any]:
    profile = UserProfile("u", names(n))
    return lambda: [spelling_of(profile.genres, "genres", name.upper()) for name in names(n)]


@scene
def names_of_a_profile_that_are_removed(n: int, _: Path) -> Callable[[], Any]:
    profile = UserProfile("u", names(n))
    return lambda: [profile.genres.pop(name) for name in names(n)]


@scene
def names_of_an_edit(n: int, _: Path) -> Callable[[], Any]:
    made = engine()

    def call() -> None:
        with made.edit("u") as draft:
            for name in names(n):
                draft.genres[name] = 0.5
                draft.moods[name] = 0.5
            draft.moods.clear()

    return call


@scene
def names_of_a_live_profile(n: int, _: Path) -> Callable[[], Any]:
    profile = engine().get_or_create_profile("u")
    return lambda: profile.artists.update(names(n))


@scene
def names_of_a_new_user(n: int, _: Path) -> Callable[[], Any]:
    made = engine()
    return lambda: made.get_or_create_profile("u", dict.fromkeys(FIELDS, names(n))).get_top_genres(n)


@scene
def names_of_a_request(n: int, _: Path) -> Callable[[], Any]:
    made = engine(10)
    return lambda: made.recommend("u", dict.fromkeys(FIELDS, names(n)), limit=5)


@scene
def ids_that_a_request_excludes(n: int, _: Path) -> Callable[[], Any]:
    made = engine(10)
    return lambda: made.recommend("u", limit=5, exclude=list(names(n)), where={"genre": list(names(n))})


@scene
def tracks_of_a_catalogue(n: int, _: Path) -> Callable[[], Any]:
    made = engine()

    def call() -> None:
        made.add_content(tracks(n))
        made.recommend("u", limit=n, max_per_artist=1, distinct=True)
        made.remove_content([f"t{i}" for i in range(0, n, 2)])
        made.recommend("u", limit=n)

    return call


@scene
def tracks_added_one_by_one(n: int, _: Path) -> Callable[[], Any]:
    made = engine(1)

    def call() -> None:
        for each in tracks(n):
            made.add_content([each])
            made.recommend("u", limit=1)

    return call


@scene
def tags_of_a_track(n: int, _: Path) -> Callable[[], Any]:
    made = engine()

    def call() -> None:
        made.add_content([track("t", labels=list(names(n)))])
        made.recommend("u", limit=1, where={"labels": list(names(n))})

    return call


@scene
def feedback_of_a_batch(n: int, _: Path) -> Callable[[], Any]:
    made = engine(n)
    return lambda: [made.record_many(events(n)), made.rebuild("u0")]


@scene
def feedback_of_many_users(n: int, _: Path) -> Callable[[], Any]:
    made = engine(n)
    return lambda: made.record_many(events(n, users=n))


@scene
def users_who_are_served_together(n: int, _: Path) -> Callable[[], Any]:
    made = engine(10)
    return lambda: list(made.recommend_many([f"u{i}" for i in range(n)], 3))


@scene
def events_of_a_document(n: int, _: Path) -> Callable[[], Any]:
    made = engine(n)
    made.record_many(events(n))
    document = profile_document(record) if (record := made.store.record("u0")) else None
    return lambda: record_from_document(document)


@scene
def columns_of_a_csv_file(n: int, directory: Path) -> Callable[[], Any]:
    row = {**track("t"), **{f"c{i}": i for i in range(n)}}
    path = directory / "a.csv"
    path.write_text(f"{','.join(row)}\n{','.join(map(str, row.values()))}\n")
    return lambda: list(Import([path], FieldMapping(), built_in_readers(), strict=True))


@scene
def rows_of_a_json_file(n: int, directory: Path) -> Callable[[], Any]:
    path = directory / "a.json"
    path.write_text(json.dumps([*tracks(n), *tracks(n)]))
    return lambda: list(Import([path], FieldMapping(), built_in_readers(), strict=True))


@scene
def columns_of_an_object_of_json(n: int, directory: Path) -> Callable[[], Any]:
    path = directory / "a.jsonl"
    path.write_text(json.dumps({**track("t"), **{f"c{i}": [i] for i in range(n)}}))
    return lambda: list(Import([path], FieldMapping(), built_in_readers(), strict=True))


@scene
def tables_of_a_configuration(n: int, _: Path) -> Callable[[], Any]:
    text = "".join(f"[plugins.p{i}]\na = 1\n" for i in range(n))
    return lambda: parse_config(text).place(("plugins", "p7"))


@scene
def unknown_keys_of_a_configuration(n: int, _: Path) -> Callable[[], Any]:
    text = "".join(f"key{i} = 1\n" for i in range(n))
    return lambda: refused(lambda: parse_config(text))


@scene
def names_that_may_be_meant(n: int, _: Path) -> Callable[[], Any]:
    return lambda: did_you_mean("nome 7", names(n))


def refused(call: Callable[[], Any]) -> None:
    with suppress(InvalidInput):
        call()
        raise AssertionError("it was not refused")


@pytest.mark.parametrize("name", SCENES)
def test_twice_as_much_takes_twice_the_work(name: str, tmp_path: Path) -> None:
    SCENES[name](SIZE // 4, tmp_path)()  # what is made at the first call, such as converters and caches
    once, twice = (operations(SCENES[name](size, tmp_path)) for size in (SIZE, 2 * SIZE))
    assert once > SIZE
    assert twice <= 2.3 * once


def test_the_count_finds_work_that_compiled_code_hides() -> None:
    def hidden(n: int) -> int:
        seen: list[str] = []
        return operations(lambda: [seen.append(name) for name in names(n) if name not in seen])

    assert hidden(2 * SIZE) > 3 * hidden(SIZE)


KEYS = ["[plugins.{}]", "[plugins.x]\n{} = 1", "[plugins.x]\ny = {{ {} = 1 }}", "[[plugins.{}]]"]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("part", ["a", '"b c"'])
def test_a_key_of_thousands_of_parts_is_refused_at_its_line(key: str, part: str) -> None:
    text = key.format(".".join([part] * 20_000))
    with pytest.raises(ConfigError) as caught:
        parse_config(f"seed = 1 # {'.' * 500}\n{text}\n", "qfzz.toml")
    assert str(caught.value) == f"qfzz.toml:{1 + len(text.splitlines())}: this key has more than 100 parts"


def test_many_dots_that_are_no_key_are_no_matter() -> None:
    numbers = ", ".join(f"{number}.5" for number in range(500))
    text = f'[plugins.x]\na = [{numbers}]\nb = "{"a." * 500}"\n' + f"c.d = 1\n# {'a.' * 500}\n"
    assert parse_config(text).plugins["x"]["c"] == {"d": 1}


def test_a_file_that_is_no_configuration_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "qfzz.toml"
    path.write_bytes(b"# " + b"x" * 10_000_000)
    with pytest.raises(ConfigError, match="this is no configuration file: it has more than 10,000,000 bytes"):
        load_config(path)
