"""What an index is made of: which columns make the cells, which number orders the rows in them, which have postings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property

import attrs

from qfzz_core.contracts.columns import CategoryColumn, Columns
from qfzz_core.ranking.formula import Formula, Term
from qfzz_core.ranking.shapes import Distance, Table

FORMAT = 1  # of what an index keeps on disk
CELL_CAP = 65_535  # a cell's number has 16 bits, and one more than the last is needed
ROWS_PER_CELL = 1  # fewer rows than cells, and looking at cells costs more than at rows


@attrs.frozen(slots=False)
class Layout:
    """An index by columns: `cells` are category columns, `order` a number column, `postings` category columns."""

    cells: tuple[str, ...]
    order: str | None
    postings: tuple[str, ...]

    @cached_property
    def key(self) -> str:
        """A text that no other layout has."""
        return json.dumps(["index", FORMAT, self.cells, self.order, self.postings])

    def covers(self, other: Layout) -> bool:
        """Return whether an index of this layout serves a request that asks for the other."""
        return (
            self.order == other.order
            and set(other.cells) <= set(self.cells)
            and set(other.postings) <= set(self.postings)
        )


@attrs.frozen(eq=False)
class Parts:
    """The terms of a formula by how an index of the layout treats them; `asked` have to be asked about candidates."""

    layout: Layout
    cells: Sequence[Term]
    order: Term | None
    postings: Sequence[Term]
    asked: Sequence[Term]


def table_of(term: Term) -> Table:
    """Return the table of a term that is one."""
    assert isinstance(term.evaluate, Table)
    return term.evaluate


def distance_of(term: Term) -> Distance:
    """Return the distance of a term that is one."""
    assert isinstance(term.evaluate, Distance)
    return term.evaluate


def sizes(columns: Columns) -> dict[str, int]:
    """Return how many categories each category column has."""
    found = ((name, columns[name]) for name in columns)
    return {name: len(column.vocabulary) for name, column in found if isinstance(column, CategoryColumn)}


def parts(formula: Formula, categories: Mapping[str, int], rows: int) -> Parts:
    """Return the terms by their shapes: nothing here looks at names.

    `categories` are the sizes of the category columns. Tables over small ones make cells, the smallest first, as long
    as there are not too many. A table over any other category is looked up in postings if nothing in it is below its
    default: every row that it does not name then has the same value, and no row has less. The distance with the
    largest weight orders the rows in a cell.
    """
    tables = [(term, term.evaluate) for term in formula.terms if isinstance(term.evaluate, Table)]
    over_category = [(term, table) for term, table in tables if isinstance(table.column, CategoryColumn)]
    cells, names = _cells(over_category, categories, min(CELL_CAP, max(rows // ROWS_PER_CELL, 1)))
    distances = [term for term in formula.terms if isinstance(term.evaluate, Distance)]
    order = max(distances, key=lambda term: term.weight, default=None)
    posted = [(term, table) for term, table in over_category if term not in cells and _only_raises(table)]
    postings = [term for term, _ in posted]
    asked = [term for term in formula.terms if term not in cells and term not in postings and term is not order]
    layout = Layout(
        tuple(sorted(names)),
        None if order is None else distance_of(order).name,
        tuple(sorted({table.name for _, table in posted})),
    )
    return Parts(layout, cells, order, postings, asked)


def _cells(
    tables: Sequence[tuple[Term, Table]], categories: Mapping[str, int], most: int
) -> tuple[list[Term], set[str]]:
    """Return the tables over the smallest categories, as many as make no more than `most` cells, and their columns."""
    cells: list[Term] = []
    names: set[str] = set()
    size = 1
    for term, table in sorted(tables, key=lambda pair: categories[pair[1].name]):
        grown = size if table.name in names else size * (categories[table.name] + 1)
        if grown <= most:
            cells.append(term)
            names.add(table.name)
            size = grown
    return cells, names


def _only_raises(table: Table) -> bool:
    return not len(table.values) or float(table.values.min()) >= table.default
