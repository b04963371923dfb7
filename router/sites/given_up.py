"""A customer who gave up at one site while the other one had it too: one of both goes on with it, not both.

The site at which they gave up has a call-back instead, the other one has what it took. Whoever has it by the
higher claim goes on: so either the call-back is left to the other site, or what is open there to the
call-back. Claims only rise, so that both never leave it to each other, however old what each knows is.
"""

from collections.abc import Mapping
from typing import Final

from queues.lifecycle import ASSIGNED
from router.call_backs import id_of
from router.journal.connection import Connection
from router.records import Fact, fact
from router.sites.adoptees import orders_of
from router.sites.followed import HANDLED, states
from router.sites.merging import Leg, Record

ABANDONED: Final = "abandoned"
WHY: Final = "goes_on_there"
"""Why it is left to the other site."""


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


def _gave_up(leg: Leg) -> bool:
    return not leg.open and leg.closed_why == ABANDONED
