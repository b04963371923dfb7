"""What comes in and goes out by each account of the plan, from the tables."""

from typing import Any, Final  # Any: the answer is a JSON value

from config.plan import Plan
from config.settings import Settings
from router.channels.accounts import missing_secrets
from router.journal.database import Connection
from router.run.pace import rate_now

Value = dict[str, Any]

CHAT: Final = "chat"
"""The channel that is a page of ours: nobody's provider brings it."""

NEWEST: Final = 5_000
"""Messages looked through for the last one of each account; an account older than that says so."""

_LAST_IN: Final = (
    # Of customers: our own probes say more in what the watch knows.
    "SELECT i.account, i.channel, max(m.at_ms) FROM"
    " (SELECT interaction_id, at_ms FROM message WHERE reading = :reading AND direction = 'in'"
    "  ORDER BY seq DESC LIMIT :n) m"
    " JOIN interaction i ON i.interaction_id = m.interaction_id AND i.traffic NOT IN ('probe', 'rehearsal')"
    " GROUP BY i.account, i.channel"
)
_LAST_OUT: Final = (
    "SELECT o.account, max(m.at_ms) FROM"
    " (SELECT account, message_id FROM outbox WHERE status IN ('sent', 'delivered', 'read')"
    "  ORDER BY due_at_ms DESC LIMIT :n) o"
    " JOIN message m ON m.message_id = o.message_id GROUP BY o.account"
)
_WAITING: Final = (
    "SELECT o.account, count(*), min(m.at_ms), max(o.attempts) FROM outbox o"
    " JOIN message m ON m.message_id = o.message_id WHERE o.status = 'due' GROUP BY o.account"
)
_TROUBLE: Final = (
    "SELECT account, detail FROM outbox WHERE status = 'due' AND attempts > 0 ORDER BY due_at_ms"
)
_FAILED: Final = "SELECT account, count(*) FROM outbox WHERE status = 'failed' GROUP BY account"
_ALARMS: Final = "SELECT ref, at_ms FROM alarm WHERE seen_at_ms = 0 AND code LIKE 'account_%' ORDER BY at_ms"


def accounts_now(db: Connection, plan: Plan, settings: Settings) -> list[Value]:
    """Every account of the plan, in its order, and every channel without one (chat)."""
    missing = {each.account_id: each for each in reversed(missing_secrets(plan, settings))}
    last_in = _last_in(db)
    last_out = dict(_pairs(db, _LAST_OUT, n=NEWEST))
    waiting = {row[0]: row[1:] for row in db.rows(_WAITING)}
    failed, trouble, alarms = (dict(_pairs(db, sql)) for sql in (_FAILED, _TROUBLE, _ALARMS))
    values = []
    for each in plan.accounts:
        count, since_ms, attempts = waiting.get(each.account_id, (0, 0, 0))
        lacks = missing.get(each.account_id)
        values.append(
            {
                "ours": False,
                "account_id": each.account_id,
                "channel": each.channel,
                "provider": each.provider,
                "address": each.address,
                "secret": "none" if not each.secret else "missing" if lacks else "present",
                "secret_at": f"{lacks.variable} or {lacks.file}" if lacks else "",
                "last_in_ms": last_in.get((each.account_id, each.channel), 0),
                "last_out_ms": last_out.get(each.account_id, 0),
                "waiting": count,
                "oldest_ms": since_ms,
                "failed": failed.get(each.account_id, 0),
                "circuit": _circuit(count, attempts, each.account_id in alarms),
                "trouble": trouble.get(each.account_id, ""),
                "per_second": each.per_second,
                "per_second_now": rate_now(db, each.account_id, each.per_second),
            }
        )
    with_account = {each.channel for each in plan.accounts}
    bare = [channel for channel in plan.channels if channel.channel_id not in with_account]
    return values + [_bare(channel.channel_id, last_in) for channel in bare]


def _circuit(waiting: int, attempts: int, alarmed: bool) -> str:
    """down: an alarm says that answers do not leave. retrying: some were tried and wait for the next try."""
    if waiting and alarmed:
        return "down"
    return "retrying" if waiting and attempts else "well"


def _bare(channel: str, last_in: dict[tuple[str, str], int]) -> Value:
    """A channel without an account: our own page, or one that nothing comes in by yet."""
    newest = max((at_ms for (_, of), at_ms in last_in.items() if of == channel), default=0)
    return {
        "ours": channel == CHAT,
        "account_id": "",
        "channel": channel,
        "provider": "",
        "address": "",
        "secret": "none",
        "secret_at": "",
        "last_in_ms": newest,
        "last_out_ms": 0,
        "waiting": 0,
        "oldest_ms": 0,
        "failed": 0,
        "circuit": "well",
        "trouble": "",
        "per_second": 0,
        "per_second_now": 0,
    }


def _last_in(db: Connection) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for reading in ("unread", "read", "unparsed"):
        for account, channel, at_ms in db.rows(_LAST_IN, reading=reading, n=NEWEST):
            found[account, channel] = max(at_ms, found.get((account, channel), 0))
    return found


def _pairs(db: Connection, sql: str, **values: int) -> list[tuple[str, Any]]:  # Any: a count or a text
    return [(row[0], row[1]) for row in db.rows(sql, **values)]
