"""Whether an agent's words go by a provider: then the order to send them is part of the same append."""

from agents_ui.voice.ways import VOICE
from router.channels.chat import CHAT
from router.channels.providers import PROVIDERS
from router.journal.database import Connection
from router.records import Fact, fact

NO_ADDRESS = "no_address"
"""Refusal: the customer's address was withheld, so nothing can be sent there."""

NO_TEXT = "no_text"
"""Refusal: this call takes no text, or there is none."""

_TEXT_CALL = (
    "SELECT 1 FROM call WHERE interaction_id = :i AND text = 1 AND state IN ('connected', 'held') LIMIT 1"
)


def goes_live(channel: str) -> bool:
    """Whether customers of this channel see words as soon as they are in the journal."""
    known = (CHAT, *(provider.can for provider in PROVIDERS.values()))
    return any(each.connections for each in known if each.channel == channel)


def takes_text(db: Connection, interaction_id: str) -> bool:
    """Whether there is a call whose caller reads what is typed."""
    return db.row(_TEXT_CALL, i=interaction_id) is not None


def send_order(
    db: Connection,
    *,
    interaction_id: str,
    message_id: str,
    at_ms: int,
    category: str = "",
    template_id: str = "",
) -> tuple[Fact, ...] | str:
    """The fact that orders it, none where it goes live, or the code of why it cannot be sent.

    To whom is decided here and now, under the lock: the interaction says so. The message's id is also that of
    everything that is ever tried for it. category: what consent it needs when it leaves; empty: none.
    """
    row = db.row(
        "SELECT channel, account, address_hash FROM interaction WHERE interaction_id = :i", i=interaction_id
    )
    if row is None or goes_live(row[0]):
        return ()
    if row[0] == VOICE:  # The voice process types what it finds in the journal (RFC 4103).
        return () if takes_text(db, interaction_id) else NO_TEXT
    if not row[2]:
        return NO_ADDRESS
    values = {"channel": row[0], "account": row[1], "address_hash": row[2], "due_at_ms": at_ms}
    more = {"category": category, "template": template_id}
    values |= {name: value for name, value in more.items() if value}
    return (fact("send_ordered", message_id, message_id=message_id, interaction_id=interaction_id, **values),)
