"""What a provider says that somebody asked of it: no more messages, or messages again. As facts, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from router.channels import consent
from router.channels.port import Account, Wish
from router.journal.appends import storable
from router.journal.connection import Connection
from router.records import Fact

_KNOWN: Final = "SELECT address_hash FROM address WHERE kind = :kind AND address = :address"
_NEWEST: Final = (
    "SELECT interaction_id FROM interaction WHERE account = :account AND address_hash = :hash"
    " ORDER BY arrived_seq DESC, interaction_id LIMIT 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepWishes:
    """Append: those of these wishes that change something. Whom nobody here knows, nobody writes to."""

    account: Account
    wishes: tuple[Wish, ...]

    def write_content(self, db: Connection) -> None:
        """Nothing."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """One fact for each that says something new."""
        found = (self._fact(db, each) for each in dict.fromkeys(self.wishes))
        return [each for each in found if each is not None]

    def _fact(self, db: Connection, wish: Wish) -> Fact | None:
        row = db.row(_KNOWN, kind=wish.address_kind, address=storable(wish.address))
        if row is None:
            return None
        known = consent.states(db, channel=self.account.channel, address_hash=row[0])
        state, blocked = (consent.OUT, wish.blocks) if wish.out else (consent.IN, False)
        if all(known.get(each, (consent.IN, 0, False))[::2] == (state, blocked) for each in wish.categories):
            return None
        newest = db.row(_NEWEST, account=self.account.account_id, hash=row[0])
        return consent.changed(
            interaction_id=newest[0] if newest else row[0],
            channel=self.account.channel,
            account=self.account.account_id,
            address_hash=row[0],
            state=state,
            how="provider",
            categories=wish.categories,
            blocked=blocked,
        )
