"""`qfzz retract`: one feedback, taken back."""

from __future__ import annotations

import click

from qfzz_core.cli.commands.profile import refuse_unknown
from qfzz_core.cli.options import command
from qfzz_core.cli.output import print_result
from qfzz_core.cli.session import Session
from qfzz_core.errors import FeedbackError, shown


@command()
@click.argument("user")
@click.argument("event_id")
def retract(session: Session, user: str, event_id: str, as_json: bool) -> None:
    """Take a feedback back, as if it had never been recorded.

    EVENT_ID is what it was recorded with. Weights, trust and history show nothing of it any more. The id stays used:
    the same event again changes nothing.
    """
    with session.engine() as engine:
        refuse_unknown(engine, user)
        if not engine.retract(user, event_id):
            raise FeedbackError(
                f"{shown(user)} has no feedback of the event id {shown(event_id)} that could be retracted: "
                "it was never recorded, or retracted before"
            )
    text = f"{user}: the feedback {event_id} is retracted."
    print_result({"user_id": user, "event_id": event_id, "retracted": True}, as_json, text)
