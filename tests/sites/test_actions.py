"""Providers are told that traffic moves: each action is asked for until it is done, and done once."""

import asyncio
import hashlib
import hmac
import itertools
import json
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from router.records import fact
from router.sites.action_requests import SIGNATURE
from router.sites.action_ways import run_command
from router.sites.actions import PAUSES_MS, TRIES_MAX, Actions, action_facts, again_fact, runs
from tests.contracts.twilio import SID, TOKEN
from tests.contracts.twilio_api import SERVICE_SID, TwilioApi, twilio_api
from tests.sites.site_pair import SitePair, plan_of, site_pair

NUMBER = "+15551230100"


def account(port: int, provider: str = "twilio", more: str = "") -> str:
    channel = "voice" if provider == "twilio-voice" else "sms"
    return f"""
[[accounts]]
id = "line"
channel = "{channel}"
provider = "{provider}"
address = "{NUMBER}"
secret = "line"
endpoint = "http://127.0.0.1:{port}"
options = {{ account_sid = "{SID}"{more} }}
"""


def number_action(when: str = "take_over", account_id: str = "line") -> str:
    return f"""
[[pair.actions]]
id = "number-{when.replace("_", "-")}"
when = "{when}"
site = "a"
kind = "twilio_number"
account = "{account_id}"
"""


def http_action(port: int) -> str:
    return f"""
[[pair.actions]]
id = "dns"
when = "take_over"
site = "a"
kind = "http"
method = "PUT"
url = "http://127.0.0.1:{port}/zones/{{site}}"
headers = {{ X-To = "{{to}}" }}
body = '{{"data": "{{url}}", "ttl": 30}}'
secret = "dns"
sign = "hmac"
"""


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioApi]:
    async with twilio_api() as api:
        yield api


_NUMBERS = itertools.count()


class Desk:
    """Site b after a claim on a's traffic, and what it has to tell whom."""

    def __init__(self, pair: SitePair, *, mode: str = "take_over", owner: str = "b", n: int = 1) -> None:
        self.pair, self.site, self.n = pair, pair.b, n
        secrets = {"MUSTER_SECRET_LINE": TOKEN.decode(), "MUSTER_SECRET_DNS": "a-shared-secret"}
        self.settings = replace(self.site.settings, secrets=secrets)
        self.claims(n=n, owner=owner, mode=mode)

    def claims(self, *, n: int, owner: str, mode: str = "take_over") -> None:
        claim = fact(
            "domain_claimed", "a", n=n, owner=owner, mode=mode, with_assigned=False, agent_id="ana", why="",
            command_id=f"c{n}", of="person",
        )  # fmt: skip
        self.site.append(claim, *action_facts(self.pair.plan, domain="a", n=n, mode=mode))

    def actions(self) -> Actions:
        return Actions(
            own=self.site.own,
            committer=self.site.committer,
            plan=self.pair.plan,
            settings=self.settings,
            owner=f"test-{next(_NUMBERS)}",
            clock=lambda: self.pair.clock[0],
        )

    async def tries(self, times: int = 1) -> None:
        """What is due now is tried; its pause is over at once."""
        actions = self.actions()
        for _ in range(times):
            await actions.run_due()
            with self.site.own.reading() as db:
                waiting = [each for each in runs(db) if each.status == "due"]
            for each in waiting:
                self.site.append(
                    fact("action_tried", each.run_id, attempt=each.attempts, outcome="later",
                         detail=each.detail, due_at_ms=0)
                )  # fmt: skip
        await actions.close()

    def stand(self) -> list[tuple[str, str, int]]:
        with self.site.own.reading() as db:
            return [(each.action_id, each.status, each.attempts) for each in runs(db)]

    def detail(self) -> str:
        with self.site.own.reading() as db:
            return runs(db)[0].detail


@pytest.fixture
def at_site(data_dir: Path) -> Iterator[object]:
    """Makes a desk of a plan with these actions and accounts."""
    opened = []

    def open_desk(actions: str, accounts: str = "", **more: object) -> Desk:
        pair = site_pair(data_dir, plan_of(actions, accounts=accounts))
        opened.append(pair)
        return Desk(pair.__enter__(), **more)

    yield open_desk
    for each in opened:
        each.__exit__(None, None, None)


async def test_a_number_of_texts_comes_to_the_site_that_serves(at_site, twilio):
    """After a take-over texts arrive at b, and b's provider knows a for when b fails."""
    desk = at_site(number_action(), account(twilio.port))
    await desk.tries()
    assert desk.stand() == [("number-take-over", "done", 1)]
    assert twilio.kept == {
        "sms_url": "https://b.example.org/hooks/line",
        "sms_fallback_url": "https://a.example.org/hooks/line",
    }


async def test_a_number_of_calls_comes_with_its_status_calls(at_site, twilio):
    """Without them nobody hears that a caller has hung up."""
    trunk = """
[[accounts]]
id = "trunk"
channel = "voice"
provider = "sip"
address = "+15551230101"
endpoint = "sip:trunk.example.org"
options = { upstream = "192.0.2.7" }
"""
    more = ', sip_account = "trunk"'
    desk = at_site(number_action(), account(twilio.port, "twilio-voice", more) + trunk)
    await desk.tries()
    assert twilio.kept["voice_url"] == "https://b.example.org/hooks/line"
    assert twilio.kept["voice_fallback_url"] == "https://a.example.org/hooks/line"
    assert twilio.kept["status_callback"] == "https://b.example.org/hooks/line/status"


async def test_a_messaging_service_is_told_instead_of_its_number(at_site, twilio):
    """A number in a service takes its address from there, whatever the number itself says."""
    more = f', messaging_service_sid = "{SERVICE_SID}"'
    desk = at_site(number_action(), account(twilio.port, more=more))
    await desk.tries()
    assert desk.stand()[0][1] == "done"
    assert [each.path for each in twilio.asked] == [f"/v1/Services/{SERVICE_SID}"]
    assert twilio.kept["inbound_request_url"] == "https://b.example.org/hooks/line"


async def test_what_is_done_is_not_done_again(at_site, twilio):
    """Two processes and two people may run it: the provider hears it once."""
    desk = at_site(number_action(), account(twilio.port))
    first, second = desk.actions(), desk.actions()
    await asyncio.gather(first.run_due(), second.run_due())
    await desk.tries(3)
    desk.claims(n=1, owner="b")
    await desk.tries(2)
    await first.close()
    await second.close()
    assert desk.stand() == [("number-take-over", "done", 1)]
    assert sum(each.method == "POST" for each in twilio.asked) == 1


async def test_a_provider_in_trouble_is_asked_again_until_it_takes_it(at_site, twilio):
    """On the worst day the provider is busy as well."""
    twilio.refuses = 4
    desk = at_site(number_action(), account(twilio.port))
    await desk.tries(4)
    assert desk.stand() == [("number-take-over", "due", 4)]
    assert "503" in desk.detail()
    alarms = desk.site.all("SELECT code, ref FROM alarm")
    assert alarms == [("action_troubled", "a/1/number-take-over")]
    await desk.tries()
    assert desk.stand() == [("number-take-over", "done", 5)]


async def test_the_next_try_waits_longer_each_time(at_site, twilio):
    """A provider in trouble is not helped by more of us."""
    twilio.refuses = 1
    desk = at_site(number_action(), account(twilio.port))
    actions = desk.actions()
    await actions.run_due()
    await actions.run_due()
    await actions.close()
    (run,) = desk.site.all("SELECT attempts, due_at_ms - at_ms FROM action_run")
    assert run == (1, PAUSES_MS[0])
    assert sorted(PAUSES_MS) == list(PAUSES_MS)


async def test_in_the_end_it_has_failed_and_a_person_can_ask_again(at_site, twilio):
    """Nothing is tried for ever, and nothing is lost by that."""
    twilio.refuses = 10_000
    desk = at_site(number_action(), account(twilio.port))
    (run,) = runs_of(desk)
    desk.site.append(
        fact("action_tried", run.run_id, attempt=TRIES_MAX - 1, outcome="later", detail="", due_at_ms=0)
    )
    await desk.tries()
    assert desk.stand() == [("number-take-over", "failed", TRIES_MAX)]
    twilio.refuses = 0
    desk.site.append(again_fact(runs_of(desk)[0]))
    await desk.tries()
    assert desk.stand() == [("number-take-over", "done", 1)]


async def test_a_wrong_secret_is_named_by_its_code_and_not_shown(at_site, twilio):
    """What stands there is read aloud in a control room."""
    desk = at_site(number_action(), account(twilio.port))
    desk.settings = replace(desk.settings, secrets={"MUSTER_SECRET_LINE": "something-else"})
    await desk.tries()
    assert desk.stand()[0][1] == "due"
    assert "401" in desk.detail()
    assert "something-else" not in desk.detail()


async def test_a_missing_secret_is_named(at_site, twilio):
    """The person who reads it can put it there."""
    desk = at_site(number_action(), account(twilio.port))
    desk.settings = replace(desk.settings, secrets={})
    await desk.tries()
    assert desk.detail() == "the secret of account line is missing"
    assert twilio.asked == []


async def test_a_number_that_twilio_does_not_know_is_said(at_site, twilio):
    """A typing error in the plan must not look like an outage."""
    twilio.number = "+15550000000"
    desk = at_site(number_action(), account(twilio.port))
    await desk.tries()
    assert desk.detail() == "Twilio knows no such number"


async def test_a_signed_call_carries_what_the_plan_says(at_site, twilio):
    """The other end can check that it was us, and when."""
    desk = at_site(http_action(twilio.port))
    await desk.tries()
    asked = twilio.asked[0]
    assert (asked.method, asked.path, asked.headers["x-to"]) == ("PUT", "/zones/a", "b")
    assert json.loads(asked.body) == {"data": "https://b.example.org", "ttl": 30}
    signed = dict(parse_qsl(asked.headers[SIGNATURE].replace(",", "&")))
    right = hmac.new(b"a-shared-secret", f"{signed['t']}.".encode() + asked.body, hashlib.sha256)
    assert signed["v1"] == right.hexdigest()


async def test_what_is_superseded_is_not_run(at_site, twilio):
    """A take-over whose number was never moved, and which went home since, must not move it now."""
    actions = number_action() + number_action("return")
    desk = at_site(actions, account(twilio.port))
    desk.claims(n=2, owner="a", mode="return")
    await desk.tries()
    assert {name: status for name, status, _ in desk.stand()} == {
        "number-take-over": "failed",
        "number-return": "done",
    }
    assert twilio.kept["sms_url"] == "https://a.example.org/hooks/line"
    assert twilio.kept["sms_fallback_url"] == "https://b.example.org/hooks/line"


async def test_nobody_is_asked_where_nobody_listens(at_site):
    """A closed port is an answer like another: later."""
    desk = at_site(http_action(9))
    await desk.tries()
    assert desk.stand() == [("dns", "due", 1)]
    assert desk.detail().startswith("not reached")


async def test_a_program_gets_words_and_no_shell_and_no_secrets(tmp_path, monkeypatch):
    """A plan's argument is never read as something else, and our secrets stay ours."""
    monkeypatch.setenv("MUSTER_SECRET_LINE", "hush")
    code = "import os, sys; print(sys.argv[1:], 'MUSTER_SECRET_LINE' in os.environ)"
    done = await run_command((sys.executable, "-c", code, "$(id); a b"), timeout_s=20)
    assert done.outcome == "done"
    assert done.detail == "exit 0: ['$(id); a b'] False"


async def test_a_program_that_fails_says_its_last_line():
    """The one line that says why."""
    words = (sys.executable, "-c", "import sys; print('one'); print('no such zone'); sys.exit(3)")
    done = await run_command(words, timeout_s=20)
    assert (done.outcome, done.detail) == ("later", "exit 3: no such zone")
    missing = await run_command(("/nowhere/at/all",), timeout_s=20)
    assert missing.outcome == "later"


async def test_a_program_that_takes_too_long_is_tried_again():
    """It may wait for somebody who is not there."""
    done = await run_command(("/bin/sleep", "600"), timeout_s=0.2)
    assert (done.outcome, done.detail) == ("later", "/bin/sleep took longer than 0.2 s")


async def test_a_program_is_ended_with_its_children(tmp_path):
    """A child that holds the output open would hold up everything else for ever."""
    pids = tmp_path / "pid"
    code = (
        "import os, subprocess; child = subprocess.Popen(['sleep', '600']); "
        f"open('{pids}.new', 'w').write(str(child.pid)); os.rename('{pids}.new', '{pids}'); child.wait()"
    )
    running = asyncio.create_task(run_command((sys.executable, "-c", code), timeout_s=600))
    async with asyncio.timeout(30):
        while not pids.exists():
            await asyncio.sleep(0.02)
    running.cancel()
    child = int(pids.read_text())
    async with asyncio.timeout(30):
        while _alive(child):
            await asyncio.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def runs_of(desk: Desk):
    with desk.site.own.reading() as db:
        return runs(db)
