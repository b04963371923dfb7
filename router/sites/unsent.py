"""Replies that had not left the other site when it was taken over, of conversations that are over there.

Their agents ended them the normal way, and believe that the customer has an answer. So what is due of them
comes here with all that sending it needs (`orders_adopted`), and leaves here; the conversation stays over.
What is open comes whole (adopting.py), and brings its replies. What is open there and does not come, because
it is here already, or has ended here by a higher claim, is like what is over there: its replies come alone.
They are of an agent who answered it there too, or were written after it had been adopted.

A claim of a worker is of its own site alone. So what may have been tried there by the last that was heard
of it says that it may be there twice. When the other site is back it leaves them to this one (`orders_left`);
what it sent all the same before it knew is found by both streams (sent_twice.py).
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final  # Any: JSON values

import msgspec

from router.channels import consent
from router.journal.committer import Committer
from router.journal.connection import Connection
from router.journal.database import Database
from router.journal.many_rows import readable_in, rows_in, unless_damaged
from router.journal.readable_ids import readable_ids
from router.journal.stream import OWN_ROWS, last_seq, read_head
from router.records import Fact, fact
from router.run.trouble import NoticeTrouble
from router.sites.adoptees import Adoptees, claims, read_adoptees
from router.sites.adopting import DUE, LEFT, NOT_ADOPTED, Adopt, claimable
from router.sites.bringing import bring_content
from router.sites.copy_damage import chosen, stops

KIND: Final = "orders_adopted"
OUTBOX: Final = "outbox"
"""Ref of the alarm that replies there cannot be read, nor whose they are; its detail is how many."""

LEFT_THERE: Final = "left_there"
"""Why one is over here that its own site had left, and that this one never had. Not `moved`: both would be,
and each would count on the other."""

DAY_MS: Final = 86_400_000
"""How old what was ordered may be, where the plan never gives up."""

AT_ONCE: Final = 10
"""Conversations of one append, each with as many as 200 messages."""

_UNSENT: Final = """
    SELECT o.outbox_id, o.interaction_id, o.channel, o.address_hash, o.category,
        i.urgency, o.ordered_at_ms, o.seq, i.closed_seq
    FROM outbox o JOIN message m ON m.message_id = o.message_id AND m.interaction_id = o.interaction_id
        JOIN interaction i ON i.interaction_id = o.interaction_id
    WHERE o.status = 'due' AND o.ordered_at_ms > ? AND i.traffic NOT IN ('probe', 'rehearsal')
"""
_UNSENT_OF: Final = f"{_UNSENT} AND o.outbox_id IN {{wanted}}"
_OF: Final = "SELECT outbox_id, interaction_id FROM outbox WHERE outbox_id IN {wanted}"
_HERE: Final = "SELECT outbox_id FROM outbox WHERE status <> 'moved' AND outbox_id IN {wanted}"
_ENDED: Final = """
    SELECT interaction_id, closed_by, closed_why, closed_at_ms, disposition FROM interaction
    WHERE closed_seq <> 0 AND interaction_id IN {wanted}
"""
_BEGUN: Final = (
    "SELECT message_id FROM outbox WHERE status = 'due' AND due_at_ms <= ? AND outbox_id IN {wanted}"
)
_DUE_HERE: Final = "SELECT outbox_id, interaction_id, seq, lent_to FROM outbox WHERE status = 'due'"
_SINCE: Final = "SELECT outbox_id, seq FROM outbox WHERE status <> 'moved' AND outbox_id IN {wanted}"
_ROWS: Final = f"SELECT seq, data FROM journal WHERE {OWN_ROWS} AND kind = '{KIND}' AND seq IN {{wanted}}"

_LEFT_OUT: Final = frozenset(
    {"n", "owner", "parked_until_ms", "scheduled", "named_agent_id", "agent_id", "outbox"}
)
"""Of `adopted`: it is served by nobody here, and its orders come one by one."""
_KNOWN: Final = "SELECT interaction_id FROM interaction WHERE interaction_id IN {wanted}"

_OPEN_THERE: Final = {"closed_by": "", "closed_why": LEFT, "closed_at_ms": 0, "disposition": ""}
"""As where it was moved from there: how it is here is how it is."""

_log = logging.getLogger("muster.adopting")


@dataclass(frozen=True, slots=True)
class Unsent:
    """What is to be sent here: (order, interaction), the most urgent and oldest first.

    Shape: lost is how many orders were due there and cannot be read at all.
    """

    orders: tuple[tuple[str, str], ...]
    lost: int = 0

    def __len__(self) -> int:
        return len(self.orders)

    @property
    def interactions(self) -> list[str]:
        """Each once, in that order."""
        return list(dict.fromkeys(ref for _, ref in self.orders))


def unsent(copy: Connection, own: Connection, *, now_ms: int, give_up_ms: int) -> Unsent:
    """What the other site has still to send of what does not come here whole, and this one does not send.

    What it would give up, because it is too old or they want no more messages, is not among it.
    """
    since_ms = now_ms - (give_up_ms or DAY_MS)
    rows = unless_damaged(copy, lambda: copy.rows_listed(_UNSENT, [since_ms]))
    named: list[tuple[str, str]] = []
    lost: list[str] = []
    if rows is None:
        ids = readable_ids(copy, "outbox", index="outbox_due", where="status = 'due'")
        rows, rotten = readable_in(copy, _UNSENT_OF, ids, since_ms)
        named, lost = readable_in(copy, _OF, rotten)
    ids = [*(row[0] for row in rows), *(order for order, _ in named), *lost]
    here = {str(row[0]) for row in rows_in(own, _HERE, ids)}
    rows = sorted((row for row in rows if row[0] not in here), key=lambda row: (*row[5:8], row[0]))
    alone = _alone(copy, own, sorted({row[1] for row in rows if not row[8]}))
    coming = [row[:2] for row in rows if (row[8] or row[1] in alone) and not _refused(copy, row)]
    coming += [(order, ref) for order, ref in named if order not in here]
    return Unsent(tuple(coming), lost=len(set(lost) - here))


def _alone(copy: Connection, own: Connection, ids: Sequence[str]) -> set[str]:
    """Of these, open there, those that this site does not adopt: it has them, or has ended them."""
    site, peer = (read_head(db).site for db in (own, copy))

    def choose(part: Sequence[str]) -> list[str]:
        coming = claimable(own, claims(copy, part, site=peer), claims(own, part, site=site))
        return [each for each in part if each not in coming]

    return set(chosen(copy, ids, choose))


def _refused(copy: Connection, row: Sequence[Any]) -> str:
    _, ref, channel, address_hash, category = row[:5]
    return consent.refusal(
        copy, channel=channel, address_hash=address_hash, category=category, interaction_id=ref
    )


@dataclass(slots=True, kw_only=True)
class AdoptOrders:
    """Append: these orders are this site's. Read `count` after the commit.

    Shape: orders in the order in which they are to leave; through_seq is how far the other site's stream was
           known; doubtful are messages that may have left.
    """

    adoptees: Adoptees
    site: str
    orders: Sequence[str]
    ended: Mapping[str, Mapping[str, Any]]
    doubtful: frozenset[str]
    through_seq: int
    count: int = 0
    _adopt: Adopt = field(init=False)

    def __post_init__(self) -> None:
        self._adopt = Adopt(self.adoptees, site=self.site)

    def write_content(self, db: Connection) -> None:
        """Words and files; what is here already stays."""
        self._adopt.write_content(db)

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """One of each conversation of which something is not sent by this site already."""
        here = {str(row[0]) for row in rows_in(db, _HERE, self.orders)}
        wanted = {order: place for place, order in enumerate(self.orders) if order not in here}
        each_of = {each.interaction_id: each for each in self.adoptees.each}
        theirs = {ref: each.claim for ref, each in each_of.items() if ref not in self.ended}
        whole = claimable(db, theirs, claims(db, list(theirs), site=self.site))
        coming = [
            ref
            for ref, each in each_of.items()
            if ref not in whole and any(order["outbox_id"] in wanted for order in each.outbox)
        ]
        self.count = 0
        known = {str(row[0]) for row in rows_in(db, _KNOWN, coming)}
        brought = self._adopt.brought(db, coming).items()
        over = {ref: self._over(ref, here=ref in known) for ref in coming}
        return [each for ref, data in brought for each in self._facts(ref, data | over[ref], wanted)]

    def _over(self, ref: str, *, here: bool) -> dict[str, Any]:
        """How it ended there. Where it was left in favour of another one that is here, it never was here
        itself: it is over here too, or what is sent of it would stand in nothing that anybody can see."""
        over = self.ended.get(ref, _OPEN_THERE)
        return {**over, "closed_why": LEFT_THERE} if over["closed_why"] == LEFT and not here else {**over}

    def _facts(self, ref: str, data: dict[str, Any], wanted: Mapping[str, int]) -> list[Fact]:
        """One for each order: what goes to one address leaves in the order of the rows that ordered it."""
        known = next(each for each in self.adoptees.each if each.interaction_id == ref)
        moved = {order["outbox_id"] for order in known.outbox if order["status"] == LEFT}
        coming = [order for order in data["outbox"] if order["outbox_id"] in wanted]
        coming.sort(key=lambda order: wanted[order["outbox_id"]])
        others = [
            order for order in data["outbox"] if order["status"] != DUE and order["outbox_id"] not in moved
        ]
        self.count += len(coming)
        ours = {name: value for name, value in data.items() if name not in _LEFT_OUT}
        ours["through_seq"] = self.through_seq
        ours["consents"] = _without_what_they_wrote_after(data["consents"], coming)
        facts = []
        for order in coming:
            doubtful = sorted({order["message_id"]} & self.doubtful)
            facts.append(fact(KIND, ref, **ours, outbox=[*others, order], doubtful=doubtful))
            ours |= {"identities": [], "messages": [], "places": [], "consents": []}  # the first brings them
            others = []
        return facts


def _without_what_they_wrote_after(
    consents: Sequence[dict[str, Any]], orders: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """There the order could be sent: who asked for no more has written since, which no row here says."""
    asked = {(order["channel"], order["address_hash"]) for order in orders}
    return [
        each
        for each in consents
        if each["state"] != consent.OUT
        or each["category"] != consent.REPLY
        or (each["channel"], each["address_hash"]) not in asked
    ]


def adopt_orders(
    own: Committer,
    database: Database,
    copy: Database,
    *,
    site: str,
    peer: str,
    now_ms: int,
    give_up_ms: int,
) -> int:
    """Adopts all of them, some at a time; how many. Raises as the committer does: what was adopted before
    stays, and the same call goes on."""
    with copy.reading() as theirs, database.reading() as ours:
        found = unsent(theirs, ours, now_ms=now_ms, give_up_ms=give_up_ms)
    orders = [order for order, _ in found.orders]
    ids = found.interactions
    parts = [ids[at : at + AT_ONCE] for at in range(0, len(ids), AT_ONCE)]
    if found.lost:
        own.submit(NoticeTrouble(code=NOT_ADOPTED, ref=OUTBOX, detail=f"replies: {found.lost}")).result()
    return sum(_adopt_part(own, copy, part, orders, site=site, peer=peer) for part in parts)


def _adopt_part(
    own: Committer, copy: Database, ids: Sequence[str], orders: Sequence[str], *, site: str, peer: str
) -> int:
    """One that cannot be adopted holds up no other: an alarm names it."""
    try:
        return _adopt_now(own, copy, ids, orders, site=site, peer=peer)
    except Exception as fault:  # one row of theirs that nobody foresaw, or that is rotten
        if stops(fault, copy):
            raise
        if len(ids) > 1:
            return sum(_adopt_part(own, copy, [ref], orders, site=site, peer=peer) for ref in ids)
        _log.exception("orders not adopted interaction=%s", ids[0])
        own.submit(NoticeTrouble(code=NOT_ADOPTED, ref=ids[0], detail=type(fault).__name__)).result()
        return 0


def _adopt_now(
    own: Committer, copy: Database, ids: Sequence[str], orders: Sequence[str], *, site: str, peer: str
) -> int:
    with copy.reading() as theirs:
        found = read_adoptees(theirs, ids, from_site=peer)
        head = read_head(theirs)
        due = {each["outbox_id"] for one in found.each for each in one.outbox if each["status"] == DUE}
        of_these = [each for each in orders if each in due]
        append = AdoptOrders(
            adoptees=found,
            site=site,
            orders=of_these,
            ended=_ended(theirs, ids),
            doubtful=frozenset(str(row[0]) for row in rows_in(theirs, _BEGUN, of_these, head.at_ms)),
            through_seq=head.seq,
        )
    bring_content(own, copy, found.ahead)
    own.submit(append).result()
    return append.count


def _ended(copy: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    names = ("closed_by", "closed_why", "closed_at_ms", "disposition")
    return {str(row[0]): dict(zip(names, row[1:], strict=True)) for row in rows_in(copy, _ENDED, ids)}


class LeaveOrders:
    """Step of the follower: orders that the other site has adopted are the other one's to send."""

    def __init__(self, *, peer: str) -> None:
        self._peer = peer
        self._looked_through: int = -1

    def step(self, own: Committer, database: Database, copy: Database) -> None:
        """Looks again only once the other site has said more."""
        with database.reading() as ours, copy.reading() as theirs:
            through = last_seq(theirs)
            if through == self._looked_through:
                return
            facts = orders_left(ours, theirs, peer=self._peer)
        if facts:
            own.submit(_Leave(facts)).result()
        self._looked_through = through


def orders_left(ours: Connection, theirs: Connection, *, peer: str) -> list[Fact]:
    """Of what is due here, what the other site took as this one's stream was by then.

    Where the copy has an order, and not readable what became of it, the other site may have taken it. It
    leaves here, or it might leave nowhere; like one that was lent and not heard of, it says that it may be
    there twice.
    """
    due = {str(row[0]): (str(row[1]), int(row[2])) for row in ours.rows(_DUE_HERE)}
    rows, rotten = readable_in(theirs, _SINCE, sorted(due))
    there = {str(row[0]): int(row[1]) for row in rows}
    read, unread = readable_in(theirs, _ROWS, sorted(set(there.values())))
    taken = {int(seq): int(msgspec.json.decode(data)["through_seq"]) for seq, data in read}
    left: dict[tuple[str, int], list[str]] = {}
    lent: dict[str, list[str]] = {}
    for outbox_id, seq in sorted({**dict.fromkeys(rotten, 0), **there}.items()):
        ref, own_seq = due[outbox_id]
        if outbox_id not in there or seq in unread:
            lent.setdefault(ref, []).append(outbox_id)
        elif own_seq <= taken.get(seq, 0):
            left.setdefault((ref, taken[seq]), []).append(outbox_id)
    return [
        *(
            fact("orders_left", ref, to_site=peer, orders=orders, through_seq=through)
            for (ref, through), orders in sorted(left.items())
        ),
        *(fact("orders_lent", ref, to_site=peer, orders=orders) for ref, orders in sorted(lent.items())),
    ]


@dataclass(frozen=True, slots=True)
class _Leave:
    """Append: these facts, as far as anything of them is still due here, and not said already."""

    found: Sequence[Fact]

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Under the lock: said once."""
        due = {str(row[0]): bool(row[3]) for row in db.rows(_DUE_HERE)}
        unsaid = {"orders_left": set(due), "orders_lent": {each for each, lent in due.items() if not lent}}
        return [
            each
            for each in self.found
            if unsaid[each.kind].intersection(msgspec.json.decode(each.data)["orders"])
        ]
