"""A believable evening on a fake centre: the entities that browser tests start from."""

from typing import Any  # JSON on the wire

from config.plan import Plan
from config.words import MANUAL_QUEUE
from tests.browser.fake import FakeCentre, now_ms

Json = dict[str, Any]

WHY: Json = {
    "rule_id": "not-breathing",
    "score": 1_200_000,
    "step": 0,
    "strategy": "longest_idle",
    "tie_break": "idle",
    "passed_over": [{"reason": "not_available", "count": 3, "agent_ids": ["ben", "cleo", "dan"]}],
}


def set_stage(centre: FakeCentre, plan: Plan) -> None:
    """Fill the fake before any page connects."""
    centre.conversation = {
        "state": "new",
        "agent_name": "",
        "nobody_there": False,
        "notice": plan.site.customer_notice,
        "site": plan.site.name,
        "limits": {"characters": 4000, "attachment_bytes": 5_000_000},
    }
    centre.words = {
        "queues": [*_named(plan.queues, "queue_id"), {"id": MANUAL_QUEUE, "name": "Manual"}],
        "channels": _named(plan.channels, "channel_id"),
        "reasons": _named(plan.reasons, "reason_id"),
        "dispositions": _named(plan.dispositions, "reason_id"),
        "agents": [{"agent_id": person.agent_id, "name": person.name} for person in plan.people],
        "site": plan.site.name,
    }
    start = now_ms()
    me = {"agent_id": "ana", "name": "Ana Rivera", "role": "agent", "available": True, "reason": ""}
    centre.entities = {
        "me": {
            "ana": me
            | {"presence_since_ms": start - 1_500_000, "activity": "engaged", "load": 66, "desks": 1}
        },
        "offer": {},
        "conversation": {
            "chat-1": conversation("chat-1"),
            "chat-2": conversation("chat-2", urgency=4, earlier=0),
        },
        "message": {each["message_id"]: each for each in _talk()},
        "queue": {queue.queue_id: _figures(queue.queue_id, index) for index, queue in enumerate(plan.queues)},
        "alarm": {},
        "customer": {
            "customer of chat-1": person("chat-1", name="Mo Ali"),
            "customer of chat-2": person("chat-2", identities=[identity("chat-2", "chat", "")]),
        },
    }


def conversation(interaction_id: str, **changes: Any) -> Json:
    """A conversation this agent holds."""
    return {
        "interaction_id": interaction_id,
        "channel": "chat",
        "urgency": 2,
        "queue_id": "emergency",
        "accepted_at_ms": now_ms() - 260_000,
        "assigned_at_ms": now_ms() - 240_000,
        "wrap_up_since_ms": 0,
        "customer_id": f"customer of {interaction_id}",
        "customer_label": "7F2A" if interaction_id == "chat-1" else "C41D",
        "connected": True,
        "language": "en",
        "reading": "read",
        "follows": "",
        "earlier": 2,
        "reply_until_ms": 0,
        "traffic": "real",
    } | changes


def person(interaction_id: str, **changes: Any) -> Json:
    """The customer of a conversation: known by a page, a verified number, and a claimed address."""
    return {
        "customer_id": f"customer of {interaction_id}",
        "name": "",
        "identities": [
            identity(interaction_id, "chat", ""),
            identity(interaction_id, "sms", "+31612345678"),
            identity(interaction_id, "mail", "mo.ali@example.org", verified=False),
        ],
        "claims_to_be": [],
        "others": [other(interaction_id)],
    } | changes


def identity(interaction_id: str, channel: str, address: str, **changes: Any) -> Json:
    """One way in which a customer is known."""
    return {
        "identity_id": f"{channel} of {interaction_id}",
        "channel": channel,
        "account": "",
        "verified": True,
        "at_ms": now_ms() - 86_400_000,
        "address": address,
        "moved": None,
    } | changes


def other(interaction_id: str, **changes: Any) -> Json:
    """Something that a customer has open."""
    return {
        "interaction_id": interaction_id,
        "channel": "chat",
        "state": "assigned",
        "urgency": 2,
        "queue_id": "emergency",
        "accepted_at_ms": now_ms() - 260_000,
        "agent_id": "ana",
        "agent_name": "Ana Rivera",
        "wrap_up_since_ms": 0,
        "parked_until_ms": 0,
        "follows": "",
    } | changes


def message(interaction_id: str, number: int, direction: str, text: str, **changes: Any) -> Json:
    """A message of a conversation."""
    return {
        "message_id": f"{interaction_id}/{number}",
        "interaction_id": interaction_id,
        "said_in": interaction_id,
        "seq": str(number),
        "at_ms": now_ms() - 200_000 + number * 9_000,
        "direction": direction,
        "author_id": "" if direction == "in" else "ana",
        "author_name": "" if direction == "in" else "Ana Rivera",
        "kind": "text",
        "text": text,
        "file": None,
        "client_id": f"client {interaction_id}/{number}",
        "status": "delivered" if direction == "out" else "",
        "reading": "read",
    } | changes


def offer(number: int = 1, **changes: Any) -> Json:
    """An offer that has just been made."""
    return {
        "offer_id": f"chat-{number + 2}/1",
        "interaction_id": f"chat-{number + 2}",
        "channel": "chat",
        "urgency": 1,
        "queue_id": "medical",
        "accepted_at_ms": now_ms() - 4_000,
        "deadline_ms": now_ms() + 15_000,
        "language": "en",
        "summary": "my father fell and he is not breathing, we are at 12 Mill Road",
        "reading": "read",
        "follows": "",
        "why": WHY,
        "returning": True,
    } | changes


def _named(things: Any, key: str) -> list[dict[str, str]]:  # Any: queues, channels or reasons of the plan
    return [{"id": getattr(thing, key), "name": thing.name} for thing in things]


def _figures(queue_id: str, index: int) -> Json:
    waiting = [[1, 2, 0, 0, 0], [0, 0, 3, 1, 0], [0, 0, 0, 0, 0]][min(index, 2)]
    return {
        "queue_id": queue_id,
        "waiting": waiting,
        "oldest_at_ms": now_ms() - 74_000 if sum(waiting) else 0,
    }


def _talk() -> list[Json]:
    return [
        message("chat-1", 1, "in", "There is smoke coming under the door of the flat next to mine"),
        message("chat-1", 2, "out", "I am here with you. Tell me the address and the floor, please."),
        message(
            "chat-1", 3, "in", "Harbour Street 41, third floor. An old man lives there, he does not open"
        ),
        message("chat-1", 4, "note", "Caller hears coughing behind the door. Engine 4 is on its way."),
        message("chat-1", 5, "out", "Firefighters are on their way. Leave now by the stairs, not the lift."),
        message("chat-1", 6, "in", "ok going down now with my daughter"),
        message("chat-2", 1, "in", "Hello, when does the shelter at the school open tonight?"),
        message("chat-2", 2, "out", "It opens at six. Do you need a ride there?"),
    ]
