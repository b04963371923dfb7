"""What people wrote and agents answered by text and mail: the tables against both ends of the wire."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

from router.channels.mail_contact import MEDIA_TYPE as MAIL
from router.channels.showing import shown_of
from router.journal.database import Connection
from router.records import Row
from tests.system.crew import Clerk, Said
from tests.system.far_side import Arrival
from tests.system.outside import Kept

MAYBE_TWICE = "maybe_twice"
ENDINGS = ("conversation_ended", "disposition_given", "closed")


def lost(db: Connection, kept: Iterable[Kept]) -> list[str]:
    """Acknowledged texts and mails that are not in the tables exactly once, with their words, and read."""
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for message_id, reading, media_type, body, words in db.rows(
        "SELECT m.message_id, m.reading, c.media_type, c.body, w.body FROM message m"
        " JOIN interaction i ON i.interaction_id = m.interaction_id"
        " JOIN content c ON c.content_id = m.content_id"
        " LEFT JOIN part p ON p.message_id = m.message_id AND p.kind = 'text'"
        " LEFT JOIN content w ON w.content_id = p.content_id"
        " WHERE m.direction = 'in' AND i.channel <> 'chat'"
    ):
        text = bytes(words or b"").decode() if media_type == MAIL else shown_of(media_type, bytes(body)).text
        found[text.strip()].append((message_id, reading))
    return [
        f"{each.client_id}: {found[each.text]}"
        for each in kept
        if [reading for _, reading in found[each.text]] != ["read"]
    ]


def unseen(db: Connection, read: Collection[str]) -> list[str]:
    """Messages of customers that were on no agent's screen when somebody said that they were dealt with."""
    rows = db.rows(
        "SELECT m.message_id, i.channel, i.interaction_id FROM message m"
        " JOIN interaction i ON i.interaction_id = m.interaction_id"
        " WHERE m.direction = 'in' AND i.closed_seq > 0 ORDER BY m.seq"
    )
    return [
        f"{message_id} of {ref} ({channel})" for message_id, channel, ref in rows if message_id not in read
    ]


def astray(db: Connection, arrivals: Sequence[Arrival]) -> list[str]:
    """Answers that did not reach their customer as they should: once, or more often and flagged.

    With their own words, at the right address, in the order in which they were given; and nothing else.
    """
    times = Counter(each.outbox_id for each in arrivals)
    first = {each.outbox_id: each for each in sorted(arrivals, key=lambda each: -each.at)}
    newest: dict[str, float] = defaultdict(float)
    wrong = []
    for outbox_id, status, trouble, body, address in db.rows(
        "SELECT o.outbox_id, o.status, m.trouble, c.body, a.address FROM outbox o"
        " JOIN message m ON m.message_id = o.message_id JOIN content c ON c.content_id = m.content_id"
        " JOIN address a ON a.address_hash = o.address_hash ORDER BY o.seq"
    ):
        arrival = first.pop(outbox_id, None)
        if arrival is None or status not in ("sent", "delivered", "read"):
            wrong.append(f"{outbox_id} is {status} and arrived {times[outbox_id]} times")
            continue
        if times[outbox_id] > 1 and trouble != MAYBE_TWICE:
            wrong.append(f"{outbox_id} arrived {times[outbox_id]} times and says {trouble!r}")
        if (arrival.to, arrival.text) != (address, bytes(body).decode()):
            wrong.append(f"{outbox_id} came to {arrival.to} as {arrival.text!r}")
        if arrival.at < newest[address]:
            wrong.append(f"{outbox_id} overtook an earlier answer to {address}")
        newest[address] = arrival.at
    return [*wrong, *(f"{each.outbox_id} was sent by nobody" for each in first.values())]


def not_ordered(db: Connection, clerks: Iterable[Clerk]) -> list[str]:
    """Acknowledged answers by text and mail that no outbox knows."""
    ordered = {row[0] for row in db.rows("SELECT message_id FROM outbox")}
    written = [each for each in everything_said(clerks) if each.channel != "chat"]
    return [each.message_id for each in written if each.message_id not in ordered]


def everything_said(clerks: Iterable[Clerk]) -> list[Said]:
    """Every acknowledged answer."""
    return [said for clerk in clerks for said in clerk.said.values()]


def lateness(clerks: Iterable[Clerk], arrivals: Iterable[Arrival]) -> list[tuple[float, float]]:
    """(when it was said, seconds until it arrived) of every answer that left; for ever where it has not."""
    first: dict[str, float] = {}
    for each in arrivals:
        first[each.outbox_id] = min(each.at, first.get(each.outbox_id, each.at))
    return sorted(
        (each.at, max(first.get(each.message_id, float("inf")) - each.at, 0.0))
        for each in everything_said(clerks)
        if each.channel != "chat"
    )


def side_by_side(rows: Iterable[Row]) -> list[str]:
    """Interactions of one thread that were open to be joined at the same time: one too many."""
    open_of: dict[str, str] = {}
    thread_of: dict[str, str] = {}
    wrong = []
    for row in rows:
        if row.kind == "arrived" and (thread := json.loads(row.data)["thread"]):
            before = open_of.get(thread)
            if before is not None:
                wrong.append(f"row {row.seq}: {row.ref} began while {before} could be joined")
            open_of[thread], thread_of[row.ref] = row.ref, thread
        elif row.kind in ENDINGS and open_of.get(thread_of.get(row.ref, "")) == row.ref:
            del open_of[thread_of[row.ref]]
    return wrong
