"""Why a track has its score: an additive account, factor by factor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from qfzz_core.contracts.columns import Columns, as_rows
from qfzz_core.contracts.factors import TrackFunction
from qfzz_core.contracts.recommendation import Explanation, FactorExplanation, FaultNote
from qfzz_core.model.plain import copied, own_text
from qfzz_core.plugins.faults import BrokenContractError, ComponentFaultError, Report, answer, described, fault_in
from qfzz_core.plugins.record import Origin
from qfzz_core.ranking.formula import Formula, Term
from qfzz_core.ranking.shapes import compiled


@attrs.frozen
class Account:
    """What explains any row of one request: its formula, and what was left out of it."""

    formula: Formula
    abstained: tuple[str, ...]
    faults: tuple[FaultNote, ...]
    report: Report

    def explain(self, row: int, track: Mapping[str, Any]) -> Explanation:
        """Return the explanation of a track as it was in a row of the request's snapshot."""
        rows = as_rows([row])
        try:
            values = [self.formula.values(_of_track(term, track), rows) for term in self.formula.terms]
        except ComponentFaultError as fault:
            return self._without(fault).explain(row, track)
        score = float(self.formula.combined(values, 1)[0])
        parts = [
            self._part(term, float(value[0]), track) for term, value in zip(self.formula.terms, values, strict=True)
        ]
        return Explanation(track["track_id"], score, tuple(parts), self.abstained, self.faults)

    def _without(self, fault: ComponentFaultError) -> Account:
        """Return the account without a factor that failed only now, which it says."""
        error = fault.__cause__ or fault
        self.report(fault.origin, fault.component, error)
        terms = [term for term in self.formula.terms if f"factor {term.name}" != fault.component]
        note = fault_note(fault.component, fault.origin, described(error))
        return attrs.evolve(self, formula=Formula(terms), faults=(*self.faults, note))

    def _part(self, term: Term, value: float, track: Mapping[str, Any]) -> FactorExplanation:
        weight, origin = term.weight / self.formula.total, term.origin
        named = (origin.plugin, origin.distribution, origin.version)
        return FactorExplanation(term.name, value, weight, weight * value, self._reason(term, value, track), *named)

    def _reason(self, term: Term, value: float, track: Mapping[str, Any]) -> str:
        reason = term.prepared.reason
        if reason is None:
            return f"{term.name} {value:.2f}"
        try:
            said = answer(reason, copied(track), value)
            if not isinstance(said, str):
                raise BrokenContractError(f"a reason must be text, got {said!r}")
            return str(own_text(said))
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
            self.report(term.origin, f"reason of factor {term.name}", fault_in(error))
            return f"{term.name} {value:.2f}"


def _of_track(term: Term, track: Mapping[str, Any]) -> Term:
    """Return a term that evaluates a track function for this track, whatever became of it in the store."""
    if not isinstance(term.prepared, TrackFunction):
        return term
    try:
        evaluate = compiled(term.prepared, Columns({}, 0), lambda rows: [copied(dict(track))])
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
        raise ComponentFaultError(f"factor {term.name}", term.origin) from fault_in(error)
    return attrs.evolve(term, evaluate=evaluate)


def fault_note(component: str, origin: Origin, message: str) -> FaultNote:
    """Return the note that a component was left out."""
    return FaultNote(component, origin.plugin, origin.distribution, origin.version, message)
