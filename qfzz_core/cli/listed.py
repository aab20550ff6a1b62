"""The entries of playlists, the tracks of the catalogue that they mean, and what is said of both."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from attrs import asdict, frozen

from qfzz_core.cli.output import echo, note, visible
from qfzz_core.contracts.playlists import PlaylistEntry, PlaylistFile

if TYPE_CHECKING:
    from qfzz_core.engine import Engine
    from qfzz_core.matching.matcher import Matcher

SHOWN = 20  # entries that were left out, as many as bad rows of an import
_CANDIDATES = 3


@frozen
class Listed:
    """One entry of a list, and the track that it means.

    `by` says how the track was found; `candidates` are the ids of several that it may be.
    """

    playlist: PlaylistFile
    entry: PlaylistEntry
    track_id: str | None = None
    by: str | None = None
    candidates: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The file and the line, as `file:line`."""
        return f"{self.playlist.path}:{self.entry.line}"

    @property
    def words(self) -> str:
        """What the list says, as a person would write it."""
        said = self.entry.description
        names = " - ".join(each for each in (said.artist, said.title) if each)
        return names or said.location or said.track_id or said.recording_mbid or said.isrc or "an entry without words"

    @property
    def outcome(self) -> str:
        """What became of the entry, in one word."""
        if self.entry.problem is not None:
            return "bad"
        return "matched" if self.track_id is not None else "ambiguous" if self.candidates else "unmatched"

    def event_id(self, type_: str) -> str:
        """Return the id of the event that the entry becomes: the same whenever the same list has the same track."""
        title = self.playlist.title or self.playlist.path.name.partition(".")[0]
        parts = json.dumps([title, type_, self.track_id])
        return f"playlist:{sha256(parts.encode()).hexdigest()[:32]}"


def resolved(engine: Engine, playlists: Iterable[PlaylistFile]) -> list[Listed]:
    """Return the entries of lists with what the catalogue has of them."""
    matcher = engine.matcher()
    return [_listed(matcher, playlist, entry) for playlist in playlists for entry in playlist.entries]


def _listed(matcher: Matcher, playlist: PlaylistFile, entry: PlaylistEntry) -> Listed:
    if entry.problem is not None:
        return Listed(playlist, entry)
    match = matcher.match(entry.description)
    return Listed(playlist, entry, match.track_id, match.by, match.candidates if match.is_ambiguous else ())


# ---- reports --------------------------------------------------------------------------------------------------------


def report_of(entries: Sequence[Listed]) -> dict[str, Any]:
    """Return counts and entries, as a JSON document has them."""
    outcomes = Counter(each.outcome for each in entries)
    return {
        "entries": len(entries),
        **{outcome: outcomes[outcome] for outcome in ("matched", "ambiguous", "unmatched", "bad")},
        "by": dict(Counter(each.by for each in entries if each.by is not None)),
        "listed": [
            {
                "file": str(each.playlist.path),
                "line": each.entry.line,
                "says": {name: value for name, value in asdict(each.entry.description).items() if value},
                "outcome": each.outcome,
                "track_id": each.track_id,
                "by": each.by,
                "candidates": list(each.candidates),
                "problem": each.entry.problem,
            }
            for each in entries
        ],
    }


def print_report(report: Mapping[str, Any], entries: Sequence[Listed]) -> None:
    """Write to stderr what was left out and where it stands, and to stdout what was learned."""
    left_out = [each for each in entries if each.outcome != "matched"]
    for each in left_out[:SHOWN]:
        note(f"{each.place}: {_reason(each)}")
    if len(left_out) > SHOWN:
        note(f"... and {len(left_out) - SHOWN:,} more (--json shows all)")
    by = ", ".join(f"{count:,} by {how}" for how, count in sorted(report["by"].items()))
    echo(
        visible(f"{report['user_id']}: {report['type']} of {report['tracks']:,} tracks, {report['new']:,} of them new")
    )
    echo(f"{report['entries']:>9,}  entries read")
    echo(f"{report['matched']:>9,}  are tracks of the catalogue{by and f': {by}'}")
    echo(f"{report['ambiguous']:>9,}  may be several tracks, left out")
    echo(f"{report['unmatched']:>9,}  are not in the catalogue")
    echo(f"{report['bad']:>9,}  cannot be read")


def shown_rows(entries: Sequence[Listed]) -> list[dict[str, str]]:
    """Return the rows of a table of entries."""
    return [
        {
            "line": visible(each.place),
            "entry": visible(each.entry.problem or each.words),
            "track": visible(each.track_id or ("one of " + _some(each.candidates) if each.candidates else "-")),
            "by": each.by or "",
        }
        for each in entries
    ]


def _reason(each: Listed) -> str:
    if each.entry.problem is not None:
        return each.entry.problem
    if each.candidates:
        return f"{each.words} may be {_some(each.candidates)}"
    return f"{each.words} is not in the catalogue"


def _some(candidates: Sequence[str]) -> str:
    more = f" and {len(candidates) - _CANDIDATES:,} more" if len(candidates) > _CANDIDATES else ""
    return " or ".join(candidates[:_CANDIDATES]) + more
