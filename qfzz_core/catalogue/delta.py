"""Merging base and delta into a new base: now and then, and mostly while nobody waits for it."""

from __future__ import annotations

import numpy as np

from qfzz_core.catalogue.segment import Segment
from qfzz_core.catalogue.snapshot import Snapshot, Table, TracksAt
from qfzz_core.catalogue.table_writer import TableWriter
from qfzz_core.contracts.columns import CategoryColumn, Columns, Rows, as_rows, narrow
from qfzz_core.contracts.stores import CatalogueToken
from qfzz_core.model.names import exact
from qfzz_core.model.vocabulary import Vocabulary

# A delta is scored by every request that is not recalled: this many rows take about as long as the search of the base.
# As many deleted rows make a table that costs a new snapshot a few microseconds to copy.
MOST_CHANGED = 8_192
FEW_ROWS = 1_024  # rows that are merged faster than anybody would notice
GREATEST_SHARE = 4  # the delta stays below this part of the base, so that time and memory stay in proportion


def is_due(catalogue: Snapshot) -> bool:
    """Return whether a merge would make requests faster."""
    return max(len(catalogue.table) - catalogue.base, len(catalogue.deleted)) > MOST_CHANGED


def is_overdue(catalogue: Snapshot) -> bool:
    """Return whether so much changed that nobody should go on without a merge."""
    changed = len(catalogue.table) - catalogue.base + len(catalogue.deleted)
    return changed > max(FEW_ROWS, catalogue.base // GREATEST_SHARE)


def all_base(token: CatalogueToken, table: Table, tracks_at: TracksAt) -> Snapshot:
    """Return a snapshot of rows in growing order of position, all of them alive."""
    segment = Segment(Columns(table.columns, len(table)))
    return Snapshot(token, table, segment, as_rows([]), in_order=True, tracks_at=tracks_at)


def merged(catalogue: Snapshot) -> Snapshot:
    """Return the same tracks as a base without delta and deleted rows."""
    rows = catalogue.live_rows()
    table = catalogue.table
    texts = table.ids.vocabulary.texts(table.ids.codes[rows].astype(np.intp))
    ids = CategoryColumn(np.arange(len(rows), dtype=narrow(len(rows) - 1)), Vocabulary(exact, texts))
    columns = {name: ids if column is table.ids else column.select(rows) for name, column in table.columns.items()}
    return all_base(catalogue.token, Table(table.positions[rows], ids, columns), catalogue.tracks_at)


def changed(old: Snapshot, writer: TableWriter, removed: Rows, token: CatalogueToken) -> Snapshot:
    """Return the snapshot that follows an old one, behind whose rows a writer has put what was written since.

    `removed` are positions. A row whose position was written again dies.
    """
    table = writer.table()
    new = table.positions[len(old.table) :]
    in_order = _goes_on(old, new)
    gone = removed if in_order else np.concatenate([new, removed])  # positions that go on growing were never there
    deleted = _with(old.deleted, old.rows_at(gone)) if len(gone) else old.deleted
    return Snapshot(token, table, old.segment, deleted, in_order=in_order, tracks_at=old.tracks_at)


def caught_up(base: Snapshot, writer: TableWriter, merged: Snapshot, current: Snapshot) -> Snapshot:
    """Return `base`, made by merging one snapshot, with what changed from that one to the current one.

    `writer` is at the end of the base.
    """
    first = len(merged.table)
    late = current.table.select(np.arange(first, len(current.table)))
    writer.append(late)
    died = np.setdiff1d(current.deleted, merged.deleted, assume_unique=True)
    before, since = died[died < first], died[died >= first]
    deleted = np.concatenate([base.rows_at(current.positions[before]), since - first + base.base])
    return Snapshot(
        current.token,
        writer.table(),
        base.segment,
        np.sort(deleted),
        in_order=_goes_on(base, late.positions),
        tracks_at=base.tracks_at,
    )


def _with(deleted: Rows, died: Rows) -> Rows:
    died = np.sort(died)
    return np.insert(deleted, deleted.searchsorted(died), died) if len(died) else deleted


def _goes_on(old: Snapshot, new: Rows) -> bool:
    """Return whether new positions go on growing where the old ones end."""
    if not len(new):
        return old.in_order
    follows = not len(old.table) or int(new[0]) > int(old.positions[-1])
    return old.in_order and follows and bool((new[1:] > new[:-1]).all())
