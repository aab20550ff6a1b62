"""The documented formulas once more, in plain Python: slow, obvious, and sharing no line with the library.

Tests hold the library against these functions. Everything is computed for one track at a time, from the
sentences of the documentation; the only cleverness is to round with exact fractions.
"""

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal, NamedTuple

Kind = Literal["genre", "artist", "mood"]
Match = Literal["documented", "graded"]

WEIGHTS = {"genre": 0.30, "artist": 0.25, "energy": 0.20, "tempo": 0.15, "mood": 0.10}

SIMILAR_GENRES = {
    "rock": ["alternative", "indie", "punk", "metal"],
    "pop": ["dance", "electronic", "indie-pop", "synth-pop"],
    "jazz": ["blues", "soul", "funk", "swing"],
    "classical": ["orchestral", "baroque", "romantic", "contemporary"],
    "hip-hop": ["rap", "trap", "r&b", "urban"],
    "electronic": ["techno", "house", "trance", "ambient"],
    "folk": ["acoustic", "country", "americana", "singer-songwriter"],
    "metal": ["hard-rock", "progressive", "death-metal", "black-metal"],
}

UNKNOWN = {"genre": 0.0, "energy": 0.5, "tempo": 0.5, "mood": 0.0}

STRENGTHS = {"favorite": 0.2, "like": 0.1, "play": 0.05, "skip": -0.05, "dislike": -0.1}


# Names


def normal(name: str, kind: Kind) -> str:
    """The form by which two spellings of one name are equal; empty for a blank name."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", plain(name)).casefold())
    folded = plain(folded)
    if kind == "genre":
        folded = folded.replace("_", " ").replace("-", " ")
    return " ".join(folded.split())


def plain(text: str) -> str:
    """The text with every dash and quote as a keyboard has them."""
    signs = {
        **dict.fromkeys("\u2018\u2019\u201b\u02bc\u0060\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f", '"'),
    }
    dashes = ("-" if unicodedata.category(each) == "Pd" or each == "\u2212" else each for each in text)
    return "".join(signs.get(each, each) for each in dashes)


def spelling(weights: Mapping[str, float], name: str, kind: Kind) -> str | None:
    """The key of `weights` that means `name`, as it is written there."""
    for key in weights:
        if normal(key, kind) == normal(name, kind):
            return key
    return None


def weight_of(weights: Mapping[str, float], name: str, kind: Kind) -> float:
    """The weight that a profile gives to `name`, 0.0 if it has no such name."""
    key = spelling(weights, name, kind)
    return 0.0 if key is None else float(weights[key])


def similar(one: str, other: str) -> bool:
    """Whether the documented map relates the two genres, in whichever direction."""
    one, other = normal(one, "genre"), normal(other, "genre")
    for genre, relatives in SIMILAR_GENRES.items():
        for relative in relatives:
            if {one, other} == {normal(genre, "genre"), normal(relative, "genre")}:
                return True
    return False


# Scores


def genre_value(genres: Mapping[str, float], genre: str, match: Match = "documented") -> float:
    """How well `genre` fits the preferred genres, those with a weight above 0."""
    preferred = {name: weight for name, weight in genres.items() if weight > 0}
    exact = weight_of(preferred, genre, "genre")
    if exact > 0:
        return exact if match == "graded" else 1.0
    relatives = [float(weight) for name, weight in preferred.items() if similar(name, genre)]
    if not relatives:
        return 0.0
    return max(relatives) / 2 if match == "graded" else 0.5


def all_of(track: Mapping[str, Any], factor: str) -> list[Any]:
    """What a track is known to have for a factor: its value, and the further names that it lists."""
    known = [] if track[factor] is None else [track[factor]]
    return [*known, *(track.get(f"{factor}s") or [])]


def value(factor: str, profile: Mapping[str, Any], known: Any, match: Match) -> float:
    """What one factor says of one value that a track is known to have."""
    tempo = profile.get("tempo_preference", "medium")
    if factor == "genre":
        return genre_value(profile.get("genres", {}), known, match)
    if factor == "energy":
        return 1.0 - abs(float(known) - float(profile.get("energy_level", 0.5)))
    if factor == "tempo":
        return 1.0 if tempo in ("varied", known) else 0.0
    return weight_of(profile.get(f"{factor}s", {}), known, "artist" if factor == "artist" else "mood")


def values(
    profile: Mapping[str, Any],
    track: Mapping[str, Any],
    match: Match = "documented",
    unknown: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """The five factors' values in the order in which the score adds them; `unknown` replaces what is documented."""
    counts = {**UNKNOWN, **(unknown or {})}
    return {
        factor: max(
            (value(factor, profile, known, match) for known in all_of(track, factor)),
            default=counts.get(factor),
        )
        for factor in WEIGHTS
    }


def on_grid(number: float) -> float:
    """The multiple of 2**-40 nearest to `number`, halves to even."""
    steps = Fraction(number) * 2**40
    return float(Fraction(round(steps), 2**40))


def score(
    profile: Mapping[str, Any],
    track: Mapping[str, Any],
    weights: Mapping[str, float] | None = None,
    match: Match = "documented",
    unknown: Mapping[str, float] | None = None,
) -> float:
    """The exact number by which the library ranks `track`; `weights` replace the documented ones by factor."""
    used = {**WEIGHTS, **(weights or {})}
    total = mass = 0.0
    for factor, value in values(profile, track, match, unknown).items():
        total += used[factor] * value
        mass += used[factor]
    return on_grid(total / mass) if mass else 0.0


def ranking(
    profile: Mapping[str, Any],
    tracks: Sequence[Mapping[str, Any]],
    weights: Mapping[str, float] | None = None,
    match: Match = "documented",
    unknown: Mapping[str, float] | None = None,
) -> list[tuple[str, float]]:
    """All tracks as (track_id, score), best first; equal scores keep the catalogue's order."""
    scored = [(str(track["track_id"]), score(profile, track, weights, match, unknown)) for track in tracks]
    return sorted(scored, key=lambda pair: -pair[1])


# Learning


def strength(interaction_type: str, rating: float | None = None) -> float:
    """How far one piece of feedback moves a weight; a rating replaces what the type says."""
    return STRENGTHS[interaction_type] if rating is None else (rating - 0.5) * 0.2


def learn(weights: Mapping[str, float], name: str | None, strength: float, kind: Kind) -> dict[str, float]:
    """`weights` after feedback of `strength` on `name`, existing spelling kept, nothing inserted at 0."""
    learned = dict(weights)
    if name is None:
        return learned
    key = spelling(weights, name, kind)
    moved = min(1.0, max(0.0, round((0.0 if key is None else weights[key]) + strength, 12)))
    if key is not None:
        learned[key] = moved
    elif moved > 0:
        learned[name] = moved
    return learned


def different(names: Sequence[str], kind: Kind) -> list[str]:
    """Names without repetition, each as it is spelt first."""
    spelt: dict[str, str] = {}
    for name in names:
        spelt.setdefault(normal(name, kind), name)
    return list(spelt.values())


def learn_track(profile: Mapping[str, Any], track: Mapping[str, Any], strength: float) -> dict[str, Any]:
    """`profile` after feedback on `track`: genre, artist and mood move as far as known, further ones half as far."""
    genres, artists = profile.get("genres", {}), profile.get("artists", {})
    for genre in different(all_of(track, "genre"), "genre"):
        genres = learn(genres, genre, strength if genre == track["genre"] else strength / 2, "genre")
    for artist in different(all_of(track, "artist"), "artist"):
        artists = learn(artists, artist, strength if artist == track["artist"] else strength / 2, "artist")
    return {
        **profile,
        "genres": genres,
        "artists": artists,
        "moods": learn(profile.get("moods", {}), track["mood"], strength, "mood"),
    }


def trust(strengths: Iterable[float]) -> float:
    """The beta-reputation mean of the feedback on one creator's tracks, counted in likes of 0.1."""
    likes = dislikes = 0.0
    for each in strengths:
        if each > 0:
            likes += each / 0.1
        else:
            dislikes += -each / 0.1
    return (likes + 1) / (likes + dislikes + 2)


# Discovery


class Split(NamedTuple):
    """What `split` promises of one answer: how many tracks of each reason, and from which ranks the picks come."""

    ranked: int  # the best-ranked tracks: exactly the ranks 1 to `ranked`
    discovery: int  # the picks, drawn from the ranks `ranked` + 1 to `last`
    last: int


def split_sizes(n: int, limit: int | None, d: float, pool_depth: int = 10) -> Split:
    """The group sizes for `n` eligible tracks; `pool_depth` (at least 1) counts only where there is a limit."""
    if limit is None:
        pool = math.floor(d * n + 1e-9)
        return Split(n - pool, math.floor(d * pool + 0.5), n)
    wanted = math.floor(d * limit + 0.5)
    ranked = min(limit - wanted, n)
    last = max(ranked, min(n, pool_depth * limit))
    return Split(ranked, min(wanted, last - ranked), last)
