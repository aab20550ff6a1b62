from datetime import datetime

from qfzz_core import hookimpl
from qfzz_core.contracts import Description, LeftOut, Play


class Diary:
    name = "diary"
    suffixes = (".diary",)

    def recognises(self, name, beginning):
        return beginning.startswith("dear diary\n")

    def read(self, file):
        for number, line in enumerate(file.lines(), start=1):
            moment, _, title = line.strip().partition(" ")
            if title and number > 1:
                when = datetime.fromisoformat(moment)
                yield Play(
                    line=number,
                    heard=Description(title=title, artist="Me"),
                    timestamp=when,
                    source="diary",
                    family="diary",
                )
            elif number > 1:
                yield LeftOut(number, "bad", "there is no title")


@hookimpl
def qfzz_history_readers():
    return [Diary()]
