"""How far a value travels: the files that one call touches, and the frames above what matters."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from support.third_party import plugin

import qfzz
import qfzz_core
import qfzz_plugins
from qfzz import PersonalizedDJ
from qfzz_core.contracts import NumericDistance
from qfzz_core.ranking.formula import Formula

HOMES = tuple(str(Path(str(package.__file__)).parent) for package in (qfzz, qfzz_core, qfzz_plugins))
TRACKS = [
    {
        "track_id": f"t{number}",
        "title": f"Title {number}",
        "artist": f"Artist {number % 9}",
        "genre": ("jazz", "rock", "blues", "pop")[number % 4],
        "mood": ("calm", "upbeat")[number % 2],
        "energy": number % 11 / 10,
        "tempo": ("slow", "medium", "fast")[number % 3],
        "duration": 100 + number,
    }
    for number in range(100)
]


class Watched:
    """A factor that is called as any other."""

    name = "watched"
    weight = 0.1

    def prepare(self, request: Any) -> NumericDistance:
        return NumericDistance(column="duration", target=180.0, scale=600.0)


class Trace:
    """The files of the library that a call touches, and the deepest stack of its frames above some functions."""

    def __init__(self, call: Callable[[], object], *functions: CodeType) -> None:
        self.files: set[str] = set()
        self.depths = dict.fromkeys(functions, 0)
        profiled = sys.getprofile()
        sys.setprofile(self._entered)
        try:
            call()
        finally:
            sys.setprofile(profiled)

    def _entered(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(HOMES):
            self.files.add(frame.f_code.co_filename)
        if event == "call" and frame.f_code in self.depths:
            above = sum(code.co_filename.startswith(HOMES) for code in codes_above(frame))
            self.depths[frame.f_code] = max(self.depths[frame.f_code], above)


def codes_above(frame: FrameType) -> Iterator[CodeType]:
    above = frame.f_back
    while above is not None:
        yield above.f_code
        above = above.f_back


@pytest.fixture
def dj() -> Iterator[PersonalizedDJ]:
    with PersonalizedDJ(seed=1, plugins=[plugin("mine", qfzz_factors=lambda: [Watched()])]) as found:
        found.add_content(TRACKS)
        found.get_or_create_profile("alice", {"genres": {"jazz": 0.9}, "artists": {"Artist 1": 0.5}})
        found.recommend("alice", limit=20)
        yield found


def test_a_warm_recommend_touches_at_most_28_files(dj: PersonalizedDJ) -> None:
    trace = Trace(lambda: dj.recommend("alice", limit=20))
    assert len(trace.files) <= 28, sorted(trace.files)


def test_at_most_14_frames_lie_above_prepare_and_the_formula(dj: PersonalizedDJ) -> None:
    prepare, formula = Watched.prepare.__code__, Formula.combined.__code__
    trace = Trace(lambda: dj.recommend("alice", limit=20), prepare, formula)
    assert 0 < trace.depths[prepare] <= 14
    assert 0 < trace.depths[formula] <= 14


def test_a_feedback_on_sqlite_touches_at_most_21_files(tmp_path: Path) -> None:
    with PersonalizedDJ(store=f"sqlite:///{tmp_path}/music.db") as dj:
        dj.add_content(TRACKS)
        dj.record_feedback("alice", "t1", "like")
        trace = Trace(lambda: dj.record_feedback("alice", "t2", "like"))
    assert len(trace.files) <= 21, sorted(trace.files)
