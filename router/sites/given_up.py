"""A customer who gave up at one site while the other one had it too: one of both goes on with it, not both.

The site at which they gave up has a call-back instead, the other one has what it took. Whoever has it by the
higher claim goes on: so either the call-back is left to the other site, or what is open there to the
call-back. Where each counted on the other all the same, because one of them saw an agent there who had let go
of it meanwhile, the site at which they gave up takes the conversation up again.
"""

from collections.abc import Mapping
from typing import Final

from queues.lifecycle import ASSIGNED
from router.call_backs import id_of
from router.journal.connection import Connection
from router.records import Fact, fact
from router.sites.adoptees import orders_of
from router.sites.followed import HANDLED, states
from router.sites.merging import YIELDED, Leg, Record

ABANDONED: Final = "abandoned"
WHY: Final = "goes_on_there"
"""Why it is left to the other site."""

_LEFT: Final = """
    SELECT 1 FROM interaction i JOIN yielding y ON y.interaction_id = i.interaction_id
    WHERE i.interaction_id = :ref AND i.state <> 'assigned' AND y.seq > i.arrived_seq
"""


def left_there(
    ours: Connection, theirs: Connection, records: Mapping[str, Record], *, site: str, peer: str
) -> tuple[list[Fact], set[str]]:
    """What is open here and goes on there; and what an agent here has of it, to be looked at again."""
    ups = {
        ref: (record.legs[site], record.legs[peer])
        for ref, record in records.items()
        if ABANDONED in {leg.closed_why for leg in record.legs.values() if not leg.open}
    }
    calls = sorted(id_of(ref) for ref in ups)
    here, there = states(ours, calls), states(theirs, calls)
    facts: list[Fact] = []
    again: set[str] = set()
    for ref, (leg, other) in ups.items():
        call_back, below = id_of(ref), leg.claim < other.claim
        if below and _gave_up(leg) and other.open and here.get(call_back, HANDLED) != HANDLED:
            left, held, orders = call_back, here[call_back] == ASSIGNED, list[str]()
        elif below and _gave_up(other) and leg.open and call_back in there:
            left, held, orders = ref, leg.held, orders_of(theirs, ref)
        else:
            continue
        if held:
            again.add(ref)
            continue
        said = {"to_site": peer, "n": other.claim[0], "owner": other.claim[1], "why": WHY, "orders": orders}
        facts.append(fact("yielded", left, **said))
    return facts, again


def left_by_both(
    ours: Connection, theirs: Connection, records: Mapping[str, Record], *, site: str, peer: str
) -> list[str]:
    """Those taken up here again: the call-back is left to the other site, which has let go of it too."""
    found = []
    for ref, record in records.items():
        leg, other = record.legs[site], record.legs[peer]
        gone = _gave_up(leg) and not other.open and other.closed_why == YIELDED
        if gone and is_left(ours, id_of(ref)) and not states(theirs, [id_of(ref)]):
            found.append(ref)
    return found


def is_left(db: Connection, call_back: str) -> bool:
    """Whether this site has left the call-back to the other one, and no agent here has it."""
    return db.row(_LEFT, ref=call_back) is not None


def _gave_up(leg: Leg) -> bool:
    return not leg.open and leg.closed_why == ABANDONED
