"""The number: from the factors' values to the score of a track, to the last bit.

    score(t) = sum_f weight_f * value_f(t) / sum_f weight_f

in IEEE doubles: products added from 0.0 in the order of the terms, divided once by the weights' sum, which is added in
the same order, then rounded to the nearest multiple of 2**-40, halves to even.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import attrs
import numpy as np

from qfzz_core.catalogue.snapshot import StaleCatalogueError
from qfzz_core.contracts.columns import Rows
from qfzz_core.contracts.factors import Prepared, Values
from qfzz_core.plugins.faults import ComponentFaultError, fault_in
from qfzz_core.plugins.record import Origin
from qfzz_core.ranking.shapes import Distance, Evaluate, ValueTable

# So fine that no weight is lost (1e-12), and so coarse that it hides the last bits: sums of five products, added in
# two orders, differ by some 2**-53, and would let two tracks change places that tie.
GRAIN = 2.0**-40


@attrs.frozen(eq=False)
class Term:
    """One active factor of a request: its weight (> 0), how it scores, and where it came from."""

    name: str
    weight: float
    prepared: Prepared
    evaluate: Evaluate
    origin: Origin


class Formula:
    """The terms of one request, in the order of the sum."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self.terms = tuple(terms)
        self.total = 0.0
        for term in self.terms:
            self.total += term.weight

    def digest(self) -> bytes | None:
        """Return what no formula has that scores a row of the same snapshot otherwise (but for a chance of 2**-64).

        None if a term has to be evaluated: its values may be others every time.
        """
        digest = blake2b(digest_size=16)
        for term in self.terms:
            if not isinstance(term.evaluate, ValueTable | Distance):
                return None
            digest.update(repr(term.weight).encode())
            digest.update(term.evaluate.identity)
        return digest.digest()

    def values(self, term: Term, rows: Rows) -> Values:
        """Return one term's values of rows; raises `ComponentFaultError` if the factor fails."""
        try:
            return term.evaluate(rows)
        except StaleCatalogueError:
            raise
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
            raise ComponentFaultError(f"factor {term.name}", term.origin) from fault_in(error)

    def scores(self, rows: Rows) -> Values:
        """Return the scores of rows, float64 in [0, 1]; all 0 if there is no weight."""
        return self.combined([self.values(term, rows) for term in self.terms], len(rows))

    def combined(self, values: Sequence[Values], count: int) -> Values:
        """Return the scores of `count` rows whose values, term by term, are known."""
        sums = np.zeros(count)
        for term, column in zip(self.terms, values, strict=True):
            sums += term.weight * column
        if self.total == 0.0:
            return sums
        scores: Values = np.rint(sums / self.total / GRAIN) * GRAIN
        return scores
