"""What a title says beside the work: of which edition it is, and who is featured.

`Song (feat. Somebody) - 2011 Remaster` is the work `song` in the edition `remaster`. Editions stand at the end, in
brackets or after a dash. All functions take normal forms, as `qfzz_core.model.names.normalise` makes them.
"""

from __future__ import annotations

import re
from functools import lru_cache

from attrs import frozen

_YEAR = r"(?:19|20)\d\d"
_LIVE = r"\blive (?:at|in|from|on|version|session|performance|recording|edit|bonus|lounge|act|acoustic)\b"
# What the words at the end of a title mean; each pattern is searched for in one part of it.
_KINDS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("featured", r"^(?:feat|ft|featuring|with)\b|^f[a-z]{1,4}t[a-z]?\. "),
        ("karaoke", r"\bkaraoke\b|\bin the style of\b|\btribute to\b|\bmade famous by\b"),
        ("rerecorded", r"\bre-?recorded\b|\bre-?recording\b|\btaylor's version\b|\bnew version\b"),
        ("sped", r"\bsped up\b|\bslowed\b|\bnightcore\b|\breverb\b"),
        ("instrumental", r"\binstrumental\b|\bwithout vocals\b"),
        ("acappella", r"\ba ?cap+el+a\b"),
        ("acoustic", r"\bacoustic\b|\bunplugged\b|\bstripped\b|\bpiano version\b|\borchestral\b"),
        ("demo", r"\bdemos?\b|\brehearsal\b|\bouttake\b|\balternat(?:e|ive) (?:take|version|mix)\b|\btake \d+\b"),
        ("live", rf"{_LIVE}|^live\b.*{_YEAR}|^live[,:/]|\blive$|^live$|\bin concert\b|\bsessions?\b"),
        ("live", r"\brecorded (?:live|at)\b|\bao vivo\b|\ben (?:vivo|directo|public)\b"),
        ("radio edit", r"\bradio (?:edit|version|mix|cut)\b|^radio$"),
        ("extended", r"\bextended\b|\bclub (?:mix|version|edit)\b|\b(?:12|7)(?:\"|''| inch)|\blong version\b"),
        ("original", r"^original(?: (?:mix|version|recording|album|single).*)?$"),
        ("single", r"\b(?:single|album|lp|ep|short|full|video|international|uk|us) (?:version|edit|mix)\b"),
        ("remaster", r"\bremaster(?:ed|ing)?\b|\bremasteri[sz]ado\b"),
        (
            "remix",
            r"\bre-?mix(?:ed|es)?\b|\brmx\b|\brework(?:ed)?\b|\bbootleg\b|\bflip\b|\bvip\b|\bremake\b|\bmash-?up\b",
        ),
        ("deluxe", r"\bdeluxe\b|\bexpanded\b|\banniversary\b|\bspecial edition\b|\bbonus\b|\breissue\b"),
        ("mono", r"^mono\b|\bmono(?: version| mix)?$"),
        ("stereo", r"^stereo\b|\bstereo(?: version| mix)?$"),
        ("explicit", r"^explicit\b|^clean\b|\bexplicit version\b|\bclean version\b|^dirty\b"),
        ("soundtrack", r"^(?:music )?from |\bsoundtrack\b|\boriginal (?:motion picture|broadway)\b|\btheme from\b"),
        ("year", rf"^{_YEAR}(?: (?:version|digital|mix|edition))?$"),
    )
)
# What other words say more of: an acoustic mix is no remix, a live version is live.
_WEAK = (
    ("remix", re.compile(r"\bmix(?: cut)?$|\bmixed\b|\bedit$|\bdub\b|\bcover\b")),
    ("version", re.compile(r"\bversion$")),
)
# Editions of one recording: where a catalogue has one of them, an entry for another one is that track.
SAME_RECORDING = frozenset(
    {"featured", "remaster", "deluxe", "mono", "stereo", "explicit", "soundtrack", "year", "original", "single"}
    | {"radio edit"}
)
# What a list without repeated works takes for the same: remixes, demos and other versions are heard as other tracks.
SAME_WORK = frozenset(
    {"remaster", "live", "deluxe", "mono", "stereo", "radio edit", "year", "single", "original", "explicit"}
)

_BRACKETS = re.compile(r"^(?P<before>.*\S)\s*[(\[{<](?P<part>[^()\[\]{}<>]*(?:\([^()]*\)[^()\[\]{}<>]*)?)[)\]}>]$")
_DASHES = tuple(  # one, or several, as in "- live at a hall, london - may 26, 1966"
    re.compile(rf"^(?P<before>.*\S) - (?P<part>[^ ].*{' - .*' * more}\S)$") for more in range(3)
)
_FEATURED = re.compile(r"^(?P<before>.*\S)\s+(?P<part>(?:feat\.?|ft\.?|featuring)\s(?:(?! - )[^()\[\]])*\S)$")
_LONGEST = 500  # characters of a title that are looked at: what is longer names no edition


@frozen
class Edition:
    """A title, parted: the `work`, the kinds of its editions, and the words about who is featured.

    `words` are those of the editions that make it another recording, such as a live one.
    """

    work: str
    kinds: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    featured: tuple[str, ...] = ()

    @property
    def recording(self) -> frozenset[str]:
        """The kinds that make it another recording than the work's usual one, such as a live one."""
        return self.kinds - SAME_RECORDING


@lru_cache(maxsize=65_536)
def edition_of(title: str, kinds: frozenset[str] | None = None) -> Edition:
    """Return a title without what editions add at its end; a title that is nothing else stays as it is.

    With `kinds`, only editions of these kinds are taken off.
    """
    found = Edition(title)
    while len(found.work) <= _LONGEST and (parted := _parted(found.work)):
        before, part, of_part = parted
        if kinds is not None and not of_part <= kinds:
            break
        if of_part == {"featured"}:
            found = Edition(before, found.kinds, found.words, (part, *found.featured))
        else:
            words = () if of_part <= SAME_RECORDING else (part,)
            found = Edition(before, found.kinds | of_part, (*words, *found.words), found.featured)
    return found


def work_title(title: str) -> str:
    """Return the title by which a list has a work once: without remaster, live, deluxe, mono, radio edit or year."""
    return edition_of(title, SAME_WORK).work


def _parted(title: str) -> tuple[str, str, frozenset[str]] | None:
    """Return what stands before the last part of a title, the part, and its kinds; None if it has no such part."""
    for pattern in (_BRACKETS, _FEATURED, *_DASHES):
        found = pattern.match(title)
        if found is not None and (kinds := _kinds(found["part"].strip())):
            return found["before"], found["part"].strip(), kinds
    return None


def _kinds(part: str) -> frozenset[str]:
    if _KINDS[0][1].search(part):
        return frozenset({"featured"})
    found = [kind for kind, pattern in _KINDS if pattern.search(part)]
    return frozenset(found or [kind for kind, pattern in _WEAK if pattern.search(part)][:1])
