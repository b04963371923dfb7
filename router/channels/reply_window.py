"""Until when a provider takes an answer: counted from what the customer said last, by the provider's clock.

How long it is, the channel's capabilities say. Where nothing is known there is no end: the provider has the
last word.
"""

from collections.abc import Iterable
from typing import Final

from config.plan import Plan
from router.channels.ingest import thread_of
from router.channels.port import Capabilities
from router.channels.providers import CHANNELS
from router.channels.showing import shown_of
from router.journal.connection import Connection

CONVERSATIONS: Final = 5
MESSAGES: Final = 10
"""How far back the newest words are looked for. A provider's repeats come late, so that the newest that came
may be older than the one before."""


def window_ms(plan: Plan, can: Capabilities, account_id: str) -> int:
    """How long this account's provider takes what a person writes; 0: at any time."""
    account = next((each for each in plan.accounts if each.account_id == account_id), None)
    by_person = account is not None and dict(account.options).get("human_agent") is True
    return can.person_window_ms if by_person and can.person_window_ms else can.reply_window_ms


def closes_ms(db: Connection, length_ms: int, *, interaction_id: str = "", thread: str = "") -> int:
    """When a window of this length closes for this conversation or thread; 0: never, or nothing is known."""
    if not length_ms:
        return 0
    newest_ms = max(_said_ms(db, interaction_id, thread), default=0)
    return newest_ms + length_ms if newest_ms else 0


def open_for(
    db: Connection, plan: Plan, *, channel: str, account: str, address_hash: str, at_ms: int
) -> bool:
    """Whether something can be sent to this address now, whichever conversation it is about.

    Nobody who never wrote to an account with a window can be written to there.
    """
    can = CHANNELS.get(channel)
    length_ms = window_ms(plan, can, account) if can is not None else 0
    if not length_ms:
        return True
    return at_ms <= closes_ms(db, length_ms, thread=thread_of(channel, account, address_hash))


def _said_ms(db: Connection, interaction_id: str, thread: str) -> Iterable[int]:
    """When this customer said what was said last, by the provider's clock where it tells."""
    rows = db.rows(
        "SELECT interaction_id FROM interaction WHERE thread = :thread AND thread <> ''"
        " ORDER BY arrived_seq DESC, interaction_id LIMIT :n",
        thread=thread,
        n=CONVERSATIONS,
    )
    for each in {interaction_id: None, **{row[0]: None for row in rows}}:
        said = db.rows(
            "SELECT c.media_type, c.body, m.at_ms FROM message m"
            " LEFT JOIN content c ON c.content_id = m.content_id"
            " WHERE m.interaction_id = :i AND m.direction = 'in' ORDER BY m.seq DESC LIMIT :n",
            i=each,
            n=MESSAGES,
        )
        for media_type, body, at_ms in said:
            told_ms = 0 if body is None else shown_of(media_type, bytes(body)).said_at_ms
            yield min(told_ms or at_ms, at_ms)
