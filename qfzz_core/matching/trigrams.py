"""Which of many names look like one: posting lists of trigrams, the rarest of which say which names to compare."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from qfzz_core.model.strings import EncodedStrings

_BITS = 18  # of a trigram's hash: two arrays of a megabyte, however many names there are
# Trigrams of a name that are looked up, the rarest first, and postings looked at in all. With 300,000 artists a name
# that is misspelt takes 0.24 ms with 6 and 20,000; with 12 and 100,000 it takes 0.9 and finds one more in a thousand.
_RAREST = 6
_POSTINGS = 20_000
_CHUNK = 1 << 20  # bytes whose trigrams are made at a time


class Trigrams:
    """An index of strings by the hashed trigrams of their bytes; 4 bytes for each byte of the strings, and 2 MB."""

    def __init__(self, strings: EncodedStrings) -> None:
        hashes, owners = _trigrams(strings)
        order = np.argsort(hashes, kind="stable")
        self._owners = owners[order]
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(hashes, minlength=1 << _BITS))])
        self._length = len(strings)

    def like(self, name: str, count: int) -> NDArray[np.intp]:
        """Return the numbers of up to `count` strings that share most of the name's rarest trigrams, those first."""
        hashes = np.unique(_trigrams(EncodedStrings.of([name]))[0])
        lengths = self._starts[hashes + 1] - self._starts[hashes]
        order = np.argsort(lengths, kind="stable")
        hashes, lengths = hashes[order][lengths[order] > 0][:_RAREST], lengths[order][lengths[order] > 0][:_RAREST]
        hashes = hashes[np.cumsum(lengths) <= max(_POSTINGS, lengths[0] if len(lengths) else 0)]
        if not len(hashes):
            return np.empty(0, dtype=np.intp)
        found = np.concatenate([self._owners[self._starts[each] : self._starts[each + 1]] for each in hashes])
        owners, shared = np.unique(found, return_counts=True)
        best = np.argsort(-shared, kind="stable")[:count]
        return owners[best].astype(np.intp)


def _trigrams(strings: EncodedStrings) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the hashed trigrams of strings, a blank before and behind each, and the numbers of the strings."""
    parts = list(_parts(strings))
    hashes = np.concatenate([hashes for hashes, _ in parts] or [np.empty(0, dtype=np.int64)])
    owners = np.concatenate([owners for _, owners in parts] or [np.empty(0, dtype=np.int32)])
    return hashes, owners


def _parts(strings: EncodedStrings) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int32]]]:
    first = 0
    starts = strings.starts.astype(np.int64)
    while first < len(strings):
        last = max(first + 1, int(starts.searchsorted(starts[first] + _CHUNK, side="right")) - 1)
        yield _of_some(strings.blob[starts[first] : starts[last]], starts[first : last + 1] - starts[first], first)
        first = last


def _of_some(
    blob: NDArray[np.uint8], starts: NDArray[np.int64], first: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    lengths = np.diff(starts)
    count = len(lengths)
    padded = np.full(len(blob) + 2 * count + 2, ord(" "), dtype=np.int64)
    owners = np.repeat(np.arange(count), lengths)
    padded[np.arange(len(blob)) + 2 * owners + 1] = blob
    # trigram k of the text of all names begins at byte k; those that reach into the next name are left out
    begins = np.repeat(np.arange(count), lengths)
    places = np.arange(len(blob)) + 2 * begins
    hashes = (padded[places] << 16) | (padded[places + 1] << 8) | padded[places + 2]
    hashes = (hashes * 0x9E3779B1 & 0xFFFFFFFF) >> (32 - _BITS)
    return hashes, (begins + first).astype(np.int32)
