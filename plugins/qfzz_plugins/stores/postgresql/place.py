"""Where a database is, and how that may be shown: no password leaves this module but for libpq."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import attrs
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from qfzz_core.errors import StoreURLError
from qfzz_core.storage.decoding import Decoding

_ADVICE = "write postgresql://user:password@host:port/database, with @ / : ? # and % in a password as %40 and so on"
# A character that ends the login too early would make libpq take a part of the password for host or database.
_LEGIBLE = re.compile(r"postgres(ql)?://([^/?#@]*@)?[^/?#@\0]*(/[^?@\0]*)?(\?[^@\0]*)?\Z")
_PORTS = re.compile(r"[\d,]*")  # anything else may be a password whose host was left out
_SECRET_KEYS = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")

# A server that is gone without a word is noticed in half a minute; a URL can say otherwise.
_DEFAULTS = {
    "fallback_application_name": "qfzz",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


@attrs.frozen
class Place:
    """A database. `conninfo` is for libpq alone; `name`, which `decoding` uses, is the URL without credentials."""

    conninfo: str = attrs.field(repr=False)
    name: str
    user: str = attrs.field(repr=False)
    secrets: tuple[str, ...] = attrs.field(repr=False)
    decoding: Decoding = attrs.field(init=False, repr=False)

    @decoding.default
    def _decoding_of_name(self) -> Decoding:
        return Decoding(self.name)

    def scrubbed(self, error: object) -> str:
        """Return what an error of libpq or the server says, on one line and without credentials."""
        return _scrubbed(str(error), self.secrets, self.user)


def place_of(url: str, connect_timeout: float) -> Place:
    """Return the place that a URL names; raises `StoreURLError`, which shows no part of a password."""
    try:
        parts = conninfo_to_dict(url) if _LEGIBLE.match(url) else None
    except (ProgrammingError, UnicodeEncodeError) as error:  # the latter for a lone surrogate
        raise StoreURLError(f"this PostgreSQL URL cannot be read: {_advice(str(error))}") from None
    if parts is None or not _PORTS.fullmatch(str(parts.get("port") or "")):
        raise StoreURLError(f"this PostgreSQL URL cannot be read: {_ADVICE}")
    parts.setdefault("connect_timeout", str(math.ceil(connect_timeout)))
    conninfo = make_conninfo("", **{**_DEFAULTS, **parts, "client_encoding": "UTF8"})
    held = [str(parts[key]) for key in _SECRET_KEYS if parts.get(key)]
    secrets = dict.fromkeys(text for secret in held for text in (secret, quote(secret, safe="")))
    return Place(conninfo, _shown(parts), str(parts.get("user", "")), tuple(secrets))


def _advice(reason: str) -> str:
    """Return what to do; libpq's own reason is not shown, because it quotes what may be a part of a password."""
    unknown = re.search(r'invalid URI query parameter: "(\w{1,40})"', reason)
    if unknown:
        return f'"{unknown[1]}" is no parameter of libpq; options of the store stand in the table [store]'
    return _ADVICE


def _scrubbed(text: str, secrets: tuple[str, ...], user: str = "") -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    if user:
        text = re.sub(rf'\b(user|role) "{re.escape(user)}"', r'\1 "***"', text)
    return " ".join(text.split())


def _shown(parts: Mapping[str, Any]) -> str:
    """Return the URL of host, port and database."""
    host, port, database = (str(parts.get(key) or "") for key in ("host", "port", "dbname"))
    if not re.fullmatch(r"[\w.-]*|[0-9a-fA-F:.]*", host):
        query = "&".join(f"{key}={quote(value)}" for key, value in (("host", host), ("port", port)) if value)
        return f"postgresql:///{quote(database)}?{query}"
    host = f"[{host}]" if ":" in host else host
    return f"postgresql://{host}{f':{port}' if port else ''}/{quote(database)}"
