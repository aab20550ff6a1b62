"""Few different numbers as short codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qfzz_core.catalogue.growing import Growing

MOST_LEVELS = 65_535  # different numbers of a column that are kept as codes of two bytes


class Levels:
    """Different numbers, told apart by their bits, so that -0.0 stays -0.0; the code of a number is its place."""

    def __init__(self, numbers: NDArray[np.float64] | None = None) -> None:
        self._numbers: Growing[np.float64] = Growing(np.empty(0) if numbers is None else numbers)
        bits = self.numbers.view(np.uint64)
        self._codes = np.argsort(bits)
        self._bits = bits[self._codes]

    @property
    def numbers(self) -> NDArray[np.float64]:
        """All numbers by code, read-only."""
        return self._numbers.view

    def codes(self, numbers: NDArray[np.float64]) -> NDArray[np.uint16] | None:
        """Return the codes of numbers, giving codes to new ones; None, with nothing changed, if there are too many."""
        bits = numbers.view(np.uint64)
        places = self._places(bits)
        known = self._bits[places] == bits if len(self._bits) else np.zeros(len(bits), dtype=np.bool_)
        if not known.all():
            new = np.unique(bits[~known])
            if len(self._bits) + len(new) > MOST_LEVELS:
                return None
            self._add(new)
            places = self._places(bits)
        return self._codes[places].astype(np.uint16)

    def _places(self, bits: NDArray[np.uint64]) -> NDArray[np.intp]:
        return np.minimum(self._bits.searchsorted(bits), max(len(self._bits) - 1, 0))

    def _add(self, new: NDArray[np.uint64]) -> None:
        places = self._bits.searchsorted(new)
        codes = np.arange(len(self._bits), len(self._bits) + len(new))
        self._bits = np.insert(self._bits, places, new)
        self._codes = np.insert(self._codes, places, codes)
        self._numbers.extend(new.view(np.float64))
