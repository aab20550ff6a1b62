"""Observers: plugins that are notified of what happened; what they raise is reported and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qfzz_core.contracts.recommendation import Recommendation
from qfzz_core.contracts.request import Request
from qfzz_core.hookspecs import FeedbackRecorded, Recommended, Setup
from qfzz_core.model.events import Event
from qfzz_core.model.plain import own_text
from qfzz_core.plugins.faults import BrokenContractError, Health, Report, described, fault_in, several
from qfzz_core.plugins.loader import Loader
from qfzz_core.plugins.record import Origin, PluginRecord
from qfzz_core.profiles.recorder import Feedback

MOST_COMMANDS = 1_000  # of one plugin: some iterators never end


class Observers:
    """The plugins of one engine that observe it, and those that add commands.

    `of_feedback` and `of_results` say whether there are any observers of feedback and of recommendations.
    """

    def __init__(self, loader: Loader, report: Report, health: Health) -> None:
        self._loader = loader
        self._report = report
        self._health = health
        self._of_feedback = self._implementing("qfzz_feedback_recorded")
        self.of_feedback = bool(self._of_feedback)
        self._of_results = self._implementing("qfzz_recommended")
        self.of_results = bool(self._of_results)

    def _implementing(self, hook: str) -> list[PluginRecord]:
        return [record for record in self._loader.active() if hook in record.hooks]

    def feedback_recorded(self, recorded: Sequence[tuple[Feedback, Event]]) -> None:
        """Notify of each feedback that was stored, with its event."""
        for feedback, event in recorded:
            news = _news(feedback, event)
            for record in self._of_feedback:
                self._notify(record, "qfzz_feedback_recorded", feedback=news)

    def recommended(self, request: Request, recommendations: Sequence[Recommendation]) -> None:
        """Notify of a result; each observer gets recommendations of its own, whose tracks are copies."""
        for record in self._of_results:
            # The caller gets the same list: an observer that changes a track would change what is played.
            copies = tuple(found.unshared() for found in recommendations)
            news = Recommended(request=request.for_component(f"observer.{record.name}"), recommendations=copies)
            self._notify(record, "qfzz_recommended", recommended=news)

    def commands(self, setups: Mapping[str, Setup]) -> dict[str, Any]:
        """Return the commands of the plugins by name; of two that have one name, the first by plugin name stays."""
        commands: dict[str, Any] = {}
        for record in sorted(self._implementing("qfzz_commands"), key=lambda record: record.name):
            try:
                given = self._loader.call(record, "qfzz_commands", setup=setups[record.name])
                named = [_named_command(command) for command in several(given or (), MOST_COMMANDS)]
            except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
                self._report(record.origin, "hook qfzz_commands", fault_in(error))
            else:
                commands = dict(named) | commands
        return commands

    def _notify(self, record: PluginRecord, hook: str, **arguments: Any) -> None:
        if record.takes_part:
            failed: dict[str, tuple[Origin, str]] = {}
            try:
                self._loader.call(record, hook, **arguments)
            except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
                fault = fault_in(error)
                self._report(record.origin, f"hook {hook}", fault)
                failed[f"hook {hook} of {record.name}"] = (record.origin, described(fault))
            self._health.ended(failed, [f"hook {hook} of {record.name}"])


def _news(feedback: Feedback, event: Event) -> FeedbackRecorded:
    interaction = event.interaction
    return FeedbackRecorded(
        user_id=feedback.user_id,
        track_id=feedback.track_id,
        interaction_type=feedback.interaction_type,
        rating=feedback.rating,
        strength=None if interaction is None else interaction.strength,
        event_id=feedback.event_id,
        timestamp=event.timestamp if interaction is None else interaction.timestamp,
    )


def _named_command(command: Any) -> tuple[str, Any]:
    name = own_text(getattr(command, "name", None))
    if not isinstance(name, str) or not callable(getattr(command, "make_context", None)):
        raise BrokenContractError(f"expected click commands with a name, got {command!r}")
    return name, command
