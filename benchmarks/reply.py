"""Agents answer text messages at a fixed rate: from the desk's command until the provider has the words.

One round on one centre: 20 people text through the signed webhook, 20 agents hold one each; then 20 answers a
second leave over the desks' WebSockets. The provider is the demo's double, in this process; the whole way is
the product's: web, journal, rq's order, worker, HTTP.
"""

import asyncio
import time
import uuid
from collections.abc import Callable
from random import Random
from statistics import median, quantiles
from typing import Final

from agents_ui.demo.double import DoubleServer, ProviderDouble
from agents_ui.demo.double_answers import DoubleAccount
from agents_ui.demo.texting import TextingAccount, TextPost
from benchmarks.centre import Site, running_site
from benchmarks.desks import Desk, Desks

AGENTS: Final = 20
PER_S: Final = 20
REPLIES: Final = 300
LATE_S: Final = 10.0
LOOK_S: Final = 0.05

ACCOUNT: Final = DoubleAccount(account_sid="ACbench", token="benchmark-token", number="+15550100100")
SMS: Final = """
[[channels]]
id = "sms"
name = "Text message"
queue_id = "line"
urgency = 3
load = 100
max_at_once = 1
offer_ms_urgent = 60_000
offer_ms = 60_000
body_bytes_max = 65_536
message_characters_max = 1_600
attachment_bytes_max = 0
abandoned_after_ms = 3_600_000

[[accounts]]
id = "line"
channel = "sms"
provider = "twilio"
address = "+15550100100"
secret = "sms-token"
options = { account_sid = "ACbench" }
"""


def round_of_replies() -> dict[str, float]:
    """One round."""
    server = DoubleServer(ProviderDouble(ACCOUNT))
    server.start()
    environ = {"MUSTER_SECRET_SMS_TOKEN": ACCOUNT.token, "MUSTER_ENDPOINTS": f"line={server.url}"}
    try:
        with running_site(agents=AGENTS, plan_more=SMS, environ=environ) as site:
            return asyncio.run(_replies(site, server.double))
    finally:
        server.stop()


async def _replies(site: Site, double: ProviderDouble) -> dict[str, float]:
    desks = Desks(site.url, dict(site.cookies))
    await desks.open()
    await desks.available(keep=True)
    await asyncio.gather(*(_text(site, number) for number in range(AGENTS)))
    await desks.until_accepted(AGENTS)
    await _until(lambda: sum(len(desk.holding) for desk in desks.desks), AGENTS, "people are held")
    sent = await _answer([(desk, held) for desk in desks.desks for held in desk.holding])
    await _until(lambda: len(double.taken()), len(sent), "answers arrived")
    for task in desks.listening:
        task.cancel()
    await asyncio.gather(*desks.listening, return_exceptions=True)
    times = [(each.at - sent[each.body]) * 1000 for each in double.taken()]
    return {"reply_p50_ms": median(times), "reply_p99_ms": quantiles(times, n=100, method="inclusive")[98]}


async def _text(site: Site, number: int) -> None:
    account = TextingAccount(
        number=ACCOUNT.number,
        account_sid=ACCOUNT.account_sid,
        token=ACCOUNT.token.encode(),
        hook=f"{site.url}/hooks/line",
    )
    await TextPost(account=account, number=f"+1555000{number:04}", random=Random(number)).say(
        f"contact {number}"
    )


async def _answer(held: list[tuple[Desk, str]]) -> dict[str, float]:
    """One after the other at the rate, whatever the answers do; when each one left us."""
    sent: dict[str, float] = {}
    await asyncio.sleep(1)  # the rush of accepting is not answering
    began = time.monotonic()
    for number in range(REPLIES):
        await asyncio.sleep(began + number / PER_S - time.monotonic())
        desk, interaction_id = held[number % len(held)]
        text = f"answer {number}"
        sent[text] = time.monotonic()
        await desk.send("reply", interaction_id=interaction_id, client_id=str(uuid.uuid4()), text=text)
    return sent


async def _until(count: Callable[[], int], wanted: int, what: str) -> None:
    """Wait until there are so many. Raises RuntimeError."""
    async with asyncio.timeout(LATE_S):
        while (found := count()) < wanted:  # noqa: ASYNC110 - it is counted in another thread
            await asyncio.sleep(LOOK_S)
    if found > wanted:
        raise RuntimeError(f"{found} of {wanted} {what}: no figure is worth anything")
