"""A whole centre tries every way in: each probe becomes a contact, is read, placed in line, and ended."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from agents_ui.watch.judgement import ROLE_GONE, SILENCE
from agents_ui.watch.looking import watched_now
from router.channels.probes import CHAT_PAGE, PROBES
from tests.roles.centre import Centre, Journal, running
from tests.roles.redis_process import wait_until

pytestmark = pytest.mark.system

SECRETS = ("", "ACCESS_TOKEN", "VERIFY_TOKEN", "BOT_TOKEN")
WITHIN_S = 40

ADDRESSES = {"twilio": "+15550100911", "whatsapp": "+15550100912"}
OPTIONS = {"twilio": 'account_sid = "AC1"', "whatsapp": 'phone_number_id = "106540352242922"'}


def accounts() -> str:
    """One of every provider with webhooks, and a mailbox."""
    from config.providers import PROVIDERS as PLANNED

    lines = [
        f"""
[[accounts]]
id = "{name}"
channel = "{PLANNED[name].channel}"
provider = "{name}"
address = "{ADDRESSES.get(name, f"our-{name}")}"
secret = "{name}"
options = {{ {OPTIONS.get(name, "")} }}
"""
        for name in sorted(PROBES)
    ]
    mailbox = """
[[accounts]]
id = "mail"
channel = "mail"
provider = "smtp"
address = "help@lowen.example"
secret = "mail"
"""
    return "".join([*lines, mailbox])


def plan_in(folder: Path, *, every_ms: int) -> Path:
    default = (Path(__file__).parents[2] / "config" / "default.toml").read_text(encoding="utf-8")
    text = default.split("[[accounts]]")[0].replace("probe_every_ms = 60_000", f"probe_every_ms = {every_ms}")
    path = folder / "plan.toml"
    path.write_text(text + accounts(), encoding="utf-8")
    return path


def environ() -> dict[str, str]:
    names = [name.upper() for name in (*PROBES, "mail")]
    found = {}
    for name in names:
        for what in SECRETS:
            found[f"MUSTER_SECRET_{name}{'_' + what if what else ''}"] = f"secret-of-{name.lower()}-{what}"
    return found


def through(journal: Journal) -> dict[str, int]:
    """How many probes of each way were placed in line and ended."""
    closed = journal.rows("closed")  # first: whatever ended by now was read and placed before
    probes = {
        row.ref: json.loads(row.data) for row in journal.rows("arrived") if '"traffic":"probe"' in row.data
    }
    read, queued = set(journal.refs("read")), set(journal.refs("queued"))
    found: dict[str, int] = {}
    for row in closed:
        if json.loads(row.data)["why"] == "probe":
            assert row.ref in probes and row.ref in queued and row.ref in read
            way = probes[row.ref]["account"] or CHAT_PAGE
            found[way] = found.get(way, 0) + 1
    return found


def alarms(journal: Journal) -> list[tuple[str, str]]:
    with journal.database.reading() as db:
        return [(row[0], row[1]) for row in db.rows("SELECT code, ref FROM alarm ORDER BY alarm_id")]


def known(journal: Journal) -> dict[str, Any]:
    with journal.database.reading() as db:
        return watched_now(db)


def eventually(look: Callable[[], Any], what: str) -> None:
    wait_until(look, what, within_s=WITHIN_S)


def test_a_probe_comes_through_every_way_and_reaches_nobody(data_dir: Path) -> None:
    """Webhooks of each provider by the front, mail by SMTP, the chat by its socket; with an agent free."""
    plan = plan_in(data_dir, every_ms=1_000)
    with running(data_dir, MUSTER_PLAN=str(plan), **environ()) as centre, centre.journal() as journal:
        journal.signs_in("hannah", web_id="nobody")
        ways = {*PROBES, "mail", CHAT_PAGE}
        eventually(lambda: set(through(journal)) == ways, "one probe of every way")
        told = known(journal)
        assert {way: told[way]["problem"] for way in ways} == dict.fromkeys(ways, "")
        assert all(not told[way]["real_ms"] for way in ways), "no probe is a customer's contact"
        assert journal.rows("offered", "customer_added") == []
        assert [code for code, _ in alarms(journal)] == []
        assert centre.stop() == 0


@pytest.mark.long
def test_a_closed_way_and_a_dead_role_are_told(data_dir: Path) -> None:
    """The role that takes mail stands still: its way is silent, its row runs out. Others are well."""
    plan = plan_in(data_dir, every_ms=1_000)
    with running(data_dir, MUSTER_PLAN=str(plan), **environ()) as centre, centre.journal() as journal:
        eventually(lambda: "mail" in through(journal), "mail comes through")
        with stopped_for_good(centre, "worker"):
            eventually(lambda: (ROLE_GONE, "worker") in alarms(journal), "the worker is missed")
        assert not [each for each in alarms(journal) if each[0] == SILENCE]


@contextmanager
def stopped_for_good(centre: Centre, role: str) -> Iterator[None]:
    """The process stands still: `up` kills it, so it is stopped as often as it is started again."""
    over = threading.Event()

    def again() -> None:
        while not over.wait(0.2):
            with suppress(ProcessLookupError):
                os.kill(centre.pid(role), signal.SIGSTOP)

    stopping = threading.Thread(target=again)
    stopping.start()
    try:
        yield
    finally:
        over.set()
        stopping.join()
