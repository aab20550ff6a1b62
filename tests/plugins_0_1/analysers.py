from qfzz_core import hookimpl


class Names:
    name = "names"
    fields = ("energy",)

    def analyse(self, path):
        return {"energy": 0.25}


@hookimpl
def qfzz_analysers():
    return [Names()]
