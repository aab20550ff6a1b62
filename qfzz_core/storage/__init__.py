"""What stores share: the unit of work of their transactions, users kept whole, copies, and users as documents.

The names below are for authors of stores and can be imported from here. They are found when they are first used, so
that the command line need not wait for what it does not use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qfzz_core.storage.copies import Copied, copy_store, profile_document, restore_user
    from qfzz_core.storage.records import UserRow, event_of, event_row, refuse_used, write_record
    from qfzz_core.storage.unit_of_work import FoundUnit, ReadAheadUnit, RowUser, UnitOfWork
    from qfzz_core.storage.user_documents import record_from_document
    from qfzz_core.storage.user_unit import UserUnit
    from qfzz_core.storage.whole_users import DraftedStore, DraftTransaction, Turns, UserDraft, Views

_HOMES = {
    "copies": ("Copied", "copy_store", "profile_document", "restore_user"),
    "records": ("UserRow", "event_of", "event_row", "refuse_used", "write_record"),
    "unit_of_work": ("FoundUnit", "ReadAheadUnit", "RowUser", "UnitOfWork"),
    "user_unit": ["UserUnit"],
    "user_documents": ["record_from_document"],
    "whole_users": ("DraftTransaction", "DraftedStore", "Turns", "UserDraft", "Views"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Copied",
    "DraftTransaction",
    "DraftedStore",
    "FoundUnit",
    "ReadAheadUnit",
    "RowUser",
    "Turns",
    "UnitOfWork",
    "UserDraft",
    "UserRow",
    "UserUnit",
    "Views",
    "copy_store",
    "event_of",
    "event_row",
    "profile_document",
    "record_from_document",
    "refuse_used",
    "restore_user",
    "write_record",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"qfzz_core.storage.{_HOME_OF[name]}"), name)
