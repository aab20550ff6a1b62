from qfzz_core import InteractionType, hookimpl


@hookimpl
def qfzz_interaction_types():
    return [InteractionType("share", 0.15, judgement="like"), InteractionType("repeat", 0.1, heard=True)]
