"""How much of a file is read: past these limits it is refused, before it takes the memory or the hours it asks for."""

from __future__ import annotations

import attrs

from qfzz_core.model.plain import MAX_DEPTH

# A row with lyrics or with a vector of 1,536 numbers has up to 40,000 characters. Python makes up to 30 bytes of a
# character of JSON ("{}," is a dict of 64 bytes), so a row at this limit takes 120 MB while it is read.
MAX_LINE = 4_000_000
# Exports of audio features have up to 600 columns. The names of 10,000 are compared and kept in 10 ms.
MAX_COLUMNS = 10_000
# Tracks compress to a third or a tenth, and JSON with long equal keys to a thirtieth; zeros to a thousandth, as far as
# gzip goes.
MAX_EXPANSION = 200
# A playlist is in memory as a whole: 100,000 entries with long names take up to 260 MB where each name has a character
# beyond the first plane.
MAX_ENTRIES = 100_000


@attrs.frozen(kw_only=True)
class Limits:
    """The limits of one import.

    - `line`: characters of one line; of one row, where quotes hold several lines together; of one object of JSON.
    - `columns`: columns of one row.
    - `depth`: lists and objects within each other, in one value of a row; at most `MAX_DEPTH`, which stores hold.
    - `expansion`: how many times as large as its compressed bytes a file may become.
    - `entries`: entries of a playlist. How many rows a file has is not limited: they are read one at a time.
    """

    line: int = attrs.field(default=MAX_LINE, validator=attrs.validators.ge(1))
    columns: int = attrs.field(default=MAX_COLUMNS, validator=attrs.validators.ge(1))
    depth: int = attrs.field(default=MAX_DEPTH, validator=[attrs.validators.ge(0), attrs.validators.le(MAX_DEPTH)])
    expansion: int = attrs.field(default=MAX_EXPANSION, validator=attrs.validators.ge(1))
    entries: int = attrs.field(default=MAX_ENTRIES, validator=attrs.validators.ge(1))
