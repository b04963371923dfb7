"""What the core decides about contacts: arrived, read, unread, connected, gone. Reads only."""

from config.words import MANUAL_QUEUE, STAGED
from queues.interaction import ANYBODY, Interaction
from queues.lifecycle import ASSIGNED, OFFERED, PARKED
from router import events as e
from router import persons
from router.call_backs import id_of
from router.centre import Centre
from router.decisions import (
    CloseInteraction,
    Decision,
    NoteConnections,
    NoteReading,
    OpenCallBack,
    QueueInteraction,
    SetUrgency,
)
from router.placing import MANUAL_RULE, UNREAD_RULE, asked_for, off_stage, queue, withdrawn


def arrived(centre: Centre, event: e.ContactArrived, now_ms: int) -> list[Decision]:
    """Nothing but its connection: it is parked (change.park), and its place in line is fixed."""
    if not event.connection_id:
        return []
    return [
        NoteConnections(
            at_ms=now_ms,
            interaction_id=event.interaction_id,
            connection_ids=(event.connection_id,),
            abandon_at_ms=0,
        )
    ]


def read(centre: Centre, event: e.ContactRead, now_ms: int) -> list[Decision]:
    """Into line with it; or, when it was there already, further up, never down. An offer rings on."""
    interaction = centre.interactions.get(event.interaction_id)
    if interaction is None:
        return []
    more_urgent = event.urgency < interaction.urgency or not interaction.urgency
    if interaction.state == PARKED:
        why = "read"
    elif interaction.state == ASSIGNED or interaction.queue_id == MANUAL_QUEUE:
        if not more_urgent:
            return []
        return [_raise(event, now_ms), *persons.raised(centre, interaction, event.urgency, now_ms)]
    elif interaction.rule_id == UNREAD_RULE:
        why = "read"
    elif more_urgent:
        why = "more_urgent"
    else:
        return []
    urgency = min(event.urgency, interaction.urgency or event.urgency)
    if interaction.linked_to and why == "read":
        urgency = persons.counted(centre, interaction, urgency)
    order = QueueInteraction(
        at_ms=now_ms,
        interaction_id=event.interaction_id,
        queue_id=event.queue_id,
        urgency=urgency,
        requirement=event.requirement,
        rule_id=event.rule_id,
        why=why,
    )
    queue(centre, order)
    stays = interaction.state == OFFERED or (interaction.named_agent_id and interaction.state != PARKED)
    decided: Decision = _noted(order) if stays else order
    if interaction.traffic in STAGED and not stays:
        return [order, *off_stage(interaction, now_ms)]
    if not interaction.linked_to:
        return [decided]
    return [decided, *persons.raised(centre, interaction, urgency, now_ms)]


def unread(centre: Centre, interaction: Interaction, now_ms: int) -> list[Decision]:
    """Nobody has read it in time: it waits as its channel's contacts do."""
    order = queue(centre, _as_unread(centre, interaction, now_ms))
    if interaction.traffic in STAGED:
        return [order, *off_stage(interaction, now_ms)]
    return [order, *persons.raised(centre, interaction, order.urgency, now_ms)]


def connected(centre: Centre, event: e.CustomerConnected, now_ms: int) -> list[Decision]:
    """The customer is there (again)."""
    interaction = centre.interactions.get(event.interaction_id)
    if interaction is None or event.connection_id in interaction.connection_ids:
        return []
    ids = tuple(sorted((*interaction.connection_ids, event.connection_id)))
    return [
        NoteConnections(
            at_ms=now_ms, interaction_id=event.interaction_id, connection_ids=ids, abandon_at_ms=0
        )
    ]


def disconnected(centre: Centre, event: e.CustomerDisconnected, now_ms: int) -> list[Decision]:
    """One connection less. The last one gone while nobody holds it: the customer may have given up.

    Who ended it for good has: nobody is offered a line that is dead, not even for the rest of this turn.
    While the other site is asked to take it nobody is: a call-back here, and it itself there, would be two.
    """
    interaction = centre.interactions.get(event.interaction_id)
    if interaction is None or event.connection_id not in interaction.connection_ids:
        return []
    ids = tuple(each for each in interaction.connection_ids if each != event.connection_id)
    abandon_at_ms = 0
    if not ids and interaction.state != ASSIGNED and not interaction.scheduled:
        if event.for_good and asked_for(interaction):
            return [given_up(interaction, now_ms)]
        if event.for_good:
            return abandoned(centre, interaction, now_ms)
        abandon_at_ms = now_ms + centre.capacity.channel(interaction.kind).abandoned_after_ms
    return [
        NoteConnections(
            at_ms=now_ms,
            interaction_id=event.interaction_id,
            connection_ids=ids,
            abandon_at_ms=abandon_at_ms,
        )
    ]


def given_up(interaction: Interaction, now_ms: int) -> NoteConnections:
    """Nobody is there any more, and the other site may have it: it ends here when it is known to be here."""
    return NoteConnections(
        at_ms=now_ms,
        interaction_id=interaction.interaction_id,
        connection_ids=(),
        abandon_at_ms=interaction.named_until_ms,
    )


def abandoned(centre: Centre, interaction: Interaction, now_ms: int) -> list[Decision]:
    """The customer gave up before an agent accepted: it ends, and a call-back takes its place in line.

    What came back from the other site can be given up once more: the call-back that is there is enough.
    """
    close = CloseInteraction(
        at_ms=now_ms,
        interaction_id=interaction.interaction_id,
        agent_id="",
        disposition="",
        why="abandoned",
    )
    ended = [*withdrawn(interaction, now_ms), close]
    if id_of(interaction.interaction_id) in centre.interactions:
        return ended
    asks = _as_unread(centre, interaction, now_ms) if interaction.state == PARKED else interaction
    centre.line.book.wish(asks.queue_id, asks.requirement)
    call_back = OpenCallBack(
        at_ms=now_ms,
        interaction_id=id_of(interaction.interaction_id),
        follows=interaction.interaction_id,
        channel=interaction.channel,
        queue_id=asks.queue_id,
        urgency=asks.urgency,
        requirement=asks.requirement,
        rule_id=asks.rule_id,
        accepted_at_ms=interaction.accepted_at_ms,
        identity_id=interaction.identity_id,
        linked_to=interaction.linked_to,
        traffic=interaction.traffic,
    )
    others = persons.raised(centre, interaction, asks.urgency, now_ms) if asks is not interaction else []
    return [*ended, call_back, *others]


def _as_unread(centre: Centre, interaction: Interaction, now_ms: int) -> QueueInteraction:
    channel = centre.capacity.channel(interaction.kind)
    known = centre.knows_queue(channel.queue_id)
    urgency = min(channel.urgency, interaction.urgency or channel.urgency)
    return QueueInteraction(
        at_ms=now_ms,
        interaction_id=interaction.interaction_id,
        queue_id=channel.queue_id if known else MANUAL_QUEUE,
        urgency=persons.counted(centre, interaction, urgency),
        requirement=ANYBODY,
        rule_id=UNREAD_RULE if known else MANUAL_RULE,
        why="unread",
    )


def _raise(event: e.ContactRead, now_ms: int) -> SetUrgency:
    return SetUrgency(at_ms=now_ms, interaction_id=event.interaction_id, urgency=event.urgency, by="triage")


def _noted(order: QueueInteraction) -> NoteReading:
    """What it will ask when it waits again; until then it stays with whom it is offered to, or held for."""
    return NoteReading(
        at_ms=order.at_ms,
        interaction_id=order.interaction_id,
        queue_id=order.queue_id,
        urgency=order.urgency,
        requirement=order.requirement,
        rule_id=order.rule_id,
    )
