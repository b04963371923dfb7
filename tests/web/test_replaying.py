"""What was refused for a wrong secret comes in as it was said: all of it, and in its order."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from agents_ui.hooks import replaying
from agents_ui.hooks.accounts import Hooked
from agents_ui.hooks.keeping import Keeping
from agents_ui.hooks.quarantine import Quarantine, Refused, webhook_in
from agents_ui.hooks.replaying import Replayed, Replaying
from router.channels import twilio_sms
from router.channels.ingest import NOBODY, KeepContact
from router.journal.committer import Committer
from router.journal.database import Database, open_database
from tests.contracts.plays import Said
from tests.contracts.twilio import Twilio, fields_of


@pytest.fixture
def here(data_dir: Path) -> Iterator[Database]:
    found = open_database(f"sqlite:///{data_dir}/hooks.db", unsafe=True)
    found.create_tables()
    yield found
    found.close()


@pytest.fixture
def committer(here: Database) -> Iterator[Committer]:
    found = Committer(here)
    yield found
    found.close()


async def replayed(here: Database, committer: Committer, texts: int) -> Replayed:
    """So many texts of one person were refused, one after the other, and are looked at once more."""
    plays, kept = Twilio(), Quarantine(here)
    for number in range(texts):
        body = urlencode(fields_of(Said(provider_id=f"SM{number}", text=f"text {number}"))).encode()
        webhook = plays.over(body)
        object.__setattr__(webhook, "received_at_ms", 1_000 + number)
        kept._pending.append(  # without the pause between two of its transactions
            (Refused(account="line", peer="p", reason="no", webhook=webhook), _nobody_waits())
        )
    await kept._write_all()
    keeping = Keeping(committer=committer, keeper=lambda: NOBODY, count=lambda *_: None)
    accounts = {"line": Hooked(account=plays.account, provider=twilio_sms, body_bytes_max=1_000_000)}
    return await Replaying(here, keeping, accounts).replay("line", by="ana")


def _nobody_waits() -> "asyncio.Future[bool]":
    return asyncio.get_running_loop().create_future()


def said(here: Database) -> list[str]:
    with here.reading() as db:
        rows = db.rows(
            "SELECT c.body FROM message m JOIN content c ON c.content_id = m.content_id ORDER BY m.seq"
        )
    return [twilio_sms.shown(bytes(body)).text for (body,) in rows]


async def test_what_one_person_said_comes_in_the_order_it_was_said(
    here: Database, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "Do not" and "move him": also where the disk gives the first one later than the second."""

    def slow_at_first(*asked: Any) -> Any:
        found = webhook_in(*asked)
        if found is not None and b"text+0" in found.body:
            time.sleep(0.05)
        return found

    monkeypatch.setattr(replaying, "webhook_in", slow_at_first)
    assert (await replayed(here, committer, 6)).genuine == 6
    assert said(here) == [f"text {number}" for number in range(6)]


async def test_one_that_makes_us_fail_stays_and_stops_no_other(
    here: Database, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 7: what stands behind it is calls for help, and who had them looked at is on record."""
    monkeypatch.setattr(replaying, "TOGETHER", 2)
    write = KeepContact.facts

    def fails_at_one(append: KeepContact, *asked: Any) -> Any:
        if b"text+0" in append._contact.body:
            raise ValueError("our own mistake")
        return write(append, *asked)

    monkeypatch.setattr(KeepContact, "facts", fails_at_one)
    monkeypatch.setattr(KeepContact, "facts_of_all", lambda db, appends, at_ms: [None] * len(appends))
    found = await replayed(here, committer, 5)
    assert (found.genuine, found.refused, found.left) == (4, 0, 1)
    assert said(here) == [f"text {number}" for number in range(1, 5)]
    with here.reading() as db:
        assert db.row("SELECT count(*) FROM quarantine") == (1,)
        assert db.row("SELECT count(*) FROM journal WHERE kind = 'quarantine_replayed'") == (1,)


async def test_what_could_not_be_put_apart_is_not_said_to_be(
    here: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is counted as lost then; and what comes after it is kept."""
    plays, kept = Twilio(), Quarantine(here)
    webhook = plays.message(Said(provider_id="SM1", text="help"))
    refused = Refused(account="line", peer="p", reason="no", webhook=webhook)
    write, broken = kept._write, [True]

    def fails_once(*asked: Any) -> None:
        if broken:
            broken.pop()
            raise ValueError("our own mistake")
        write(*asked)

    monkeypatch.setattr(kept, "_write", fails_once)
    assert not await kept.put(refused)
    assert await kept.put(refused)
