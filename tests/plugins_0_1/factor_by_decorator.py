from qfzz_core import factor, hookimpl


@factor("shortness", weight=0.5, bound=1.0, reason=lambda track, value: f"{track['duration']} seconds")
def shortness(track):
    return max(0.0, 1.0 - track["duration"] / 600)


@factor(weight=0.25)
def asked_for(track, request):
    return 1.0 if track["genre"] == request.context.get("genre") else 0.0


@hookimpl
def qfzz_factors():
    return [shortness, asked_for]
