"""Calls for tests of desks, walls and pages: a plan, facts, and a voice process that only notes."""

from collections.abc import Mapping
from typing import Any

from agents_ui.voice.door import VoiceRefused
from config.plan import Plan
from config.plan_file import parse_plan
from router.channels.ingest import KeepContact
from router.channels.port import Contact
from router.journal.committer import wall_ms
from router.records import fact
from tests.desk import plans
from tests.desk.small_site import Site, connected

PLAN = """
[[channels]]
id = "voice"
name = "Call"
queue_id = "first"
urgency = 2
load = 100
max_at_once = 1
offer_ms_urgent = 8_000
offer_ms = 15_000
body_bytes_max = 65_536
message_characters_max = 4_000
attachment_bytes_max = 0
abandoned_after_ms = 1_000

[[accounts]]
id = "trunk"
channel = "voice"
provider = "sip"
address = "+15550100911"
endpoint = "sip:127.0.0.1:5999"
options = { upstream = "127.0.0.1", recording = "announced" }

[[accounts]]
id = "calls"
channel = "voice"
provider = "twilio-voice"
address = "+15551230199"
secret = "calls"
options = { account_sid = "AC1", sip_account = "trunk" }

[[accounts]]
id = "page"
channel = "voice"
provider = "web-call"
address = "page"
options = { recording = "off" }
"""


def plan_with_calls() -> Plan:
    """The small plan, with a trunk and a page to call from."""
    return parse_plan(plans.plan().text + PLAN)


class NotedDoor:
    """Answers every question with a description of sound, or refuses all."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Mapping[str, object] | None]] = []
        self.refuses = ""
        self.position = 4

    async def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        self.asked.append((method, path, body))
        if self.refuses:
            raise VoiceRefused(self.refuses, 409)
        if method == "GET":
            return {"position": self.position, "state": "waiting"}
        if path.endswith("/control"):
            return {}
        return {"sdp": "v=0 answer", "interaction_id": "new", "call_id": "line"}

    async def close(self) -> None:
        """Nothing."""


async def rings(
    site: Site, number: str = "+31612345678", *, account: str = "trunk", session: str = ""
) -> str:
    """Somebody calls, by telephone or from the page of this session; the interaction."""
    whose: dict[str, Any] = (
        {"address_hash": session} if session else {"address_kind": "phone", "address": number}
    )
    contact = Contact(
        channel="voice",
        account=account,
        provider_id=f"call {wall_ms()} {number} {session}",
        verified=True,
        joins=False,
        body=b"INVITE",
        received_at_ms=wall_ms(),
        **whose,
    )
    keep = KeepContact(contact)
    await site.committer.append(keep)
    assert keep.kept is not None
    await changes(site, keep.kept.interaction_id, "waiting", account=account)
    return keep.kept.interaction_id


async def changes(site: Site, interaction_id: str, state: str, **values: Any) -> None:
    """Plays the voice process: the call is in this state."""
    data = {
        "call_id": f"line of {interaction_id}",
        "account": "trunk",
        "direction": "in",
        "why": "",
        "agent_id": "",
        "recording": False,
        "silent": False,
        "voice_id": "voice-1",
    }
    await site.committer.append_facts(fact("call_changed", interaction_id, state=state, **{**data, **values}))


async def taken(site: Site, agent_id: str, **how: Any) -> str:
    """A call that this agent has accepted."""
    interaction_id = await rings(site, **how)
    offer_id = await site.offered(interaction_id, agent_id)
    await site.decide(connected(interaction_id, offer_id, agent_id))
    return interaction_id
