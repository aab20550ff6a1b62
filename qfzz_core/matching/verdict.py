"""Whether a track is the one that is meant, and which of several is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile

from attrs import evolve, field, frozen
from rapidfuzz.distance.OSA import distance

from qfzz_core.matching.words import Wanted, artists_of, folded, folded_work, main_artists, numbers
from qfzz_core.model.cached_property import cached_property
from qfzz_core.model.editions import Edition, edition_of

# Letters by which names may differ for slips of the keyboard. Of 2,451 damaged entries of a catalogue of 27,582 tracks
# 98.0% are found with these, and 99.8% of the matches are right, those of absent tracks counted.
_MOST_SLIPS = (*[0] * 4, *[1] * 4, *[2] * 8, *[3] * 16, 4)  # by length
# How far two lengths of one recording may lie apart: sources round, and count silence at the end or do not.
_SECONDS_APART, _SHARE_APART = 10.0, 0.07
_CLOSE = 4.0  # seconds: nearer ones are as good
# Lengths that are other cuts of a song, where the entry itself says none.
_OTHER_CUT = 5.0
_NOT_FIRST = 0.97  # of an artist who is named, but not first
_LIVE = frozenset({"live"})
_TOO_CLOSE = 0.02  # scores that say nothing of which track is meant, unless one is spelt exactly so


@frozen(eq=False, slots=False)
class Candidate:
    """A track that may be meant: its row, the normal forms of its title and artists, and its seconds if known."""

    row: int
    title: str
    artists: tuple[str, ...]
    duration: float | None

    @cached_property
    def edition(self) -> Edition:
        """The title, parted."""
        return edition_of(self.title)

    @cached_property
    def work(self) -> str:
        """The work, folded."""
        return folded_work(self.title)

    @cached_property
    def whole(self) -> str:
        """The whole title, folded."""
        return folded(self.title)


@frozen
class Rated:
    """A candidate that may be the track, and how well it fits: `score` of the words, then `fit` among equal ones."""

    candidate: Candidate
    score: float
    fit: tuple[float, ...]


@frozen
class Chosen:
    """The rows that may be meant, the likeliest first; `is_one` says that it is the first of them.

    `is_sure` says that nothing could fit better: title and artist are written in the same way.
    """

    rows: Sequence[int] = ()
    score: float = 0.0
    is_one: bool = False
    is_sure: bool = field(default=False)


def similar(one: str, other: str) -> float:
    """Return how alike two folded names are: 1 for equal ones, 0 if they differ by more than slips of the keyboard.

    The measure is optimal string alignment, in which two letters that change places are one slip.
    """
    if one == other:
        return 1.0
    longest = max(len(one), len(other))
    slips = _MOST_SLIPS[longest] if longest < len(_MOST_SLIPS) else _MOST_SLIPS[-1]
    if abs(len(one) - len(other)) > slips or not slips:
        return 0.0
    apart = distance(one, other, score_cutoff=slips)
    return 0.0 if apart > slips else 1.0 - apart / longest


def may_be(wanted: Wanted, title: str) -> bool:
    """Return whether the normal form of a title looks like the wanted one."""
    return similar(wanted.work, folded_work(title)) > 0.0 or similar(wanted.whole, folded(title)) > 0.0


def best_of(wanted: Wanted, candidates: Sequence[Candidate]) -> Chosen:
    """Return which of the candidates is meant; a live recording of which there is none means the song."""
    chosen = _best_rated(wanted, candidates)
    if chosen.rows or wanted.edition.recording != _LIVE or _has_live(wanted, candidates):
        return chosen
    edition = wanted.edition
    song = evolve(wanted, edition=Edition(edition.work, edition.kinds - _LIVE, (), edition.featured))
    return evolve(_best_rated(song, candidates), is_sure=False)


def _has_live(wanted: Wanted, candidates: Iterable[Candidate]) -> bool:
    """Return whether the catalogue has any live recording of the song, whatever its length."""
    live = (each for each in candidates if each.edition.kinds >= _LIVE)
    return any(similar(wanted.work, each.work) and _artists_alike(wanted, each) for each in live)


def _best_rated(wanted: Wanted, candidates: Iterable[Candidate]) -> Chosen:
    rated = sorted(filter(None, (_rated(wanted, each) for each in candidates)), key=_order)
    if not rated:
        return Chosen()
    best = rated[0]
    equal = list(takewhile(lambda each: best.score - each.score < _TOO_CLOSE, rated))
    rows = [each.candidate.row for each in equal]
    is_one = best.score == 1.0 or all(_same_words(best, each) for each in equal)
    is_one = is_one and not (wanted.duration is None and any(_other_cut(best, each) for each in equal))
    return Chosen(rows, best.score, is_one, best.score == 1.0)


def _order(rated: Rated) -> tuple[float, ...]:
    return (-rated.score, *(-each for each in rated.fit), rated.candidate.row)


def _rated(wanted: Wanted, candidate: Candidate) -> Rated | None:
    """Return how well a candidate fits, None if it is another track."""
    work = candidate.work
    title = similar(wanted.work, work) if _is_same_recording(wanted.edition, candidate.edition) else 0.0
    if not title:  # a slip in the words of the edition
        title = similar(wanted.whole, candidate.whole)
    if not title or numbers(wanted.work) != numbers(work):
        return None
    artist = _artists_alike(wanted, candidate)
    gap = _gap(wanted.duration, candidate.duration)
    if not artist or gap is None:
        return None
    fit = (float(gap <= _CLOSE), _edition_fit(wanted, candidate), -round(gap, 1))
    return Rated(candidate, round(0.6 * title + 0.4 * artist, 3), fit)


def _is_same_recording(wanted: Edition, found: Edition) -> bool:
    """Return whether neither is live, remixed, or another version that the other one is not."""
    if wanted.recording != found.recording:
        return False
    one, other = folded(" ".join(wanted.words)), folded(" ".join(found.words))
    if wanted.recording == _LIVE:  # one of the two often says no more than that
        return min(len(one), len(other)) <= len("live version") or similar(one, other) > 0.0
    return similar(one, other) > 0.0


def _edition_fit(wanted: Wanted, candidate: Candidate) -> float:
    if wanted.title == candidate.title:
        return 3.0
    same_work = 0.5 if wanted.edition.work == candidate.edition.work else 0.0
    if wanted.edition.kinds == candidate.edition.kinds:
        return 2.0 + same_work
    return same_work if candidate.edition.kinds else 1.0 + same_work


def _artists_alike(wanted: Wanted, candidate: Candidate) -> float:
    """Return how alike the likest artists of both are, who comes first before others."""
    main = main_artists(candidate.artists[0]) if candidate.artists else frozenset[str]()
    featured = [name for part in candidate.edition.featured for name in artists_of(part)[1:]]
    names = [name for artist in candidate.artists for name in artists_of(artist)] + featured
    # A guest may be the artist of another song of this name: with a guest alone, the lengths have to agree.
    one_length = wanted.duration and candidate.duration and abs(wanted.duration - candidate.duration) <= _CLOSE
    best = 0.0
    for one in wanted.artists if one_length else filter(wanted.main.__contains__, wanted.artists):
        for other in names:
            alike = similar(one, other) * (1.0 if one in wanted.main and other in main else _NOT_FIRST)
            best = max(best, alike)
            if best == 1.0:
                return best
    return best


def _gap(wanted: float | None, found: float | None) -> float | None:
    """Return the seconds between two lengths, 0 where one is unknown; None if no recording has both."""
    if wanted is None or found is None:
        return 0.0
    gap = abs(wanted - found)
    return gap if gap <= max(_SECONDS_APART, _SHARE_APART * max(wanted, found)) else None


def _same_words(one: Rated, other: Rated) -> bool:
    return one.candidate.work == other.candidate.work and (
        folded(one.candidate.artists[0] if one.candidate.artists else "")
        == folded(other.candidate.artists[0] if other.candidate.artists else "")
    )


def _other_cut(one: Rated, other: Rated) -> bool:
    first, second = one.candidate.duration, other.candidate.duration
    if one.fit[:2] != other.fit[:2] or first is None or second is None:
        return False
    return abs(first - second) > _OTHER_CUT
