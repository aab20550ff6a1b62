from qfzz_core import hookimpl
from qfzz_core.formats import Row


class Titles:
    name = "titles"
    suffixes = (".titles",)

    def read(self, file):
        for number, line in enumerate(file.lines(), start=1):
            if line.startswith("!"):
                raise file.unusable("there is an exclamation mark", number)
            if not line.strip():
                yield Row(number, problem="there is no title")
                continue
            plain = {"artist": "a", "genre": "jazz", "mood": "calm", "energy": 0.5, "tempo": "medium", "duration": 1}
            yield Row(number, {"track_id": str(number), "title": line.strip(), **plain}, typed=True)

    def write(self, playlist):
        yield f"# {playlist.title}\n"
        for track in playlist.tracks:
            yield f"{track['title']}\n"


@hookimpl
def qfzz_readers():
    return [Titles()]


@hookimpl
def qfzz_writers():
    return [Titles()]
