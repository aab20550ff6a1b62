"""The analyser hears tempo, key and loudness of sounds that are made, and says what it cannot hear."""

import importlib.util
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qfzz_core import Engine
from qfzz_core.config import Config
from qfzz_core.contracts import AnalysisError
from qfzz_core.errors import ConfigError

import qfzz_analyser_librosa
from qfzz_analyser_librosa import Librosa, energy, key

RATE = 22_050

needs_librosa = pytest.mark.skipif(importlib.util.find_spec("librosa") is None, reason="librosa is not installed")


def written(path: Path, sound: Any) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(sound, -1, 1) * 32_000).astype("<i2").tobytes())
    return path


@needs_librosa
def test_the_tempo_of_clicks_and_the_key_of_a_chord_are_heard(tmp_path: Path) -> None:
    time = np.arange(RATE * 15) / RATE
    since = time % (60 / 120)
    clicks = 0.5 * np.exp(-60 * since) * np.sin(2 * np.pi * 1000 * since)
    chord = sum(0.1 * np.sin(2 * np.pi * note * time) for note in (261.63, 329.63, 392.0))
    heard = dict(Librosa().analyse(written(tmp_path / "x.wav", clicks + chord)) or {})
    assert heard["bpm"] == pytest.approx(120, rel=0.05)
    assert heard["key"] == "C"
    assert 0 < heard["energy"] < 1


@needs_librosa
def test_silence_and_what_is_no_sound_are_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="silent"):
        Librosa().analyse(written(tmp_path / "x.wav", np.zeros(RATE * 2)))
    (tmp_path / "x.mp3").write_text("no sound")
    with pytest.raises(AnalysisError, match="cannot decode"):
        Librosa().analyse(tmp_path / "x.mp3")


def test_energy_is_loudness_in_a_straight_line() -> None:
    levels = [energy(np.full(1000, 10 ** (level / 20))) for level in (-60, -40, -24, -8, 0)]
    assert levels == [0, 0, 0.5, 1, 1]


@pytest.mark.parametrize(("notes", "name"), [((0, 4, 7), "C"), ((9, 0, 4), "Am"), ((2, 6, 9), "D")])
def test_a_triad_is_heard_as_its_key(notes: tuple[int, ...], name: str) -> None:
    chroma = np.zeros((12, 3))
    chroma[list(notes)] = 1
    assert key(chroma) == name


def test_its_options_are_checked() -> None:
    with Engine(plugins=[qfzz_analyser_librosa], installed=()) as engine:
        assert engine.registry.analysers["librosa"].value.seconds == 60
    with pytest.raises(ConfigError, match="seconds"):
        Engine(
            plugins=[qfzz_analyser_librosa],
            installed=(),
            config=Config.from_dict({"plugins": {"qfzz_analyser_librosa": {"seconds": 1}}}),
        )
