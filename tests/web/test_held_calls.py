"""Webhooks of calls that a provider holds, at a whole web process: on disk before the caller hears of it."""

import asyncio
import json
import urllib.error
import urllib.request
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from agents_ui.hooks.accounts import HookedAccounts
from agents_ui.hooks.keeping import Keeping
from agents_ui.hooks.replaying import Replayed, Replaying
from config.plan_file import parse_plan
from router import decisions
from router.channels.ingest import Keeper
from router.channels.port import Webhook
from router.journal.committer import Committer, CommitUnknown
from router.journal.verify import verify
from router.records import fact
from router.run.plan_activation import ActivatePlan
from router.run.web_lease import silent_webs
from skills.requirement import Requirement
from tests.contracts.twilio import SID, TOKEN
from tests.contracts.twilio_voice import NUMBER, TwilioVoice
from tests.web.sites import WITHIN_S, Site

ACCOUNTS = f"""
[[accounts]]
id = "trunk"
channel = "voice"
provider = "sip"
address = "+15550100911"
options = {{ upstream = "127.0.0.1" }}

[[accounts]]
id = "calls"
channel = "voice"
provider = "twilio-voice"
address = "{NUMBER}"
secret = "calls"
options = {{ account_sid = "{SID}", sip_account = "trunk", languages = "en,es" }}
"""


@dataclass
class Network:
    """The provider's telephone network towards one web process."""

    site: Site

    def __post_init__(self) -> None:
        folder = self.site.data_dir / "secrets"
        folder.mkdir()
        (folder / "calls").write_bytes(TOKEN)
        plan = parse_plan(self.site.plan.text + ACCOUNTS)
        self.site.committer.submit(ActivatePlan(plan=plan, by="test")).result(10)
        web = self.site.webs[0]
        self.site.eventually(lambda: any(each.account_id == "calls" for each in web.parts.plan().accounts))
        self.plays = TwilioVoice(public_url=f"http://127.0.0.1:{self.site.port}/hooks/calls")

    def brings(self, webhook: Webhook) -> tuple[int, bytes]:
        """The status and the body of the answer."""
        address = self.plays.account.public_url + (f"/{webhook.path}" if webhook.path else "")
        address += f"?{webhook.query}" if webhook.query else ""
        request = urllib.request.Request(address, data=webhook.body, headers=dict(webhook.headers))
        try:
            with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    def told(self, webhook: Webhook) -> list[str]:
        """The verbs that it is told."""
        status, body = self.brings(webhook)
        assert status == 200
        return [each.tag for each in ElementTree.fromstring(body)]

    def calls(self) -> list[tuple[object, ...]]:
        """(state, why, whose process) of every call."""
        return self.site.rows("SELECT state, why, voice_id FROM call ORDER BY begun_ms, call_id")

    def kinds(self, *kinds: str) -> list[str]:
        return [each for each in self.site.kinds() if each in kinds]


@pytest.fixture
def network(site: Site) -> Iterator[Network]:
    running = Network(site)
    yield running
    with site.database.reading() as db:
        assert verify(db).problems == []


def test_a_call_is_kept_with_its_line_before_its_caller_hears_anything(network: Network) -> None:
    """As an interaction of its own that was read at once, and by no process that could take it along."""
    assert network.told(network.plays.arrives()) == ["Say", "Say", "Enqueue"]
    assert network.calls() == [("waiting", "", "provider/calls")]
    of_call = ("customer_added", "arrived", "customer_connected", "read", "call_changed")
    assert network.kinds(*of_call) == list(of_call)
    journal = "".join(row[0] for row in network.site.rows("SELECT data FROM journal WHERE kind = 'arrived'"))
    assert "+15557654321" not in journal and "CA777" not in journal
    with network.site.database.reading() as db:
        assert silent_webs(db) == []


def test_fifty_deliveries_of_one_call_at_once_are_one_interaction(network: Network) -> None:
    """Their network repeats when we are slow, with other fields than before."""
    webhooks = [network.plays.arrives(ErrorCode=str(11200 + number)) for number in range(50)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(network.brings, webhooks))
    assert {status for status, _ in answers} == {200} and len({body for _, body in answers}) == 1
    assert network.kinds("arrived", "call_changed") == ["arrived", "call_changed"]


def test_each_call_of_one_person_is_looked_at(network: Network) -> None:
    """Calls join nothing; and both are the same person's."""
    network.told(network.plays.arrives("CA1"))
    network.told(network.plays.arrives("CA2"))
    rows = network.site.rows("SELECT DISTINCT customer_id FROM interaction")
    assert network.kinds("arrived", "customer_added") == ["customer_added", "arrived", "arrived"]
    assert len(rows) == 1 and rows[0][0]


def test_whoever_hangs_up_while_waiting_is_gone_for_good_and_once(network: Network) -> None:
    """Told by the queue and by the status, in whatever order and however often: one end."""
    network.told(network.plays.arrives())
    assert network.told(network.plays.left("hangup")) == ["Hangup"]
    assert network.told(network.plays.status("completed")) == []
    assert network.told(network.plays.left("hangup")) == ["Hangup"]
    assert network.told(network.plays.status("ringing", SequenceNumber="0")) == []
    assert network.calls() == [("ended", "caller_hung_up", "provider/calls")]
    (gone,) = network.site.rows("SELECT data FROM journal WHERE kind = 'customer_disconnected'")
    assert '"for_good":true' in gone[0]
    assert network.told(network.plays.asks()) == ["Hangup"]


def test_a_call_that_nobody_kept_is_kept_whatever_is_heard_of_it_first(network: Network) -> None:
    """We were away when it came: who still waits has a place in line, and who gave up is called back."""
    assert network.told(network.plays.asks("CA1"))[-1] == "Redirect"
    network.told(network.plays.status("completed", "CA2"))
    network.told(network.plays.status("in-progress", "CA3"))
    assert [each[:2] for each in network.calls()] == [("waiting", ""), ("ended", "caller_hung_up")]
    assert network.kinds("arrived", "customer_disconnected") == [
        *("arrived", "arrived", "customer_disconnected"),
    ]


def test_places_in_line_are_told(network: Network) -> None:
    """By our own line, not by the provider's: urgency counts here."""
    for call in ("CA1", "CA2"):
        network.told(network.plays.arrives(call))
    rows = network.site.rows("SELECT interaction_id FROM interaction ORDER BY arrived_seq")
    for number, (interaction_id,) in enumerate(rows):
        queued = decisions.QueueInteraction(
            at_ms=1,
            interaction_id=interaction_id,
            queue_id=network.site.plan.queues[0].queue_id,
            urgency=2 - number,  # who came later is more urgent
            requirement=Requirement(),
            rule_id="channel",
            why="read",
        )
        network.site.decide(queued)

    def said() -> bool:
        return b"You are number 2 in line." in network.brings(network.plays.asks("CA1"))[1]

    network.site.eventually(said, "the first caller is second")
    assert b"You are next." in network.brings(network.plays.asks("CA2"))[1]
    assert b"Say" not in network.brings(network.plays.asks("CA1", told=2))[1]


def test_without_a_database_nobody_is_greeted_and_who_waits_is_not_hung_up(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 starts the provider's fallback, by which help is told; the others hear that they wait."""
    network.told(network.plays.arrives("CA1"))

    async def gone(self: Committer, append: object) -> None:
        raise CommitUnknown("the disk is gone")

    monkeypatch.setattr(Committer, "append", gone)
    assert network.brings(network.plays.arrives("CA2"))[0] == 503
    assert network.brings(network.plays.left("hangup", "CA1"))[0] == 503
    assert network.told(network.plays.asks("CA1"))[-1] == "Redirect"
    assert network.told(network.plays.asks("CA2"))[-1] == "Redirect", "kept as soon as it can be"
    assert len(network.calls()) == 1
    monkeypatch.undo()
    network.told(network.plays.asks("CA2"))
    assert len(network.calls()) == 2


def test_a_request_that_is_not_signed_changes_nothing(network: Network) -> None:
    """Whoever knows a call's id cannot end it."""
    network.told(network.plays.arrives())
    forged = network.plays.left("hangup")
    forged = TwilioVoice(public_url="https://elsewhere.example/hooks/calls").over(
        forged.body, path=forged.path
    )
    assert network.brings(forged)[0] == 403
    assert network.calls()[0][0] == "waiting"


def test_somebody_whose_language_is_known_is_spoken_to_in_it(network: Network) -> None:
    """Who wrote Spanish yesterday and calls today hears one language, and understands it."""
    network.told(network.plays.arrives("CA1"))
    ((interaction_id, customer_id),) = network.site.rows(
        "SELECT interaction_id, customer_id FROM interaction"
    )
    assert customer_id
    (read,) = network.site.rows("SELECT data FROM journal WHERE kind = 'read'")
    told = json.loads(read[0]) | {"language": "es", "message_id": "another"}
    network.site.append(fact("read", interaction_id, **told))
    assert network.told(network.plays.arrives("CA2")) == ["Say", "Enqueue"]
    assert b'language="es-US"' in network.brings(network.plays.asks("CA2", told=9, turn=9))[1]


async def _replayed(network: Network) -> Replayed:
    site = network.site
    settings = site.webs[0].parts.services.settings
    plan = site.webs[0].parts.plan()
    keeper = Keeper(web_id="")
    keeping = Keeping(committer=site.committer, keeper=lambda: keeper, count=lambda *_: None)
    accounts = HookedAccounts(lambda: plan, settings).every()
    return await Replaying(site.database, keeping, accounts).replay("calls")


def test_a_call_that_was_taken_for_forged_is_looked_at_once_the_secret_is_right(network: Network) -> None:
    """Its caller heard the provider's fallback and has gone: somebody sees that they called."""
    account = replace(network.plays.account, secret=b"the provider's new one")
    network.plays.account = account
    for webhook in (network.plays.arrives(), network.plays.asks()):
        assert network.brings(webhook)[0] == 403
    assert network.kinds("arrived") == []
    (network.site.data_dir / "secrets" / "calls").write_bytes(account.secret)
    told = asyncio.run(_replayed(network))
    assert (told.genuine, told.refused) == (2, 0)
    assert network.kinds("arrived", "customer_connected") == ["arrived"]
    assert network.calls() == []
