from qfzz_core import hookimpl


@hookimpl
def qfzz_genre_similarity():
    return {"jazz": ["bossa nova", "samba"]}
