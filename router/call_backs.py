"""What the core decides about calling customers back at a time of their choice. Reads only.

A call-back is a new interaction that follows another. Until its time it is parked; then it waits at the place
of that time, first for the agent it is meant for, if that agent is there. (Who gave up is called back without
being asked: contacts.abandoned.)
"""

from typing import Final
from uuid import UUID, uuid5

from config.words import MANUAL_QUEUE, URGENCIES
from queues.interaction import ANYBODY, Interaction
from queues.lifecycle import ASSIGNED, PARKED
from router import events as e
from router import persons, refusals
from router.answers import refuse
from router.centre import Centre
from router.decisions import (
    CloseInteraction,
    Decision,
    HoldForAgent,
    OpenCallBack,
    RescheduleCallBack,
    SetUrgency,
)
from router.placing import back_in_line, languages_only
from skills.requirement import Requirement

CALL_BACKS: Final = UUID("7b0e4c3a-52f1-5d0c-9a57-3c6b1f6f2a10")
"""The namespace of call-back ids; any fixed UUID does, and it must never change."""

CALL_BACK_RULE: Final = "call_back"

AHEAD_MS_MAX: Final = 366 * 86_400_000
"""A year: what is meant for later than that is a slip of the calendar."""


def id_of(interaction_id: str, command_id: str = "") -> str:
    """The call-back of an interaction: of who gave up, or the one that this command asked for."""
    return str(uuid5(CALL_BACKS, f"{interaction_id}/{command_id}" if command_id else interaction_id))


def asked(centre: Centre, event: e.CallBackAsked, now_ms: int) -> list[Decision]:
    """Open it, parked until its time. The same command again opens nothing."""
    interaction = centre.interactions.get(event.interaction_id)
    code = refusals.GONE if interaction is None else _asked_refusal(centre, interaction, event, now_ms)
    if interaction is None or code:
        return [refuse(event, now_ms, code)]
    interaction_id = id_of(event.interaction_id, event.command_id)
    if interaction_id in centre.interactions:
        return []
    queue_id, requirement = _where(centre, interaction, event.to_queue_id)
    due_at_ms = max(event.due_at_ms, now_ms)
    return [
        OpenCallBack(
            at_ms=now_ms,
            interaction_id=interaction_id,
            follows=event.interaction_id,
            channel=interaction.channel,
            queue_id=queue_id,
            urgency=event.urgency or interaction.urgency,
            requirement=requirement,
            rule_id=CALL_BACK_RULE,
            accepted_at_ms=due_at_ms,
            identity_id=interaction.identity_id,
            linked_to=interaction.linked_to,
            traffic=interaction.traffic,
            parked_until_ms=due_at_ms,
            named_agent_id=event.to_agent_id,
            command_id=event.command_id,
        )
    ]


def changed(centre: Centre, event: e.CallBackChanged, now_ms: int) -> list[Decision]:
    """Another time, queue or agent; what is not named stays as it is."""
    interaction = centre.interactions.get(event.interaction_id)
    code = _scheduled_refusal(interaction) or _place_refusal(centre, event, now_ms)
    if interaction is None or code:
        return [refuse(event, now_ms, code)]
    queue_id, requirement = _where(centre, interaction, event.to_queue_id)
    stays = "" if event.to_queue_id else interaction.named_agent_id
    return [
        RescheduleCallBack(
            at_ms=now_ms,
            interaction_id=event.interaction_id,
            due_at_ms=max(event.due_at_ms, now_ms),
            queue_id=queue_id,
            requirement=requirement,
            named_agent_id=event.to_agent_id or stays,
            command_id=event.command_id,
        )
    ]


def cancelled(centre: Centre, event: e.CallBackCancelled, now_ms: int) -> list[Decision]:
    """It ends before its time, with a human's word for why."""
    interaction = centre.interactions.get(event.interaction_id)
    code = _scheduled_refusal(interaction)
    if not code and not centre.knows_disposition(event.disposition):
        code = refusals.UNKNOWN_DISPOSITION
    if code:
        return [refuse(event, now_ms, code)]
    return [
        CloseInteraction(
            at_ms=now_ms,
            interaction_id=event.interaction_id,
            agent_id=event.agent_id,
            disposition=event.disposition,
            why="cancelled",
            command_id=event.command_id,
        )
    ]


def due(centre: Centre, interaction: Interaction, now_ms: int) -> list[Decision]:
    """Its time has come: it waits, as urgent as anything else of the same person."""
    urgency = persons.counted(centre, interaction, interaction.urgency)
    others = persons.raised(centre, interaction, urgency, now_ms)
    ref = interaction.interaction_id
    agent = centre.agents.get(interaction.named_agent_id)
    if agent is None or not agent.desk_ids:
        return [back_in_line(interaction, now_ms, why="due", urgency=urgency), *others]
    until_ms = now_ms + centre.limits.named_agent_ms
    own: list[Decision] = [
        HoldForAgent(at_ms=now_ms, interaction_id=ref, agent_id=agent.agent_id, until_ms=until_ms)
    ]
    if urgency != interaction.urgency:
        own.append(SetUrgency(at_ms=now_ms, interaction_id=ref, urgency=urgency, by=persons.BY_PERSON))
    return [*own, *others]


def _where(centre: Centre, interaction: Interaction, to_queue_id: str) -> tuple[str, Requirement]:
    """Queue and requirement: as of what it follows, or as after a transfer to that queue."""
    queue_id, requirement = interaction.queue_id, interaction.requirement
    if to_queue_id and to_queue_id != queue_id:
        queue_id = to_queue_id
        requirement = ANYBODY if to_queue_id == MANUAL_QUEUE else languages_only(requirement)
    centre.line.book.wish(queue_id, requirement)
    return queue_id, requirement


def _asked_refusal(centre: Centre, interaction: Interaction, event: e.CallBackAsked, now_ms: int) -> str:
    if interaction.state == PARKED:
        return refusals.PARKED
    holds = interaction.state == ASSIGNED and interaction.agent_id == event.agent_id
    if not holds and not event.steps_in:
        return refusals.NOT_YOURS
    if event.urgency and event.urgency not in URGENCIES:
        return refusals.UNKNOWN_URGENCY
    return _place_refusal(centre, event, now_ms)


def _scheduled_refusal(interaction: Interaction | None) -> str:
    if interaction is None:
        return refusals.GONE
    return "" if interaction.scheduled else refusals.NOT_SCHEDULED


def _place_refusal(centre: Centre, event: e.CallBackAsked | e.CallBackChanged, now_ms: int) -> str:
    if event.due_at_ms > now_ms + AHEAD_MS_MAX:
        return refusals.UNKNOWN_TIME
    if event.to_queue_id and event.to_agent_id:
        return refusals.TRANSFER_UNCLEAR
    if event.to_queue_id and not centre.knows_queue(event.to_queue_id):
        return refusals.UNKNOWN_QUEUE
    if event.to_agent_id and not centre.knows_agent(event.to_agent_id):
        return refusals.UNKNOWN_AGENT
    return ""
