"""What both sites said by themselves under one id: the same words, by another salt at each, so another hash.

Notices, and places read in a message that came to both, are such. What is here stays when the other site's
conversation is taken over, and the row that brought it here says its hash; the other site's would call it
damaged, and mending it by that one would make the first row wrong.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final  # Any: a column's value is whatever the table says

from router.journal.connection import Connection
from router.journal.many_rows import readable_in

Entry = dict[str, Any]

_SALTS: Final = "SELECT content_id, salt FROM content WHERE content_id IN {wanted}"


def salts_of(db: Connection, wanted: Sequence[str]) -> dict[str, bytes]:
    """By id, of what is there."""
    return {str(row[0]): bytes(row[1]) for row in readable_in(db, _SALTS, wanted)[0]}


def leave_hashes_of_own(db: Connection, there: Mapping[str, bytes], entries: Sequence[Entry]) -> None:
    """The other site's entries, of these salts there: what is here by another salt loses its hash."""
    here = salts_of(db, sorted(there))
    for each in entries:
        content_id = each["content_id"]
        if content_id in there and here.get(content_id, there[content_id]) != there[content_id]:
            each["content_hash"] = ""
