"""Odd types, huge numbers and hostile objects, given to everything public that can be called."""

import ast
import random
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import qfzz
import qfzz_core
import qfzz_plugins
from qfzz import PersonalizedDJ, UserProfile
from qfzz_core import Config, Engine, QfzzError, load_config
from qfzz_core.errors import LONGEST_SHOWN, ClockError, ConfigError, FeedbackError, StoreURLError, shown
from qfzz_core.model.names import normalise, normalise_genre

sys.path.append(str(Path(__file__).parents[1]))  # the benchmarks are no part of the installed packages

from benchmarks.robustness.odd_values import HUGE, ODD_VALUES, HostileError, HostileZone, places, put
from benchmarks.robustness.public_calls import EVENT, TRACK, World, written_toml

pytest_plugins = ["support.store_urls"]

WORLD = World()
CALLS = [call.name for call in WORLD.calls()]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


# ---- every call, every odd value ------------------------------------------------------------------------------------


def test_what_can_be_called_is_found_by_looking() -> None:
    assert {"recommend of dj", "plan of engine", "__setitem__ of genres of a live profile", "Column()"} <= {*CALLS}


@pytest.mark.parametrize("index", range(len(CALLS)), ids=CALLS)
def test_an_odd_value_is_taken_or_refused_by_an_error_of_the_family_with_nothing_changed(
    index: int, world: World
) -> None:
    """Every odd value in every parameter, and one of eight in every place inside."""
    call = world.calls()[index]
    drawn = random.Random(CALLS[index])
    assert call.allows(call.raised(call.valid))
    for parameter, valid in call.valid.items():
        for place in places(valid):
            for label in drawn.sample(list(ODD_VALUES), len(ODD_VALUES) // (8 if place else 1)):
                odd, before = ODD_VALUES[label](), world.state()
                raised = call.raised({**call.valid, parameter: put(valid, place, odd)})
                assert call.allows(raised), (parameter, place, label, raised)
                assert raised is None or world.state() == before, (parameter, place, label, raised)


def test_what_one_store_refuses_the_others_refuse(store_url: str) -> None:
    refused = {}
    world = World(store_url)
    for label, make in ODD_VALUES.items():
        for field in EVENT:
            try:
                world.dj.record_many([{**EVENT, field: make()}])
            except QfzzError as error:
                refused[label, field] = type(error)
    world.close()
    assert refused == dict.fromkeys(refused, FeedbackError)


# ---- what is named in the promise ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attempt", "error", "message"),
    [
        (lambda dj: dj.get_trust_score(5, "c1"), ValueError, "user_id must be text, got 5"),
        (lambda dj: dj.get_trust_score("ann", []), ValueError, r"creator_id must be text, got \[\]"),
        (lambda dj: dj.record_many(0), FeedbackError, "events must be a list of mappings, got 0"),
        (lambda dj: dj.record_feedback("ann", "t1", "like", HUGE), FeedbackError, "got an integer of 16610 bits"),
        (lambda dj: dj.recommend("ann", {"genres": {HUGE: 1}}), ValueError, "must be text, got an integer of"),
        (lambda dj: PersonalizedDJ(store={}), StoreURLError, "store must be a URL such as .*, or a store, got {}"),
        (lambda dj: PersonalizedDJ(seed=HUGE), ConfigError, "seed must be a whole number of at most 4,200 digits"),
        (lambda dj: PersonalizedDJ(plugins=5), ConfigError, "plugins must be several objects"),
        (lambda dj: Engine(installed=[1]), ConfigError, "installed must be several names of plugins"),
        (lambda dj: dj.add_content([{**TRACK, "year": [HUGE]}]), ValueError, r"\(track_id 't1'\): year is an integer"),
    ],
)
def test_the_error_says_what_is_wrong(
    attempt: Callable[[PersonalizedDJ], Any], error: type[Exception], message: str, world: World
) -> None:
    with pytest.raises(error, match=message):
        attempt(world.dj)


def test_a_number_of_numpy_is_taken_where_one_of_python_is(world: World) -> None:
    dj = world.dj
    dj.add_content([{**TRACK, "energy": np.float32(0.5), "duration": np.int64(9), "year": np.int64(1959)}])
    track = dj.get_track("t1")
    assert track is not None
    assert [(type(track[key]), track[key]) for key in ("energy", "duration", "year")] == [
        (float, 0.5),
        (int, 9),
        (int, 1959),
    ]
    dj.record_feedback("ann", np.str_("t1"), "like", np.float64(0.9))
    assert len(dj.recommend("ann", limit=np.int64(2), max_per_artist=np.uint8(2))) == 2
    assert len(dj.recommend("ann", where={"energy": np.float64(0.5), "heard_within_days": np.int16(3)})) == 0
    world.profile.genres["soul"] = np.float32(0.5)
    assert world.profile.get_top_genres(np.int64(1)) == ["jazz"]


def test_what_the_callers_own_generator_raises_reaches_the_caller(world: World) -> None:
    def events() -> Iterator[dict[str, Any]]:
        yield dict(EVENT)
        raise HostileError

    before = world.state()
    with pytest.raises(HostileError):
        world.dj.record_many(events())
    assert world.state() == before


# ---- messages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ODD_VALUES)
def test_any_value_can_be_shown_in_few_characters_that_can_be_written(label: str) -> None:
    assert len(shown(ODD_VALUES[label]()).encode()) < 4 * (LONGEST_SHOWN + 10)


@given(st.recursive(st.none() | st.integers() | st.text() | st.floats(), lambda inner: st.lists(inner, max_size=9)))
def test_a_short_value_is_shown_as_python_shows_it(value: Any) -> None:
    if len(repr(value)) < 60 and repr(value).count("[") < 4:
        assert shown(value) == repr(value)


def test_no_error_shows_a_value_of_a_caller_by_itself() -> None:
    """`{value!r}` raises for large integers and hostile objects, and has no bound; `shown` has, and does not."""
    package = Path(str(qfzz_core.__file__)).parent
    places = [package / name for name in ("model", "contracts", "recommend", "profiles", "ranking", "config")]
    places += [Path(str(qfzz.__file__)).parent, Path(str(qfzz_plugins.__file__)).parent / "filters"]
    found = [
        f"{file}:{part.lineno}"
        for place in places
        for file in sorted(place.rglob("*.py"))
        for statement in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(statement, ast.Raise)
        for part in ast.walk(statement)
        if isinstance(part, ast.FormattedValue) and part.conversion == ord("r") and file.name not in _OWN
        if not (isinstance(part.value, ast.Name) and part.value.id in _ALWAYS_TEXT)
    ]
    assert found == []


_OWN = {"observers.py", "selection.py", "explain.py"}  # they show what plugins gave
_ALWAYS_TEXT = {"name"}  # of an attribute or a keyword, which Python itself makes sure of


# ---- clocks ----------------------------------------------------------------------------------------------------------


def _raising() -> datetime:
    raise HostileError


@pytest.mark.parametrize(
    "clock",
    [
        lambda: datetime.max.replace(tzinfo=UTC),
        lambda: datetime.max,
        lambda: datetime(2026, 1, 31),
        lambda: date(2026, 1, 31),
        lambda: 1.5,
        lambda: None,
        lambda: datetime(2026, 1, 31, tzinfo=HostileZone()),
        lambda: datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        _raising,
    ],
)
def test_a_clock_without_a_usable_time_is_refused_with_nothing_changed(clock: Callable[[], Any]) -> None:
    times: list[Callable[[], Any]] = [lambda: datetime(2026, 1, 31, tzinfo=UTC)]

    def now() -> Any:
        return times[-1]()

    with Engine(store="memory:", clock=now) as engine:
        engine.add_content([TRACK])
        profile = engine.get_or_create_profile("ann")
        before = repr(profile.to_dict())
        times.append(clock)
        for attempt in (
            lambda: engine.record_feedback("ann", "t1", "like"),
            lambda: engine.record_feedback("bob", "t1", "like"),
            lambda: engine.recommend("ann", limit=1),
            lambda: engine.recommend("bob", limit=1),
            lambda: profile.update_genre_preference("jazz", 0.5),
            lambda: profile.add_interaction({"track_id": "t1", "type": "play"}),
        ):
            with pytest.raises(ClockError, match="the clock"):
                attempt()
        assert repr(profile.to_dict()) == before
        assert list(engine.store.user_ids()) == ["ann"]


def test_what_is_no_clock_is_refused_at_once() -> None:
    with pytest.raises(ClockError, match="must be a function"):
        Engine(clock=datetime.max)  # type: ignore[arg-type]


@pytest.mark.parametrize("moment", [datetime.min, datetime(1, 1, 2), datetime(9998, 12, 31, 23, 59, 59, 999_999)])
def test_the_first_and_the_last_usable_moment_are_times_as_others(moment: datetime) -> None:
    with Engine(store="memory:", clock=lambda: moment.replace(tzinfo=UTC)) as engine:
        engine.add_content([TRACK])
        for _ in range(3):
            engine.record_feedback("ann", "t1", "play")
        assert engine.recommend("ann", where={"heard_within_days": 30}) == []
        assert len(engine.recommend("bob", where={"heard_within_days": 100_000})) == 1
        assert engine.check_log("ann") == []


def test_a_clock_that_goes_back_by_years_moves_updated_at_forward() -> None:
    years = iter([2026, 2026, 2001, 1, 1999, 2002, 2003, 2004])
    with Engine(store="memory:", clock=lambda: datetime(next(years), 1, 1, tzinfo=UTC)) as engine:
        profile = engine.get_or_create_profile("ann")
        seen = [profile.updated_at]
        for number in range(5):
            profile.update_genre_preference(f"genre {number}", 0.5)
            seen.append(profile.updated_at)
    assert seen == sorted(set(seen))


def test_after_the_last_moment_a_profile_says_that_it_cannot_move_forward() -> None:
    profile = UserProfile("ann", updated_at="9999-12-31T23:59:59.999999+00:00")
    with pytest.raises(ValueError, match="after which there is no moment"):
        profile.update_genre_preference("jazz", 0.5)
    assert profile.genres == {}


# ---- names -----------------------------------------------------------------------------------------------------------


@given(st.text(min_size=1))
def test_only_white_space_has_an_empty_normal_form(name: str) -> None:
    for normal in (normalise, normalise_genre):
        assert bool(normal(name)) == bool(name.strip())
        assert normal(normal(name)) == normal(name)


def test_no_character_but_white_space_has_an_empty_normal_form() -> None:
    characters = map(chr, range(sys.maxunicode + 1))
    assert [c for c in characters if bool(normalise_genre.__wrapped__(c)) != bool(c.strip())] == []


@pytest.mark.parametrize("name", ["_", "-", " - ", "__", "_-", "-_ -"])
def test_a_genre_of_separators_is_learned_as_any_other(store_url: str, name: str) -> None:
    world = World(store_url)
    world.dj.add_content([{**TRACK, "track_id": "t1", "genre": name, "energy": 0.0}])
    world.dj.record_feedback("ann", "t1", "favorite")
    assert world.profile.genres[name] == 0.2
    assert world.dj.explain("ann", "t1").factors[0].value == 1.0
    assert [track["track_id"] for track in world.dj.recommend("ann", where={"genre": "_"})] == ["t1"]
    assert world.dj.engine.check_log("ann") == []
    bob = world.dj.get_or_create_profile("bob", {"genres": {name: 0.5}})
    assert bob.get_top_genres() == [name]
    world.close()


# ---- configuration ---------------------------------------------------------------------------------------------------

ODD_TOML = {
    "a date": "2026-01-31",
    "a time": "07:32:00",
    "a moment": "0001-01-01T00:00:00Z",
    "a huge integer": "9" * 4_000,
    "an integer beyond Python": "9" * 5_000,
    "infinity": "inf",
    "nan": "nan",
    "nested lists": "[" * 50 + "]" * 50,
    "lists 10,000 deep": "[" * 10_000 + "]" * 10_000,
    "tables 1,000 deep": "{a = " * 1_000 + "1" + "}" * 1_000,
    "an empty string": '""',
    "a surrogate": '"\ud800"',
    "an escape": '"\\u001b[2J"',
    "minus one": "-1",
    "true": "true",
    "an empty table": "{}",
}
KEYS = [
    *("seed", "strict", "store", "store.url", "store.timeout", "catalogue.cache", "factors", "factors.genre"),
    *("factors.genre.weight", "factors.genre.match", "factors.energy.missing", "discovery.strategy"),
    *("discovery.pool_depth", "discovery.split.shuffle", "similarity", "similarity.jazz", "columns.year.kind"),
    *("columns.year.size", "columns.year.missing", "rules.minutes.total", "plugins.disable", "plugins.files"),
    *("plugins.give_up_after", "plugins.factor_seconds", "plugins.radio", "nonsense"),
]


@pytest.mark.parametrize("value", ODD_TOML.values(), ids=ODD_TOML)
def test_an_odd_value_of_any_key_is_used_or_refused_by_file_and_line(value: str, tmp_path: Path) -> None:
    for key in KEYS:
        file = written_toml(tmp_path, f"# before\n{key} = {value}\n")
        refusal = _refusal(file)
        assert isinstance(refusal, ConfigError | StoreURLError | None), (key, refusal)
        if isinstance(refusal, ConfigError):
            assert str(refusal).startswith((f"{file}:2: ", f"{file}: ")), (key, refusal)


def _refusal(file: Path) -> Exception | None:
    try:
        Engine(store="memory:", config=load_config(file)).close()
    except Exception as error:  # noqa: BLE001 - anything may be raised; that is what is looked for
        return error
    return None


def test_an_odd_configuration_in_code_is_refused() -> None:
    for odd in (5, "seed = 1", [], {"seed": {}}, {5: 1}, {"rules": ODD_VALUES["deep dict"]()}):
        with pytest.raises(ConfigError, match="configuration"):
            Config.from_dict(odd)  # type: ignore[arg-type]
