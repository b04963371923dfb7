"""The trunks of a plan: who may call, how numbers are written for them, and whether they are there."""

import asyncio
from typing import Any

import pytest

from router.channels.port import Account
from router.run.voice import telephones
from router.run.voice.callers import takes_text
from router.run.voice.gear import NoTrunk
from router.run.voice.telephones import Trunks, account_at
from tests.voice.gear import OFFER, OFFER_WITH_TEXT


def trunk(name: str = "trunk", **values: Any) -> Account:
    """A ready account."""
    options = {"upstream": values.pop("upstream", "198.51.100.0/24,2001:db8::5"), **values.pop("options", {})}
    plain = {
        "account_id": name,
        "channel": "voice",
        "provider": "sip",
        "address": "+15550100911",
        "secret": b"",
        "endpoint": "sip:trunk.example.org:5060;transport=tcp",
        "public_url": "",
        "options": options,
    }
    return Account(**{**plain, **values})


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("198.51.100.7", "trunk"),
        ("::ffff:198.51.100.7", "trunk"),
        ("2001:db8::5", "trunk"),
        ("2001:db8::5%eth0", "trunk"),
        ("198.51.101.7", ""),
        ("2001:db8::6", ""),
        ("trunk.example.org", ""),
        ("", ""),
    ],
)
def test_only_the_trunks_networks_may_call(address: str, found: str) -> None:
    """An open port is found by scanners within the hour; they must not fill the line."""
    page = trunk("page", provider="web-call", upstream="")
    assert account_at([page, trunk()], address) == found


@pytest.mark.parametrize(
    ("endpoint", "uri"),
    [
        ("sip:trunk.example.org", "sip:+15550100777@trunk.example.org"),
        (
            "sip:trunk.example.org:5070;transport=tcp",
            "sip:+15550100777@trunk.example.org:5070;transport=tcp",
        ),
        ("sip:[2001:db8::5]:5060", "sip:+15550100777@[2001:db8::5]:5060"),
        ("", ""),
    ],
)
def test_a_number_is_reached_at_its_trunk(endpoint: str, uri: str) -> None:
    """Host, port and transport are the plan's."""
    assert Trunks(dict).uri(trunk(endpoint=endpoint), "+15550100777") == uri


class Agent:
    """Answers OPTIONS as long as it is told to."""

    def __init__(self) -> None:
        self.status = 200
        self.asked: list[str] = []

    async def probe(self, uri: str, **_: Any) -> int:
        self.asked.append(uri)
        return self.status


async def test_a_trunk_that_does_not_answer_for_a_minute_is_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who calls us can tell us so. One missed answer is none; any answer at all is a sign of life."""
    monkeypatch.setattr(telephones, "PROBE_S", 0.001)
    now = 0.0
    monkeypatch.setattr(telephones, "now_s", lambda: now)
    alarms: list[tuple[str, str]] = []
    trunks, agent = Trunks(lambda: {"trunk": trunk()}), Agent()
    trunks.agent = agent  # type: ignore[assignment]  # all that is asked of it
    watching = asyncio.create_task(trunks.watch(lambda code, account: alarms.append((code, account))))

    async def asked_again() -> None:
        before = len(agent.asked)
        while len(agent.asked) < before + 2:
            await asyncio.sleep(0)

    await asked_again()
    agent.status, now = 408, 30.0
    await asked_again()
    assert alarms == []
    agent.status, now = 404, 59.0
    await asked_again()
    agent.status, now = 503, 118.0
    await asked_again()
    assert alarms == []
    now = 200.0
    while not alarms:
        await asked_again()
    assert set(alarms) == {("trunk_silent", "trunk")}
    watching.cancel()
    assert set(agent.asked) == {"sip:trunk.example.org:5060;transport=tcp"}


@pytest.mark.parametrize(
    ("sdp", "takes"),
    [(OFFER, False), (OFFER_WITH_TEXT, True), ("m=text 0 RTP/AVP 98\r\n", False), ("", False)],
)
def test_it_is_known_whether_a_caller_takes_text(sdp: str, takes: bool) -> None:
    """Port 0 means that they do not."""
    assert takes_text(sdp) is takes


async def test_a_trunk_whose_address_leads_nowhere_is_no_trunk() -> None:
    """Else whoever was to be forwarded would stay on hold, and nobody would be told."""

    class Nowhere:
        async def dial(self, uri: str, **_: Any) -> Any:
            raise ValueError("no address that can be reached")

    trunks = Trunks(dict)
    trunks.agent = Nowhere()  # type: ignore[assignment]  # all that is asked of it
    with pytest.raises(NoTrunk):
        await trunks.dial(trunk(), "+15550100777", "v=0")


async def test_the_other_sites_own_address_gets_no_password_of_ours() -> None:
    """The secret is the carrier's; and whoever answers there must be told who really calls."""
    dialled: list[tuple[str, dict[str, Any]]] = []

    class Line:
        port = 5062

        async def dial(self, uri: str, **told: Any) -> Any:
            dialled.append((uri, told))
            raise ValueError("far enough")

    trunks, own = Trunks(dict), trunk(secret=b"carrier's", options={"user": "centre"})
    trunks.agent = Line()  # type: ignore[assignment]  # all that is asked of it
    said = (("P-Asserted-Identity", "<sip:+15550100123@b.example>"),)
    for number in ("sip:112@b.example:8002", "+15550100555"):
        with pytest.raises(NoTrunk):
            await trunks.dial(own, number, "v=0", headers=said)
    (there, to_there), (outside, to_outside) = dialled
    assert there == "sip:112@b.example:8002" and to_there["credentials"] is None
    assert to_there["headers"] == said
    assert outside.startswith("sip:+15550100555@trunk.example.org") and to_outside["credentials"] is not None
