from qfzz_core import hookimpl

told = []


@hookimpl
def qfzz_feedback_recorded(feedback):
    told.append((feedback.user_id, feedback.track_id, feedback.interaction_type, feedback.rating, feedback.strength))
    told.append(feedback.event_id)


@hookimpl
def qfzz_recommended(recommended):
    told.append((recommended.request.profile.user_id, [each.track["track_id"] for each in recommended.recommendations]))
