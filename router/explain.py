"""Why this agent: the candidates passed over, by reason, and what decided. Promise 9 of every offer.

Only agents who are signed in count. What rarely changes (who lacks the skill, who is away) is remembered per
audience until somebody's presence changes; who is busy is found by looking until five are known.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from queues.interaction import Interaction
from queues.wish import Audience
from router.agent import Agent
from router.centre import Centre
from router.decisions import Explanation, PassedOver
from router.persons import has_another

NAMED_MAX: Final = 5
"""So many ids are named for each reason; `muster why` lists them all by replay."""


@dataclass(slots=True)
class Present:
    """Everybody who is signed in, in the order of ids. True while Centre.rolls is still `version`."""

    version: int
    agents: list[Agent]


@dataclass(slots=True)
class Roll:
    """Who of those signed in may serve an audience. True while Centre.rolls is still `version`.

    Shape: working is in the order of ids; `first` are the ids of the first five of them. `busy` is the latest
           answer for an audience in which these five have no room, and nobody else has.
    """

    version: int
    working: list[Agent]
    first: tuple[str, ...]
    passed_over: tuple[PassedOver, ...]
    busy: tuple[int, tuple[PassedOver, ...]] = (0, ())


def explain(
    centre: Centre, interaction: Interaction, agent: Agent, rival: Agent | None, now_ms: int
) -> Explanation:
    """Why this interaction is offered to this agent now."""
    ask = interaction.ask
    if ask is None:
        raise ValueError(f"{interaction.interaction_id} waits without an ask")
    named = bool(interaction.named_agent_id)
    return Explanation(
        rule_id=interaction.rule_id,
        score=ask.head_start + ask.ageing_pct * (now_ms - interaction.accepted_at_ms),
        step=interaction.step,
        strategy=ask.queue.strategy,
        tie_break="named" if named else _tie_break(centre, interaction, agent, rival),
        passed_over=() if named else _passed_over(centre, interaction, ask.audience, agent, now_ms),
    )


def _tie_break(centre: Centre, interaction: Interaction, agent: Agent, rival: Agent | None) -> str:
    """What put the agent before the next one."""
    if rival is None:
        return "only"
    if interaction.linked_to and has_another(centre, interaction, agent):
        return "same_person"
    if agent.fill.load != rival.fill.load:
        return "load"
    return "idle" if agent.idle_since_ms != rival.idle_since_ms else "id"


def _passed_over(
    centre: Centre, interaction: Interaction, audience: Audience, agent: Agent, now_ms: int
) -> tuple[PassedOver, ...]:
    roll = audience.roll
    if not isinstance(roll, Roll) or roll.version != centre.rolls:
        roll = audience.roll = _call_roll(centre, audience)
    kind = interaction.kind
    all_busy = centre.ready.count[kind] == 1 and roll.busy[0] == len(roll.working) - 1
    if all_busy and not interaction.offers and agent.agent_id not in roll.first:
        # Everybody else is busy, as is usual while anybody waits: the answer is the one before.
        return roll.busy[1]
    cooling = _cooling(centre, interaction, roll, now_ms) if interaction.offers else []
    busy = len(roll.working) - _ready(centre, audience, kind)
    lower = len(roll.working) - busy - 1 - len(cooling)
    passed = _busy(roll, kind, busy, alone=None if lower or cooling else agent)
    if cooling:
        passed += (_reason("cooling_down", len(cooling), cooling),)
    if lower:
        ready = (each for each in roll.working if kind in each.ready)
        passed += (_reason("ranked_lower", lower, (a for a in ready if a is not agent and a not in cooling)),)
    return passed


def _ready(centre: Centre, audience: Audience, kind: str) -> int:
    """How many of the audience have room on this channel, the chosen agent among them."""
    if centre.ready.count[kind] == 1:
        return 1
    count = 0
    crews = centre.ready.crews[kind]
    for crew in audience.crews:
        if crew in crews:
            count += crews[crew]
    return count


def _busy(roll: Roll, kind: str, count: int, *, alone: Agent | None) -> tuple[PassedOver, ...]:
    """What the roll says, and who is busy. With most of a large audience busy, that is the first five.

    Shape: `alone` is the only one who has room, when there is only one.
    """
    if not count:
        return roll.passed_over
    for each in roll.working[:NAMED_MAX] if alone is None else (alone,):
        if kind in each.ready and each.agent_id in roll.first:
            busy = (agent for agent in roll.working if kind not in agent.ready)
            return (*roll.passed_over, _reason("no_capacity", count, busy))
    if roll.busy[0] != count:
        busy_one = PassedOver(reason="no_capacity", count=count, agent_ids=roll.first)
        roll.busy = (count, (*roll.passed_over, busy_one))
    return roll.busy[1]


def _reason(reason: str, count: int, agents: Iterable[Agent]) -> PassedOver:
    ids = tuple(agent.agent_id for agent in islice(agents, NAMED_MAX))
    return PassedOver(reason=reason, count=count, agent_ids=ids)


def _cooling(centre: Centre, interaction: Interaction, roll: Roll, now_ms: int) -> list[Agent]:
    """Those who could take it now had they not refused it lately, by id."""
    found = []
    for agent_id in sorted(interaction.offers or ()):
        agent = centre.agents[agent_id]
        if (
            interaction.kind in agent.ready
            and agent.crew is not None
            and interaction.ask is not None
            and interaction.ask.audience in agent.crew.serves
            and centre.blocked(interaction, agent, now_ms)
        ):
            found.append(agent)
    return found


def _call_roll(centre: Centre, audience: Audience) -> Roll:
    """Sort everybody who is signed in by what keeps them from serving, in the order of their ids."""
    present = centre.present
    if not isinstance(present, Present) or present.version != centre.rolls:
        present = centre.present = _look_around(centre)
    able = [agent for agent in present.agents if agent.crew is not None and audience in agent.crew.serves]
    working = [agent for agent in able if agent.working]
    passed = []
    if len(able) < len(present.agents):
        lacking = (
            agent for agent in present.agents if agent.crew is None or audience not in agent.crew.serves
        )
        passed.append(_reason("lacks_skill", len(present.agents) - len(able), lacking))
    if len(working) < len(able):
        away = [agent for agent in able if agent.desk_ids and not agent.available]
        deskless = [agent for agent in able if not agent.desk_ids]
        reasons = (("not_available", away), ("no_desk", deskless))
        passed += [_reason(reason, len(agents), agents) for reason, agents in reasons if agents]
    first = tuple(agent.agent_id for agent in working[:NAMED_MAX])
    return Roll(centre.rolls, working, first, tuple(passed))


def _look_around(centre: Centre) -> Present:
    ids = sorted(
        agent_id for agent_id, agent in centre.agents.items() if agent.signed_in and agent.crew is not None
    )
    return Present(centre.rolls, [centre.agents[agent_id] for agent_id in ids])
