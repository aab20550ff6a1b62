"""Names that taggers, shops and listeners write for one genre. Names that compare equal need no line here."""

from __future__ import annotations

from qfzz_core import hookimpl

# A genre and its other names. Only what means the same music: what is merely near is for the genre similarity.
OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "hip-hop": ("hiphop", "hip hop/rap", "rap/hip hop", "hip hop & rap", "rap & hip hop", "hip hop music"),
    "r&b": (
        "r'n'b",
        "rnb",
        "r n b",
        "r & b",
        "r and b",
        "r'n b",
        "rhythm and blues",
        "rhythm & blues",
        "rhythm 'n' blues",
    ),
    "drum and bass": ("drum'n'bass", "drum 'n' bass", "drum n bass", "drum & bass", "drumnbass", "dnb", "d'n'b", "d&b"),
    "rock and roll": ("rock'n'roll", "rock 'n' roll", "rock n roll", "rock & roll", "rocknroll"),
    "synth-pop": ("synthpop",),
    "indie-pop": ("indiepop",),
    "indie rock": ("indierock",),
    "pop rock": ("poprock",),
    "punk rock": ("punkrock",),
    "hard-rock": ("hardrock",),
    "death-metal": ("deathmetal",),
    "black-metal": ("blackmetal",),
    "heavy metal": ("heavymetal",),
    "nu metal": ("numetal", "nü metal"),
    "metalcore": ("metal core",),
    "post-rock": ("postrock",),
    "post-punk": ("postpunk",),
    "alternative rock": ("alt rock", "altrock", "alternrock", "alt. rock"),
    "progressive rock": ("prog rock", "progrock"),
    "progressive metal": ("prog metal",),
    "psychedelic rock": ("psych rock", "psychadelic rock"),
    "psytrance": ("psy trance", "psychedelic trance"),
    "singer-songwriter": ("singer/songwriter", "singersongwriter", "singer & songwriter"),
    "trip-hop": ("triphop",),
    "lo-fi": ("lofi",),
    "downtempo": ("down tempo",),
    "chillout": ("chill out",),
    "dubstep": ("dub step",),
    "breakbeat": ("break beat",),
    "shoegaze": ("shoe gaze",),
    "britpop": ("brit pop",),
    "j-pop": ("jpop", "japanese pop"),
    "k-pop": ("kpop", "korean pop"),
    "edm": ("electronic dance music",),
    "idm": ("intelligent dance music",),
    "bossa nova": ("bossanova",),
    "reggaeton": ("reggaetón",),
    "new age": ("newage",),
    "world music": ("worldmusic",),
    "avant-garde": ("avantgarde",),
    "a cappella": ("acappella", "acapella", "a capella"),
    "soundtrack": ("soundtracks", "original soundtrack", "ost", "original score"),
    "electronic": ("electronic music",),
    "classical": ("classical music",),
    "folk": ("folk music",),
}


@hookimpl
def qfzz_genre_aliases() -> dict[str, str]:
    """Return the genre of each other name."""
    return {name: genre for genre, names in OTHER_NAMES.items() for name in names}
