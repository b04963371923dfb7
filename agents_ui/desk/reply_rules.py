"""Whether an answer is still possible, and until when: the rules of the channels' providers, and of consent.

What providers take and for how long is in their capabilities; here it is asked of one conversation. Where
nothing is known the answer is tried: the provider has the last word, and the desk shows what it says.
"""

from collections.abc import Sequence
from typing import Any, Final  # Any: values of an entity

from agents_ui.desk.leaving import takes_text
from agents_ui.voice.ways import VOICE
from config.plan import AccountPlan, Plan
from router.channels import consent, reply_window
from router.channels.providers import CHANNELS
from router.channels.text_off import switched_off
from router.journal.database import Connection

WINDOW_CLOSED: Final = "window_closed"
NO_WAY_BACK: Final = "no_way_back"
TOO_LONG: Final = "too_long"
SPOKEN: Final = "spoken"
TIER_FULL: Final = "tier_full"

DAY_MS: Final = 86_400_000

_CONVERSATION: Final = (
    "SELECT channel, account, address_hash, thread FROM interaction WHERE interaction_id = :i"
)
_WRITTEN_TO: Final = """
    SELECT count(DISTINCT address_hash) FROM outbox WHERE account = :account AND template <> ''
        AND ordered_at_ms > :since_ms AND address_hash <> :address_hash
"""


def refused(
    db: Connection,
    plan: Plan,
    *,
    interaction_id: str,
    body: bytes,
    at_ms: int,
    category: str = "",
    template_id: str = "",
) -> str:
    """'' when an answer can go to this customer now, else the code of why not.

    A template may go when the window is closed; category is what consent it needs, empty: none.
    """
    row = db.row(_CONVERSATION, i=interaction_id)
    if row is not None and row[0] == VOICE:
        return "" if takes_text(db, interaction_id) and not template_id else SPOKEN
    can = CHANNELS.get(row[0]) if row else None
    if row is None or can is None:
        return ""
    channel, account_id, address_hash, _ = row
    if 0 < can.text_bytes_max < len(body):
        return TOO_LONG
    if can.answers_need_endpoint and not _has_endpoint(plan, account_id):
        return NO_WAY_BACK
    unwanted = consent.refusal(
        db,
        channel=channel,
        address_hash=address_hash,
        category=category or (consent.REPLY if _blocked(db, channel, address_hash) else ""),
        interaction_id=interaction_id,
    )
    if unwanted:
        return unwanted
    if template_id:
        return _tier(db, plan, account_id, address_hash, at_ms)
    until_ms = _until_ms(db, plan, row, interaction_id)
    return WINDOW_CLOSED if 0 < until_ms < at_ms else ""


def sending_of(db: Connection, plan: Plan, interaction_id: str) -> dict[str, Any]:
    """What a desk shows of one conversation: its account, until when, consent, and texts switched off."""
    row = db.row(_CONVERSATION, i=interaction_id) or ("", "", "", "")
    channel, account_id, address_hash, _ = row
    if channel not in CHANNELS:
        nothing: dict[str, Any] = {"reply_until_ms": 0, "unwanted": "", "consent": [], "text_off": None}
        return {"account": account_id, **nothing}
    off = switched_off(db, channel=channel, account=account_id)
    said = consent.states(db, channel=channel, address_hash=address_hash) if address_hash else {}
    unwanted = ""
    if any(state == consent.OUT for state, _, _ in said.values()):
        unwanted = consent.refusal(
            db,
            channel=channel,
            address_hash=address_hash,
            category=consent.REPLY,
            interaction_id=interaction_id,
        )
    return {
        "account": account_id,
        "reply_until_ms": _until_ms(db, plan, row, interaction_id),
        "unwanted": unwanted,
        "consent": [
            {"category": category, "state": state, "at_ms": at_ms}
            for category, (state, at_ms, _) in sorted(said.items())
        ],
        "text_off": None if off is None else {"since_ms": off.since_ms, "reason": off.reason},
    }


def _until_ms(db: Connection, plan: Plan, row: Sequence[Any], interaction_id: str) -> int:
    """Until when an answer is possible by the channel's rules; 0: at any time. row: of _CONVERSATION."""
    channel, account_id, _, thread = row
    length_ms = reply_window.window_ms(plan, CHANNELS[channel], account_id)
    return reply_window.closes_ms(db, length_ms, interaction_id=interaction_id, thread=thread)


def _blocked(db: Connection, channel: str, address_hash: str) -> bool:
    """Whether the provider takes nothing for them: then no emergency helps, and to try loses time."""
    states = consent.states(db, channel=channel, address_hash=address_hash)
    return any(blocked for _, _, blocked in states.values())


def _tier(db: Connection, plan: Plan, account_id: str, address_hash: str, at_ms: int) -> str:
    """Whether one person more may be written to by a template in these 24 hours."""
    account = _account(plan, account_id)
    most = account.people_per_day if account is not None else 0
    if not most:
        return ""
    since_ms = at_ms - DAY_MS
    row = db.row(_WRITTEN_TO, account=account_id, since_ms=since_ms, address_hash=address_hash)
    return TIER_FULL if row is not None and row[0] >= most else ""


def _account(plan: Plan, account_id: str) -> AccountPlan | None:
    return next((each for each in plan.accounts if each.account_id == account_id), None)


def _has_endpoint(plan: Plan, account_id: str) -> bool:
    account = _account(plan, account_id)
    return account is not None and bool(account.endpoint)
