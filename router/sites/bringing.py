"""Content from the copy into the own database: ahead of the facts that name it, a little in each transaction.

A conversation may hold gigabytes of files. What names them is appended under the counter that everybody
waits for; what they are is not: it is found by its id, is the same at both sites, and harms nobody before it
is named.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final  # Any: a column's value is whatever the table says

from router.journal.committer import Committer
from router.journal.connection import Connection
from router.journal.database import Database
from router.journal.many_rows import ManyRows, readable_in, rows_in
from router.records import Fact

AT_ONCE_BYTES: Final = 4 << 20
"""Of one transaction. A larger file has one of its own."""

CONTENT: Final = ("content_id", "media_type", "file_name", "salt", "body", "at_ms")

_SIZES: Final = "SELECT content_id, length(body) FROM content WHERE content_id IN {wanted}"
_THERE: Final = "SELECT content_id FROM content WHERE content_id IN {wanted}"
_READ: Final = f"SELECT {', '.join(CONTENT)} FROM content WHERE content_id IN {{wanted}}"
_PUT: Final = ManyRows(
    f"INSERT INTO content ({', '.join(CONTENT)}) VALUES",
    f"({', '.join(f':{column}' for column in CONTENT)})",
    "ON CONFLICT DO NOTHING",
)


def sizes_of(copy: Connection, wanted: Sequence[str]) -> dict[str, int]:
    """How large each of these is, in bytes; nothing of what is not there, or rotten on the disk."""
    return {str(row[0]): int(row[1]) for row in readable_in(copy, _SIZES, wanted)[0]}


def content_of(copy: Connection, wanted: Sequence[str]) -> list[dict[str, Any]]:
    """These as they are in the copy. Nobody is kept from an agent because a disk does not give one file."""
    return [dict(zip(CONTENT, row, strict=True)) for row in readable_in(copy, _READ, wanted)[0]]


def put_content(db: Connection, content: Sequence[dict[str, Any]]) -> None:
    """What is here already stays."""
    for each in content:
        _PUT.run(db, [{**each, "body": bytes(each["body"]), "salt": bytes(each["salt"])}])


def bring_content(own: Committer, copy: Database, wanted: Sequence[str]) -> None:
    """All of these that are not here yet. Raises as the committer does: what was brought before stays."""
    with copy.reading() as db:
        groups = list(_groups(sizes_of(db, sorted(set(wanted) - {""}))))
    for group in groups:
        own.submit(_Bring(copy, tuple(group))).result()


def _groups(sizes: dict[str, int]) -> Iterator[list[str]]:
    group: list[str] = []
    total = 0
    for content_id, size in sizes.items():
        if group and total + size > AT_ONCE_BYTES:
            yield group
            group, total = [], 0
        group.append(content_id)
        total += size
    if group:
        yield group


@dataclass(frozen=True, slots=True)
class _Bring:
    """Append: no facts, only what later ones name."""

    copy: Database
    ids: tuple[str, ...]

    def write_content(self, db: Connection) -> None:
        """Reads of the copy only what is missing here."""
        there = {str(row[0]) for row in rows_in(db, _THERE, self.ids)}
        missing = [each for each in self.ids if each not in there]
        if missing:
            with self.copy.reading() as copy:
                put_content(db, content_of(copy, missing))

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """None."""
        return ()
