"""The analyser hears the tempo of clicks, gives a vector, and says of a file that is no sound that it is none."""

import importlib.util
import math
import struct
import wave
from pathlib import Path
from typing import Any

import pytest
from qfzz_core import Engine
from qfzz_core.contracts import AnalysisError

import qfzz_analyser_bliss
from qfzz_analyser_bliss import Bliss

RATE = 22_050

needs_bliss = pytest.mark.skipif(
    importlib.util.find_spec("bliss_audio") is None, reason="bliss-audio is not installed, or not for this Python"
)


def clicks(path: Path, beats_per_minute: float, seconds: float = 15) -> Path:
    """Write a tone with a click on each beat."""
    period = 60 / beats_per_minute
    samples = []
    for place in range(int(RATE * seconds)):
        time = place / RATE
        since = time % period
        click = 0.6 * math.exp(-60 * since) * math.sin(2 * math.pi * 1000 * since)
        samples.append(int(32_000 * (click + 0.2 * math.sin(2 * math.pi * 440 * time))))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return path


@needs_bliss
@pytest.mark.parametrize("beats", [90, 150])
def test_the_tempo_of_clicks_is_heard(tmp_path: Path, beats: float) -> None:
    heard = dict(Bliss().analyse(clicks(tmp_path / "x.wav", beats)) or {})
    assert heard["bpm"] == pytest.approx(beats, rel=0.03)
    assert len(heard["bliss"]) == 23
    assert all(-1 <= number <= 1 for number in heard["bliss"])


@needs_bliss
def test_a_file_that_is_no_sound_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "x.mp3").write_text("no sound")
    with pytest.raises(AnalysisError, match="cannot decode"):
        Bliss().analyse(tmp_path / "x.mp3")


def test_it_takes_part_as_an_analyser_and_a_column() -> None:
    with Engine(plugins=[qfzz_analyser_bliss]) as engine:
        found: Any = engine.registry.analysers["bliss"]
        assert found.value.fields == ("bpm", "bliss")
        assert engine.registry.columns["bliss"].value.size == 23
