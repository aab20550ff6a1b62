"""What was found of one segment: the same question is answered once, whoever asks it again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from hashlib import blake2b

import attrs

from qfzz_core.catalogue.segment import Segment
from qfzz_core.contracts.columns import Rows, sealed
from qfzz_core.contracts.factors import Values
from qfzz_core.model.forks import renewed_after_fork
from qfzz_core.ranking.formula import Formula
from qfzz_core.ranking.index.build import Index
from qfzz_core.ranking.row_tests import Mask

MOST_RANKS = 262_144  # remembered of one segment, of 16 bytes each
LONGEST = 8_192  # ranks of one ranking
ALONE = 48  # as much as so many ranks takes what keeps one ranking
KEY = "recall"  # of what is derived of a segment


def question(formula: Formula, index: Index, allowed: Mask | None) -> bytes | None:
    """Return what no other formula asks of the cells of an index that are allowed, None if it cannot be recalled."""
    digest = formula.digest()
    if digest is None or allowed is None:
        return digest
    return blake2b(digest + index.layout.key.encode() + allowed.tobytes(), digest_size=len(digest)).digest()


@attrs.frozen(eq=False)
class Found:
    """The best of a snapshot, as far as `count` of the base were asked for: every row down to the last of them.

    The snapshot had `length` rows, the deleted ones included, of which there were `deleted`. Snapshots of one segment
    follow each other: in a later one, neither is less.
    """

    count: int
    length: int
    deleted: int
    rows: Rows = attrs.field(converter=sealed)
    scores: Values = attrs.field(converter=sealed)
    whole: bool

    def answers(self, count: int, length: int, deleted: int) -> bool:
        """Return whether it can be brought up to a snapshot, and goes far enough."""
        return (self.whole or count <= self.count) and self.length <= length and self.deleted <= deleted


class Memory:
    """What was found of one segment, by question: as many ranks as there is room for, those asked about last."""

    def __init__(self) -> None:
        self._found: OrderedDict[bytes, Found] = OrderedDict()
        self._ranks = 0
        self.renew()
        renewed_after_fork(self)

    def renew(self) -> None:
        """Put a new lock in the place of one that a thread of the parent process may hold, and begin anew."""
        self._lock = threading.Lock()
        self._found.clear()
        self._ranks = 0

    @classmethod
    def of(cls, segment: Segment) -> Memory:
        """Return the memory of a segment."""
        return segment.derived(KEY, lambda _: cls())

    def recalled(self, question: bytes) -> Found | None:
        """Return what was found, None if nothing is remembered."""
        with self._lock:
            found = self._found.get(question)
            if found is not None:
                self._found.move_to_end(question)
            return found

    def keep(self, question: bytes, found: Found) -> None:
        """Remember what was found, and forget what was not asked about for the longest time if there is no room."""
        if len(found.rows) > LONGEST:
            return
        with self._lock:
            before = self._found.pop(question, None)
            self._found[question] = found
            self._ranks += _size(found) - (_size(before) if before else 0)
            while self._ranks > MOST_RANKS:
                self._ranks -= _size(self._found.popitem(last=False)[1])


def _size(found: Found) -> int:
    return ALONE + len(found.rows)
