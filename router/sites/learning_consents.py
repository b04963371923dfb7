"""What people said about being written to is learned from the other site: a STOP holds at both.

Each site knows an address by a hash of its own, so it is looked up by what it is. The later word wins, and
what was learned is not learned back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final  # Any: columns of rows

import msgspec

from router.journal.committer import Committer
from router.journal.connection import Connection
from router.journal.database import Database
from router.journal.stream import OWN_ROWS, last_seq, read_head
from router.records import Fact, fact

PAGE: Final = 500

_NEWS: Final = f"""
    SELECT seq, ref, data FROM journal WHERE {OWN_ROWS} AND seq > :after AND kind = 'consent_changed'
    ORDER BY seq LIMIT {PAGE}
"""
_SAID: Final = """
    SELECT state, at_ms, how, agent_id, blocked FROM consent
    WHERE channel = :channel AND address_hash = :address_hash AND category = :category
"""
_ADDRESS: Final = "SELECT kind, address, salt FROM address WHERE address_hash = :address_hash"
_KNOWN: Final = "SELECT address_hash FROM address WHERE kind = :kind AND address = :address"
_PUT: Final = """
    INSERT INTO address (kind, address, address_hash, salt) VALUES (:kind, :address, :address_hash, :salt)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One word of somebody about one category, as the other site has it now."""

    ref: str
    channel: str
    address_hash: str
    kind: str
    address: str
    salt: bytes
    category: str
    state: str
    at_ms: int
    how: str
    agent_id: str
    blocked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnConsents:
    """Append: those that are later than what is known here. said: `<site>/<seq>`."""

    said: str
    consents: tuple[Consent, ...]

    def write_content(self, db: Connection) -> None:
        """None: an address is kept with the word that is about it."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Decided under the lock."""
        return [each for consent in self.consents for each in self._fact(db, consent)]

    def _fact(self, db: Connection, consent: Consent) -> list[Fact]:
        address_hash = self._known_as(db, consent)
        here = db.row(_SAID, channel=consent.channel, address_hash=address_hash, category=consent.category)
        if here is not None and here[1] >= consent.at_ms:
            return []
        return [
            fact(
                "consent_changed",
                consent.ref,
                channel=consent.channel,
                account="",
                address_hash=address_hash,
                categories=[consent.category],
                state=consent.state,
                how=consent.how,
                blocked=consent.blocked,
                message_id="",
                agent_id=consent.agent_id,
                said_at_ms=consent.at_ms,
                learned=self.said,
            )
        ]

    def _known_as(self, db: Connection, consent: Consent) -> str:
        found = db.row(_KNOWN, kind=consent.kind, address=consent.address)
        if found is not None:
            return str(found[0])
        db.run(
            _PUT,
            kind=consent.kind,
            address=consent.address,
            address_hash=consent.address_hash,
            salt=consent.salt,
        )
        return consent.address_hash


class ConsentLearning:
    """The follower's step. It remembers how far it has looked; a new one looks at everything once more."""

    def __init__(self) -> None:
        self._seen = 0

    def step(self, committer: Committer, own: Database, copy: Database) -> None:
        """Learn what is new in the copy. Raises CommitUnknown, DatabaseGone, DatabaseBusy."""
        while True:
            with copy.reading() as db:
                news = db.rows(_NEWS, after=self._seen)
                through = int(news[-1][0]) if len(news) == PAGE else last_seq(db)
                said = f"{read_head(db).site}/{through}"
                found = tuple(each for _, ref, data in news for each in _consents(db, ref, data))
            if found:
                committer.submit(LearnConsents(said=said, consents=found)).result()
            self._seen = through
            if len(news) < PAGE:
                return


def _consents(copy: Connection, ref: str, data: str) -> list[Consent]:
    """What the copy says now of what this row was about."""
    row: dict[str, Any] = msgspec.json.decode(data)
    address = copy.row(_ADDRESS, address_hash=row["address_hash"])
    if row.get("learned") or address is None:
        return []
    found = []
    for category in row["categories"]:
        said = copy.row(_SAID, channel=row["channel"], address_hash=row["address_hash"], category=category)
        if said is None:
            continue
        state, at_ms, how, agent_id, blocked = said
        kind, plain, salt = address
        found.append(
            Consent(
                ref=ref,
                channel=row["channel"],
                address_hash=row["address_hash"],
                kind=kind,
                address=plain,
                salt=bytes(salt),
                category=category,
                state=state,
                at_ms=at_ms,
                how=how,
                agent_id=agent_id,
                blocked=bool(blocked),
            )
        )
    return found
