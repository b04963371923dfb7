"""What the core decides when its holder, or a supervisor, gives an interaction away. Reads only."""

from config.words import MANUAL_QUEUE
from queues.interaction import ANYBODY, Interaction
from queues.lifecycle import ASSIGNED, OFFERED, PARKED
from router import events as e
from router import refusals
from router.answers import held, refuse
from router.centre import Centre
from router.decisions import Decision, EndOffer, HoldForAgent, QueueInteraction
from router.offer import TRANSFERRED
from router.placing import TRANSFER_RULE, back_in_line, languages_only, queue, withdrawn


def transferred(centre: Centre, event: e.TransferAsked, now_ms: int) -> list[Decision]:
    """It waits elsewhere, or for a named agent, at its old place. Its holder is not offered it at once."""
    if event.steps_in:
        return _stepped_in(centre, event, now_ms)
    interaction, code = held(centre, event)
    code = code or _refusal(centre, event)
    if interaction is None or code:
        return [refuse(event, now_ms, code)]
    return [_given_away(centre, interaction, now_ms), _waits(centre, interaction, event, now_ms)]


def _stepped_in(centre: Centre, event: e.TransferAsked, now_ms: int) -> list[Decision]:
    """A supervisor moves, assigns or takes away what somebody else holds, is offered, or nobody has."""
    interaction = centre.interactions.get(event.interaction_id)
    code = refusals.GONE if interaction is None else _stepping_refusal(centre, interaction, event)
    if interaction is None or code:
        return [refuse(event, now_ms, code)]
    freed = withdrawn(interaction, now_ms)
    if interaction.state == ASSIGNED:
        freed = [_given_away(centre, interaction, now_ms)]
    return [*freed, _waits(centre, interaction, event, now_ms)]


def _given_away(centre: Centre, interaction: Interaction, now_ms: int) -> EndOffer:
    return EndOffer(
        at_ms=now_ms,
        offer_id=interaction.offer_id,
        interaction_id=interaction.interaction_id,
        agent_id=interaction.agent_id,
        outcome=TRANSFERRED,
        cooldown_until_ms=now_ms + centre.limits.cooldown_ms,
    )


def _waits(centre: Centre, interaction: Interaction, event: e.TransferAsked, now_ms: int) -> Decision:
    """Where it waits next: for the named agent, in the named queue, or as before."""
    if event.to_agent_id:
        return HoldForAgent(
            at_ms=now_ms,
            interaction_id=interaction.interaction_id,
            agent_id=event.to_agent_id,
            until_ms=now_ms + centre.limits.named_agent_ms,
            command_id=event.command_id,
        )
    if not event.to_queue_id:
        return back_in_line(interaction, now_ms, why="taken_away", command_id=event.command_id)
    requirement = ANYBODY if event.to_queue_id == MANUAL_QUEUE else languages_only(interaction.requirement)
    return queue(
        centre,
        QueueInteraction(
            at_ms=now_ms,
            interaction_id=interaction.interaction_id,
            queue_id=event.to_queue_id,
            urgency=interaction.urgency,
            requirement=requirement,
            rule_id=TRANSFER_RULE,
            why="transferred",
            command_id=event.command_id,
        ),
    )


def _stepping_refusal(centre: Centre, interaction: Interaction, event: e.TransferAsked) -> str:
    if interaction.state == PARKED:
        return refusals.PARKED
    takes_away = interaction.state == ASSIGNED and not event.to_queue_id and not event.to_agent_id
    if takes_away:
        return ""
    theirs = interaction.state in (ASSIGNED, OFFERED) and interaction.agent_id == event.to_agent_id
    return refusals.ALREADY_THEIRS if theirs else _target_refusal(centre, event)


def _refusal(centre: Centre, event: e.TransferAsked) -> str:
    if event.to_agent_id == event.agent_id and not event.to_queue_id:
        return refusals.ALREADY_YOURS
    return _target_refusal(centre, event)


def _target_refusal(centre: Centre, event: e.TransferAsked) -> str:
    if bool(event.to_queue_id) == bool(event.to_agent_id):
        return refusals.TRANSFER_UNCLEAR
    if event.to_queue_id:
        return "" if centre.knows_queue(event.to_queue_id) else refusals.UNKNOWN_QUEUE
    if not centre.knows_agent(event.to_agent_id):
        return refusals.UNKNOWN_AGENT
    agent = centre.agents.get(event.to_agent_id)
    return "" if agent is not None and agent.desk_ids else refusals.AGENT_NOT_HERE
