"""What people set about calls: ports, trunks, and what they are told when it cannot be."""

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents_ui.cli import main
from agents_ui.commands.voice import listen
from config.account_check import endpoint_problem
from config.problems import PlanWrong
from config.settings import SettingsWrong, read_settings
from router.run.ground import usable_sip_port
from router.run.voice.places import listeners_of, note_ports, socket_path
from router.run.voice.telephones import Trunks
from tests.voice.exchange import ACCOUNTS, Exchange, plan_with_calls
from tests.web.fronts import settings_for


def test_ports_of_sound_are_a_range() -> None:
    """A firewall wants to know them."""
    assert read_settings({"MUSTER_MEDIA_PORTS": "40000-40999"}).media_ports == (40_000, 40_999)
    assert read_settings({}).media_ports == (0, 0)


@pytest.mark.parametrize("text", ["40000", "40999-40000", "80-90", "a-b", "40000-70000", "-", "1-2-3"])
def test_a_range_that_is_none_is_refused_with_an_example(text: str) -> None:
    """One line that says what to type."""
    with pytest.raises(SettingsWrong, match="MUSTER_MEDIA_PORTS=40000-40999"):
        read_settings({"MUSTER_MEDIA_PORTS": text})


@pytest.mark.parametrize(
    "endpoint", ["sip:trunk.example.org", "sip:198.51.100.7:5080", "sip:[2001:db8::5]:5060;transport=tcp"]
)
def test_a_trunk_has_an_address(endpoint: str) -> None:
    """As its provider writes it."""
    assert endpoint_problem(endpoint) == ""


@pytest.mark.parametrize("endpoint", ["sip:", "sip:+1555@trunk.example.org", "sip:a b", "sip:host:99999999"])
def test_an_address_that_is_none_is_refused(endpoint: str) -> None:
    """Before the first call fails by it."""
    assert "sip:trunk.example.org:5060" in endpoint_problem(endpoint)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('upstream = "127.0.0.1", ', "", "upstream"),
        ('recording = "announced"', 'recording = "secretly"', "off, announced, on"),
        ("sip:127.0.0.1:5999", "https://trunk.example.org", "sip:trunk.example.org"),
        ('provider = "sip"', 'provider = "sms"', "sms"),
    ],
)
def test_a_plan_with_a_wrong_trunk_is_refused(old: str, new: str, what: str) -> None:
    """All of it at once, each with its line."""
    with pytest.raises(PlanWrong, match=what):
        plan_with_calls(ACCOUNTS.replace(old, new, 1))


def test_the_port_of_calls_is_free_for_both_transports(data_dir: Path) -> None:
    """A trunk sends by UDP, and by TCP what is too long for it."""
    settings = replace(settings_for(data_dir), sip_port=0)
    port = usable_sip_port(settings)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", port))
        with pytest.raises(SettingsWrong, match="MUSTER_SIP_PORT="):
            usable_sip_port(replace(settings, sip_port=port))


async def test_a_port_that_is_taken_is_told_in_one_line(exchange: Exchange) -> None:
    """People read what to type, and no traceback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        settings = replace(exchange.settings, sip_port=taken.getsockname()[1])
        with pytest.raises(SettingsWrong, match="MUSTER_SIP_PORT=0"):
            await listen(settings, exchange.role, Trunks(dict))


def test_the_socket_of_the_door_is_ours_alone(data_dir: Path) -> None:
    """Whoever may knock can listen to calls."""
    path = socket_path(data_dir)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    deep = data_dir / ("d" * 90)
    deep.mkdir()
    short = socket_path(deep)
    assert len(bytes(short)) <= 100 and short == socket_path(deep)
    assert short.parent.stat().st_mode & 0o777 == 0o700
    short.parent.rmdir()


def test_a_process_that_runs_alone_adds_where_it_is_found(data_dir: Path) -> None:
    """Others wrote ports.json before, and stay in it."""
    (data_dir / "ports.json").write_text('{"web": {"port": 8000}}', encoding="utf-8")
    note_ports(data_dir, voice=data_dir / "run" / "voice.sock", host="127.0.0.1", sip_port=5060)
    text = (data_dir / "ports.json").read_text(encoding="utf-8")
    assert '"web"' in text and '"sip"' in text and "voice.sock" in text
    assert "sip" not in listeners_of(voice=data_dir, host="", sip_port=0)


async def test_a_trunk_that_asks_is_told_when_calls_cannot_be_kept(
    exchange: Exchange, monkeypatch: Any
) -> None:
    """It sends them elsewhere before the first one is refused."""
    from router.journal.committer import NotCommitted
    from tests.voice.test_waiting import Failing

    assert exchange.board.well
    monkeypatch.setattr(exchange.committer, "append", Failing(exchange, NotCommitted("gone"), 1))
    phone = exchange.ring()
    await exchange.until(lambda: phone.said == ["503"], "refused")
    assert not exchange.board.well
    await exchange.until(lambda: exchange.board.well, "and told when they can be again")


HELD = """
[[accounts]]
id = "calls"
channel = "voice"
provider = "twilio-voice"
address = "+15551230199"
secret = "calls"
[accounts.options]
account_sid = "AC1"
sip_account = "trunk"
sip_address = "sip.example.org:5060"
languages = "en,es"
emergency_number = "+15550100999"
"""


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('sip_account = "trunk"\n', "", "sip_account"),
        ('sip_account = "trunk"', 'sip_account = "page"', "there are trunk"),
        ('languages = "en,es"', 'languages = "en,tlh"', "tlh"),
        ('"+15550100999"', '"police"', "no number to call"),
        ('"sip.example.org:5060"', '"sip:sip.example.org"', "sip.example.org:5060"),
        ('secret = "calls"\n', "", "needs a secret"),
    ],
)
def test_a_plan_with_a_wrong_account_that_holds_calls_is_refused(old: str, new: str, what: str) -> None:
    """A caller who cannot be connected finds out too late."""
    plan_with_calls(ACCOUNTS + HELD)
    with pytest.raises(PlanWrong, match=what):
        plan_with_calls(ACCOUNTS + HELD.replace(old, new, 1))


def test_the_words_for_the_day_when_everything_is_down_are_the_plans(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Printed from the plan alone: no database, no other process, nothing of ours in it."""
    notice = (
        '\n[[notices]]\nkind = "calls-down"\nlanguage = "en"\ntext = "Flood: go up."\n'
        '\n[[notices]]\nkind = "calls-down"\nlanguage = "es"\ntext = "Suba."\n'
    )
    plan = tmp_path / "plan.toml"
    plan.write_text(plan_with_calls(ACCOUNTS + HELD + notice).text)
    assert main(["voice", "fallback", "--plan", str(plan)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("Flood: go up. Call 1 5 5 5 0") == 2 and printed.count("Suba. Llame al 1 5 5") == 2
    assert "<Dial>+15550100999</Dial>" in printed and "hooks" not in printed
    assert main(["voice", "fallback", "none", "--plan", str(plan)]) == 2
    assert "there are: calls" in capsys.readouterr().err
    assert main(["voice", "fallback", "--plan", str(tmp_path / "no.toml")]) == 2
