"""Whether an answer is still possible, and until when: the rules of the channels' providers.

What they take and for how long is in their capabilities; here it is asked of one conversation. Where nothing
is known the answer is tried: the provider has the last word, and the desk shows what it says.
"""

from collections.abc import Iterable
from typing import Final

from agents_ui.voice.ways import VOICE
from config.plan import Plan
from router.channels.port import Capabilities
from router.channels.providers import PROVIDERS
from router.channels.showing import shown_of
from router.journal.database import Connection

WINDOW_CLOSED: Final = "window_closed"
NO_WAY_BACK: Final = "no_way_back"
TOO_LONG: Final = "too_long"
SPOKEN: Final = "spoken"

CONVERSATIONS: Final = 5
MESSAGES: Final = 10
"""How far back the newest words are looked for. A provider's repeats come late, so that the newest that came
may be older than the one before."""

_CHANNELS: Final = {provider.can.channel: provider.can for provider in PROVIDERS.values()}


def refused(db: Connection, plan: Plan, *, interaction_id: str, body: bytes, at_ms: int) -> str:
    """'' when an answer can go to this customer now, else the code of why not."""
    row = db.row(
        "SELECT channel, account, thread FROM interaction WHERE interaction_id = :i", i=interaction_id
    )
    if row is not None and row[0] == VOICE:
        return SPOKEN
    can = _CHANNELS.get(row[0]) if row else None
    if row is None or can is None:
        return ""
    if 0 < can.text_bytes_max < len(body):
        return TOO_LONG
    if can.answers_need_endpoint and not _has_endpoint(plan, row[1]):
        return NO_WAY_BACK
    until_ms = _until_ms(db, can, interaction_id=interaction_id, thread=row[2])
    return WINDOW_CLOSED if 0 < until_ms < at_ms else ""


def reply_until_ms(db: Connection, interaction_id: str, channel: str) -> int:
    """Until when an answer is possible by the channel's rules; 0: at any time."""
    can = _CHANNELS.get(channel)
    if can is None or not can.reply_window_ms:
        return 0
    row = db.row("SELECT thread FROM interaction WHERE interaction_id = :i", i=interaction_id)
    return _until_ms(db, can, interaction_id=interaction_id, thread=row[0] if row else "")


def _until_ms(db: Connection, can: Capabilities, *, interaction_id: str, thread: str) -> int:
    if not can.reply_window_ms:
        return 0
    newest_ms = max(_said_ms(db, interaction_id, thread), default=0)
    return newest_ms + can.reply_window_ms if newest_ms else 0


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


def _has_endpoint(plan: Plan, account_id: str) -> bool:
    return any(each.account_id == account_id and each.endpoint for each in plan.accounts)
