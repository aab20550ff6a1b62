from qfzz_core import CategoryTable, hookimpl


class Plays:
    name = "plays"

    def keys(self, event):
        played = event.interaction is not None and event.interaction.type == "play" and event.interaction.taught
        return [event.interaction.taught.artist] if played else []

    def learn(self, state, event, key):
        return (state or 0) + 1

    def read(self, state):
        return float(state or 0)


class Fresh:
    name = "fresh"
    weight = 0.1

    def prepare(self, request):
        plays = request.state("plays")
        return CategoryTable(column="artist", values={name: 1 / (1 + n) for name, n in plays.items()}, default=1.0)


@hookimpl
def qfzz_learners():
    return [Plays()]


@hookimpl
def qfzz_factors():
    return [Fresh()]
