"""Calls that a provider's network holds for us: kept, ended and looked at by whichever process hears of them.

Their line is at the provider, so it dies with no process of ours: in the tables `provider/<account>` stands
for the process. Any web process takes the provider's webhooks; the voice process connects (held_calls.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from router.channels.ids import message_id_of
from router.channels.port import UNPARSED, Account, Contact
from router.channels.providers import CALL_PROVIDERS
from router.journal.connection import Connection
from router.records import Fact
from router.run.voice.record import CALLER_HUNG_UP, ENDED, IN, Record
from router.run.web_lease import ELSEWHERE


def held_id(contact: Contact) -> str:
    """The id of a call that its provider names so: the same whoever hears of it, however often."""
    return message_id_of("call", contact.account, contact.provider_id)


def new_record(contact: Contact) -> Record:
    """A call that has just arrived there."""
    return Record(
        call_id=held_id(contact),
        interaction_id="",
        account=contact.account,
        direction=IN,
        voice_id=f"{ELSEWHERE}{contact.account}",
    )


@dataclass(frozen=True, slots=True)
class Held:
    """How such a call stands. `record` is as the tables have it."""

    record: Record
    language: str
    channel: str


def held(db: Connection, call_id: str) -> Held | None:
    """This call; None where nobody has heard of it."""
    row = db.row(
        "SELECT c.interaction_id, c.account, c.state, c.why, c.agent_id, c.text, c.voice_id, i.language,"
        " i.channel FROM call c JOIN interaction i ON i.interaction_id = c.interaction_id"
        " WHERE c.call_id = :call_id",
        call_id=call_id,
    )
    if row is None:
        return None
    interaction_id, account, state, why, agent_id, text, voice_id, language, channel = row
    record = Record(
        call_id=call_id,
        interaction_id=interaction_id,
        account=account,
        direction=IN,
        voice_id=voice_id,
        state=state,
        why=why,
        agent_id=agent_id,
        text=bool(text),
    )
    return Held(record, language, channel)


def open_ids(db: Connection) -> list[str]:
    """Held calls that have not ended, oldest first."""
    rows = db.rows(
        "SELECT call_id FROM call WHERE ended_ms = 0 AND voice_id LIKE 'provider/%'"
        " ORDER BY begun_ms, call_id"
    )
    return [row[0] for row in rows]


def provider_id_of(db: Connection, account: Account, interaction_id: str) -> str:
    """What the provider calls the call of this interaction: it stands in what it began with."""
    provider = CALL_PROVIDERS[account.provider]
    row = db.row(
        "SELECT c.body FROM message m JOIN content c ON c.content_id = m.content_id"
        " WHERE m.interaction_id = :id AND c.media_type IN (:own, :unparsed) ORDER BY m.seq LIMIT 1",
        id=interaction_id,
        own=provider.media_type,
        unparsed=UNPARSED,
    )
    return provider.provider_id_in(bytes(row[0])) if row else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndHeld:
    """Append: the caller has hung up there. Nothing where that is known."""

    call_id: str

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Two, or none."""
        found = held(db, self.call_id)
        if found is None or found.record.state == ENDED:
            return ()
        record = found.record
        record.state, record.why = ENDED, CALLER_HUNG_UP
        return record.ended()
