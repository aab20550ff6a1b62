"""The configuration: what it says, and how it says what is wrong with it."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfzz_core.config import Config, FactorConfig, load_config, parse_config
from qfzz_core.contracts import Column
from qfzz_core.errors import ConfigError

WHOLE = """\
store = "sqlite:///music.db"
seed = 7
strict = true

[factors.genre]
weight = 0.4
match = "graded"
[factors.energy]
weight = 1

[discovery]
strategy = "split"
shuffle = "full"

[genres.aliases]
"Jass" = "jazz"

[similarity]
jazz = ["blues", "Bossa Nova"]

[columns.bpm]
kind = "number"
source = "beats"
missing = 120
[columns.language]
kind = "category"
compare = "exact"
missing = "en"
[columns.style]
kind = "tags"
missing = ["none"]
[columns.live]
kind = "flag"
missing = false
[columns.timbre]
kind = "vector"
size = 2
missing = [0, 0.5]

[plugins]
disable = ["trust", "heard"]
[plugins.radio]
country = "fr"
"""


@attrs.frozen
class GenreOptions:
    """The options of a factor, as a plugin declares them."""

    match: Literal["documented", "graded"] = "documented"


def refusal(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "qfzz.toml")
    return str(caught.value).splitlines()


# ---- what it says --------------------------------------------------------------------------------------------------


def test_a_whole_configuration_says_all_of_it() -> None:
    config = parse_config(WHOLE)
    assert config.store_url == "sqlite:///music.db"
    assert config.seed == 7
    assert config.strict is True
    assert config.factors == {
        "genre": FactorConfig(weight=0.4, options={"match": "graded"}),
        "energy": FactorConfig(weight=1.0),
    }
    assert (config.strategy, config.strategy_options) == ("split", {"shuffle": "full"})
    assert config.genre_aliases == {"Jass": "jazz"}
    assert config.similarity == {"jazz": ("blues", "Bossa Nova")}
    assert config.columns == (
        Column(name="bpm", kind="number", source="beats", missing=120),
        Column(name="language", kind="category", compare="exact", missing="en"),
        Column(name="style", kind="tags", missing=["none"]),
        Column(name="live", kind="flag", missing=False),
        Column(name="timbre", kind="vector", size=2, missing=[0, 0.5]),
    )
    assert config.disabled == {"trust", "heard"}
    assert config.plugins == {"radio": {"country": "fr"}}


def test_an_empty_configuration_says_nothing() -> None:
    assert parse_config("") == Config() == Config.from_dict({})
    empty = Config()
    assert (empty.store_url, empty.seed, empty.strict, empty.strategy) == (None, None, False, None)


def test_the_catalogue_is_kept_in_a_directory_or_nowhere() -> None:
    assert Config().cache is None
    assert parse_config('[catalogue]\ncache = "kept"').cache == "kept"
    assert parse_config("[catalogue]\ncache = false").cache is False


def test_the_store_can_be_a_table_with_options() -> None:
    config = parse_config('[store]\nurl = "sqlite:///music.db"\ntimeout = 5')
    assert (config.store_url, config.store_options) == ("sqlite:///music.db", {"timeout": 5})


def test_an_option_may_have_any_name() -> None:
    config = parse_config("[discovery]\noptions = 1\n[factors.x]\noptions = 2\n[plugins.tables]\ny = 3")
    assert config.strategy_options == {"options": 1}
    assert config.factors["x"].options == {"options": 2}
    assert config.plugins == {"tables": {"y": 3}}


def test_a_mapping_says_what_the_file_would_say_and_stays_the_callers() -> None:
    mapping = {"factors": {"genre": {"weight": 1, "likes": ["a", {"b": 1}]}}, "seed": 3}
    config = Config.from_dict(MappingProxyType(mapping))
    mapping["factors"]["genre"]["likes"].append("c")  # type: ignore[index]
    assert config == Config(seed=3, factors={"genre": FactorConfig(1.0, {"likes": ["a", {"b": 1}]})})


def test_a_configuration_does_not_change() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Config().seed = 1  # type: ignore[misc]


@settings(deadline=None)  # the first example imports cattrs
@given(st.floats() | st.integers() | st.booleans() | st.none() | st.text(max_size=3))
def test_a_weight_is_a_finite_number_of_at_least_0(weight: Any) -> None:
    number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
    if number and math.isfinite(weight) and weight >= 0:
        assert Config.from_dict({"factors": {"x": {"weight": weight}}}).factors["x"].weight == float(weight)
    elif weight is None:
        assert FactorConfig(None).weight is None
    else:
        with pytest.raises(ValueError, match=r"^weight must be a finite number"):
            FactorConfig(weight)
        with pytest.raises(ConfigError, match=r"^configuration: \[factors.x\] weight must be a finite number"):
            Config.from_dict({"factors": {"x": {"weight": weight}}})


# ---- what is wrong with it -----------------------------------------------------------------------------------------

KEYS = (
    '"store", "catalogue", "seed", "strict", "factors", "discovery", "rules", "genres", "similarity", "columns" or '
    '"plugins"'
)
KINDS = '"category", "tags", "number", "flag" or "vector"'
NUMBERS = "a list of as many finite numbers as its size"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('stroe = "memory:"', '1: unknown key "stroe", did you mean "store"?'),
        (
            "\nzzz = 1",
            f'2: unknown key "zzz", expected {KEYS}',
        ),
        ('store = " "', '1: store must be a URL such as "sqlite:///music.db" or a table, got " "'),
        ("store = 5", '1: store must be a URL such as "sqlite:///music.db" or a table, got 5'),
        ("[store]\nurl = 5", "2: [store] url must be text that is not blank, got 5"),
        ("seed = true", "1: seed must be a whole number, got true"),
        ("[catalogue]\ncache = true", "2: [catalogue] cache must be a directory, or false, got true"),
        ('[catalogue]\ncache = " "', '2: [catalogue] cache must be a directory, or false, got " "'),
        ('[catalogue]\ncash = "x"', '2: [catalogue] unknown key "cash", did you mean "cache"?'),
        ("strict = 1", "1: strict must be true or false, got 1"),
        ("factors = 3", "1: factors must be a table, got 3"),
        ("[factors]\ngenre = 0.4", "2: [factors] genre must be a table, got 0.4"),
        ("[factors.genre]\nweight = -1", "2: [factors.genre] weight must be a finite number of at least 0, got -1.0"),
        ("[factors.genre]\nweight = nan", "2: [factors.genre] weight must be a finite number, got nan"),
        ('factors = {"a b" = {weight = "1"}}', '1: [factors."a b"] weight must be a finite number, got "1"'),
        ("[discovery]\nstrategy = ''", '2: [discovery] strategy must be text that is not blank, got ""'),
        ("[genres]\naliases = 3", "2: [genres] aliases must be a table, got 3"),
        ("[genres.aliases]\njass = ' '", '2: [genres.aliases] jass must be the name of a genre, got " "'),
        ("[similarity]\njazz = 'blues'", '2: [similarity] jazz must be a list, got "blues"'),
        ("[similarity]\njazz = ['a',\n' ']", '2: [similarity] jazz[1] must be the name of a genre, got " "'),
        ("[similarity]\n' ' = ['a']", '2: [similarity] " " must be the name of a genre, got " "'),
        ("[plugins]\ndisable = 'x'", '2: [plugins] disable must be a list, got "x"'),
        ("[plugins]\nradio = 3", "2: [plugins] radio must be a table, got 3"),
        ("[columns.x]", f"1: [columns.x] kind is missing; it must be {KINDS}"),
        (
            "[columns.x]\nkind = 'flagg'",
            f'2: [columns.x] kind must be {KINDS}, got "flagg", did you mean "flag"?',
        ),
        (
            "[columns.x]\nkind = 'flag'\nprovider = 'x'",
            (
                '3: [columns.x] unknown key "provider", expected "kind", "source", "size", "missing", "compare" '
                'or "further"'
            ),
        ),
        (
            "[columns.x]\nkind = 'vector'",
            '1: [columns.x] size must be at least 1 in a column of kind "vector", it is not given',
        ),
        (
            "[columns.x]\nkind = 'vector'\nsize = 0",
            '3: [columns.x] size must be at least 1 in a column of kind "vector", got 0',
        ),
        (
            "[columns.x]\nkind = 'flag'\nsize = 1",
            '3: [columns.x] size is only for columns of kind "vector", and this one is of kind "flag"',
        ),
        (
            "[columns.x]\nkind = 'tags'\nfurther = 'y'",
            '3: [columns.x] further is only for columns of kind "category" that compare by "name" or "genre"',
        ),
        (
            "[columns.x]\nkind = 'number'\nmissing = 'a'",
            '3: [columns.x] missing must be a finite number in a column of kind "number", got "a"',
        ),
        (
            "[columns.x]\nkind = 'tags'\nmissing = 'a'",
            '3: [columns.x] missing must be a list of text in a column of kind "tags", got "a"',
        ),
        (
            "[columns.x]\nkind = 'vector'\nsize = 2\nmissing = [1]",
            f'4: [columns.x] missing must be {NUMBERS} in a column of kind "vector", got a list',
        ),
    ],
)
def test_an_error_names_file_line_table_and_key_and_what_would_be_right(text: str, sentence: str) -> None:
    assert refusal(text) == [f"qfzz.toml:{sentence}"]


def test_all_errors_are_said_in_the_order_of_their_lines() -> None:
    assert refusal("sed = 1\nstrict = 'yes'\n[columns.x]\nkind = 1\n[factors]\nx = 1\n") == [
        'qfzz.toml:1: unknown key "sed", did you mean "seed"?',
        'qfzz.toml:2: strict must be true or false, got "yes"',
        f"qfzz.toml:4: [columns.x] kind must be {KINDS}, got 1",
        "qfzz.toml:6: [factors] x must be a table, got 1",
    ]


def test_without_a_text_an_error_names_no_line() -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_dict({"seed": None, "strict": "no", "similarity": {"a": ["\ud800"]}})
    assert sorted(str(caught.value).splitlines()) == [
        'configuration: [similarity] a[0] must be the name of a genre, got "\\uD800"',
        'configuration: strict must be true or false, got "no"',
    ]
    with pytest.raises(ConfigError, match=r"^configuration: every key must be text, got 5$"):
        Config.from_dict({"discovery": {5: 1}})
    with pytest.raises(ConfigError, match=r"^configuration: must be a table, got 3$"):
        Config.from_dict(3)  # type: ignore[arg-type]


PIECES = st.sampled_from(
    ["[", "]", "=", '"', "\n", "nan", "true", "[a]", "x = 1\n", "{}", "[columns.x]\n", "'''", "-1", "#"]
)


@settings(deadline=None)  # the first example imports cattrs
@given(st.integers(0, len(WHOLE)), st.integers(0, 30), st.lists(PIECES, max_size=4).map("".join))
def test_a_damaged_text_is_a_configuration_or_a_config_error(start: int, length: int, piece: str) -> None:
    text = WHOLE[:start] + piece + WHOLE[start + length :]
    said = ""
    try:
        parse_config(text, "qfzz.toml")
    except ConfigError as error:
        said = str(error)
    assert all(line.startswith("qfzz.toml:") for line in said.splitlines())


# ---- what others say of it -----------------------------------------------------------------------------------------

PLACED = '# mine\nseed = 1\n[factors.gnere]\nweight = 0.4\nwieght = 1\nmatch = "gradd"\n'


def test_the_options_of_a_plugin_are_refused_at_their_lines() -> None:
    config = parse_config(PLACED, "qfzz.toml")
    with pytest.raises(ConfigError) as caught:
        config.structure(("factors", "gnere"), config.factors["gnere"].options, GenreOptions, own_keys=("weight",))
    assert str(caught.value).splitlines() == [
        'qfzz.toml:5: [factors.gnere] unknown key "wieght", did you mean "weight"?',
        'qfzz.toml:6: [factors.gnere] match must be "documented" or "graded", got "gradd", did you mean "graded"?',
    ]


@pytest.mark.parametrize(
    ("table", "key", "expected"),
    [
        (("factors", "gnere"), None, "qfzz.toml:3: [factors.gnere] that"),
        (("factors", "gnere"), "match", "qfzz.toml:6: [factors.gnere] that"),
        (("factors", "gnere"), "nothing", "qfzz.toml:3: [factors.gnere] that"),
        ((), "seed", "qfzz.toml:2: that"),
        (("plugins", "a.b"), None, 'qfzz.toml:1: [plugins."a.b"] that'),
    ],
)
def test_an_error_can_be_made_of_any_key(table: tuple[str, ...], key: str | None, expected: str) -> None:
    error = parse_config(PLACED, "qfzz.toml").error(table, key, "that")
    assert isinstance(error, ConfigError)
    assert str(error) == expected


def test_a_configuration_says_where_a_key_stands() -> None:
    config = parse_config(PLACED, "qfzz.toml")
    assert config.place(("factors", "gnere", "match")) == "qfzz.toml:6"
    assert config.line(("seed",)) == 2
    assert Config().line(("seed",)) is None
    assert Config().place() == "configuration"
    assert str(Config().error(("factors", "x"), "weight", "that")) == "configuration: [factors.x] that"


# ---- files ---------------------------------------------------------------------------------------------------------


def loaded_refusal(path: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"])
def test_a_file_is_read_and_shown_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.toml").write_bytes(prefix + b"seed = 3\r\n\r\n[factors.x]\r\n")
    config = load_config("my.toml")
    assert (config.seed, config.path) == (3, Path("my.toml"))
    assert config.place(("factors", "x")) == "my.toml:3"
    assert load_config(tmp_path / "my.toml").place() == f"{tmp_path / 'my.toml'}:1"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a = 1\nb 2\n", "2: this is not TOML: expected '=' after a key in a key/value pair, at column 3"),
        ('a = 1\n\nb = """\n', "3: this is not TOML: unterminated string, at the end"),
        ("a = " + "[" * 100_000, " this is nested too deeply"),
    ],
)
def test_what_is_not_toml_is_said_with_its_line(content: str, said: str) -> None:
    assert refusal(content) == [f"qfzz.toml:{said}"]


def test_an_endless_integer_is_no_crash() -> None:
    assert refusal("a = " + "1" * 5_000)[0].startswith("qfzz.toml: this cannot be read: Exceeds the limit")


def test_a_file_that_is_not_utf_8_is_said_with_the_line_of_its_first_odd_byte(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_bytes("seed = 1\n# café".encode("latin-1"))
    assert loaded_refusal(path) == f"{path}:2: this is not UTF-8 text, byte 0xe9"


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert loaded_refusal(tmp_path / "no.toml") == f"{tmp_path / 'no.toml'}: there is no such file"
    assert loaded_refusal(tmp_path) == f"{tmp_path}: this cannot be read: it is a directory, no ordinary file"
    assert loaded_refusal(tmp_path / "file" / "x") == f"{tmp_path / 'file' / 'x'}: this cannot be read: Not a directory"
    assert loaded_refusal("a\0b").startswith("a\0b: this cannot be read: no file can have this name: ")


# ---- start-up ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unmeasured")
def test_a_program_without_a_configuration_does_not_wait_for_cattrs() -> None:
    program = (
        "import sys, attrs\n"
        "from qfzz_core.config import Config\n"
        "Options = attrs.make_class('Options', {'depth': attrs.field(default=1, type=int)})\n"
        "assert Config().structure(('discovery',), {}, Options).depth == 1\n"
        "assert Config().structure(('plugins', 'x'), {}, None) is None\n"
        "print([name for name in ('cattrs', 'tomllib') if name in sys.modules])\n"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
