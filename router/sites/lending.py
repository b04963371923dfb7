"""Replies on their way, when their interaction is offered to the other site: never two senders, never none.

As long as an interaction is held for the other site nothing of it leaves here (delivery_book.HERE): the site
that takes it takes what is still due along. So before it is asked, whoever is sending at this moment has to
be done. What a dead worker had begun may have left: that goes along too, and is said to have perhaps left.

Once it has been asked, the other site may send, whether or not its answer comes: `orders_lent` says so. If
neither an answer nor its stream comes by the deadline, this site sends as well, and the message says that it
may be there twice; one that says nothing at all would be worse. What left at both sites is found by both
streams later (reconciling.py).
"""

from collections.abc import Sequence
from typing import Final

from router.journal.connection import Connection
from router.journal.many_rows import rows_in
from router.records import Fact, fact
from router.run import delivery_book as book

LOST: Final = "no_answer"
"""Detail of a try whose end nobody knows: as where a provider said nothing."""

_DUE: Final = """
    SELECT outbox.outbox_id, message.interaction_id, outbox.message_id, outbox.attempts
    FROM message JOIN outbox ON outbox.message_id = message.message_id
    WHERE outbox.status = 'due' AND message.interaction_id IN {wanted}
"""


class Lend:
    """Append: nobody sends what is due of these here. Read `busy`, those where somebody does, after it."""

    def __init__(self, ids: Sequence[str], *, to_site: str) -> None:
        self.busy: frozenset[str] = frozenset()
        self._ids = ids
        self._to_site = to_site

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """In one order for everybody, so that no two wait for each other."""
        tries: list[Fact] = []
        lent: dict[str, list[str]] = {}
        busy: set[str] = set()
        for outbox_id, ref, message_id, attempts in sorted(rows_in(db, _DUE, self._ids)):
            unknown = book.lost(db, outbox_id)
            if not book.fence(db, outbox_id):
                busy.add(ref)
                continue
            if unknown:
                tries.append(_perhaps_sent(outbox_id, message_id, attempts, at_ms))
            lent.setdefault(ref, []).append(outbox_id)
        self.busy = frozenset(busy)
        told = [
            fact("orders_lent", ref, to_site=self._to_site, orders=orders)
            for ref, orders in sorted(lent.items())
            if ref not in busy
        ]
        return [*tries, *told]


def has_orders(db: Connection, ids: Sequence[str]) -> list[str]:
    """Those of these with something still due, sorted."""
    return sorted({str(row[1]) for row in rows_in(db, _DUE, ids)})


def _perhaps_sent(outbox_id: str, message_id: str, attempts: int, at_ms: int) -> Fact:
    """The claim that says so is of this site alone: what the other one is to know is a fact."""
    return fact(
        "send_tried",
        outbox_id,
        message_id=message_id,
        attempt=attempts + 1,
        outcome="later",
        detail=LOST,
        due_at_ms=at_ms,
        maybe_twice=True,
    )
