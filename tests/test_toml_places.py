"""Finding the line on which a key of a TOML text stands."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qfzz_core.config.places import KeyPath, Places, dotted, quoted

KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True),
    st.text(st.characters(codec="utf-8"), max_size=6),
    st.sampled_from(["a.b", "=", "[x]", "#", '"', "'", "\n", "\\", ""]),
)
VALUES = st.sampled_from(
    [
        "1",
        "2021-01-02T03:04:05Z",
        '"a = b # c"  # [d]',
        r'"\"] = ["',
        "'[x] = \\'",
        "[1, # ] = '\n  2,\n]",
        "[['#'], [\"]\"],\n]",
        "{a = 1, 'b=' = [1, 2]}",
        "[{a = 1},\n\n  {a = 2}]",
        '"""\n[t0]\nk = 1 \\"""\n""""',
        '""""""',
        "'''\nk = 2\n\"\"\"'''''",
        "''''a'''",
    ]
)
FILLERS = st.lists(st.sampled_from(["", "   ", "# [t0] = '''", '\t# k = """']), max_size=2)


@st.composite
def written_keys(draw: st.DrawFn, keys: KeyPath) -> str:
    """Write keys with dots between them, some bare, some quoted."""
    written = []
    for key in keys:
        literal = "'" not in str(key) and str(key).isprintable() and draw(st.booleans())
        written.append(f"'{key}'" if literal else draw(st.sampled_from([dotted([key]), quoted(str(key))])))
    return draw(st.sampled_from([".", " . "])).join(written)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[KeyPath, int]]:
    """Write a document, and note the line of every key and header in it."""
    lines: list[str] = []
    expected: dict[KeyPath, int] = {}

    def write(path: KeyPath, statement: str) -> None:
        lines.extend(draw(FILLERS))
        expected[path] = len(lines) + 1
        lines.extend(statement.split("\n"))

    def write_keys(table: KeyPath) -> None:
        for first in draw(st.lists(KEYS.filter(lambda key: not key.startswith("t")), max_size=3, unique=True)):
            keys = (first, *draw(st.lists(KEYS, max_size=1)))
            write((*table, *keys), f"{draw(written_keys(keys))} = {draw(VALUES)}")

    write_keys(())
    for number in range(draw(st.integers(0, 3))):
        header = (f"t{number}", *draw(st.lists(KEYS, max_size=2)))
        repeated = draw(st.integers(0, 2))
        if not repeated:
            write(header, f"[ {draw(written_keys(header))} ]  # [x]")
            write_keys(header)
        for index in range(repeated):
            write((*header, index), f"[[{draw(written_keys(header))}]]")
            write_keys((*header, index))
            write((*header, index, "tt"), f"[{draw(written_keys((*header, 'tt')))}]")
            write_keys((*header, index, "tt"))
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines), expected


def _value(document: Any, path: KeyPath) -> Any:
    for step in path:
        document = document[step]
    return document


@settings(max_examples=60, deadline=None)  # they are large
@given(documents())
def test_every_key_stands_on_its_line_and_what_is_missing_nearby(
    written: tuple[str, dict[KeyPath, int]],
) -> None:
    text, expected = written
    document = tomllib.loads(text)
    places = Places(text)
    for path, line in expected.items():
        _value(document, path)  # the document does say it
        assert places.line(path) == line
        assert places.line((*path, "nowhere", 7)) == line


@given(st.text(st.sampled_from("ab.=[]{}#\"'\\,\r\n\t 1\x00é")) | st.text())
def test_no_text_is_too_odd_to_look_into(text: str) -> None:
    assert 1 <= Places(text).line(("a", "b", 0)) <= text.count("\n") + 1


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\nt = {x = 1, y = {z = 2}}", ("t", "y", "z"), 2),
        ("\n[a.b.c]\nx = 1", ("a", "b"), 2),
        ("[a.b]\n\n[a]\nx = 1", ("a",), 3),
        ("a.b.c = 1", ("a", "b"), 1),
        ("\n\na = 1", ("b",), 1),
        ("", (), 1),
        ("[[a]]\nx = 1\n[[a]]\nx = 2\n[a.b]\ny = 3", ("a", 1, "b", "y"), 6),
        ("[[a]]\n[[a.b]]\n[[a]]\n[[a.b]]\n[[a.b]]\ny = 3", ("a", 1, "b", 1, "y"), 6),
    ],
)
def test_a_table_stands_at_its_header_or_where_it_is_first_meant(text: str, path: KeyPath, line: int) -> None:
    assert Places(text).line(path) == line


@given(st.text(st.characters(codec="utf-8")))
def test_a_quoted_text_is_toml_and_safe_to_print(text: str) -> None:
    assert tomllib.loads(f"x = {quoted(text)}") == {"x": text}
    assert quoted(text).isprintable()
    assert tomllib.loads(f"{dotted([text])} = 1") == {text: 1}
