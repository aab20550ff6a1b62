"""What stores share: the unit of work of their transactions, users kept whole, copies, and users as documents.

The names below are for authors of stores and can be imported from here. They are found when they are first used, so
that the command line need not wait for what it does not use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qfzz_core._moved import serve_names

if TYPE_CHECKING:
    from qfzz_core.storage.copies import Copied as Copied
    from qfzz_core.storage.copies import copy_store as copy_store
    from qfzz_core.storage.copies import profile_document as profile_document
    from qfzz_core.storage.copies import restore_user as restore_user
    from qfzz_core.storage.decoding import Decoding as Decoding
    from qfzz_core.storage.decoding import event_of as event_of
    from qfzz_core.storage.decoding import event_row as event_row
    from qfzz_core.storage.decoding import without_advice as without_advice
    from qfzz_core.storage.latest import latest_of as latest_of
    from qfzz_core.storage.latest import latest_rows as latest_rows
    from qfzz_core.storage.records import UserRow as UserRow
    from qfzz_core.storage.records import refuse_used as refuse_used
    from qfzz_core.storage.records import write_record as write_record
    from qfzz_core.storage.row_check import damaged_rows as damaged_rows
    from qfzz_core.storage.unit_of_work import FoundUnit as FoundUnit
    from qfzz_core.storage.unit_of_work import ReadAheadUnit as ReadAheadUnit
    from qfzz_core.storage.unit_of_work import RowUser as RowUser
    from qfzz_core.storage.unit_of_work import UnitOfWork as UnitOfWork
    from qfzz_core.storage.user_documents import record_from_document as record_from_document
    from qfzz_core.storage.user_unit import UserUnit as UserUnit
    from qfzz_core.storage.whole_users import DraftedStore as DraftedStore
    from qfzz_core.storage.whole_users import DraftTransaction as DraftTransaction
    from qfzz_core.storage.whole_users import Turns as Turns
    from qfzz_core.storage.whole_users import UserDraft as UserDraft
    from qfzz_core.storage.whole_users import Views as Views

serve_names(
    __name__,
    {
        "copies": "Copied copy_store profile_document restore_user",
        "row_check": "damaged_rows",
        "decoding": "Decoding event_of event_row without_advice",
        "latest": "latest_of latest_rows",
        "records": "UserRow refuse_used write_record",
        "unit_of_work": "FoundUnit ReadAheadUnit RowUser UnitOfWork",
        "user_unit": "UserUnit",
        "user_documents": "record_from_document",
        "whole_users": "DraftTransaction DraftedStore Turns UserDraft Views",
    },
)
