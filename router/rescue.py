"""What becomes of an interaction on which the core failed: a supervisor takes over, and the core goes on."""

from typing import Final

from config.words import MANUAL_QUEUE
from queues.lifecycle import WAITING
from router import alarms, refusals
from router import events as e
from router.centre import Centre
from router.decisions import Decision, RaiseAlarm, RefuseRequest
from router.invariants import InvariantBroken
from router.placing import to_manual

DETAIL_MAX: Final = 200
"""Up to so many characters of an exception go into the alarm about it."""


def rescued(centre: Centre, ref: str, error: Exception, now_ms: int) -> list[Decision]:
    """The core failed on this interaction (or agent): a supervisor takes over, and the core goes on."""
    orders: list[Decision] = []
    interaction = centre.interactions.get(ref)
    if interaction is not None:
        if interaction.queue_id == MANUAL_QUEUE and interaction.state == WAITING:
            raise InvariantBroken(f"{ref} cannot even be handled by hand: {error!r}") from error
        try:
            orders += to_manual(centre, interaction, now_ms)
        except Exception as second:  # noqa: BLE001 - as in _decide
            raise InvariantBroken(f"{ref} cannot go to the manual queue: {second!r}") from error
    detail = f"{type(error).__name__}: {error}"[:DETAIL_MAX]
    return [*orders, RaiseAlarm(at_ms=now_ms, code=alarms.CORE_ERROR, ref=ref, detail=detail)]


def rescued_event(centre: Centre, event: e.Event, error: Exception, now_ms: int) -> list[Decision]:
    """The same for what an event was about; who asked for something is told that it failed."""
    ref = _subject(event)
    orders = rescued(centre, ref, error, now_ms)
    command_id = getattr(event, "command_id", "")
    if command_id:
        agent_id = getattr(event, "agent_id", "")
        code = refusals.CORE_ERROR
        orders.append(
            RefuseRequest(at_ms=now_ms, agent_id=agent_id, command_id=command_id, code=code, ref=ref)
        )
    return orders


def _subject(event: e.Event) -> str:
    """The interaction an event is about, or the agent where it is about none."""
    if isinstance(event, e.OfferAccepted | e.OfferDeclined):
        return event.offer_id.rpartition("/")[0]
    return str(getattr(event, "interaction_id", "") or getattr(event, "agent_id", ""))
