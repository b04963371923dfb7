"""How soon webhooks are answered: a hundred a second of every provider in turn, on disk before the answer.

A whole centre, every role running, with an account of each provider. Half of the people are new, half write
again; one request in four of a provider that tells statuses is one, of a message that had been sent, and
one in four of a provider that batches brings five people at once. Calls arrive, ask what to hear, hang up.
Requests come at random moments, whatever earlier ones do: a slow answer delays nobody else. Counted from
the last byte sent until the whole answer is there, after a warm-up.
"""

import time
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, Final  # Any: what another process says, as JSON

from benchmarks.centre import Site, running_site
from benchmarks.parts import Part
from benchmarks.webhook_requests import SENT_EACH, Sender, every_sender, sent_id
from router.journal.connection import Connection, Value
from router.journal.database import Database, open_database

PER_S: Final = 100
WARM_S: Final = 10.0
MEASURED_S: Final = 30.0

SETTLE_S: Final = 3.0
"""After "ready" those who would take over load themselves."""

AGENTS: Final = 20

CHANNEL: Final = """
[[channels]]
id = "{channel}"
name = "{channel}"
queue_id = "line"
urgency = 3
load = 30
max_at_once = 3
offer_ms_urgent = 15_000
offer_ms = 30_000
body_bytes_max = 1_048_576
message_characters_max = 1_000
attachment_bytes_max = 5_242_880
abandoned_after_ms = 86_400_000
"""

ACCOUNT: Final = """
[[accounts]]
id = "{account_id}"
channel = "{channel}"
provider = "{provider}"
address = "{address}"
secret = "{account_id}"
{endpoint}options = {{ {options} }}
"""

TRUNK: Final = """
[[accounts]]
id = "trunk"
channel = "voice"
provider = "sip"
address = "+15550100911"
options = { upstream = "127.0.0.1" }
"""
"""By it callers of a network that holds them would reach an agent."""

MESSAGE_SQL: Final = (
    "INSERT INTO message (message_id, interaction_id, seq, at_ms, direction, author_id, kind, content_id,"
    " client_id, status, trouble, reading)"
    " VALUES (:id, 'earlier', 0, 0, 'out', 'agent-000', 'text', '', '', 'sent', '', 'read')"
)
OUTBOX_SQL: Final = (
    "INSERT INTO outbox (outbox_id, message_id, interaction_id, channel, account, address_hash, seq,"
    " ordered_at_ms, status, attempts, due_at_ms, detail, automatic, template, category, instead_of,"
    " fallback, fallback_why, lent_to, left_ms) VALUES (:id, :id, 'earlier', :channel, :account, :id, 0, 0,"
    " 'sent', 1, 0, '', 0, '', '', '', '', '', '', 0)"
)
SENDING_SQL: Final = "INSERT INTO sending (account, provider_id, outbox_id) VALUES (:account, :id, :id)"


def webhooks() -> dict[str, float]:
    """`webhook_p99_ms`, and the same for each provider. Raises where anything acknowledged is not there."""
    senders = every_sender("http://127.0.0.1")
    with running_site(agents=AGENTS, plan_more=plan_of(senders) + TRUNK, environ=secrets_of(senders)) as site:
        database = open_database(f"sqlite:///{site.data_dir}/muster.db", unsafe=True)
        _fill(database, senders)
        time.sleep(SETTLE_S)
        warm, seen = _say(site)
        _all_kept(database, [warm, seen])
        database.close()
    return _figures(seen)


def _say(site: Site) -> tuple[dict[str, Any], dict[str, Any]]:
    with Part("benchmarks.webhook_senders", site.url) as providers:
        warm = providers.ask("say", seconds=WARM_S, per_s=PER_S)
        return warm, providers.ask("say", seconds=MEASURED_S, per_s=PER_S)


def _figures(seen: dict[str, Any]) -> dict[str, float]:
    took: dict[str, list[float]] = seen["took_ms"]
    every = [each for times in took.values() for each in times]
    slowest = max(took, key=lambda provider: p99(took[provider]))
    return {
        "webhook_p99_ms": p99(every),
        "webhook_p50_ms": median(every),
        "webhook_max_ms": max(every),
        "webhook_slowest_provider_p99_ms": p99(took[slowest]),
        "webhooks_per_s": len(every) / MEASURED_S,
        "webhook_messages_per_s": len(seen["messages"]) / MEASURED_S,
        "webhook_statuses_per_s": len(seen["statuses"]) / MEASURED_S,
    }


def p99(times: Sequence[float]) -> float:
    """The time that one in a hundred takes or exceeds; of few, the longest."""
    return sorted(times)[-1 - len(times) // 100]


def plan_of(senders: Sequence[Sender]) -> str:
    """Channels and accounts of all of them, as more of a plan."""
    channels = sorted({each.account.channel for each in senders})
    parts = [CHANNEL.format(channel=channel) for channel in channels]
    for account in (each.account for each in senders):
        options = ", ".join(f'{name} = "{value}"' for name, value in account.options.items())
        parts.append(
            ACCOUNT.format(
                account_id=account.account_id,
                channel=account.channel,
                provider=account.provider,
                address=account.address,
                endpoint=f'endpoint = "{account.endpoint}"\n' if account.endpoint else "",
                options=options,
            )
        )
    return "".join(parts)


def secrets_of(senders: Sequence[Sender]) -> dict[str, str]:
    """Their secrets, as environment."""
    found = {}
    for account in (each.account for each in senders):
        for name, secret in {"": account.secret, **account.secrets}.items():
            key = f"{account.account_id}-{name}".rstrip("-").upper().replace("-", "_")
            found[f"MUSTER_SECRET_{key}"] = secret.decode()
    return found


def _fill(database: Database, senders: Sequence[Sender]) -> None:
    """Answers that had been sent before, so that statuses are about something, as in a centre that works."""
    db = database.connect()
    db.begin()
    for account in (each.account for each in senders if each.tells_status):
        ids = [sent_id(account.account_id, number) for number in range(SENT_EACH)]
        rows: list[dict[str, Value]] = [
            {"id": each, "account": account.account_id, "channel": account.channel} for each in ids
        ]
        for sql in (MESSAGE_SQL, OUTBOX_SQL, SENDING_SQL):
            db.run_many(sql, [{name: row[name] for name in row if f":{name}" in sql} for row in rows])
    db.commit()
    db.close()


def _all_kept(database: Database, rounds: Sequence[dict[str, Any]]) -> None:
    """Raises RuntimeError: an answer that was no acknowledgement, or one of which something is not there."""
    refused = sum(each["refused"] for each in rounds)
    if refused:
        raise RuntimeError(f"{refused} webhooks were refused: no figure is worth anything")
    with database.reading() as db:
        for what, there in (
            ("messages", _ids(db, "SELECT message_id FROM message WHERE direction = 'in'")),
            ("reports", _ids(db, "SELECT sighting_id FROM sighting")),
            ("calls", _ids(db, "SELECT call_id FROM call")),
            ("statuses", _ids(db, "SELECT message_id FROM message WHERE status = 'delivered'")),
        ):
            missing = {each for seen in rounds for each in seen[what]} - there
            if missing:
                raise RuntimeError(f"{len(missing)} {what} were acknowledged and are not kept")


def _ids(db: Connection, sql: str) -> set[str]:
    rows: Iterable[tuple[Any, ...]] = db.rows(sql)
    return {row[0] for row in rows}
