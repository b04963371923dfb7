"""What must always hold in the core. Broken: the router rebuilds it from the tables.

`check` looks at everything and is for tests and the simulation; `check_touched` looks at what some decisions
named, and costs so little that production can afford it after every group of decisions.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from config.words import ELSEWHERE, URGENCIES
from queues.interaction import Interaction
from queues.lifecycle import ASSIGNED, OFFERED, OPEN, PARKED, WAITING
from router import deadlines
from router.agent import Agent
from router.centre import Centre
from router.choose import best_interaction
from router.decisions import Decision
from router.offer import OUTSTANDING

if TYPE_CHECKING:
    from router.core import Core


class RoutingError(Exception):
    """Our own mistake, with ids and values in the message."""


class InvariantBroken(RoutingError):
    """The state in memory cannot be trusted any more."""


def check(core: "Core") -> None:
    """Raises InvariantBroken, naming everything that is wrong anywhere."""
    centre = core.centre
    wrong: list[str] = []
    for interaction in centre.interactions.values():
        wrong += _interaction(centre, interaction)
        wrong += _wakes(centre, interaction)
    for agent in centre.agents.values():
        wrong += _agent(centre, agent)
    wrong += _persons(centre)
    wrong += _counts(centre)
    wrong += _nobody_left_without(centre)
    _report(wrong)


def check_touched(core: "Core", made: Sequence[Decision]) -> None:
    """The same for the interactions and agents these decisions named. Raises InvariantBroken."""
    centre = core.centre
    wrong: list[str] = []
    for decision in made:
        interaction = centre.interactions.get(getattr(decision, "interaction_id", ""))
        if interaction is not None:
            wrong += _interaction(centre, interaction)
        agent = centre.agents.get(getattr(decision, "agent_id", ""))
        if agent is not None:
            wrong += _agent(centre, agent)
    _report(wrong)


def _report(wrong: Sequence[str]) -> None:
    if wrong:
        raise InvariantBroken("; ".join(wrong))


def _interaction(centre: Centre, each: Interaction) -> Iterator[str]:
    """No limbo: it is in exactly one place, and that place knows it. One holder."""
    ref = each.interaction_id
    agent = centre.agents.get(each.agent_id)
    named = centre.agents.get(each.named_agent_id)
    outstanding = [offer for offer in (each.offers or {}).values() if offer.outcome == OUTSTANDING]
    if each.state not in OPEN:
        yield f"{ref} is open and {each.state}"
    if each.state != PARKED and each.urgency not in URGENCIES:
        yield f"{ref} has urgency {each.urgency}"
    if (each.state in (OFFERED, ASSIGNED)) != (agent is not None and ref in agent.held):
        yield f"{ref} is {each.state}, and {each.agent_id!r} does not agree"
    elsewhere = each.state == WAITING and each.named_agent_id.startswith(ELSEWHERE)
    in_own_line = elsewhere or (named is not None and ref in named.named)
    if (each.state == WAITING) != (each.place is not None or in_own_line):
        yield f"{ref} is {each.state}, and the line does not agree"
    if (each.place is None) != (each.entry is None):
        yield f"{ref} has a place and no entry, or the reverse"
    if each.place is not None and in_own_line:
        yield f"{ref} waits in two lines"
    if len(outstanding) != (each.state == OFFERED):
        yield f"{ref} is {each.state} with {len(outstanding)} outstanding offers"
    if each.state == OFFERED and [offer.offer_id for offer in outstanding] != [each.offer_id]:
        yield f"{ref} is offered as {each.offer_id}, not as its outstanding offer"
    if each.state == ASSIGNED and agent is not None and not agent.signed_in:
        yield f"{ref} is assigned to {each.agent_id}, who is gone"
    if each.state == PARKED and not each.parked_until_ms:
        yield f"{ref} is parked for ever"


def _persons(centre: Centre) -> Iterator[str]:
    """What is linked is where the others of the same person are looked for, and nothing else is there."""
    found = {each: group.keys() for each, group in centre.persons.items()}
    wanted: dict[str, set[str]] = {}
    for each in centre.interactions.values():
        if each.linked_to:
            wanted.setdefault(each.linked_to, set()).add(each.interaction_id)
    if found != wanted:
        yield f"{found} are thought linked, {wanted} are"


def _wakes(centre: Centre, each: Interaction) -> Iterator[str]:
    """Whatever ends by itself has its end in the heap of deadlines."""
    ref = each.interaction_id
    ends = []
    if each.state == PARKED:
        ends.append((each.parked_until_ms, deadlines.UNREAD, ref))
    if each.state == OFFERED:
        ends.append((centre.offer_due_ms(each), deadlines.OFFER, ref))
    if each.state == WAITING and each.named_agent_id:
        ends.append((centre.named_due_ms(each), deadlines.NAMED, ref))
    if each.abandon_at_ms and each.state != ASSIGNED:
        ends.append((each.abandon_at_ms, deadlines.ABANDON, ref))
    for end in ends:
        if end not in centre.deadlines:
            yield f"{ref} has no deadline {end}"
    if each.place is not None and each.ask is not None and each.ask.next_ms is not None:
        moment = (each.accepted_at_ms + each.ask.next_ms, deadlines.WIDEN, ref)
        if moment not in centre.moments:
            yield f"{ref} has no moment {moment}"


def _agent(centre: Centre, agent: Agent) -> Iterator[str]:
    """Load, readiness and place among the ready are what the agent holds and declared."""
    counts: dict[str, int] = {}
    for interaction in agent.held.values():
        counts[interaction.kind] = counts.get(interaction.kind, 0) + 1
        if interaction.agent_id != agent.agent_id:
            yield f"{agent.agent_id} holds {interaction.interaction_id} of {interaction.agent_id!r}"
    if agent.fill is not centre.capacity.fill(counts):
        yield f"{agent.agent_id} holds {counts}, and is thought to hold {agent.fill.counts}"
    if agent.working != (agent.available and bool(agent.desk_ids) and agent.crew is not None):
        yield f"{agent.agent_id} is thought working: {agent.working}"
    if agent.ready != (agent.fill.ready if agent.working else ()):
        yield f"{agent.agent_id} is thought ready for {agent.ready}"
    if (
        agent.grace_until_ms
        and (agent.grace_until_ms, deadlines.GRACE, agent.agent_id) not in centre.deadlines
    ):
        yield f"{agent.agent_id} has a grace without end"


def _counts(centre: Centre) -> Iterator[str]:
    """What is counted as it changes is what counting finds."""
    in_line = [each for each in centre.interactions.values() if each.place is not None]
    if centre.line.waiting != len(in_line):
        yield f"{len(in_line)} wait, {centre.line.waiting} are counted"
    overdue = sum(each.overdue for each in centre.interactions.values())
    if centre.overdue != overdue:
        yield f"{overdue} are overdue, {centre.overdue} are counted"
    signed_in = [agent for agent in centre.agents.values() if agent.signed_in and agent.crew is not None]
    if centre.population != len(signed_in):
        yield f"{len(signed_in)} are signed in, {centre.population} are counted"
    for audience in centre.line.book.audiences.values():
        if audience.reach != sum(crew.signed_in > 0 for crew in audience.crews):
            yield f"wrong reach of {audience.needs}"
        for crew in audience.crews:
            members = [agent for agent in centre.agents.values() if agent.crew is crew]
            if crew.working != sum(agent.working for agent in members):
                yield f"wrong count of those of {dict(crew.skills)} who work"
            for kind, crews in centre.ready.crews.items():
                if crews.get(crew, 0) != sum(kind in agent.ready for agent in members):
                    yield f"wrong count of those of {dict(crew.skills)} who are ready for {kind!r}"


def _nobody_left_without(centre: Centre) -> Iterator[str]:
    """Urgent first, and at once: whoever could be offered something has been."""
    for agent in centre.agents.values():
        best = best_interaction(centre, agent, centre.now_ms)
        if best is not None:
            yield f"{agent.agent_id} is free while {best.interaction_id} waits"
