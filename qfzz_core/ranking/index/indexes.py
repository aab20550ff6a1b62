"""The indexes of one segment: made when a request asks for one that none of the others can stand in for."""

from __future__ import annotations

import attrs

from qfzz_core.catalogue.segment import Segment
from qfzz_core.ranking.index.build import Index
from qfzz_core.ranking.index.layout import Layout, sizes

MOST = 4  # of one segment: requests of yet another kind are scanned


@attrs.define(eq=False)
class _Layouts:
    known: tuple[Layout, ...] = ()  # of two that are added at once one may be lost: the next request adds it again

    def standing_in(self, layout: Layout) -> Layout | None:
        """Return a layout that serves this one, itself if there is room for it, None if there is not."""
        found = next((known for known in self.known if known.covers(layout)), None)
        if found is None and len(self.known) < MOST:
            self.known = (*self.known, layout)
            return layout
        return found


def sizes_of(segment: Segment) -> dict[str, int]:
    """Return how many categories each category column of the segment had when it was asked about first."""
    return segment.derived("sizes", lambda made_of: sizes(made_of.columns))


def serving(segment: Segment, layout: Layout) -> Index | None:
    """Return an index of the segment that serves requests of this layout, None if there are too many kinds of them."""
    chosen = segment.derived("layouts", lambda _: _Layouts()).standing_in(layout)
    if chosen is None:
        return None
    return segment.derived(
        chosen.key,
        lambda made_of: Index.of(chosen, made_of.columns),
        lambda _, arrays: Index.restored(chosen, arrays),
    )
