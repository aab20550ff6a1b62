"""What somebody else's list says of a track: enough to find it in the catalogue, or to say which one is not there."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Description:
    """A track in the words of a playlist, a listening history or another library; None where it says nothing.

    `track_id` is an id of our own catalogue; `recording_mbid` that of MusicBrainz, `isrc` the International Standard
    Recording Code (ISO 3901). `location` is a path or URI as the source writes it. `artist` is the artist as credited,
    all of them where the source does not part them; `artists` are the parts where it does. `duration` is in seconds.
    """

    title: str | None = None
    artist: str | None = None
    artists: tuple[str, ...] = ()
    album: str | None = None
    duration: float | None = None
    track_id: str | None = None
    recording_mbid: str | None = None
    isrc: str | None = None
    location: str | None = None
