"""The keys of the configuration file, as classes that cattrs fills.

This module imports cattrs, so it is imported on use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, Literal

import attrs
import cattrs

from qfzz_core.config.configuration import FactorConfig
from qfzz_core.config.converter import REST, UnfitError, described, shown, strict_converter, unfit
from qfzz_core.config.structuring import StructuringError, structure
from qfzz_core.contracts.columns import Column, ColumnKind
from qfzz_core.model.names import is_storable, normalise_genre

Name = Annotated[str, "text that is not blank"]
Genre = Annotated[str, "the name of a genre"]
Directory = Annotated[str | Literal[False], "a directory, or false"]

_MISSING: dict[str, Any] = {
    "category": str,
    "tags": Annotated[list[str], "a list of text"],
    "number": float,
    "flag": bool,
    "vector": Annotated[list[float], "a list of as many finite numbers as its size"],
}


@attrs.frozen(kw_only=True)
class StoreTable:
    """`store = "URL"`, or the table `[store]` with the store's own options beside `url`."""

    url: Name | None = None
    options: Mapping[str, Any] = attrs.field(factory=dict, metadata={REST: True})


@attrs.frozen(kw_only=True)
class CatalogueTable:
    """The table `[catalogue]`: where the catalogue in memory is kept, false for nowhere."""

    cache: Directory | None = None


@attrs.frozen(kw_only=True)
class DiscoveryTable:
    """The table `[discovery]`: a strategy, that strategy's own options, and a table for any strategy by its name."""

    strategy: Name | None = None
    options: Mapping[str, Any] = attrs.field(factory=dict, metadata={REST: True})


@attrs.frozen(kw_only=True)
class PluginsTable:
    """The table `[plugins]`: what is switched off, single files, limits, and a table of options for each other name."""

    disable: frozenset[Name] = frozenset()
    files: tuple[Name, ...] = ()
    give_up_after: int = attrs.field(default=10, validator=attrs.validators.ge(0))
    factor_seconds: float = attrs.field(default=1.0, validator=attrs.validators.gt(0))
    tables: Mapping[Name, Mapping[str, Any]] = attrs.field(factory=dict, metadata={REST: True})


@attrs.frozen(kw_only=True)
class ColumnTable:
    """A table `[columns.NAME]`: what a configuration can say of a column, which is all but code."""

    kind: ColumnKind
    source: Name | None = None
    size: int | None = attrs.field(default=None)
    missing: Any = attrs.field(default=None)
    compare: Literal["name", "genre", "exact"] = "name"
    further: Name | None = attrs.field(default=None)

    @further.validator
    def _check_further(self, _: Any, further: str | None) -> None:
        if further is not None and (self.kind != "category" or self.compare == "exact"):
            raise ValueError('further is only for columns of kind "category" that compare by "name" or "genre"')

    @size.validator
    def _check_size(self, _: Any, size: int | None) -> None:
        if self.kind == "vector" and (size is None or size < 1):
            given = "it is not given" if size is None else f"got {size}"
            raise ValueError(f'size must be at least 1 in a column of kind "vector", {given}')
        if self.kind != "vector" and size is not None:
            raise ValueError(f'size is only for columns of kind "vector", and this one is of kind "{self.kind}"')

    @missing.validator
    def _check_missing(self, _: Any, missing: Any) -> None:
        if missing is not None and not _suits(self, missing):
            wanted = described(_MISSING[self.kind])
            raise ValueError(f'missing must be {wanted} in a column of kind "{self.kind}", got {shown(missing)}')

    def column(self, name: str) -> Column:
        """Return the declaration of a column of this name."""
        return Column(name=name, **attrs.asdict(self, recurse=False))


@attrs.frozen(kw_only=True)
class GenresTable:
    """The table `[genres]`."""

    aliases: Mapping[Genre, Genre] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Document:
    """The whole configuration file."""

    store: StoreTable = StoreTable()
    catalogue: CatalogueTable = CatalogueTable()
    seed: int | None = None
    strict: bool = False
    factors: Mapping[Name, FactorConfig] = attrs.field(factory=dict)
    discovery: DiscoveryTable = DiscoveryTable()
    rules: Mapping[Name, Mapping[str, Any]] = attrs.field(factory=dict)
    genres: GenresTable = GenresTable()
    similarity: Mapping[Genre, tuple[Genre, ...]] = attrs.field(factory=dict)
    columns: Mapping[Name, ColumnTable] = attrs.field(factory=dict)
    plugins: PluginsTable = PluginsTable()


def read_document(raw: Any) -> Document:
    """Return the tables of a configuration as objects; raises `StructuringError` that says all that is wrong."""
    document: Document = structure(raw, Document, converter=_converter())
    return document


# Measured: 35 ms for the first document, 0.02 ms for every other one with the same converter.
@cache
def _converter() -> cattrs.Converter:
    """Return the converter for documents, made once: it generates code for each class, and keeps no other state."""
    converter = strict_converter()
    converter.register_structure_hook_func(lambda cls: cls in _FITS, _structure_checked)
    table = converter.get_structure_hook(StoreTable)

    def structure_store(value: Any, cls: Any) -> Any:
        if isinstance(value, Mapping):
            return table(value, cls)
        if not _is_name(value):
            raise UnfitError(f'must be a URL such as "sqlite:///music.db" or a table, got {shown(value)}')
        return StoreTable(url=value)

    converter.register_structure_hook(StoreTable, structure_store)
    return converter


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


_FITS: dict[Any, Callable[[Any], bool]] = {
    Name: _is_name,
    Genre: lambda value: isinstance(value, str) and is_storable(value) and bool(normalise_genre(value)),
    # `cache = true` says no directory; only false has a meaning, and 0 is not false
    Directory: lambda value: value is False or _is_name(value),
}


def _structure_checked(value: Any, cls: Any) -> Any:
    if not _FITS[cls](value):
        raise unfit(cls, value)
    return value


# The types of `missing` depend on `kind`, which no annotation can say.
def _suits(column: ColumnTable, missing: Any) -> bool:
    """Return whether a value can stand in a column for what is missing."""
    try:
        structure(missing, _MISSING[column.kind])
    except StructuringError:
        return False
    return column.kind != "vector" or len(missing) == column.size
