"""The delta of a catalogue: what changed behind its base, and merging both into a new base."""

from __future__ import annotations

import numpy as np

from qfzz_core.catalogue.snapshot import Segment, Snapshot, Table, TracksAt
from qfzz_core.catalogue.table_writer import TableWriter
from qfzz_core.contracts.columns import CategoryColumn, Rows, as_rows, narrow
from qfzz_core.contracts.stores import CatalogueToken
from qfzz_core.model.names import exact
from qfzz_core.model.vocabulary import Vocabulary

# A delta is scored by every request that the result cache does not answer. This many rows take about as long as the
# search of the base: with 200,000 tracks a request takes 0.8 ms without a delta and 1.4 ms with 8,000 rows. As many
# deleted rows make an array that costs a new snapshot a few microseconds to copy.
MOST_CHANGED = 8_192
FEW_ROWS = 1_024  # up to four times as many rows of a base are merged in about 1 ms, which nobody notices
# The delta stays below a quarter of the base, so that time and memory stay in proportion even if the background thread
# gets nowhere. Merging 100,000 rows takes 36 ms, which a caller then waits for once in 25,000 changes.
GREATEST_SHARE = 4


def is_due(catalogue: Snapshot) -> bool:
    """Return whether a merge would make requests faster."""
    return max(len(catalogue.table) - catalogue.base, len(catalogue.deleted)) > MOST_CHANGED


def is_overdue(catalogue: Snapshot) -> bool:
    """Return whether so much changed that the next snapshot has to wait for a merge."""
    changed = len(catalogue.table) - catalogue.base + len(catalogue.deleted)
    return changed > max(FEW_ROWS, catalogue.base // GREATEST_SHARE)


def all_base(token: CatalogueToken, table: Table, tracks_at: TracksAt) -> Snapshot:
    """Return a snapshot of rows in ascending order of position, none of them deleted."""
    segment = Segment(table.live_columns(len(table), as_rows([])))
    return Snapshot(token, table, segment, as_rows([]), in_order=True, tracks_at=tracks_at)


def merged(catalogue: Snapshot) -> Snapshot:
    """Return the same tracks as a base without delta and deleted rows."""
    rows = catalogue.live_rows()
    table = catalogue.table
    strings = table.ids.vocabulary.strings(table.ids.codes[rows].astype(np.intp))
    ids = CategoryColumn(np.arange(len(rows), dtype=narrow(len(rows) - 1)), Vocabulary(exact, strings))
    columns = {name: ids if column is table.ids else column.select(rows) for name, column in table.columns.items()}
    return all_base(catalogue.token, Table(table.positions[rows], ids, columns), catalogue.tracks_at)


def changed(old: Snapshot, writer: TableWriter, removed: Rows, token: CatalogueToken) -> Snapshot:
    """Return the snapshot that follows an old one, behind whose rows a writer has appended what was written since.

    `removed` are positions. Rows whose position was written again are deleted.
    """
    table = writer.table()
    new = table.positions[len(old.table) :]
    in_order = _ascends(old, new)
    gone = removed if in_order else np.concatenate([new, removed])  # new positions behind all others replace nothing
    deleted = old.deleted
    if len(gone):
        rows = np.sort(old.rows_at(gone))
        deleted = np.insert(deleted, deleted.searchsorted(rows), rows)
    return Snapshot(token, table, old.segment, deleted, in_order=in_order, tracks_at=old.tracks_at)


def apply_delta(base: Snapshot, writer: TableWriter, merged: Snapshot, current: Snapshot) -> Snapshot:
    """Return `base`, made by merging one snapshot, with what changed from that one to the current one.

    `writer` is at the end of the base.
    """
    # The merge took a while, and the store went on: rows behind those of the merged snapshot are appended again, under
    # new row numbers, and rows deleted since are found by their positions, which a merge does not change.
    first = len(merged.table)
    late = current.table.select(np.arange(first, len(current.table)))
    writer.append(late)
    deleted = np.setdiff1d(current.deleted, merged.deleted, assume_unique=True)
    before, since = deleted[deleted < first], deleted[deleted >= first]
    deleted = np.concatenate([base.rows_at(current.positions[before]), since - first + base.base])
    in_order = _ascends(base, late.positions)
    return Snapshot(
        current.token, writer.table(), base.segment, np.sort(deleted), in_order=in_order, tracks_at=base.tracks_at
    )


def _ascends(old: Snapshot, new: Rows) -> bool:
    """Return whether positions still ascend with new ones behind those of an old snapshot."""
    if not len(new):
        return old.in_order
    follows = not len(old.table) or int(new[0]) > int(old.positions[-1])
    return old.in_order and follows and bool((new[1:] > new[:-1]).all())
