"""Tables as named arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.catalogue.array_files import Arrays
from qfzz_core.catalogue.snapshot import Table
from qfzz_core.catalogue.writers import empty_column
from qfzz_core.contracts.columns import AnyColumn, CategoryColumn, Column, narrow
from qfzz_core.model.names import NORMALISERS, Normaliser, exact
from qfzz_core.model.strings import Encoded, Texts
from qfzz_core.model.vocabulary import Vocabulary

_IDS = "track ids"
_POSITIONS = "positions"


def arrays_of(table: Table, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a base: positions, identifiers, and the columns of these names."""
    arrays = {_POSITIONS: table.positions, **_of_texts(_IDS, table.ids.vocabulary.texts())}
    for name in names:
        if table.columns[name] is not table.ids:
            arrays.update(_of_column(f"column {name}", table.columns[name]))
    return arrays


def table_of(arrays: Arrays, declared: Sequence[Column], identifiers: Sequence[str]) -> Table:
    """Return the table with the declared columns, of which `identifiers` are the identifiers under another name.

    Raises KeyError if an array is not there.
    """
    positions = arrays[_POSITIONS]
    codes = np.arange(len(positions), dtype=narrow(len(positions) - 1))
    ids = CategoryColumn(codes, _vocabulary(_IDS, arrays, exact))
    columns = {column.name: ids if column.name in identifiers else _column(arrays, column) for column in declared}
    return Table(positions, ids, columns)


def _of_column(prefix: str, column: AnyColumn) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for field in attrs.fields(type(column)):
        value = getattr(column, field.name)
        if isinstance(value, Vocabulary):
            arrays.update(_of_texts(prefix, value.texts()))
        elif value is not None:
            arrays[f"{prefix} {field.name}"] = value
    return arrays


def _column(arrays: Arrays, declared: Column) -> AnyColumn:
    prefix = f"column {declared.name}"
    empty = empty_column(declared)
    values: dict[str, Any] = {}
    for field in attrs.fields(type(empty)):
        if isinstance(getattr(empty, field.name), Vocabulary):
            values[field.name] = _vocabulary(prefix, arrays, NORMALISERS[declared.compare])
        elif field.default is attrs.NOTHING or f"{prefix} {field.name}" in arrays:
            values[field.name] = arrays[f"{prefix} {field.name}"]
    return type(empty)(**values)


def _of_texts(prefix: str, texts: Texts) -> dict[str, NDArray[Any]]:
    return {
        f"{prefix} bytes": texts.encoded.blob,
        f"{prefix} text starts": texts.encoded.starts,
        f"{prefix} hashes": texts.hashes,
        f"{prefix} order": texts.order,
    }


def _vocabulary(prefix: str, arrays: Mapping[str, NDArray[Any]], normal: Normaliser) -> Vocabulary:
    encoded = Encoded(arrays[f"{prefix} bytes"], arrays[f"{prefix} text starts"])
    return Vocabulary(normal, Texts(encoded, arrays[f"{prefix} hashes"], arrays[f"{prefix} order"]))
