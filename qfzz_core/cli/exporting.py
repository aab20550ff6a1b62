"""Everything held of a user, and a file that is either whole or not there."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from qfzz_core.errors import QfzzError
from qfzz_core.events import Event
from qfzz_core.profiles import PREFERENCE_FIELDS, ProfileSnapshot, UserProfile
from qfzz_core.stores import UserRecord


class ExportError(QfzzError):
    """The file of an export cannot be written; what was there before is untouched."""


def everything_of(record: UserRecord) -> dict[str, Any]:
    """Return profile, log and learned state in plain types, that of plugins which are not there any more included."""
    events = list(record.events)
    learned: dict[str, dict[str, Any]] = {}
    for learner, key, state in record.states:
        learned.setdefault(learner, {})[key] = state
    return {
        "profile": _profile(record.profile, events).to_dict(),
        "events": [attrs.asdict(event) for event in events],
        "learned": learned,
    }


def _profile(snapshot: ProfileSnapshot, events: Sequence[Event]) -> UserProfile:
    history = [event.interaction.to_dict() for event in events if event.interaction is not None]
    fields = {field: getattr(snapshot, field) for field in (*PREFERENCE_FIELDS, "user_id", "created_at", "updated_at")}
    return UserProfile(**fields, interaction_history=history)


def write_whole(path: Path, value: Any) -> None:
    """Write JSON to a file that only its owner can read, replacing what is there at once; raises `ExportError`."""
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise ExportError(f"{path}: this is no ordinary file; without --output the export goes to stdout")
    try:
        _replace(target, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise ExportError(f"{path}: cannot be written: {error.strerror or error}") from error


def _replace(target: str, text: str) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".qfzz-")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
