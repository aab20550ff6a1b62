from qfzz_core import Column, hookimpl


def decade(track):
    return f"{track['year'] // 10 * 10}s" if "year" in track else None


def lengths(track_ids):
    return [len(track_id) for track_id in track_ids]


@hookimpl
def qfzz_columns():
    return [
        Column(name="decade", kind="category", source=decade, version="1", compare="exact"),
        Column(name="labels", kind="tags"),
        Column(name="live", kind="flag", source="is_live", missing=False),
        Column(name="id_length", kind="number", provider=lengths),
        Column(name="embedding", kind="vector", size=2),
    ]
