"""WhatsApp fails and a text arrives: a whole centre, both providers played, workers killed in between."""

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from agents_ui.demo.desk import Desk
from agents_ui.demo.double import DoubleServer, ProviderDouble
from router.channels.port import Webhook
from tests.contracts.plays import Said
from tests.contracts.whatsapp import APP_SECRET, OUR_ID, OURS, SENT, WhatsApp
from tests.contracts.whatsapp import PERSON as PERSON_OUTSIDE
from tests.roles.centre import READY_S, running
from tests.roles.redis_process import wait_until
from tests.system.centre import CHANNEL, CHANNELS, PERSON, SITE, Patient
from tests.system.far_side import FarSide, MailServer
from tests.system.test_delivery_whole_way import ACCOUNT, LINE, at_desk

pytestmark = pytest.mark.system

SOON_S = 12
"""How long WhatsApp has where nothing but time decides; where it refuses, it is given a minute."""

WITHIN_S = 60.0
"""Only a guard: what is asserted are orders and counts."""

SOCIAL = f"""
[[accounts]]
id = "social"
channel = "whatsapp"
provider = "whatsapp"
address = "{OURS}"
secret = "social"
options = {{ phone_number_id = "{OUR_ID}" }}
fallback = ["line"]
fallback_after_ms = {{after_s}}_000
"""
SECRETS = {
    "MUSTER_SECRET_SMS_TOKEN": ACCOUNT.token,
    "MUSTER_SECRET_SOCIAL": APP_SECRET.decode(),
    "MUSTER_SECRET_SOCIAL_ACCESS_TOKEN": "EAAtoken",
    "MUSTER_SECRET_SOCIAL_VERIFY_TOKEN": "verify",
}
REFUSED = {"error": {"message": "Message undeliverable", "code": 131026}}


@dataclass
class Meta:
    """WhatsApp's API: takes a message, or refuses it, and notes its words."""

    refuses: bool = False
    asked: list[str] = field(default_factory=list)

    def answer(self, body: bytes) -> tuple[int, object]:
        self.asked.append(json.loads(body)["text"]["body"])
        return (400, REFUSED) if self.refuses else (200, SENT)


@contextmanager
def listening(meta: Meta) -> Iterator[str]:
    """It, on this machine; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, told = meta.answer(self.rfile.read(int(self.headers["content-length"])))
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Stage:
    """The centre and both providers."""

    patient: Patient
    meta: Meta
    double: ProviderDouble

    async def posts(self, webhook: Webhook) -> None:
        """WhatsApp tells the centre something."""
        url = f"{self.patient.url}/hooks/social"
        request = Request(url, data=webhook.body, headers=dict(webhook.headers), method="POST")

        def post() -> None:
            with urlopen(request, timeout=WITHIN_S) as answer:
                assert answer.status == 200

        await asyncio.to_thread(post)

    async def accepted(self, desk: Desk) -> str:
        """Somebody writes by WhatsApp, and ana takes it; the interaction."""
        said = Said(provider_id=f"wamid.{uuid.uuid4().hex}", text="Water is coming into the cellar.")
        await self.posts(WhatsApp("social").message(said, timestamp=str(int(time.time()))))
        await until(desk, lambda: desk.entities["offer"])
        [offer] = desk.entities["offer"].values()
        assert (await desk.ask("accept", offer_id=offer["offer_id"]))["ok"]
        await until(desk, lambda: desk.entities["conversation"])
        return str(offer["interaction_id"])

    def texts(self) -> list[str]:
        """What arrived as a text, in order."""
        return [each.body for each in self.double.taken()]


@pytest.fixture
def stage(data_dir: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A centre with WhatsApp and, for what does not arrive there, texts."""
    meta, server = Meta(), DoubleServer(ProviderDouble(ACCOUNT))
    server.start()
    plan = data_dir / "plan.toml"
    channels = CHANNELS + CHANNEL.format(id="whatsapp")
    social = SOCIAL.replace("{after_s}", str(request.param))
    plan.write_text(SITE + channels + LINE + social + PERSON.format(id="ana"), encoding="utf-8")
    with listening(meta) as url:
        environ = {**SECRETS, "MUSTER_ENDPOINTS": f"line={server.url},social={url}"}
        with running(data_dir, MUSTER_PLAN=str(plan), **environ) as centre:
            words = [line.split() for line in centre.lines]
            sign_ins = {each[0]: each[1] for each in words if len(each) > 2 and each[0] == "ana"}
            wait_until(lambda: centre.active_router() > 0, "a router is active", within_s=READY_S)
            patient = Patient(centre=centre, sign_ins=sign_ins, far=FarSide(server, MailServer()))
            yield Stage(patient=patient, meta=meta, double=server.double)
    server.stop()


async def until(desk: Desk, true: Callable[[], object]) -> None:
    """Wait until the desk shows it."""
    async with asyncio.timeout(WITHIN_S), desk.news:
        await desk.news.wait_for(true)


async def replied(desk: Desk, interaction_id: str, text: str) -> str:
    ids = {"interaction_id": interaction_id, "client_id": str(uuid.uuid4())}
    answer = await desk.ask("reply", text=text, **ids)
    assert answer["ok"], answer
    return str(answer["value"]["message_id"])


def shown(desk: Desk, message_id: str) -> dict[str, Any]:
    """A message as the desk has it, with its way; empty while it is not there."""
    message: dict[str, Any] = desk.entities["message"].get(message_id, {})
    return {**(message.get("way") or {}), "status": message.get("status", "")}


def other_of(desk: Desk, message_id: str) -> str:
    """What went instead of it, once the desk has that too."""
    other = str(shown(desk, message_id).get("other", ""))
    return other if other in desk.entities["message"] else ""


@pytest.mark.parametrize("stage", [60], indirect=True, ids=["refuses"])
async def test_whatsapp_refuses_and_a_text_arrives_once_and_the_agent_sees_both(stage: Stage):
    """The proof of issue 4: one copy, whatever dies on the way, and both messages say what happened."""
    stage.meta.refuses = True
    async with at_desk(stage.patient) as desk:
        interaction_id = await stage.accepted(desk)
        first = await replied(desk, interaction_id, "Go upstairs now.")
        stage.patient.kill("worker")
        await until(desk, lambda: other_of(desk, first))
        second = other_of(desk, first)
        await until(desk, lambda: shown(desk, second)["status"] == "delivered")
        assert (shown(desk, first)["status"], shown(desk, first)["other_channel"]) == ("failed", "sms")
        assert shown(desk, first)["other_why"] == "whatsapp_131026"
        assert shown(desk, second)["instead_of_channel"] == "whatsapp"
        assert (stage.meta.asked[-1], stage.texts()) == ("Go upstairs now.", ["Go upstairs now."])
        assert [each.to for each in stage.double.taken()] == [f"+{PERSON_OUTSIDE}"]
    stage.patient.asks_journal("verify")


@pytest.mark.long
@pytest.mark.parametrize("stage", [SOON_S], indirect=True, ids=["keeps"])
async def test_what_whatsapp_keeps_to_itself_goes_as_a_text_and_both_truths_are_shown(stage: Stage):
    """Taken and not delivered in the plan's time; then it was delivered after all. Killed at every step."""
    async with at_desk(stage.patient) as desk:
        interaction_id = await stage.accepted(desk)
        first = await replied(desk, interaction_id, "Help is near.")
        await until(desk, lambda: shown(desk, first)["status"] == "sent")
        for _ in range(3):
            stage.patient.kill("worker")
            await asyncio.sleep(1)
        await until(desk, lambda: other_of(desk, first))
        second = other_of(desk, first)
        stage.patient.kill("worker")
        await until(desk, lambda: shown(desk, second)["status"] == "delivered")
        receipt = WhatsApp("social").status("delivered", provider_id="wamid.sent", outbox_id=first)
        await stage.posts(receipt)
        await until(desk, lambda: shown(desk, first)["status"] == "delivered")
        assert (shown(desk, first)["other"], shown(desk, first)["other_why"]) == (second, "not_in_time")
        assert stage.meta.asked == ["Help is near."]
        assert set(stage.texts()) == {"Help is near."}
        kinds = [row.kind for row in stage.patient.rows()]
        assert kinds.count("fallback_decided") == 1
    stage.patient.asks_journal("verify")
