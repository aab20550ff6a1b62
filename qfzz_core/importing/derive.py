"""Documented track fields that can be worked out from what audio features say."""

from __future__ import annotations

import math
from typing import Any

from qfzz_core.errors import InvalidInput
from qfzz_core.importing.values import is_number, shown

SLOW_BELOW = 100.0
FAST_FROM = 130.0


def tempo_from_bpm(bpm: float, slow_below: float = SLOW_BELOW, fast_from: float = FAST_FROM) -> str:
    """Return "slow" for fewer than `slow_below` beats per minute, "fast" from `fast_from` on, "medium" between.

    Raises `InvalidInput` for a bpm that is no finite number of at least 0, and for thresholds that overlap.
    """
    check_thresholds(slow_below, fast_from)
    if not is_number(bpm) or not 0 <= bpm < math.inf:
        raise InvalidInput(f"bpm must be a number of at least 0, got {shown(bpm)}")
    if bpm < slow_below:
        return "slow"
    return "medium" if bpm < fast_from else "fast"


def check_thresholds(slow_below: float, fast_from: float) -> None:
    """Raise `InvalidInput` unless both are beats per minute, the first not above the second."""
    if not 0 <= slow_below <= fast_from < math.inf:
        raise InvalidInput(
            f"the tempo thresholds must be beats per minute, slow_below not above fast_from; "
            f"got slow_below={slow_below} and fast_from={fast_from}"
        )


def mood_from(valence: float, energy: float) -> str:
    """Return the mood of a valence and an energy, both from 0.0 to 1.0: which quadrant they lie in, 0.5 being high.

    The quadrants are those of the circumplex model of affect (J. A. Russell, "A circumplex model of affect", Journal
    of Personality and Social Psychology 39(6), 1980, pp. 1161-1178), with energy for its arousal: pleasant and
    aroused "upbeat", unpleasant and aroused "energetic", pleasant and quiet "calm", unpleasant and quiet "mellow".

    Raises `InvalidInput` for what is no number from 0.0 to 1.0.
    """
    check_share("valence", valence)
    check_share("energy", energy)
    if energy >= 0.5:
        return "upbeat" if valence >= 0.5 else "energetic"
    return "calm" if valence >= 0.5 else "mellow"


def check_share(name: str, value: Any) -> None:
    """Raise `InvalidInput`, which names the value, unless it is a number from 0.0 to 1.0."""
    if not is_number(value) or not 0 <= value <= 1:
        raise InvalidInput(f"{name} must be a number from 0.0 to 1.0, got {shown(value)}")


def seconds_from_ms(duration_ms: float) -> int:
    """Return whole seconds, halves rounded up; raises `InvalidInput` for no finite number of at least 0."""
    if not is_number(duration_ms) or not 0 <= duration_ms < math.inf:
        raise InvalidInput(f"duration_ms must be a number of at least 0, got {shown(duration_ms)}")
    return int((duration_ms + 500) // 1000)
