"""Rows of the files of other people, one after the other and with the line they come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qfzz_core.contracts.formats import ImportFileError, Row
from qfzz_core.formats.reading import Progress, Readers, file_size

__all__ = ["ImportFileError", "Row", "built_in_readers", "file_size", "read_rows"]


def read_rows(path: Path, on_progress: Progress | None = None, readers: Readers | None = None) -> Iterator[Row]:
    """Yield the rows of a file, read by one of `readers`, those that are built in if none are given.

    A single row that cannot be read has a `problem`; what makes the whole file unusable raises `ImportFileError`, if
    need be after rows were yielded.

    `on_progress` gets the number of bytes read from the file so far, compressed as it is: every few hundred lines
    and at the end, when it is the file's size.
    """
    yield from (readers or built_in_readers()).rows(path, on_progress)


def built_in_readers() -> Readers:
    """Return the readers that are built in, found anew."""
    from qfzz_core.config import Config
    from qfzz_core.plugins.faults import Faults
    from qfzz_core.plugins.loader import Loader
    from qfzz_core.plugins.record import find_plugins
    from qfzz_core.plugins.registry import Registry

    faults = Faults(strict=True)
    loader = Loader(find_plugins(installed=()), faults)
    loader.load(frozenset(), frozenset())
    return Readers.of(Registry(loader, Config(), faults), faults.report)
