"""Asserting what an explanation says of one factor."""

from __future__ import annotations

from qfzz_core.contracts.recommendation import Explanation, FactorExplanation, Recommendation

TOLERANCE = 1e-9


def assert_explains(
    explained: Recommendation | Explanation,
    factor: str,
    *,
    value: float | None = None,
    weight: float | None = None,
    reason: str | None = None,
) -> FactorExplanation:
    """Assert that a factor has a part in a score, and return that part.

    `value` in [0, 1] and `weight`, of which all together are 1, are compared within 1e-9; `reason` is a text that the
    reason holds. A factor that abstained or failed is an AssertionError that says so.
    """
    explanation = explained.explanation if isinstance(explained, Recommendation) else explained
    part = next((part for part in explanation.factors if part.name == factor), None)
    if part is None:
        raise AssertionError(
            f'factor "{factor}" has no part in the score of {explanation.track_id}: {_why(explanation, factor)}'
        )
    for what, wanted, given in (("value", value, part.value), ("weight", weight, part.weight)):
        if wanted is not None and not abs(wanted - given) <= TOLERANCE:
            raise AssertionError(f'factor "{factor}" has the {what} {given!r}, expected {wanted!r}')
    if reason is not None and reason not in part.reason:
        raise AssertionError(f'factor "{factor}" gives the reason {part.reason!r}, expected one with {reason!r}')
    return part


def _why(explanation: Explanation, factor: str) -> str:
    for fault in explanation.faults:
        if fault.component == f"factor {factor}":
            return f"it failed: {fault.message}"
    if factor in explanation.abstained:
        return "it abstained"
    return f"there are {', '.join(part.name for part in explanation.factors) or 'no factors'}"
