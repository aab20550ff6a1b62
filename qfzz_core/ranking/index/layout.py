"""What an index is made of: which columns make the cells, which number orders the rows in them, which have postings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import attrs

from qfzz_core.contracts.columns import CategoryColumn
from qfzz_core.model.cached_property import cached_property
from qfzz_core.ranking.formula import Formula, Term
from qfzz_core.ranking.shapes import Distance, ValueTable

FORMAT = 2  # of what an index keeps on disk
MAX_CELLS = 65_535  # a cell's number has 16 bits, and one more than the last is needed
# Fewer rows than cells, and looking at cells costs more than at rows; but more rows to a cell leave a column out. With
# genre, mood and tempo (10,164 cells) the best 50 of 15,000 tracks take 0.6 ms, without the genre 1.0.
ROWS_PER_CELL = 1

TableTerm = tuple[Term, ValueTable]


@attrs.frozen(slots=False)
class Layout:
    """An index by columns: `cells` are category columns, `order` a number column, `postings` category columns."""

    cells: tuple[str, ...]
    order: str | None
    postings: tuple[str, ...]

    @cached_property
    def key(self) -> str:
        """A string that no other layout has."""
        return json.dumps(["index", FORMAT, self.cells, self.order, self.postings])

    def covers(self, other: Layout) -> bool:
        """Return whether an index of this layout serves a request that needs the other."""
        same_order = self.order == other.order
        return same_order and set(other.cells) <= set(self.cells) and set(other.postings) <= set(self.postings)


@attrs.frozen(eq=False)
class Parts:
    """The terms of a formula by how an index of the layout treats them; `evaluated` are those that it does not hold."""

    layout: Layout
    cells: Sequence[TableTerm]
    order: tuple[Term, Distance] | None
    postings: Sequence[TableTerm]
    evaluated: Sequence[Term]

    @classmethod
    def of(cls, formula: Formula, categories: Mapping[str, int], rows: int) -> Parts:
        """Return the terms by their shapes: nothing here looks at names.

        `categories` are the sizes of the category columns. Tables over small ones make cells, the smallest first, as
        long as there are not too many. A table over any other category is looked up in postings if nothing in it is
        below its default: every row that it does not name then has the same value, and no row has less. The distance
        with the largest weight orders the rows in a cell.
        """
        shapes = [(term, term.evaluate) for term in formula.terms]
        tables = [(term, shape) for term, shape in shapes if isinstance(shape, ValueTable)]
        tables = [pair for pair in tables if isinstance(pair[1].column, CategoryColumn)]
        distances = [(term, shape) for term, shape in shapes if isinstance(shape, Distance)]
        order = max(distances, key=lambda pair: pair[0].weight, default=None)
        cells, names = _cells(tables, categories, min(MAX_CELLS, max(rows // ROWS_PER_CELL, 1)))
        postings = [pair for pair in tables if pair not in cells and _only_raises(pair[1])]
        layout = Layout(
            tuple(sorted(names)), order and order[1].name, tuple(sorted({table.name for _, table in postings}))
        )
        held = {term for term, _ in (*cells, *postings)} | {order and order[0]}
        return cls(layout, cells, order, postings, [term for term in formula.terms if term not in held])


def _cells(tables: Iterable[TableTerm], categories: Mapping[str, int], limit: int) -> tuple[list[TableTerm], set[str]]:
    """Return the tables over the smallest categories, as many as make no more than `limit` cells, and their columns."""
    cells: list[TableTerm] = []
    names: set[str] = set()
    size = 1
    for term, table in sorted(tables, key=lambda pair: categories[pair[1].name]):
        larger = size if table.name in names else size * (categories[table.name] + 1)
        if larger <= limit:
            cells.append((term, table))
            names.add(table.name)
            size = larger
    return cells, names


def _only_raises(table: ValueTable) -> bool:
    return not len(table.values) or float(table.values.min()) >= table.default
