"""What providers say became of our messages, into the journal: each step once, and never backwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from config.words import MOVED
from router.channels.port import Receipt
from router.journal.appends import storable
from router.journal.database import Connection
from router.journal.fold_facts import GIVEN_UP
from router.records import Fact, fact

NEWS: Final = {
    "": ("sent", "delivered", "read", "failed"),
    "sent": ("delivered", "read", "failed"),
    "delivered": ("read",),
    "read": (),
    "failed": (),
    "given up": ("delivered", "read"),
}
"""What may follow each status. What was delivered does not fail: it was sent twice, one of them in vain. What
we gave up ourselves its provider may have delivered all the same."""


_MOVED: Final = (
    "SELECT 1 FROM address a JOIN identity d ON d.address_hash = a.address_hash"
    " JOIN interaction i ON i.identity_id = d.identity_id"
    " WHERE a.kind = :kind AND a.address = :address AND i.closed_why = :moved LIMIT 1"
)

_Sent = tuple[str, str, str]
"""A message, its status, why its interaction is closed."""


@dataclass(slots=True, kw_only=True)
class KeepReceipts:
    """Append: those of these receipts that say something new about a message of this account.

    Shape: read moved after the commit: those that may be about what was moved to the other site, which is to
           hear of them as well.
    """

    account_id: str
    receipts: tuple[Receipt, ...]
    moved: tuple[Receipt, ...] = ()

    def write_content(self, db: Connection) -> None:
        """Nothing."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """One fact for each message that is further than it was known to be."""
        facts: list[Fact] = []
        status_of: dict[str, str] = {}
        moved: list[Receipt] = []
        for receipt in self.receipts:
            found = self._messages(db, receipt)
            if self._may_be_moved(db, receipt, found):
                moved.append(receipt)
            for message_id, status, _ in found:
                if receipt.status in NEWS[status_of.get(message_id, status)]:
                    status_of[message_id] = receipt.status
                    facts.append(fact("delivered", message_id, status=receipt.status, detail=receipt.detail))
        self.moved = tuple(moved)
        return facts

    def _may_be_moved(self, db: Connection, receipt: Receipt, found: Sequence[_Sent]) -> bool:
        """Whether the other site could know more of it: of what it sent itself nothing is found here."""
        if any(why == MOVED for _, _, why in found):
            return True
        if receipt.until_ms:
            return (
                db.row(_MOVED, kind=receipt.address_kind, address=receipt.to_address, moved=MOVED) is not None
            )
        return not found and db.row("SELECT 1 FROM yielding LIMIT 1") is not None

    def _messages(self, db: Connection, receipt: Receipt) -> Sequence[_Sent]:
        """Those that the receipt is about."""
        if receipt.until_ms:
            return self._sent_by(db, receipt)
        found = self._message(db, receipt)
        return () if found is None else (found,)

    def _sent_by(self, db: Connection, receipt: Receipt) -> Sequence[_Sent]:
        """What left for this address at the first try and by then: when later tries left nobody knows."""
        rows = db.rows(
            "SELECT m.message_id, m.status, i.closed_why"
            " FROM address a JOIN outbox o ON o.address_hash = a.address_hash"
            " JOIN message m ON m.message_id = o.message_id"
            " LEFT JOIN interaction i ON i.interaction_id = m.interaction_id"
            " WHERE a.kind = :kind AND a.address = :address"
            " AND o.account = :account AND o.status IN ('sent', 'delivered') AND o.attempts = 1"
            " AND o.ordered_at_ms <= :until_ms ORDER BY o.seq",
            kind=receipt.address_kind,
            address=receipt.to_address,
            account=self.account_id,
            until_ms=receipt.until_ms,
        )
        return [(row[0], row[1], row[2] or "") for row in rows]

    def _message(self, db: Connection, receipt: Receipt) -> _Sent | None:
        """By our own id, else by the provider's, as far as it is this account's."""
        outbox_id = receipt.outbox_id
        if not outbox_id:
            sending = db.row(
                "SELECT outbox_id FROM sending WHERE account = :account AND provider_id = :provider_id",
                account=self.account_id,
                provider_id=storable(receipt.provider_id),
            )
            outbox_id = sending[0] if sending else ""
        found = db.row(
            "SELECT m.message_id, m.status, o.detail, i.closed_why FROM outbox o"
            " JOIN message m ON m.message_id = o.message_id"
            " LEFT JOIN interaction i ON i.interaction_id = m.interaction_id"
            " WHERE o.outbox_id = :outbox_id AND o.account = :account",
            outbox_id=storable(outbox_id),
            account=self.account_id,
        )
        if found is None:
            return None
        given_up = found[1] == "failed" and found[2] in GIVEN_UP
        return found[0], "given up" if given_up else found[1], found[3] or ""
