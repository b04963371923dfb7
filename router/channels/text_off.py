"""Texts that are switched off: who hears of it, and how often. Asked under the counter's lock.

A text is kept and put in front of people all the same; its sender learns that nobody may answer, and how to
reach help otherwise: once in each window, and anew when texts were switched on and off again in between.
"""

from dataclasses import dataclass
from typing import Final

from router.channels.providers import CHANNELS
from router.journal.connection import Connection
from router.records import Fact, fact

WINDOW_MS: Final = 1_800_000
"""Where no plan says otherwise (limits.text_off_window_ms)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Since when texts are off, why, and who said so."""

    scope: str
    since_ms: int
    seq: int
    agent_id: str
    reason: str


def switched_off(db: Connection, *, channel: str, account: str) -> Switch | None:
    """The switch that is off for this account: its own, or its channel's, whichever is off longer."""
    if channel not in CHANNELS:
        return None
    row = db.row(
        "SELECT scope, since_ms, seq, agent_id, reason FROM text_switch WHERE is_off = 1"
        " AND scope IN (:account, :channel) ORDER BY seq LIMIT 1",
        account=f"account/{account}",
        channel=f"channel/{channel}",
    )
    if row is None:
        return None
    return Switch(scope=row[0], since_ms=row[1], seq=row[2], agent_id=row[3], reason=row[4])


def any_off(db: Connection) -> bool:
    """Whether any switch is off at all: then each contact is asked about its own."""
    return db.row("SELECT 1 FROM text_switch WHERE is_off = 1 LIMIT 1") is not None


def turned_away(
    db: Connection,
    *,
    channel: str,
    account: str,
    address_hash: str,
    interaction_id: str,
    message_id: str,
    at_ms: int,
    window_ms: int,
) -> tuple[Fact, ...]:
    """The fact that this texter is to hear of it; nothing while texts are on, or when they heard of it."""
    switch = switched_off(db, channel=channel, account=account)
    if switch is None:
        return ()
    told = db.row(
        "SELECT at_ms, seq FROM notice WHERE kind = 'text-off' AND account = :account AND address_hash = :h"
        " ORDER BY at_ms DESC, seq DESC LIMIT 1",
        account=account,
        h=address_hash,
    )
    if told is not None and told[1] > switch.seq and told[0] + window_ms > at_ms:
        return ()
    values = {"message_id": message_id, "account": account, "address_hash": address_hash}
    return (fact("turned_away", interaction_id, **values),)
