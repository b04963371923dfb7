"""A text message through a whole centre: signed webhook, desk, answer, provider, and what became of it, back.

Everything is real but the provider, which is the demo's double; the web, the router, the worker and Redis are
processes of one `muster up`.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agents_ui.demo.browser import Browser, send
from agents_ui.demo.desk import Desk
from agents_ui.demo.double import DoubleServer, ProviderDouble
from agents_ui.demo.double_answers import DoubleAccount
from agents_ui.demo.texting import TextingAccount, TextPost
from tests.roles.centre import READY_S, running
from tests.roles.redis_process import wait_until
from tests.system.centre import CHANNELS, PERSON, SITE, Patient
from tests.system.crew import Clerk
from tests.system.far_side import FarSide, MailServer
from tests.system.outside import Door

pytestmark = [pytest.mark.system, pytest.mark.timed]

ACCOUNT = DoubleAccount(account_sid="ACtest", token="0123456789abcdef", number="+15550100100")
PERSON_OUTSIDE = "+15557654321"
LINE = """
[[accounts]]
id = "line"
channel = "sms"
provider = "twilio"
address = "+15550100100"
secret = "sms-token"
options = { account_sid = "ACtest" }
"""
WITHIN_S = 15.0
LATE_S = 2.0


@pytest.fixture
def double() -> Iterator[DoubleServer]:
    """The provider."""
    server = DoubleServer(ProviderDouble(ACCOUNT))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def patient(data_dir: Path, double: DoubleServer) -> Iterator[Patient]:
    """A centre with one agent and one number, ready."""
    plan = data_dir / "plan.toml"
    plan.write_text(SITE + CHANNELS + LINE + PERSON.format(id="ana"), encoding="utf-8")
    environ = {"MUSTER_SECRET_SMS_TOKEN": ACCOUNT.token, "MUSTER_ENDPOINTS": f"line={double.url}"}
    with running(data_dir, MUSTER_PLAN=str(plan), **environ) as centre:
        words = [line.split() for line in centre.lines]
        sign_ins = {each[0]: each[1] for each in words if len(each) > 2 and each[0] == "ana"}
        wait_until(lambda: centre.active_router() > 0, "a router is active", within_s=READY_S)
        yield Patient(centre=centre, sign_ins=sign_ins, far=FarSide(double, MailServer()))


@asynccontextmanager
async def at_desk(patient: Patient) -> AsyncIterator[Desk]:
    """Ana's desk: signed in, available."""
    browser = Browser(url=patient.url)
    clerk = Clerk(browser, Door(patient.url), "ana", patient.sign_ins["ana"], Random(1))
    await clerk.sign_in()
    ticket = (await browser.post("/api/ticket")).body["ticket"]
    async with browser.socket("/desk/socket") as socket:
        await send(socket, kind="hello", ticket=ticket)
        desk = Desk(socket)
        listening = asyncio.create_task(desk.listen())
        try:
            await until(desk, lambda: bool(desk.words))
            assert (await desk.ask("presence", available=True, reason=""))["ok"]
            yield desk
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def until(desk: Desk, true: Callable[[], object]) -> None:
    """Wait until the desk shows it."""
    async with asyncio.timeout(WITHIN_S), desk.news:
        await desk.news.wait_for(true)


async def text_in(patient: Patient, words: str) -> None:
    """Somebody texts; the provider hands it over."""
    hook = f"{patient.url}/hooks/line"
    account = TextingAccount(
        number=ACCOUNT.number, account_sid=ACCOUNT.account_sid, token=ACCOUNT.token.encode(), hook=hook
    )
    await TextPost(account=account, number=PERSON_OUTSIDE, random=Random(words)).say(words)


async def accepted(patient: Patient, desk: Desk) -> str:
    """Somebody texts, and Ana takes it; the interaction."""
    await text_in(patient, "Water is coming into the cellar.")
    await until(desk, lambda: desk.entities["offer"])
    [offer] = desk.entities["offer"].values()
    assert offer["summary"] == "Water is coming into the cellar."
    assert (await desk.ask("accept", offer_id=offer["offer_id"]))["ok"]
    await until(desk, lambda: desk.entities["conversation"])
    return str(offer["interaction_id"])


async def replied(desk: Desk, interaction_id: str, text: str) -> dict[str, Any]:
    """Ana answers; the message as her desk was told."""
    answer = await desk.ask("reply", interaction_id=interaction_id, client_id=str(uuid.uuid4()), text=text)
    assert answer["ok"], answer
    value: dict[str, Any] = answer["value"]
    return value


def state(desk: Desk, message_id: str) -> tuple[str, str]:
    """What the desk shows of an answer."""
    message = desk.entities["message"].get(message_id, {})
    return message.get("status", ""), message.get("trouble", "")


async def test_an_answer_goes_the_whole_way_and_comes_back_as_a_receipt(
    patient: Patient, double: DoubleServer
):
    """From the customer's telephone to the customer's telephone; the desk sees it arrive."""
    async with at_desk(patient) as desk:
        interaction_id = await accepted(patient, desk)
        message = await replied(desk, interaction_id, "Go upstairs now.")
        assert message["status"] in ("due", "sent", "delivered")
        key = message["message_id"]
        await until(desk, lambda: state(desk, key) == ("delivered", ""))
        [taken] = double.double.taken()
        assert (taken.to, taken.body) == (PERSON_OUTSIDE, "Go upstairs now.")
        double.double.opted_out.add(PERSON_OUTSIDE)
        refused = (await replied(desk, interaction_id, "Are you safe?"))["message_id"]
        await until(desk, lambda: state(desk, refused) == ("failed", "twilio_21610"))
    patient.asks_journal("verify")


async def test_answers_leave_while_redis_is_gone_and_workers_die(patient: Patient, double: DoubleServer):
    """Neither is needed for an answer to leave: at most two seconds late, and each of them arrives."""
    async with at_desk(patient) as desk:
        interaction_id = await accepted(patient, desk)
        await replied(desk, interaction_id, "first")
        await arrives(double, "first", within_s=WITHIN_S)
        with patient.without_redis():
            for number in range(6):
                began = time.monotonic()
                await replied(desk, interaction_id, f"without Redis {number}")
                assert time.monotonic() - began < LATE_S
                await arrives(double, f"without Redis {number}", within_s=LATE_S)
        said = [f"killed {number}" for number in range(5)]
        for words in said:
            await replied(desk, interaction_id, words)
            patient.kill("worker")
            await asyncio.sleep(0.3)
        for words in said:
            await arrives(double, words, within_s=2 * WITHIN_S)
        firsts = list(dict.fromkeys(each.body for each in double.double.taken()))
        assert [words for words in firsts if words in said] == said
    patient.asks_journal("verify")


async def arrives(double: DoubleServer, words: str, *, within_s: float) -> None:
    """The customer has it in time."""
    await asyncio.to_thread(
        wait_until,
        lambda: words in {each.body for each in double.double.taken()},
        f"{words!r} has arrived",
        within_s=within_s,
    )
