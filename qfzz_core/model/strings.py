"""Many strings in a few arrays: UTF-8 in one piece, and a look-up by hash that compares bytes before it believes.

A Python string of ten characters takes 60 bytes and its entry in a dictionary 100 more; here it is 22 together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.model.plain import sealed

Numbers = NDArray[np.intp]
Hashes = NDArray[np.uint32]

_WORD = 8  # bytes that are hashed and compared at a time
# Strings hashed at a time, so that what is in between fits the processor's cache: hashing a million takes 160 to 215 ms
# from 2**12 to 2**16, and 260 to 360 ms at 2**20.
_CHUNK = 1 << 16
_FACTOR = 0x9E3779B97F4A7C15  # odd and without a pattern: 2**64 divided by the golden ratio
_MASK = (1 << 64) - 1
_KEPT = np.array([(1 << 8 * count) - 1 for count in range(_WORD + 1)], dtype=np.uint64)  # the first bytes of a word
_ENCODING = ("utf-8", "surrogatepass")  # every Python string, whether it can be stored or not


@attrs.frozen(eq=False)
class EncodedStrings:
    """Strings as bytes: string i is `blob[starts[i]:starts[i + 1]]`, uint8; eight zeros follow the last."""

    blob: NDArray[np.uint8] = attrs.field(converter=sealed)
    starts: NDArray[Any] = attrs.field(converter=sealed)

    @classmethod
    def of(cls, strings: Sequence[str]) -> EncodedStrings:
        """Return the bytes of strings."""
        joined = "".join(strings)
        data = joined.encode(*_ENCODING)
        lengths = map(len, strings if len(data) == len(joined) else [each.encode(*_ENCODING) for each in strings])
        starts = np.zeros(len(strings) + 1, dtype=_offsets(len(data)))
        np.cumsum(np.fromiter(lengths, np.int64, len(strings)), out=starts[1:])
        return cls(np.frombuffer(data + bytes(_WORD), dtype=np.uint8), starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def size(self) -> int:
        """How many bytes the strings have together."""
        return len(self.blob) - _WORD

    def data(self, number: int) -> bytes:
        """Return the bytes of one string."""
        return self.blob[int(self.starts[number]) : int(self.starts[number + 1])].tobytes()

    def decoded(self) -> list[str]:
        """Return all strings."""
        data = self.blob[: self.size].tobytes()
        joined = data.decode(*_ENCODING)
        places = pairwise(self.starts.tolist())
        if len(joined) == len(data):  # one byte for each character
            return [joined[start:stop] for start, stop in places]
        return [data[start:stop].decode(*_ENCODING) for start, stop in places]

    def followed_by(self, other: EncodedStrings) -> EncodedStrings:
        """Return these strings and then the others."""
        dtype = _offsets(self.size + other.size)
        starts = np.concatenate([self.starts, other.starts[1:]]).astype(dtype)
        starts[len(self.starts) :] += dtype(self.size)
        return EncodedStrings(np.concatenate([self.blob[: self.size], other.blob]), starts)

    def select(self, numbers: Numbers) -> EncodedStrings:
        """Return some of the strings, in this order."""
        froms, lengths = self._places(numbers)
        starts = np.zeros(len(numbers) + 1, dtype=np.int64)
        np.cumsum(lengths, out=starts[1:])
        blob = np.zeros(int(starts[-1]) + _WORD, dtype=np.uint8)
        for first in range(0, len(numbers), _CHUNK):
            chunk = slice(first, first + _CHUNK)
            low, high = int(starts[first]), int(starts[min(first + _CHUNK, len(numbers))])
            within = np.arange(low, high) + np.repeat(froms[chunk] - starts[:-1][chunk], lengths[chunk])
            blob[low:high] = self.blob[within]
        return EncodedStrings(blob, starts.astype(_offsets(int(starts[-1]))))

    def hashes(self) -> Hashes:
        """Return a hash of each string, uint32."""
        found = np.empty(len(self), dtype=np.uint32)
        for first in range(0, len(self), _CHUNK):
            numbers = np.arange(first, min(first + _CHUNK, len(self)))
            hashes = (self._places(numbers)[1] + 1).astype(np.uint64) * np.uint64(_FACTOR)
            for some, words in self._words(numbers):
                mixed = (hashes[some] ^ words) * np.uint64(_FACTOR)
                hashes[some] = mixed ^ (mixed >> np.uint64(29))
            found[numbers] = (hashes >> np.uint64(32)).astype(np.uint32)
        return found

    def equal(self, numbers: Numbers, other: EncodedStrings, theirs: Numbers) -> NDArray[np.bool_]:
        """Return which of these strings are the same as those of the other at their side."""
        same: NDArray[np.bool_] = self._places(numbers)[1] == other._places(theirs)[1]
        alike = np.flatnonzero(same)
        pairs = zip(self._words(numbers[alike]), other._words(theirs[alike]), strict=True)
        for (some, mine), (_, words) in pairs:
            same[alike[some[mine != words]]] = False
        return same

    def _places(self, numbers: Numbers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where strings begin and how long they are."""
        froms = self.starts[numbers].astype(np.int64)
        return froms, self.starts[numbers + 1].astype(np.int64) - froms

    # A word begins at any byte and may reach into the next string, or into the eight zeros behind the last, and is cut
    # off by a mask. So one step serves all strings at once, however long each is.
    def _words(self, numbers: Numbers) -> Iterator[tuple[Numbers, NDArray[np.uint64]]]:
        """Give the first words of all strings, then the second of those that have one: indices into numbers, words."""
        froms, lengths = self._places(numbers)
        words = np.ndarray((self.size + 1,), dtype="<u8", buffer=self.blob, strides=(1,))
        some = np.flatnonzero(lengths > 0)
        while len(some):
            yield some, words[froms[some]] & _KEPT[np.minimum(lengths[some], _WORD)]
            froms, lengths = froms + _WORD, lengths - _WORD
            some = some[lengths[some] > 0]


def _offsets(size: int) -> Any:
    return np.uint32 if size < 1 << 32 else np.int64


def hash_of(data: bytes) -> int:
    """Return the hash that `EncodedStrings.hashes` has for these bytes."""
    mixed = (len(data) + 1) * _FACTOR & _MASK
    for start in range(0, len(data), _WORD):
        mixed = (mixed ^ int.from_bytes(data[start : start + _WORD], "little")) * _FACTOR & _MASK
        mixed ^= mixed >> 29
    return mixed >> 32


class StringIndex:
    """Different strings, numbered from 0, which are found by number and by string. Immutable.

    A collision of hashes costs one more comparison; it never gives a wrong answer.
    """

    def __init__(self, encoded: EncodedStrings, hashes: Hashes | None = None, order: Numbers | None = None) -> None:
        """`hashes` are ascending and `order` has the number of the string of each, if that is known already."""
        self.encoded = encoded
        if hashes is None or order is None:
            hashes = encoded.hashes()
            order = np.argsort(hashes, kind="stable")
            hashes = hashes[order]
        self.hashes: Hashes = sealed(hashes)
        self.order: NDArray[np.uint32] = sealed(order.astype(np.uint32, copy=False))

    @classmethod
    def of(cls, strings: Sequence[str]) -> StringIndex:
        """Return an index of strings, of which no two are the same."""
        return cls(EncodedStrings.of(strings))

    def __len__(self) -> int:
        return len(self.order)

    def string(self, number: int) -> str:
        """Return one string."""
        return self.encoded.data(number).decode(*_ENCODING)

    def find(self, string: str) -> int:
        """Return the number of a string, -1 if it is not there."""
        data = string.encode(*_ENCODING)
        wanted = np.uint32(hash_of(data))
        place = int(self.hashes.searchsorted(wanted))
        while place < len(self.hashes) and self.hashes[place] == wanted:
            number = int(self.order[place])
            if self.encoded.data(number) == data:
                return number
            place += 1
        return -1

    def find_all(self, strings: EncodedStrings) -> Numbers:
        """Return the numbers of strings, -1 for those that are not there."""
        wanted = strings.hashes()
        places = self.hashes.searchsorted(wanted)
        found = np.full(len(strings), -1, dtype=np.intp)
        left = np.arange(len(strings))
        while len(left):
            left = left[places[left] < len(self.hashes)]
            left = left[self.hashes[places[left]] == wanted[left]]
            numbers = self.order[places[left]].astype(np.intp)
            same = strings.equal(left, self.encoded, numbers)
            found[left[same]] = numbers[same]
            left = left[~same]
            places[left] += 1
        return found

    def followed_by(self, other: StringIndex) -> StringIndex:
        """Return these strings and then the others, of which none is here."""
        hashes = np.concatenate([self.hashes, other.hashes])
        both = np.concatenate([self.order, other.order + np.uint32(len(self))])
        order = np.argsort(hashes, kind="stable")  # quick: two ascending runs
        return StringIndex(self.encoded.followed_by(other.encoded), hashes[order], both[order])

    def select(self, numbers: Numbers) -> StringIndex:
        """Return some of the strings under new numbers, in this order; no number twice."""
        renumbered = np.full(len(self), -1, dtype=np.int64)
        renumbered[numbers] = np.arange(len(numbers))
        order = renumbered[self.order]
        kept = order >= 0
        return StringIndex(self.encoded.select(numbers), self.hashes[kept], order[kept])
