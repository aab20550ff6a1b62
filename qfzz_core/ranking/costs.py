"""What it costs to test and score all rows, against asking about the best candidates from an index one by one."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from qfzz_core.catalogue.snapshot import Snapshot
from qfzz_core.contracts.columns import without
from qfzz_core.ranking.row_tests import ColumnTest, Passes

SAMPLE = 512  # rows by which the share that passes is estimated

# What a row costs in a filtered scan, in candidates from an index.
LOOKED_AT = 1 / 512  # to be tested by a column
ASKED = 1 / 16  # to be tested in any other way, as long as that is not slow
SCORED = 1 / 8

# Spread evenly over all rows (Weyl, 1916), and in step with nothing that comes again every so many rows.
_PLACES = np.sort(np.arange(SAMPLE) ** 2 * 2**0.5 % 1.0)


@attrs.frozen
class Costs:
    """Of so many `rows`: the `share` that passes all tests, and what `testing` a row costs."""

    rows: int
    share: float = 1.0
    testing: float = 0.0

    @classmethod
    def sampled(cls, snapshot: Snapshot, tests: Sequence[Passes]) -> Costs:
        """Return the costs as a sample of the rows lets expect them."""
        rows = snapshot.columns.length
        if not tests or not rows:
            return cls(rows)
        passing = sampled = without((rows * _PLACES).astype(np.intp), snapshot.deleted)
        testing = 0.0
        for test in tests if len(sampled) else ():
            testing += len(passing) / len(sampled) * (LOOKED_AT if isinstance(test, ColumnTest) else ASKED)
            passing = passing[test(passing)] if len(passing) else passing
        return cls(rows, len(passing) / max(1, len(sampled)), testing)

    def scan(self, share: float) -> float:
        """Return what it costs to test all rows, and to score those that pass if they are this share."""
        return self.rows * (self.testing + share * SCORED)
