from qfzz_core import hookimpl


@hookimpl
def qfzz_genre_aliases():
    return {"jass": "jazz"}
