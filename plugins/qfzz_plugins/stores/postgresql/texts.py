"""Texts as they stand in the tables: names as UTF-8 bytes, which may hold NUL characters, data as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

encoded = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")).encode
decoded = json.JSONDecoder().decode


def decoded_all(texts: Iterable[str]) -> list[Any]:
    """Return what several texts say; in one go, so that the keys that they share are one string each."""
    values: list[Any] = decoded(f"[{','.join(texts)}]")
    return values


def as_bytes(name: str) -> bytes:
    """Return a name as it is stored; text that is no Unicode becomes bytes that no stored name has."""
    return name.encode("utf-8", "surrogatepass")


def as_name(stored: bytes) -> str:
    """Return the name that `as_bytes` made `stored` of."""
    return stored.decode("utf-8")


def digests(names: Iterable[bytes]) -> str:
    """Return the digests by which the indexes find names, as the text of a `bytea[]`."""
    return "{" + ",".join(rf'"\\x{sha256(name).hexdigest()}"' for name in names) + "}"
