"""Many texts in a few arrays: UTF-8 in one piece, and a look-up by hash that compares bytes before it believes.

A Python string of ten characters takes 60 bytes and its entry in a dictionary 100 more; here it is 22 together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.intp]
Hashes = NDArray[np.uint32]

_WORD = 8  # bytes that are hashed and compared at a time
_CHUNK = 1 << 16  # texts hashed at a time, so that what is in between fits the processor's cache
_FACTOR = 0x9E3779B97F4A7C15  # odd and without a pattern: 2**64 divided by the golden ratio
_MASK = (1 << 64) - 1
_KEPT = np.array([(1 << 8 * count) - 1 for count in range(_WORD + 1)], dtype=np.uint64)  # the first bytes of a word
_ENCODING = ("utf-8", "surrogatepass")  # every Python string, whether it can be stored or not


def _sealed(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.setflags(write=False)
    return view


@attrs.frozen(eq=False)
class Encoded:
    """Texts as bytes: text i is `blob[starts[i]:starts[i + 1]]`, uint8; behind the last come eight zeros."""

    blob: NDArray[np.uint8] = attrs.field(converter=_sealed)
    starts: NDArray[Any] = attrs.field(converter=_sealed)

    @classmethod
    def of(cls, texts: Sequence[str]) -> Encoded:
        """Return the bytes of texts."""
        joined = "".join(texts)
        if joined.isascii():
            return cls._made(joined.encode(), map(len, texts), len(texts))
        encoded = [text.encode(*_ENCODING) for text in texts]
        return cls._made(b"".join(encoded), map(len, encoded), len(texts))

    @classmethod
    def _made(cls, joined: bytes, lengths: Iterator[int], count: int) -> Encoded:
        starts = np.zeros(count + 1, dtype=_offsets(len(joined)))
        np.cumsum(np.fromiter(lengths, np.int64, count), out=starts[1:])
        return cls(np.frombuffer(joined + bytes(_WORD), dtype=np.uint8), starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def size(self) -> int:
        """How many bytes the texts have together."""
        return len(self.blob) - _WORD

    def data(self, number: int) -> bytes:
        """Return the bytes of one text."""
        return self.blob[int(self.starts[number]) : int(self.starts[number + 1])].tobytes()

    def texts(self) -> list[str]:
        """Return all texts."""
        data = self.blob[: self.size].tobytes()
        joined = data.decode(*_ENCODING)
        places = pairwise(self.starts.tolist())
        if len(joined) == len(data):  # a character a byte
            return [joined[start:stop] for start, stop in places]
        return [data[start:stop].decode(*_ENCODING) for start, stop in places]

    def followed_by(self, other: Encoded) -> Encoded:
        """Return these texts and then the others."""
        dtype = _offsets(self.size + other.size)
        starts = np.concatenate([self.starts, other.starts[1:]]).astype(dtype)
        starts[len(self.starts) :] += dtype(self.size)
        return Encoded(np.concatenate([self.blob[: self.size], other.blob]), starts)

    def select(self, numbers: Numbers) -> Encoded:
        """Return some of the texts, in this order."""
        froms, lengths = self._places(numbers)
        starts = np.zeros(len(numbers) + 1, dtype=np.int64)
        np.cumsum(lengths, out=starts[1:])
        blob = np.zeros(int(starts[-1]) + _WORD, dtype=np.uint8)
        for first in range(0, len(numbers), _CHUNK):
            chunk = slice(first, first + _CHUNK)
            low, high = int(starts[first]), int(starts[min(first + _CHUNK, len(numbers))])
            within = np.arange(low, high) + np.repeat(froms[chunk] - starts[:-1][chunk], lengths[chunk])
            blob[low:high] = self.blob[within]
        return Encoded(blob, starts.astype(_offsets(int(starts[-1]))))

    def hashes(self) -> Hashes:
        """Return a hash of each text, uint32."""
        found = np.empty(len(self), dtype=np.uint32)
        for first in range(0, len(self), _CHUNK):
            numbers = np.arange(first, min(first + _CHUNK, len(self)))
            found[numbers] = self._hashed(numbers)
        return found

    def _hashed(self, numbers: Numbers) -> Hashes:
        hashes = (self._places(numbers)[1] + 1).astype(np.uint64) * np.uint64(_FACTOR)
        for some, words in self._words(numbers):
            mixed = (hashes[some] ^ words) * np.uint64(_FACTOR)
            hashes[some] = mixed ^ (mixed >> np.uint64(29))
        return (hashes >> np.uint64(32)).astype(np.uint32)

    def equal(self, numbers: Numbers, other: Encoded, theirs: Numbers) -> NDArray[np.bool_]:
        """Return which of these texts are the same as those of the other at their side."""
        same: NDArray[np.bool_] = self._places(numbers)[1] == other._places(theirs)[1]
        alike = np.flatnonzero(same)
        pairs = zip(self._words(numbers[alike]), other._words(theirs[alike]), strict=True)
        for (some, mine), (_, words) in pairs:
            same[alike[some[mine != words]]] = False
        return same

    def _places(self, numbers: Numbers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where texts begin and how long they are."""
        froms = self.starts[numbers].astype(np.int64)
        return froms, self.starts[numbers + 1].astype(np.int64) - froms

    def _words(self, numbers: Numbers) -> Iterator[tuple[Numbers, NDArray[np.uint64]]]:
        """Give the first words of all texts, then the second of those that have one: indices into numbers, words."""
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
    """Return the hash that `Encoded.hashes` has for these bytes."""
    mixed = (len(data) + 1) * _FACTOR & _MASK
    for start in range(0, len(data), _WORD):
        mixed = (mixed ^ int.from_bytes(data[start : start + _WORD], "little")) * _FACTOR & _MASK
        mixed ^= mixed >> 29
    return mixed >> 32


class Texts:
    """Different texts, numbered from 0, which are found by number and by text. Immutable.

    A collision of hashes costs a comparison more; it never gives a wrong answer.
    """

    def __init__(self, encoded: Encoded, hashes: Hashes | None = None, order: Numbers | None = None) -> None:
        """`hashes` are ascending and `order` tells whose they are, if that is known already."""
        self.encoded = encoded
        if hashes is None or order is None:
            hashes = encoded.hashes()
            order = np.argsort(hashes, kind="stable")
            hashes = hashes[order]
        self.hashes: Hashes = _sealed(hashes)
        self.order: NDArray[np.uint32] = _sealed(order.astype(np.uint32, copy=False))

    @classmethod
    def of(cls, texts: Sequence[str]) -> Texts:
        """Return an index of texts, of which no two are the same."""
        return cls(Encoded.of(texts))

    def __len__(self) -> int:
        return len(self.order)

    def text(self, number: int) -> str:
        """Return one text."""
        return self.encoded.data(number).decode(*_ENCODING)

    def find(self, text: str) -> int:
        """Return the number of a text, -1 if it is not there."""
        data = text.encode(*_ENCODING)
        wanted = np.uint32(hash_of(data))
        place = int(self.hashes.searchsorted(wanted))
        while place < len(self.hashes) and self.hashes[place] == wanted:
            number = int(self.order[place])
            if self.encoded.data(number) == data:
                return number
            place += 1
        return -1

    def find_all(self, texts: Encoded) -> Numbers:
        """Return the numbers of texts, -1 for those that are not there."""
        wanted = texts.hashes()
        places = self.hashes.searchsorted(wanted)
        found = np.full(len(texts), -1, dtype=np.intp)
        left = np.arange(len(texts))
        while len(left):
            left = left[places[left] < len(self.hashes)]
            left = left[self.hashes[places[left]] == wanted[left]]
            numbers = self.order[places[left]].astype(np.intp)
            same = texts.equal(left, self.encoded, numbers)
            found[left[same]] = numbers[same]
            left = left[~same]
            places[left] += 1
        return found

    def followed_by(self, other: Texts) -> Texts:
        """Return these texts and then the others, of which none is here."""
        hashes = np.concatenate([self.hashes, other.hashes])
        both = np.concatenate([self.order, other.order + np.uint32(len(self))])
        order = np.argsort(hashes, kind="stable")  # quick: two ascending runs
        return Texts(self.encoded.followed_by(other.encoded), hashes[order], both[order])

    def select(self, numbers: Numbers) -> Texts:
        """Return some of the texts under new numbers, in this order; no number twice."""
        renumbered = np.full(len(self), -1, dtype=np.int64)
        renumbered[numbers] = np.arange(len(numbers))
        order = renumbered[self.order]
        kept = order >= 0
        return Texts(self.encoded.select(numbers), self.hashes[kept], order[kept])
