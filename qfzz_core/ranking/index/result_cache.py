"""The result cache: what was found of one segment, so that the same formula is searched for once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from hashlib import blake2b

import attrs

from qfzz_core.catalogue.snapshot import Segment
from qfzz_core.contracts.columns import Rows
from qfzz_core.contracts.factors import Values
from qfzz_core.model.forks import renewed_after_fork
from qfzz_core.model.plain import sealed
from qfzz_core.ranking.filters import Mask
from qfzz_core.ranking.formula import Formula
from qfzz_core.ranking.index.build import Index

MAX_RANKS = 262_144  # cached of one segment, of 16 bytes each: 4 MB, the lists of 50 of 2,600 listeners
MAX_LENGTH = 8_192  # ranks of one result, a 32nd of the room: a longer one would push more than 80 lists of 50 out
RESULT_COST = 48  # ranks that take as much memory as what holds one result: 670 bytes with key, object and two arrays
KEY = "results"  # of what is derived of a segment


def cache_key(formula: Formula, index: Index, allowed: Mask | None) -> bytes | None:
    """Return what no other formula has over the cells of an index that are allowed, None if it cannot be cached."""
    digest = formula.digest()
    if digest is None or allowed is None:
        return digest
    return blake2b(digest + index.layout.key.encode() + allowed.tobytes(), digest_size=len(digest)).digest()


@attrs.frozen(eq=False)
class CachedResult:
    """The best of a snapshot, as far as `count` of the base were wanted: every row down to the last of them.

    The snapshot had `length` rows, the deleted ones included, of which there were `deleted`. Snapshots of one segment
    follow each other: in a later one, neither is less.
    """

    count: int
    length: int
    deleted: int
    rows: Rows = attrs.field(converter=sealed)
    scores: Values = attrs.field(converter=sealed)
    whole: bool

    def serves(self, count: int, length: int, deleted: int) -> bool:
        """Return whether the delta of a snapshot can be applied to it, and it goes far enough."""
        return (self.whole or count <= self.count) and self.length <= length and self.deleted <= deleted

    @property
    def cost(self) -> int:
        """The memory it takes, in ranks."""
        return RESULT_COST + len(self.rows)


class ResultCache:
    """The results of one segment, by cache key: as many ranks as there is room for, those used last."""

    def __init__(self) -> None:
        self._results: OrderedDict[bytes, CachedResult] = OrderedDict()
        self.renew()
        renewed_after_fork(self)

    def renew(self) -> None:
        """Put a new lock in the place of one that a thread of the parent process may hold, and begin empty.

        That thread may have been in the middle of `put`, so neither the results nor their sum can be trusted.
        """
        self._lock = threading.Lock()
        self._results.clear()
        self._ranks = 0

    @classmethod
    def of(cls, segment: Segment) -> ResultCache:
        """Return the result cache of a segment."""
        return segment.derived(KEY, lambda _: cls())

    def get(self, key: bytes) -> CachedResult | None:
        """Return the result under a key, None if there is none."""
        with self._lock:
            result = self._results.get(key)
            if result is not None:
                self._results.move_to_end(key)
            return result

    def put(self, key: bytes, result: CachedResult) -> None:
        """Cache a result, and drop what was not used for the longest time if there is no room."""
        if len(result.rows) > MAX_LENGTH:
            return
        with self._lock:
            before = self._results.pop(key, None)
            self._results[key] = result
            self._ranks += result.cost - (before.cost if before else 0)
            while self._ranks > MAX_RANKS:
                self._ranks -= self._results.popitem(last=False)[1].cost
