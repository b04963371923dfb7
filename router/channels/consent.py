"""What somebody said about messages to one of their addresses, and what follows from it.

Three categories: `reply` (an answer to what they wrote), `service` (what we begin: a template, another way),
`bulk`. STOP ends all three; who writes again is answered again, because they wrote to us, unless the provider
blocks it. A person at the desk may answer all the same in an emergency; what is written down says so.
"""

from collections.abc import Iterable
from typing import Final

from config.words import CONSENTS
from router.channels.providers import CHANNELS
from router.journal.connection import Connection
from router.records import Fact, fact

REPLY, SERVICE, BULK = CONSENTS

IN: Final = "in"
OUT: Final = "out"

OPTED_OUT: Final = "opted_out"
"""Refusal: they asked for no more messages, and have not written since."""

BLOCKED: Final = "opted_out_blocked"
"""Refusal: the provider blocks everything to them until they write START."""


def refusal(
    db: Connection, *, channel: str, address_hash: str, category: str, interaction_id: str = ""
) -> str:
    """'' when a message of this category may go to this address, else the code of why not.

    Where an interaction is given, what its customer wrote in it since is an answer to wait for.
    """
    if not category:
        return ""
    row = db.row(
        "SELECT state, seq, blocked FROM consent WHERE channel = :channel AND address_hash = :hash"
        " AND category = :category",
        channel=channel,
        hash=address_hash,
        category=category,
    )
    if row is None or row[0] != OUT:
        return ""
    can = CHANNELS.get(channel)
    if row[2] and can is not None and can.own_opt_out:
        return BLOCKED
    wrote = category == REPLY and _wrote_after(db, interaction_id, row[1])
    if wrote:
        return ""
    return BLOCKED if row[2] else OPTED_OUT


def changed(
    *,
    interaction_id: str,
    channel: str,
    account: str,
    address_hash: str,
    state: str,
    how: str,
    categories: Iterable[str] = CONSENTS,
    blocked: bool = False,
    message_id: str = "",
    agent_id: str = "",
    command_id: str = "",
) -> Fact:
    """The fact that somebody said so, in which message or to which agent."""
    return fact(
        "consent_changed",
        interaction_id,
        channel=channel,
        account=account,
        address_hash=address_hash,
        categories=list(categories),
        state=state,
        how=how,
        blocked=blocked,
        message_id=message_id,
        agent_id=agent_id,
        command_id=command_id,
    )


def states(db: Connection, *, channel: str, address_hash: str) -> dict[str, tuple[str, int, bool]]:
    """(in or out, since when, blocked) by category, of those about which something was said."""
    rows = db.rows(
        "SELECT category, state, at_ms, blocked FROM consent WHERE channel = :c AND address_hash = :h",
        c=channel,
        h=address_hash,
    )
    return {row[0]: (row[1], row[2], bool(row[3])) for row in rows}


def _wrote_after(db: Connection, interaction_id: str, seq: int) -> bool:
    """Whether they said something since, here or in another conversation of the same address."""
    row = db.row(
        "SELECT 1 FROM message m JOIN interaction i ON i.interaction_id = m.interaction_id"
        " WHERE m.direction = 'in' AND m.seq > :seq AND (i.interaction_id = :i OR i.interaction_id IN"
        " (SELECT interaction_id FROM interaction WHERE thread <> '' AND thread ="
        " (SELECT thread FROM interaction WHERE interaction_id = :i))) LIMIT 1",
        seq=seq,
        i=interaction_id,
    )
    return row is not None
