"""Names as they stand in the tables: as UTF-8 bytes, which may hold NUL characters."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256


def as_bytes(name: str) -> bytes:
    """Return a name as it is stored; text that is no Unicode becomes bytes that no stored name has."""
    return name.encode("utf-8", "surrogatepass")


def as_name(stored: bytes) -> str:
    """Return the name that `as_bytes` made `stored` of."""
    return stored.decode("utf-8")


def digests(names: Iterable[bytes]) -> str:
    """Return the digests by which the indexes find names, as the text of a `bytea[]`."""
    return "{" + ",".join(rf'"\\x{sha256(name).hexdigest()}"' for name in names) + "}"
