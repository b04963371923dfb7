"""What two streams say of one interaction, joined. Pure: both sites come to the same, in whatever order.

A *leg* is what one site's stream says of it. A record is the newest leg known of each site: joining two
records takes of each site the one that was read later, so it does not matter who joins what with what, how
often, and in which order. Everything else (who serves it, whether it is open, whether two agents answered) is
worked out of the record.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from router.journal.connection import Connection
from router.journal.many_rows import rows_in
from router.sites.adopting import Claim, claims

HANDLED: Final = ("disposed",)
"""Why it was closed, where that was an agent's word."""

YIELDED: Final = "moved"
"""Why it was closed, where the other site was to go on with it."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Leg:
    """One interaction at one site.

    Shape: read_through is how far that site's stream had been read; held: an agent there has it; present:
           that agent has a desk open there. agent_id is who holds it, or who closed it.
    """

    read_through: int
    site: str
    claim: Claim
    open: bool
    held: bool = False
    present: bool = False
    agent_id: str = ""
    closed_why: str = ""
    urgency: int = 0
    accepted_at_ms: int = 0

    @property
    def answered(self) -> bool:
        """Whether an agent there has answered it, and has it still or has finished it."""
        if self.open:
            return self.held and self.present
        return self.closed_why in HANDLED


@dataclass(frozen=True, slots=True)
class Record:
    """The newest leg of each site, by site."""

    legs: Mapping[str, Leg] = field(default_factory=dict)


def join(one: Record, other: Record) -> Record:
    """What both say together: commutative, associative, idempotent."""
    legs = dict(one.legs)
    for site, leg in other.legs.items():
        legs[site] = max(legs.get(site, leg), leg)
    return Record({site: legs[site] for site in sorted(legs)})


def is_open(record: Record) -> bool:
    """Open beats closed: what one site has open is open, unless an agent of a higher claim finished it."""
    return serving(record) != ""


def serving(record: Record) -> str:
    """The site that serves it; empty: nobody does any more.

    Of two that have it open: the one whose agent has it, if it is only one; else the highest claim. What one
    has ended without an answer goes on at the other. What an agent of a higher claim has finished is over.
    """
    legs = sorted(record.legs.values(), key=lambda leg: leg.claim, reverse=True)
    opened = [leg for leg in legs if leg.open]
    if not opened:
        return ""
    held = [leg for leg in opened if leg.held]
    if len(held) == 1:
        return held[0].site
    first = (held or opened)[0]
    done = any(leg.claim > first.claim and not leg.open and leg.answered for leg in legs)
    return "" if done and not first.held else first.site


def is_dual(record: Record) -> bool:
    """Whether two agents have answered it, one at each site: both are kept, and both are told.

    One who went along with it is one: what she left at the site that died looks like an answer as well.
    """
    return len({leg.agent_id for leg in record.legs.values() if leg.answered}) > 1


def let_go(record: Record) -> bool:
    """Whether nobody has it any more, because each site counted on the other at the same moment.

    One saw it held there and yielded; there it was given back, under a claim that was not the highest, and
    yielded as well. The site of the lower claim takes it up again, by a claim above both.
    """
    legs = record.legs.values()
    return len(legs) > 1 and all(not leg.open and leg.closed_why == YIELDED for leg in legs)


def urgency_of(record: Record) -> int:
    """The most urgent that any site says (1 is most urgent); 0 where nobody has read it."""
    return min((leg.urgency for leg in record.legs.values() if leg.urgency), default=0)


def accepted_at_of(record: Record) -> int:
    """The earliest place in line that any site gave it."""
    return min(leg.accepted_at_ms for leg in record.legs.values())


def merged_hash(records: Mapping[str, Record]) -> str:
    """One text for what both streams say together: equal on both sites once both have both."""
    told = [
        [
            interaction_id,
            serving(record),
            is_dual(record),
            urgency_of(record),
            accepted_at_of(record),
            [[leg.site, leg.claim, leg.open, leg.agent_id, leg.closed_why] for leg in record.legs.values()],
        ]
        for interaction_id, record in sorted(records.items())
    ]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def joined(*sources: Mapping[str, Record]) -> dict[str, Record]:
    """The records of several readings, joined by interaction."""
    found: dict[str, Record] = {}
    for source in sources:
        for interaction_id, record in source.items():
            found[interaction_id] = join(found.get(interaction_id, Record()), record)
    return {interaction_id: found[interaction_id] for interaction_id in sorted(found)}


def records_of(db: Connection, ids: Sequence[str], *, site: str, read_through: int) -> dict[str, Record]:
    """What this database's stream says of these; nothing of those it never had."""
    known = claims(db, ids, site=site)
    rows = rows_in(
        db,
        "SELECT interaction_id, closed_seq, state, agent_id, closed_by, closed_why, urgency, accepted_at_ms"
        " FROM interaction WHERE interaction_id IN {wanted}",
        ids,
    )
    here = _with_desks(db, {str(row[3]) for row in rows if row[2] == "assigned"})
    found: dict[str, Record] = {}
    for interaction_id, closed_seq, state, agent_id, closed_by, closed_why, urgency, accepted_at_ms in rows:
        is_held = not closed_seq and state == "assigned"
        leg = Leg(
            read_through=read_through,
            site=site,
            claim=known[interaction_id],
            open=not closed_seq,
            held=is_held,
            present=is_held and agent_id in here,
            agent_id=agent_id if is_held else closed_by,
            closed_why=closed_why,
            urgency=urgency,
            accepted_at_ms=accepted_at_ms,
        )
        found[interaction_id] = Record({site: leg})
    return found


def _with_desks(db: Connection, agents: Iterable[str]) -> set[str]:
    wanted = sorted(agents)
    rows = rows_in(db, "SELECT agent_id FROM agent WHERE desk_ids <> '[]' AND agent_id IN {wanted}", wanted)
    return {str(row[0]) for row in rows}
