from qfzz_core import hookimpl
from qfzz_core.contracts import Description, PlaylistEntry, PlaylistTitle


class Numbers:
    name = "numbers"
    suffixes = (".numbers",)

    def read(self, file):
        yield PlaylistTitle(file.path.stem)
        for number, line in enumerate(file.lines(), start=1):
            if line.startswith("!"):
                raise file.unusable("there is an exclamation mark", number)
            if not line.strip().isdigit():
                yield PlaylistEntry(number, problem="there is no number")
                continue
            yield PlaylistEntry(number, Description(track_id=f"t{line.strip()}"))


@hookimpl
def qfzz_playlist_readers():
    return [Numbers()]
