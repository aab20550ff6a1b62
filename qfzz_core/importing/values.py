"""Values of a file: numbers that text says, fields that audio features give, and a value shown in a sentence."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from qfzz_core.errors import InvalidInput
from qfzz_core.errors import shown as shown_value

# Beats per minute. The reference names slow, medium and fast without numbers. Of the 28,352 tracks that the preset
# "spotify" was made for, these bounds make 26% slow, 46% medium and 29% fast.
SLOW_BELOW = 100.0
FAST_FROM = 130.0

_SHOWN_CHARACTERS = 60  # so that a sentence with a line number and a value fits two lines of a terminal

_WITH_COMMA = re.compile(r"\s*-?\d+,\d+(?:[eE][+-]?\d+)?\s*", re.ASCII)
# What databases, R, pandas and spreadsheets write for a value that is not there. A dash may be a name.
_NO_NAME = frozenset({"nan", "null", "n/a", "na", "#n/a", "<na>", "\\n"})
_LONGEST_NOTHING = 8  # with blanks around it; most genres and moods are looked at no further
_NOTHING = _NO_NAME | {"none", "-"}
_DATE = re.compile(r"\s*(\d{4})(?:[-/.]\d{1,2}(?:[-/.T ].*)?|(?:0[1-9]|1[0-2])[0-3]\d)\s*", re.ASCII)
_PLACE = re.compile(r"\s*\d{1,9}(?:\.0+)?\s*(?:/.*)?", re.ASCII)
_MBID = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9a-fA-F])")
_UNITS = re.compile(
    r"(?:PT)?(?:(\d{1,6})\s*h\s*)?(?:(\d{1,6})\s*m(?:in)?\s*)?(?:(\d{1,6}(?:\.\d{1,9})?)\s*s(?:ec)?)?",
    re.ASCII | re.IGNORECASE,
)
# minutes beyond 59 only where there are no hours
_TIME = re.compile(r"\s*(?:(\d{1,6}):(?=[0-5]\d:))?(\d{1,6}):([0-5]\d(?:\.\d{1,9})?)\s*", re.ASCII)


# ---- text -----------------------------------------------------------------------------------------------------------


def decimal(text: str) -> float | str:
    """Return the finite number that the text says, or the text itself if it says none."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def whole_number(text: str) -> int | str:
    """Return the whole number that the text says ("480", and "480.0" too), or the text itself if it says none."""
    try:
        return int(text)
    except ValueError:
        number = decimal(text)
    return int(number) if isinstance(number, float) and number.is_integer() else text


def with_point(text: str) -> str:
    """Return a number that is written with a decimal comma with a point; any other text as it is."""
    return text.replace(",", ".") if _WITH_COMMA.fullmatch(text) else text


def says_nan(text: str) -> bool:
    """Return whether text says that there is no number."""
    return text.strip().lower() == "nan"


def says_nothing(text: str) -> bool:
    """Return whether text in a place for a number is what programs write where there is none."""
    return text.strip().lower() in _NOTHING


def names_nothing(text: str) -> bool:
    """Return whether text in a place for a name is what programs write where there is none."""
    return len(text) <= _LONGEST_NOTHING and text.strip().lower() in _NO_NAME


def year_of(text: str) -> int | str:
    """Return the year, also of a date that begins with it (1959, 1959-12-14, 19591214), or the text if it says none."""
    found = _DATE.fullmatch(text)
    return int(found[1]) if found else whole_number(text)


def counted(text: str) -> int | str:
    """Return a place that may say of how many it is (3, 03/12), or the text if it is none."""
    return whole_number(text.partition("/")[0]) if _PLACE.fullmatch(text) else text


def mbids(text: str) -> list[str] | str:
    """Return the MusicBrainz identifiers in a text, or the text if there are none."""
    return _MBID.findall(text) or text


def seconds(text: str) -> int | str:
    """Return the whole seconds of a time (3:45, 1:02:03, 3m45s, PT3M45S) or of a number of them, or the text itself.

    Halves are rounded up.
    """
    whole = whole_number(text)
    if not isinstance(whole, str):
        return whole
    found = _TIME.fullmatch(text) or _UNITS.fullmatch(text.strip())
    if found and any(found.groups()):
        hours, minutes, rest = (float(each or 0) for each in found.groups())
        number: float | str = hours * 3600 + minutes * 60 + rest
    else:
        number = decimal(text)
    return math.floor(number + 0.5) if isinstance(number, float) else text


def shown(value: Any) -> str:
    """Return the value as a file would write it, short, on one line and safe to print on a terminal."""
    if isinstance(value, str):
        cut = value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "..."
        # repr escapes control characters and lone surrogates, which json.dumps would print as they are
        return f'"{repr(cut)[1:-1]}"'
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return shown_value(value) if type(value) is int else json.dumps(value, default=repr)


# ---- numbers --------------------------------------------------------------------------------------------------------


def check_number(name: str, value: Any, most: float = math.inf) -> None:
    """Raise `InvalidInput`, which names the value, unless it is a finite number from 0 to `most`, and no boolean."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= most or value == math.inf:
        wanted = "of at least 0" if most == math.inf else f"from 0.0 to {most}"
        raise InvalidInput(f"{name} must be a number {wanted}, got {shown(value)}")


def check_share(name: str, value: Any) -> None:
    """Raise `InvalidInput`, as `check_number` does up to 1.0; a percentage is said to need a scale."""
    try:
        check_number(name, value, 1.0)
    except InvalidInput as error:
        if isinstance(value, int | float) and 1 < value <= 100:
            raise InvalidInput(f"{error}; if the column goes from 0 to 100, add --scale {name}=100") from None
        raise


def check_thresholds(slow_below: float, fast_from: float) -> None:
    """Raise `InvalidInput` unless both are beats per minute, the first not above the second."""
    if not 0 <= slow_below <= fast_from < math.inf:
        raise InvalidInput(
            f"the tempo thresholds must be beats per minute, slow_below not above fast_from; "
            f"got slow_below={slow_below} and fast_from={fast_from}"
        )


# ---- fields from audio features -------------------------------------------------------------------------------------


def tempo_from_bpm(bpm: float, slow_below: float = SLOW_BELOW, fast_from: float = FAST_FROM) -> str:
    """Return "slow" for fewer than `slow_below` beats per minute, "fast" from `fast_from` on, "medium" between.

    Raises `InvalidInput` for a bpm that is no finite number of at least 0, and for thresholds that overlap.
    """
    check_thresholds(slow_below, fast_from)
    check_number("bpm", bpm)
    if bpm < slow_below:
        return "slow"
    return "medium" if bpm < fast_from else "fast"


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


def seconds_from_ms(duration_ms: float) -> int:
    """Return whole seconds, halves rounded up; raises `InvalidInput` for no finite number of at least 0."""
    check_number("duration_ms", duration_ms)
    return int((duration_ms + 500) // 1000)
