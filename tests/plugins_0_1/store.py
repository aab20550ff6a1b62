import attrs

from qfzz_core import StoreScheme, hookimpl


@attrs.frozen
class Options:
    title: str = "one"


def open_preset(url, options):
    from qfzz_plugins.stores.memory import MemoryStore

    store = MemoryStore()
    song = {"track_id": url.removeprefix("preset:"), "title": options.title, "artist": "a", "genre": "jazz"}
    store.write_tracks([{**song, "mood": "calm", "energy": 0.5, "tempo": "medium", "duration": 180}])
    return store


@hookimpl
def qfzz_stores():
    return [StoreScheme(scheme="preset", open=open_preset, Options=Options)]
