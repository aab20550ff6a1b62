"""What a hostile file asks for is refused with a sentence, before it takes the memory or the time."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import random
import sys
import threading
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.built_in import built_in_readers
from support.cli_runs import Cli, isolated, track
from support.third_party import plugin

import qfzz_core.contracts.formats
from qfzz_core.contracts import Limits
from qfzz_core.formats import ImportFileError, Row, TrackFile
from qfzz_core.formats.files import Readers
from qfzz_core.testing import engine_with

HEADER = ",".join(track("t1"))
LINE = ",".join(map(str, track("t1").values()))


def rows(path: Path, content: str | bytes, limits: Limits | None = None) -> list[Row]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(attrs.evolve(built_in_readers(), limits=limits or Limits()).rows(path))


def refusal(path: Path, content: str | bytes, limits: Limits | None = None) -> str:
    with pytest.raises(ImportFileError) as caught:
        rows(path, content, limits)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


def bomb(size: int = 20_000_000) -> bytes:
    """A gzip file of a few blank lines, which expands to a thousand times its size."""
    return gzip.compress((b" " * 999_999 + b"\n") * (size // 1_000_000), 1)


SHORT = Limits(line=200)
NOT_UTF8 = 'line 2: not UTF-8 text: byte 0xff at character 8; with --encoding cp1252 it would read "ÿ"'


class TestLimits:
    @pytest.mark.parametrize(
        ("name", "content", "sentence"),
        [
            ("a.csv", f"{HEADER}\n{LINE}\n{'x' * 201}\n", "line 3: the line has more than 200 characters"),
            ("a.csv", f'{HEADER}\n{LINE}\n"{"x" * 150}\n{"y" * 150}"', "line 3: the row has more than 200 characters"),
            ("a.csv", "x" * 201, "line 1: the line has more than 200 characters"),
            ("a.jsonl", '{}\n{"a": "' + "x" * 200, "line 2: the line has more than 200 characters"),
            ("a.json", '[{},\n{"a": "' + "x" * 200 + '"}]', "line 2: a value has more than 200 characters"),
            ("a.json", '[{},\n{"a": "' + "x" * 200_000, "line 2: a value has more than 200 characters"),
            ("a.json", '{"other": "' + "x" * 200 + '", "tracks": []}', "line 1: a value has more than 200 characters"),
            ("a.csv.gz", gzip.compress(b"x" * 201, mtime=0), "line 1: the line has more than 200 characters"),
        ],
    )
    def test_a_line_or_row_that_is_too_long_names_file_line_limit_and_option(
        self, tmp_path: Path, name: str, content: str | bytes, sentence: str
    ) -> None:
        assert refusal(tmp_path / name, content, SHORT) == f"{sentence} (--max-line allows more)"

    @pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
    def test_rows_within_the_limit_are_as_many_as_there_are(self, tmp_path: Path, name: str) -> None:
        one = json.dumps(track("t1"))
        content = {
            "csv": f"{HEADER}\n" + f"{LINE}\n" * 900,
            "jsonl": f"{one}\n" * 900,
            "json": f"[{one}{f',{one}' * 899}]",
        }
        assert len(rows(tmp_path / name, content[name.partition(".")[2]], SHORT)) == 900

    def test_too_many_columns_of_a_header_refuse_the_file_and_of_an_object_the_row(self, tmp_path: Path) -> None:
        few = Limits(columns=3)
        sentence = "line 1: the header names 4 columns, more than 3 (--max-columns allows more)"
        assert refusal(tmp_path / "a.csv", "a,b,c,d\n", few) == sentence
        found = rows(tmp_path / "a.jsonl", '{"a":1,"b":2,"c":3,"d":4}\n{"a":1}', few)
        assert found == [
            Row(1, problem="has 4 columns, more than 3 (--max-columns allows more)"),
            Row(2, {"a": 1}, typed=True),
        ]

    @pytest.mark.parametrize(("value", "fits"), [("[[1]]", True), ('[{"b": 1}]', True), ("[[[]]]", False)])
    def test_values_that_are_nested_too_deeply_make_a_bad_row(self, tmp_path: Path, value: str, fits: bool) -> None:
        [row] = rows(tmp_path / "a.jsonl", f'{{"a": {value}}}', Limits(depth=2))
        assert row.problem == (None if fits else "is nested deeper than 2 levels (--max-depth)")

    def test_a_file_that_expands_too_far_is_refused_unless_the_caller_allows_it(self, tmp_path: Path) -> None:
        path, content = tmp_path / "a.jsonl.gz", bomb()
        assert refusal(path, content) == "expands to more than 200 times its size (--max-expansion allows more)"
        assert rows(path, content, Limits(expansion=2_000)) == []

    def test_a_file_that_expands_late_is_refused_where_it_does(self, tmp_path: Path) -> None:
        lines = random.Random(1).randbytes(550_000).hex().encode() + b"\n"
        late = gzip.compress(lines * 10, 1) + bomb(80_000_000)
        assert "expands to more than 10 times" in refusal(tmp_path / "a.jsonl.gz", late, Limits(expansion=10))

    @pytest.mark.skipif(sys.platform == "win32", reason="named pipes are POSIX")
    def test_a_pipe_is_refused_where_it_expands_too_far(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl.gz"
        os.mkfifo(path)

        def write() -> None:
            with contextlib.suppress(BrokenPipeError):
                path.write_bytes(bomb())

        writer = threading.Thread(target=write)
        writer.start()
        with pytest.raises(ImportFileError, match="expands to more than 200 times"):
            list(built_in_readers().rows(path))
        writer.join()

    def test_small_files_expand_as_far_as_they_like(self, tmp_path: Path) -> None:
        assert rows(tmp_path / "a.jsonl.gz", bomb(3_000_000)) == []

    def test_a_readers_own_stream_is_bounded_too(self, tmp_path: Path) -> None:
        path = tmp_path / "a.mine.gz"
        path.write_bytes(bomb())

        @attrs.frozen
        class Whole:
            name: str = "mine"
            suffixes: tuple[str, ...] = (".mine",)

            def read(self, file: TrackFile) -> list[Row]:
                return [Row(1, {"all": file.content.read()})]

        with engine_with(plugin("mine", qfzz_readers=lambda: [Whole()])) as engine:
            with pytest.raises(ImportFileError, match="expands to more than 200 times"):
                list(Readers.of(engine.registry, engine.faults.report).rows(path))
            path.write_bytes(gzip.compress(b"xyz"))
            [row] = Readers.of(engine.registry, engine.faults.report).rows(path)
            assert row.values == {"all": b"xyz"}

    @pytest.mark.parametrize("wrong", [{"line": 0}, {"columns": 0}, {"depth": 101}, {"depth": -1}, {"expansion": 0}])
    def test_limits_that_allow_nothing_or_more_than_stores_hold_are_refused(self, wrong: dict[str, int]) -> None:
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Limits(**wrong)


law = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
indents = st.sampled_from([None, 1])
sizes = st.integers(1, 9)


def in_pieces(path: Path, text: str, size: int) -> list[Row]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(qfzz_core.contracts.formats, "_PIECE", size)
        return rows(path, text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pieces")


class TestJsonInPieces:
    """However a document is cut, it is read as `json.loads` reads it, or refused where that refuses it."""

    @law
    @given(st.lists(values, max_size=4), st.dictionaries(st.text(max_size=4), values, max_size=2), indents, sizes)
    def test_a_document_gives_the_items_of_its_list(
        self, folder: Path, items: list[Any], others: dict[str, Any], layout: int | None, size: int
    ) -> None:
        others.pop("tracks", None)
        for document in (items, {**others, "tracks": items}, {"tracks": items, **others}):
            found = in_pieces(folder / "a.json", json.dumps(document, indent=layout), size)
            expected = [item for item in items if isinstance(item, dict)]
            assert repr([row.values for row in found if not row.problem]) == repr(expected)
            assert [row.line for row in found] == list(range(1, len(items) + 1))

    @law
    @given(st.lists(values, max_size=3), st.integers(0, 60), st.sampled_from([*'[]{}:,"\\ \n5-eäx', ""]), sizes)
    def test_a_damaged_document_is_refused_where_json_refuses_it(
        self, folder: Path, items: list[Any], place: int, put: str, size: int
    ) -> None:
        text = json.dumps(items, ensure_ascii=False)
        text = text[:place] + put + text[place + 1 :]
        where, document = "", None
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}: not valid JSON: "
        if isinstance(document, list):
            assert len(in_pieces(folder / "a.json", text, size)) == len(document)
        else:
            with pytest.raises(ImportFileError) as caught:
                in_pieces(folder / "a.json", text, size)
            assert str(caught.value).startswith(f"{folder / 'a.json'}: {where}")

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            ("", "line 1: not valid JSON: Expecting value at column 1"),
            ("7", 'expected a list of objects, or an object that holds one under "tracks"'),
            ("[] x", "line 1: not valid JSON: Extra data at column 4"),
            ("[1 2]", "line 1: not valid JSON: Expecting ',' delimiter at column 4"),
            ('{"tracks": 7}', 'expected a list of objects, or an object that holds one under "tracks"'),
            ('{"tracks": [], "tracks": []}', '"tracks" is there twice'),
            ("{}", 'expected a list of objects, or an object that holds one under "tracks"'),
            ("{\n1: 2}", "line 2: not valid JSON: Expecting property name enclosed in double quotes at column 1"),
            ('{"a": 1,}', "line 1: not valid JSON: Expecting property name enclosed in double quotes at column 9"),
            ("[" + "9" * 5_000 + "]", "not valid JSON: a number has too many digits"),
            ('[{"a": 1},\n{"b": "\udcff"}]'.encode(errors="surrogateescape"), NOT_UTF8),
        ],
    )
    def test_what_is_wrong_with_a_document_is_one_sentence(
        self, tmp_path: Path, content: str | bytes, sentence: str
    ) -> None:
        assert refusal(tmp_path / "a.json", content) == sentence


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    return isolated(tmp_path, monkeypatch)


class TestTheCommandLine:
    @pytest.mark.parametrize(
        ("name", "content", "options", "more"),
        [
            ("a.csv", f"{HEADER}\n{LINE}\n", ("--max-line", "20"), ("--max-line", "1K")),
            ("a.csv", f"{HEADER}\n{LINE}\n", ("--max-columns", "7"), ("--max-columns", "8")),
        ],
    )
    def test_an_option_says_how_much_is_read(
        self, cli: Cli, name: str, content: str, options: tuple[str, ...], more: tuple[str, ...]
    ) -> None:
        path = cli.write(name, content)
        assert f"({options[0]} allows more)" in cli.fails("import", path, *options)
        assert cli.json("import", path, *more)["added"] == 1

    @pytest.mark.parametrize("size", ["0", "x", "-1", "1T", "1e9"])
    def test_a_size_that_is_none_is_refused(self, cli: Cli, size: str) -> None:
        assert "is no size such as 500K, 4M or 1G" in cli.fails("import", "a.csv", "--max-line", size, code=2)

    def test_depth_and_expansion_have_options(self, cli: Cli) -> None:
        path = cli.write("a.jsonl", json.dumps(track("t1", x=[[1]])))
        assert "nested deeper than 1 levels" in cli("import", path, "--max-depth", "1").stderr
        (cli.directory / "b.jsonl.gz").write_bytes(bomb())
        assert "--max-expansion allows more" in cli.fails("import", str(cli.directory / "b.jsonl.gz"))
