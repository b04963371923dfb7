"""What the core decides when agents accept, decline, end, dispose, declare urgency. Reads only."""

from config.words import URGENCIES
from queues.interaction import Interaction
from queues.lifecycle import ASSIGNED, PARKED, WAITING
from router import events as e
from router import persons, refusals
from router.agent import NOT_RESPONDING
from router.centre import Centre
from router.decisions import (
    BeginWrapUp,
    CloseInteraction,
    ConnectParties,
    Decision,
    EndOffer,
    RefuseRequest,
    SetPresence,
    SetUrgency,
)
from router.offer import DECLINED, OUTSTANDING, TRANSITIONS, Offer
from router.placing import back_in_line

Request = (
    e.OfferAccepted
    | e.OfferDeclined
    | e.ConversationEnded
    | e.DispositionGiven
    | e.TransferAsked
    | e.UrgencyDeclared
    | e.CallBackAsked
    | e.CallBackChanged
    | e.CallBackCancelled
)


def accepted(centre: Centre, event: e.OfferAccepted, now_ms: int) -> list[Decision]:
    """Connect, if the offer is still good: outstanding, or rung out with nobody else in its place."""
    interaction, offer = _offer(centre, event.offer_id, event.agent_id)
    if interaction is None or offer is None:
        return [refuse(event, now_ms, refusals.GONE if interaction is None else refusals.OFFER_ENDED)]
    if interaction.state == ASSIGNED and interaction.agent_id == event.agent_id:
        return [refuse(event, now_ms, refusals.ALREADY_YOURS)]
    if "accept_pressed" not in TRANSITIONS[offer.outcome]:
        return [refuse(event, now_ms, refusals.OFFER_ENDED)]
    connect = ConnectParties(
        at_ms=now_ms,
        offer_id=offer.offer_id,
        interaction_id=interaction.interaction_id,
        agent_id=event.agent_id,
        command_id=event.command_id,
    )
    if offer.outcome == OUTSTANDING:
        return [connect]
    agent = centre.agents[event.agent_id]
    if interaction.state != WAITING or interaction.named_agent_id not in ("", event.agent_id):
        return [refuse(event, now_ms, refusals.OFFERED_ELSEWHERE)]
    if not agent.signed_in:
        return [refuse(event, now_ms, refusals.NO_DESK)]
    if interaction.kind not in agent.fill.ready:
        return [refuse(event, now_ms, refusals.NO_ROOM)]
    if agent.available or agent.reason != NOT_RESPONDING:
        return [connect]
    return [connect, SetPresence(at_ms=now_ms, agent_id=event.agent_id, available=True, reason="")]


def declined(centre: Centre, event: e.OfferDeclined, now_ms: int) -> list[Decision]:
    """End the offer; the same pair is not tried again for a while."""
    interaction, offer = _offer(centre, event.offer_id, event.agent_id)
    if interaction is None or offer is None:
        return [refuse(event, now_ms, refusals.GONE if interaction is None else refusals.OFFER_ENDED)]
    if "decline_pressed" not in TRANSITIONS[offer.outcome]:
        return [refuse(event, now_ms, refusals.OFFER_ENDED)]
    return refused_offer(centre, interaction, DECLINED, now_ms, event.command_id)


def refused_offer(
    centre: Centre, interaction: Interaction, outcome: str, now_ms: int, command_id: str = ""
) -> list[Decision]:
    """The agent did not take it. What a person meant for this agent alone is for everybody now."""
    end = EndOffer(
        at_ms=now_ms,
        offer_id=interaction.offer_id,
        interaction_id=interaction.interaction_id,
        agent_id=interaction.agent_id,
        outcome=outcome,
        cooldown_until_ms=now_ms + centre.limits.cooldown_ms,
        command_id=command_id,
    )
    if not interaction.named_agent_id:
        return [end]
    return [end, back_in_line(interaction, now_ms, why="named_agent_gone")]


def ended(centre: Centre, event: e.ConversationEnded, now_ms: int) -> list[Decision]:
    """Begin wrap-up."""
    interaction, code = held(centre, event)
    if interaction is None:
        return [refuse(event, now_ms, code)]
    if interaction.wrap_up_since_ms:
        return [refuse(event, now_ms, refusals.ALREADY_ENDED)]
    return [
        BeginWrapUp(
            at_ms=now_ms,
            interaction_id=event.interaction_id,
            agent_id=event.agent_id,
            command_id=event.command_id,
        )
    ]


def disposed(centre: Centre, event: e.DispositionGiven, now_ms: int) -> list[Decision]:
    """Close it, with a human's word for how it ended."""
    interaction, code = held(centre, event)
    if interaction is None:
        return [refuse(event, now_ms, code)]
    if not centre.knows_disposition(event.disposition):
        return [refuse(event, now_ms, refusals.UNKNOWN_DISPOSITION)]
    return [
        CloseInteraction(
            at_ms=now_ms,
            interaction_id=event.interaction_id,
            agent_id=event.agent_id,
            disposition=event.disposition,
            why="disposed",
            command_id=event.command_id,
        )
    ]


def urgency_declared(centre: Centre, event: e.UrgencyDeclared, now_ms: int) -> list[Decision]:
    """Anybody may raise; lowering takes a person with the right to."""
    interaction = centre.interactions.get(event.interaction_id)
    if interaction is None:
        return [refuse(event, now_ms, refusals.GONE)]
    if event.urgency not in URGENCIES:
        return [refuse(event, now_ms, refusals.UNKNOWN_URGENCY)]
    if event.urgency == interaction.urgency:
        return [refuse(event, now_ms, refusals.SAME_URGENCY)]
    if 0 < interaction.urgency < event.urgency and not event.may_lower:
        return [refuse(event, now_ms, refusals.MAY_NOT_LOWER)]
    order = SetUrgency(
        at_ms=now_ms,
        interaction_id=event.interaction_id,
        urgency=event.urgency,
        by=event.agent_id,
        command_id=event.command_id,
    )
    if event.urgency > interaction.urgency or interaction.state == PARKED:
        return [order]
    return [order, *persons.raised(centre, interaction, event.urgency, now_ms)]


def _offer(centre: Centre, offer_id: str, agent_id: str) -> tuple[Interaction | None, Offer | None]:
    """The open interaction of an offer, and the offer if it is this agent's latest of it."""
    interaction = centre.interactions.get(offer_id.rpartition("/")[0])
    if interaction is None or interaction.offers is None:
        return interaction, None
    offer: Offer | None = interaction.offers.get(agent_id)
    return interaction, offer if offer is not None and offer.offer_id == offer_id else None


def held(
    centre: Centre, event: e.ConversationEnded | e.DispositionGiven | e.TransferAsked
) -> tuple[Interaction | None, str]:
    """The interaction, if the asking agent holds it; else why not."""
    interaction = centre.interactions.get(event.interaction_id)
    if interaction is None:
        return None, refusals.GONE
    if interaction.state != ASSIGNED or interaction.agent_id != event.agent_id:
        return None, refusals.NOT_YOURS
    return interaction, ""


def refuse(event: Request, now_ms: int, code: str) -> RefuseRequest:
    """The answer to a request that cannot be done."""
    ref = event.offer_id.rpartition("/")[0] if isinstance(event, _ABOUT_OFFERS) else event.interaction_id
    return RefuseRequest(
        at_ms=now_ms, agent_id=event.agent_id, command_id=event.command_id, code=code, ref=ref
    )


_ABOUT_OFFERS = (e.OfferAccepted, e.OfferDeclined)
