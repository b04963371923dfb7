"""Why this agent: the candidates passed over, by reason, and what decided. Promise 9 of every offer.

Only agents who are signed in count. What rarely changes (who lacks the skill, who is away) is remembered per
audience until somebody's presence changes; who is busy is found by looking until five are known.
"""

from dataclasses import dataclass
from itertools import islice
from typing import Final

from queues.interaction import Interaction
from queues.wish import Audience
from router.agent import Agent
from router.centre import Centre
from router.decisions import Explanation, PassedOver

NAMED_MAX: Final = 5
"""So many ids are named for each reason; `muster why` lists them all by replay."""


@dataclass(slots=True)
class Roll:
    """Who of those signed in may serve an audience. True while Centre.rolls is still `version`."""

    version: int
    working: list[Agent]
    passed_over: tuple[PassedOver, ...]


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
        tie_break="named" if named else _tie_break(agent, rival),
        passed_over=() if named else _passed_over(centre, interaction, ask.audience, agent, now_ms),
    )


def _tie_break(agent: Agent, rival: Agent | None) -> str:
    """What put the agent before the next one."""
    if rival is None:
        return "only"
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
    cooling = _cooling(centre, interaction, roll, now_ms) if interaction.offers else []
    ready_all = centre.ready.count[kind]
    crews = centre.ready.crews[kind]
    ready = 1 if ready_all == 1 else sum(crews.get(crew, 0) for crew in audience.crews)
    busy = len(roll.working) - ready
    lower = ready - 1 - len(cooling)
    passed = roll.passed_over
    if busy:
        ids = [each.agent_id for each in islice((a for a in roll.working if kind not in a.ready), NAMED_MAX)]
        passed += (PassedOver(reason="no_capacity", count=busy, agent_ids=tuple(ids)),)
    if cooling:
        ids = [each.agent_id for each in cooling]
        passed += (PassedOver(reason="cooling_down", count=len(ids), agent_ids=tuple(ids[:NAMED_MAX])),)
    if lower:
        others = (a for a in roll.working if kind in a.ready and a is not agent and a not in cooling)
        ids = [each.agent_id for each in islice(others, NAMED_MAX)]
        passed += (PassedOver(reason="ranked_lower", count=lower, agent_ids=tuple(ids)),)
    return passed


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
    working: list[Agent] = []
    lacking: list[str] = []
    away: list[str] = []
    deskless: list[str] = []
    for agent_id in sorted(centre.agents):
        agent = centre.agents[agent_id]
        if agent.crew is None or not agent.signed_in:
            continue
        if audience not in agent.crew.serves:
            lacking.append(agent_id)
        elif not agent.desk_ids:
            deskless.append(agent_id)
        elif not agent.available:
            away.append(agent_id)
        else:
            working.append(agent)
    reasons = (("lacks_skill", lacking), ("not_available", away), ("no_desk", deskless))
    passed = tuple(
        PassedOver(reason=reason, count=len(ids), agent_ids=tuple(ids[:NAMED_MAX]))
        for reason, ids in reasons
        if ids
    )
    return Roll(centre.rolls, working, passed)
