"""Analyses of audio files: which tracks lack what an analyser can hear, and what it says written in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, field

from qfzz_core.contracts.analysers import AnalysisError
from qfzz_core.contracts.stores import Store
from qfzz_core.errors import TrackError
from qfzz_core.importing.locations import file_at
from qfzz_core.importing.values import tempo_from_bpm
from qfzz_core.model.plain import NotPlainError, mapping_of, number_of, plain
from qfzz_core.model.tracks import Track, checked_track
from qfzz_core.plugins.faults import BrokenContractError, Report, answer, described, fault_in

if TYPE_CHECKING:
    from qfzz_core.plugins.registry import Registered

# Files are heard in 1 to 5 seconds each: what an end in the middle loses is a minute of work.
BATCH = 20

ANALYSED, FAILED = "analysed_by", "analysis_failed"
"""Keys of a track: which analyser gave a field, and why an analyser gave none."""


@define
class Analysis:
    """The analysis of some tracks by one analyser.

    Only fields that a track lacks are written, with `analysed_by` beside them. A track at which the same version of the
    analyser failed is left out, unless `retry`. `on_failure` gets the path of each file that cannot be analysed, and
    the reason; `on_progress` each path before it is heard.
    """

    analyser: Registered[Any]
    store: Store
    report: Report
    retry: bool = False
    on_failure: Callable[[Path, str], None] | None = None
    on_progress: Callable[[Path], None] | None = None
    analysed: int = field(init=False, default=0)
    failed: int = field(init=False, default=0)
    without_file: int = field(init=False, default=0)

    @property
    def label(self) -> str:
        """The analyser's name and version, as tracks keep it."""
        version = getattr(self.analyser.value, "version", None) or self.analyser.origin.version
        return f"{self.analyser.name} {version}" if version else self.analyser.name

    def lacking(self, tracks: Iterable[Track]) -> list[tuple[str, Path]]:
        """Return the ids and files of the tracks that lack a field which the analyser can give."""
        found = []
        for track in tracks:
            if not self._lacks(track):
                continue
            path = file_at(track.get("location"))
            if path is None:
                self.without_file += "location" in track
            else:
                found.append((track["track_id"], path))
        return found

    def _lacks(self, track: Mapping[str, Any]) -> bool:
        if all(track.get(name) is not None for name in self.analyser.value.fields):
            return False
        said, failed = track.get(ANALYSED), track.get(FAILED)
        if isinstance(said, dict) and self.label in said.values():
            return False  # it said all that it can
        return self.retry or not isinstance(failed, dict) or self.label not in failed

    def run(self, files: Iterable[tuple[str, Path]]) -> None:
        """Analyse files, and write what is known of them after each batch, and where it is interrupted."""
        remaining = iter(files)
        while batch := list(islice(remaining, BATCH)):
            said: dict[str, dict[str, Any]] = {}
            try:
                for track_id, path in batch:
                    said[track_id] = self._said(path)
            finally:
                # all of them first: a store need not read while it writes
                self.store.write_tracks([*self._completed(said)])

    def _said(self, path: Path) -> dict[str, Any]:
        """Return the fields of a file and who gave them, or why there are none."""
        if self.on_progress:
            self.on_progress(path)
        try:
            values = self._checked(answer(self.analyser.value.analyse, path))
        except AnalysisError as error:
            return self._failure(path, str(error))
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
            fault = fault_in(error)
            self.report(self.analyser.origin, f"analyser {self.analyser.name}", fault)
            return self._failure(path, described(fault))
        self.analysed += 1
        return values

    def _failure(self, path: Path, reason: str) -> dict[str, Any]:
        self.failed += 1
        if self.on_failure:
            self.on_failure(path, reason)
        return {FAILED: reason}

    def _checked(self, given: Any) -> dict[str, Any]:
        if given is None:
            raise AnalysisError("nothing can be said of it")
        values = mapping_of(given)
        if values is None:
            raise BrokenContractError(f"analyse must give a mapping of fields or None, got {given!r}")
        known = {name: _plain(name, values[name]) for name in self.analyser.value.fields if name in values}
        known = {name: value for name, value in known.items() if value is not None}
        if not known:
            raise AnalysisError("nothing can be said of it")
        return known

    def _completed(self, said: Mapping[str, Mapping[str, Any]]) -> Iterator[Track]:
        """Yield the tracks as they are now, with what they lack of what was said of them."""
        for track_id, values in said.items():
            found = self.store.find_track(track_id)
            if found is not None:  # it may have been removed meanwhile
                yield self._with(found[1], values)

    def _with(self, track: Track, values: Mapping[str, Any]) -> Track:
        failures = {**(track.get(FAILED) or {})} if isinstance(track.get(FAILED), dict) else {}
        if FAILED in values:
            return {**track, FAILED: {**failures, self.label: values[FAILED]}}
        failures.pop(self.label, None)
        new = {name: value for name, value in values.items() if track.get(name) is None}
        if "bpm" in new and track.get("tempo") is None:
            new["tempo"] = tempo_from_bpm(new["bpm"])
        by = track.get(ANALYSED) if isinstance(track.get(ANALYSED), dict) else {}
        made = {**track, **new, ANALYSED: {**(by or {}), **dict.fromkeys(new, self.label)}}
        made.pop(FAILED, None)
        return {**made, FAILED: failures} if failures else made


# a track of which one field is replaced, so that the check of tracks says what is wrong with a value
_ANY = {
    "track_id": "t",
    "title": "x",
    "artist": "x",
    "genre": None,
    "mood": None,
    "energy": None,
    "tempo": None,
    "duration": None,
}


def _plain(name: str, value: Any) -> Any:
    """Return a value as a track keeps it; raises `BrokenContractError` for one that a field cannot have."""
    value = value.tolist() if hasattr(value, "tolist") else value  # an array or a number of NumPy's
    if name == "bpm" and value is not None:
        number = number_of(value)
        if number is None or not isfinite(number) or number <= 0:
            raise BrokenContractError(f"bpm must be a number above 0, got {value!r}")
    try:
        return checked_track({**_ANY, name: plain(value, name)})[name]
    except (TrackError, NotPlainError) as error:
        raise BrokenContractError(f"analyse gave what no track can have: {error}") from None
