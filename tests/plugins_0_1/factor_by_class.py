import attrs
import numpy as np

from qfzz_core import CategoryTable, ColumnFunction, NumericDistance, TrackFunction, hookimpl


@attrs.frozen
class TableOptions:
    genre: str = "jazz"


class Table:
    name = "table"
    weight = 0.1
    Options = TableOptions

    def prepare(self, request):
        return CategoryTable(column="genre", values={request.options.genre: 1.0}, default=0.25)


class Distance:
    name = "distance"
    weight = 0.1

    def prepare(self, request):
        return NumericDistance(column="energy", target=request.profile.energy_level, scale=2.0, missing=0.5)


class Columns:
    name = "columns"
    weight = 0.1

    def prepare(self, request):
        def values(columns, rows):
            calm = columns["mood"].vocabulary.code("calm")
            return np.where(columns["mood"].codes[rows] == calm, columns["energy"].at(rows), 0.0)

        return ColumnFunction(function=values, bound=1.0, reason=lambda track, value: f"calm enough: {value}")


class Track:
    name = "track"
    weight = 0.1

    def prepare(self, request):
        if request.context.get("silent"):
            return None
        return TrackFunction(function=lambda track: len(track["title"]) / 100, bound=0.5)


@hookimpl
def qfzz_factors(setup):
    return [Table(), Distance(), Columns(), Track()]
