"""The files of catalogues in one directory.

A cache is never trusted: files that are damaged, or of another store, of other columns, or of a state that the store
does not know, are made again. Where nothing can be written it does without.
"""

from __future__ import annotations

import hashlib
import json
import logging
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from qfzz_core.catalogue.cache.array_files import Arrays, DamagedFileError, read_arrays, write_arrays
from qfzz_core.catalogue.columns import empty_column
from qfzz_core.catalogue.snapshot import Snapshot, Table
from qfzz_core.catalogue.table_writer import is_identifier
from qfzz_core.contracts.columns import AnyColumn, CategoryColumn, Column, narrow
from qfzz_core.contracts.stores import CatalogueToken
from qfzz_core.model.files import make_directory
from qfzz_core.model.names import NORMALISERS, Normaliser, exact
from qfzz_core.model.strings import EncodedStrings, StringIndex
from qfzz_core.model.vocabulary import Vocabulary

logger = logging.getLogger("qfzz.catalogue")

FORMAT = 3  # to be counted up whenever the meaning of an array, or the normal form of a name, changes
# Catalogues of which the files stay in a directory: a change of a column's declaration makes a new one, of 80 MB for a
# million tracks, and a user who tries two configurations of two stores should not read either again.
KEPT = 4
_CATALOGUE, _DERIVED = ".catalogue", ".derived"
_IDS = "track ids"
_POSITIONS = "positions"


@attrs.frozen(eq=False)
class CachedCatalogue:
    """What was found: a table without the columns of providers, as of a token.

    `base` names the table, so that what was derived of another one is not taken for its own. `unusable` counts the
    values of each column that could not be used.
    """

    token: CatalogueToken
    table: Table
    base: str
    unusable: Mapping[str, int]


class CatalogueFiles:
    """The files of catalogues in one directory, for one declaration of columns."""

    def __init__(self, directory: Path, columns: Sequence[Column]) -> None:
        self.directory = directory
        self._stored = [column for column in columns if column.provider is None]
        self._declared = [_declaration(column) for column in self._stored]

    def load(self, identity: str) -> CachedCatalogue | None:
        """Return the catalogue of a store that is cached here, None if there is none that can be used."""
        path = self._path(identity)
        found = _read(path, self._about(identity))
        if found is None:
            return None
        about, arrays = found
        with suppress(OSError):
            path.touch()  # so that it counts as used
        try:
            token = CatalogueToken(*about["token"])
            return CachedCatalogue(token, _table(arrays, self._stored), about["base"], about["unusable"])
        except (KeyError, TypeError, ValueError) as error:
            logger.debug("%s is not used: %r", path, error)
            return None

    def save(self, catalogue: Snapshot, base: str, unusable: Mapping[str, int]) -> None:
        """Save a catalogue that is all base."""
        token = catalogue.token
        stored = sorted(column.name for column in self._stored)
        about = {
            **self._about(token.identity),
            "token": list(attrs.astuple(token)),
            "base": base,
            "unusable": {name: unusable[name] for name in stored if name in unusable},
        }
        self._write(self._path(token.identity), about, lambda: _arrays(catalogue.table, stored))
        self._prune()

    def load_derived(self, identity: str, base: str, key: str) -> Arrays | None:
        """Return what was derived of a base under a key, None if there is nothing that can be used."""
        found = _read(self._path(identity, key), self._about(identity, base=base, key=key))
        return None if found is None else found[1]

    def save_derived(self, identity: str, base: str, key: str, arrays: Callable[[], Arrays]) -> None:
        """Save what was derived of a base under a key."""
        self._write(self._path(identity, key), self._about(identity, base=base, key=key), arrays)

    def _about(self, identity: str, **more: str) -> dict[str, Any]:
        unicode = unicodedata.unidata_version  # normal forms of names depend on it
        return {"format": FORMAT, "unicode": unicode, "store": identity, "columns": self._declared, **more}

    def _path(self, identity: str, key: str | None = None) -> Path:
        name = _digest(self._about(identity))
        return self.directory / (f"{name}{_CATALOGUE}" if key is None else f"{name}-{_digest(key)[:16]}{_DERIVED}")

    def _write(self, path: Path, about: Mapping[str, Any], arrays: Callable[[], Arrays]) -> None:
        try:
            make_directory(self.directory)
            write_arrays(path, about, arrays())
        except OSError as error:
            logger.debug("nothing is kept in %s: %s", self.directory, error)

    def _prune(self) -> None:
        """Remove the catalogues that were not used for longest."""
        with suppress(OSError):
            catalogues = sorted(self.directory.glob(f"*{_CATALOGUE}"), key=lambda path: path.stat().st_mtime)
            kept = {path.stem for path in catalogues[-KEPT:]}
            derived = [path for path in self.directory.glob(f"*{_DERIVED}") if path.stem.partition("-")[0] not in kept]
            for path in [*catalogues[:-KEPT], *derived]:
                with suppress(OSError):
                    path.unlink()


def cache_of(directory: str | Path | None, columns: Sequence[Column]) -> CatalogueFiles | None:
    """Return the cache in a directory, None without one or if the source of a column is a function without a version.

    Two such functions cannot be distinguished: the cache would serve what an older one returned.
    """
    unnamed = [column.name for column in columns if callable(column.source) and column.version is None]
    if directory is not None and unnamed:
        logger.debug("the catalogue is not cached: the source of %s is a function without a version", unnamed[0])
    return None if directory is None or unnamed else CatalogueFiles(Path(directory), columns)


def _declaration(column: Column) -> list[Any]:
    source = column.source
    if callable(source):
        source = f"{source.__module__}:{getattr(source, '__qualname__', type(source).__qualname__)}"
    kept = [column.name, column.kind, source, column.version, column.compare, column.size, repr(column.missing)]
    return [*kept, column.further]


def _read(path: Path, about: Mapping[str, Any]) -> tuple[dict[str, Any], Arrays] | None:
    try:
        return read_arrays(path, about)
    except FileNotFoundError:
        return None
    except (OSError, DamagedFileError) as error:
        logger.debug("%s is not used: %s", path, error)
        return None


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode("utf-8", "surrogatepass")).hexdigest()[:32]


# ---- tables as named arrays, and back -------------------------------------------------------------------------------


def _arrays(table: Table, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    arrays = {_POSITIONS: table.positions, **_string_arrays(_IDS, table.ids.vocabulary)}
    for name in names:
        column = table.columns[name]
        if column is not table.ids:
            for field in attrs.fields(type(column)):
                value = getattr(column, field.name)
                if isinstance(value, Vocabulary):
                    arrays.update(_string_arrays(f"column {name}", value))
                elif value is not None:
                    arrays[f"column {name} {field.name}"] = value
    return arrays


def _table(arrays: Arrays, declared: Sequence[Column]) -> Table:
    """Return the table with the declared columns; raises KeyError if an array is not there."""
    positions = arrays[_POSITIONS]
    codes = np.arange(len(positions), dtype=narrow(len(positions) - 1))
    ids = CategoryColumn(codes, _vocabulary(_IDS, arrays, exact))
    columns = {column.name: ids if is_identifier(column) else _column(arrays, column) for column in declared}
    return Table(positions, ids, columns)


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


def _string_arrays(prefix: str, vocabulary: Vocabulary) -> dict[str, NDArray[Any]]:
    strings = vocabulary.strings()
    return {
        f"{prefix} bytes": strings.encoded.blob,
        f"{prefix} text starts": strings.encoded.starts,
        f"{prefix} hashes": strings.hashes,
        f"{prefix} order": strings.order,
    }


def _vocabulary(prefix: str, arrays: Arrays, normal: Normaliser) -> Vocabulary:
    encoded = EncodedStrings(arrays[f"{prefix} bytes"], arrays[f"{prefix} text starts"])
    return Vocabulary(normal, StringIndex(encoded, arrays[f"{prefix} hashes"], arrays[f"{prefix} order"]))
