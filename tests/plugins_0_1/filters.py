from qfzz_core import CategoryFilter, IdFilter, Predicate, RangeFilter, hookimpl


class Kept:
    def __init__(self, name, prepared):
        self.name = name
        self.prepared = prepared

    def check(self, option):
        if option is not True:
            raise ValueError(f"give True, got {option!r}")

    def prepare(self, request, option):
        return self.prepared


@hookimpl
def qfzz_filters(setup):
    return [
        Kept("only_jazz", CategoryFilter(column="genre", names=["jazz"], exclude=False)),
        Kept("short", RangeFilter(column="duration", low=None, high=200)),
        Kept("not_the_first", IdFilter(track_ids=["t0"], exclude=True)),
        Kept("even_rows", Predicate(function=lambda columns, rows: rows % 2 == 0)),
        Kept("anything", None),
    ]
