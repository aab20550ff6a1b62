"""Categories of several names: which codes of a vocabulary stand for the names of others together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.model.cached_property import cached_property
from qfzz_core.model.strings import EncodedStrings, StringIndex

Codes = NDArray[np.int64]
Values = NDArray[np.float64]

# What joins the normal forms of the members to that of a combination. It is white space, and a normal form has no white
# space but single spaces, so no name of a track looks like a combination.
SEPARATOR = "\x1f"
_SEPARATOR = ord(SEPARATOR)


@attrs.frozen(eq=False, slots=False)
class Combinations:
    """Combinations of different categories, by code.

    Code `codes[i]`, which ascend, stands for the categories `members[starts[i]:starts[i + 1]]` together, of which the
    first is the primary one.
    """

    codes: Codes
    starts: Codes
    members: Codes

    @classmethod
    def of(cls, groups: Mapping[int, Sequence[int]]) -> Combinations:
        """Return combinations of members by code, which ascend."""
        starts = np.cumsum([0, *map(len, groups.values())])
        members = np.fromiter(chain.from_iterable(groups.values()), np.int64, int(starts[-1]))
        return cls(np.fromiter(groups, np.int64, len(groups)), starts, members)

    @classmethod
    def among(cls, strings: StringIndex) -> Combinations:
        """Return the combinations that are among the normal forms of a whole vocabulary."""
        encoded = strings.encoded
        separators = np.flatnonzero(encoded.blob[: encoded.size] == _SEPARATOR)
        codes = np.unique(encoded.starts.searchsorted(separators, side="right") - 1).astype(np.int64)
        return cls(codes, *_parted(encoded.select(codes), strings))

    def __len__(self) -> int:
        return len(self.codes)

    def followed_by(self, other: Combinations) -> Combinations:
        """Return these combinations and then others, whose codes are greater."""
        starts = np.concatenate([self.starts, other.starts[1:] + len(self.members)])
        return Combinations(
            np.concatenate([self.codes, other.codes]), starts, np.concatenate([self.members, other.members])
        )

    def members_of(self, codes: NDArray[Any]) -> dict[int, tuple[int, ...]]:
        """Return the members of those of the codes that are combinations of these, by index."""
        places = self._places(codes)
        found = np.flatnonzero(self.codes[places] == codes)
        spans = [(self.starts[place], self.starts[place + 1]) for place in places[found]]
        return {
            index: tuple(self.members[start:stop].tolist())
            for index, (start, stop) in zip(found.tolist(), spans, strict=True)
        }

    def with_primaries(self, codes: NDArray[Any]) -> NDArray[Any]:
        """Return codes with the primary category in the place of each combination."""
        places = self._places(codes)
        return np.where(self.codes[places] == codes, self.members[self.starts[places]], codes)

    def holding(self, codes: Codes) -> Codes:
        """Return the codes, ascending, of the combinations that hold any of these categories."""
        return self.codes[np.unique(self._places_holding(codes)[0])]

    def best(self, codes: Codes, values: Values, default: float) -> tuple[Codes, Values]:
        """Return the combinations that hold any of different categories, by code, with the greatest of their values.

        A member that is not among the categories has the default.
        """
        places, lengths = self._places_holding(codes)
        if not len(places):
            return places, np.empty(0)
        order = places.argsort(kind="stable")
        places, members = places[order], values.repeat(lengths)[order]
        begins = np.ones(len(places) + 1, dtype=np.bool_)
        np.not_equal(places[1:], places[:-1], out=begins[1:-1])
        bounds = begins.nonzero()[0]
        firsts, named = bounds[:-1], bounds[1:] - bounds[:-1]
        greatest = np.maximum.reduceat(members, firsts)
        places = places[firsts]
        sizes = self.starts[places + 1] - self.starts[places]
        greatest = np.where(named < sizes, np.maximum(greatest, default), greatest)
        return self.codes[places], greatest

    def _places(self, codes: NDArray[Any]) -> NDArray[np.intp]:
        return np.minimum(self.codes.searchsorted(codes), len(self) - 1)

    def _places_holding(self, codes: Codes) -> tuple[Codes, NDArray[np.intp]]:
        """Return the places of the combinations that hold each category, one after another, and how many each has."""
        members, places = self._by_member
        starts = members.searchsorted(codes)
        lengths = members.searchsorted(codes, side="right") - starts
        ends = lengths.cumsum()
        total = int(ends[-1]) if len(ends) else 0
        return places[np.arange(total) + (starts - ends + lengths).repeat(lengths)], lengths

    @cached_property
    def _by_member(self) -> tuple[Codes, Codes]:
        """Members, ascending, and the place of the combination that each is a member of."""
        order = self.members.argsort(kind="stable")
        return self.members[order], np.arange(len(self)).repeat(np.diff(self.starts))[order]


def _parted(encoded: EncodedStrings, strings: StringIndex) -> tuple[Codes, Codes]:
    """Return where the members of each joined string start, and the numbers of all of them."""
    blob = encoded.blob
    separators = np.flatnonzero(blob[: encoded.size] == _SEPARATOR)
    joined = encoded.starts.astype(np.int64)
    ends = np.sort(np.concatenate([joined, separators]))
    # without the separators, a member ends as many bytes earlier as there were separators before its end
    members = EncodedStrings(np.delete(blob, separators), ends - separators.searchsorted(ends))
    return ends.searchsorted(joined), strings.find_all(members).astype(np.int64)
