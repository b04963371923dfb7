"""What comes from the other site's conversations keeps the hash that the row there has of it.

The tables have no hash of words; the row that brought them has, and a message knows its row. What cannot be
found so (a message that stands where it was said, and came later) goes without: it is counted, not checked.
Damaged words come all the same, and are known to be: in front of an agent they are better than none.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final  # Any: a column's value is whatever the table says

from router.journal.connection import Connection
from router.journal.hashed_content import Hashed, hashed_by
from router.journal.many_rows import rows_in
from router.journal.stream import COLUMNS, OWN_ROWS, rows_of

Entry = dict[str, Any]

_ROWS: Final = f"SELECT {COLUMNS} FROM journal WHERE {OWN_ROWS} AND seq IN {{wanted}}"


def add_hashes(copy: Connection, found: Sequence[Entry]) -> None:
    """`content_hash` into each that has a content_id, by the row of its `seq`; empty where none says it."""
    hashed = _hashed_at(copy, sorted({each["seq"] for each in found}))
    for each in found:
        named = hashed.get(each["content_id"])
        each["content_hash"] = named.content_hash if named else ""


def _hashed_at(copy: Connection, seqs: Sequence[int]) -> Mapping[str, Hashed]:
    return hashed_by(rows_of(rows_in(copy, _ROWS, seqs)))
