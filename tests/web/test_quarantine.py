"""Requests that were refused: kept apart within limits, and kept as contacts once the secret is right."""

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest

from agents_ui.hooks import accounts, genuine, quarantine
from agents_ui.hooks.quarantine import Quarantine, Refused, quarantined, refused_since
from router.channels.port import Webhook
from router.journal.verify import verify
from tests.contracts.plays import Said
from tests.contracts.twilio import TOKEN, Twilio, fields_of
from tests.web.sites import Site
from tests.web.test_hooks_killed import KilledWeb
from tests.web.texts import Texts

pytestmark = pytest.mark.system

MINUTE_MS = 60_000


def request(number: int, *, account: str = "line", peer: str = "10.0.0.1", body: bytes = b"") -> Refused:
    webhook = Webhook(
        method="POST",
        path="",
        query="",
        headers={"x-twilio-signature": "forged"},
        body=body or b"text %d" % number,
        received_at_ms=1_000_000 + number,
    )
    return Refused(account=account, peer=peer, reason="the signature is of another body", webhook=webhook)


def filled(site: Site, refused: list[Refused]) -> list[bytes]:
    """What is in quarantine after these came."""

    async def put() -> None:
        kept = Quarantine(site.database)
        for start in range(0, len(refused), 10):
            await asyncio.gather(*(kept.put(each) for each in refused[start : start + 10]))

    asyncio.run(put())
    rows = site.rows("SELECT body FROM quarantine ORDER BY received_at_ms")
    return [bytes(body) for (body,) in rows]


@pytest.fixture
def site(data_dir: Path) -> Iterator[Site]:
    made = Site(data_dir)
    yield made
    made.stop()


def test_what_is_refused_is_counted_and_kept_apart(site: Site) -> None:
    """Nothing of it is believed: no interaction, no words on any page."""
    Texts(site)
    body = urlencode(fields_of(Said(provider_id="SM1", text="fire"))).encode()
    headers = {"x-twilio-signature": "AAAA", "content-type": "application/x-www-form-urlencoded"}
    for _ in range(2):
        assert post(site.port, body, headers) == 403
    with site.database.reading() as db:
        (found,) = quarantined(db)
        assert refused_since(db, 0) == {"line": 2}
    assert (found["account"], found["count"]) == ("line", 1), "the same request again takes no second place"
    assert site.rows("SELECT count(*) FROM interaction") == [(0,)]


def test_a_flood_from_a_thousand_networks_does_not_push_out_the_provider(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The secret is wrong and somebody floods us: calls for help must be there when it is right again."""
    monkeypatch.setattr(quarantine, "ROWS_MAX", 20)
    own, helps = request(0, peer="198.51.100.7"), [request(n, peer="198.51.100.9") for n in range(1, 6)]
    moved = request(6, peer="203.0.113.5")

    async def put() -> list[bytes]:
        kept = Quarantine(site.database)
        kept.genuine("line", own.peer, own.webhook)
        for each in (*helps, moved):
            await kept.put(each)
        other = Quarantine(site.database)  # another web process, which has seen nothing genuine
        flood = [
            replace(
                request(100 + n, peer=f"10.{n // 200}.{n % 200}.1"),
                webhook=replace(request(100 + n).webhook, headers={"x-flood": "1"}),
            )
            for n in range(60)
        ]
        for start in range(0, len(flood), 20):
            await asyncio.gather(*(other.put(each) for each in flood[start : start + 20]))
        return [bytes(row[0]) for row in site.rows("SELECT body FROM quarantine ORDER BY received_at_ms")]

    found = asyncio.run(put())
    assert len(found) == 20
    assert found[:6] == [each.webhook.body for each in (*helps, moved)]


def test_what_genuine_requests_had_is_remembered_within_limits(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Networks come and go; the newest are the provider's."""
    monkeypatch.setattr(genuine, "MARKS_MAX", 3)

    async def put() -> None:
        kept = Quarantine(site.database)
        for number in range(6):
            seen = request(number, peer=f"10.0.{number}.1")
            kept.genuine("line", seen.peer, seen.webhook)
        await kept.put(request(9))

    asyncio.run(put())
    marks = [
        mark for (mark,) in site.rows("SELECT mark FROM genuine WHERE account = 'line' ORDER BY at_ms, mark")
    ]
    assert len(marks) == 3
    assert marks[-1] == "network/10.0.5.0/24"


def post(port: int, body: bytes, headers: dict[str, str], account: str = "line") -> int:
    sent = urllib.request.Request(
        f"http://127.0.0.1:{port}/hooks/{account}", data=body, headers=headers, method="POST"
    )
    try:
        with urllib.request.urlopen(sent, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def test_a_flood_pushes_out_itself_and_not_the_others(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends garbage all day must not make the few real ones be forgotten."""
    monkeypatch.setattr(quarantine, "ROWS_MAX", 6)
    real = [request(number, peer="192.0.2.7") for number in range(3)]
    flood = [request(100 + number, peer=f"10.0.0.{number}") for number in range(20)]
    kept = filled(site, real + flood)
    assert len(kept) == 6
    assert {b"text 0", b"text 1", b"text 2"} <= set(kept)
    assert b"text 119" in kept


def test_bytes_have_a_limit_as_well(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an account; others keep theirs."""
    monkeypatch.setattr(quarantine, "BYTES_MAX", 1_000)
    monkeypatch.setattr(quarantine, "BODY_MAX", 600)
    large = [request(number, body=b"%03d" % number + b"x" * 400) for number in range(5)]
    kept = filled(site, [*large, request(9, body=b"y" * 700), request(10, account="second")])
    assert sum(len(body) for body in kept if body != b"text 10") <= 1_000
    assert b"text 10" in kept and b"y" * 700 not in kept
    with site.database.reading() as db:
        assert refused_since(db, 0) == {"line": 6, "second": 1}, "what is not kept is counted all the same"


def test_the_right_secret_counts_without_a_restart(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever mends a secret in the middle of an emergency has no time to find out what to restart."""
    monkeypatch.setattr(accounts, "RENEW_S", 0.0)
    texts = Texts(site)
    assert texts.says("before", provider_id="SM1") < 300
    secret = site.data_dir / "secrets" / "line-token"
    other = Twilio("line", texts.plays().account.public_url)
    fresh = b"drawn anew at the provider"
    body = urlencode(fields_of(Said(provider_id="SM2", text="after"))).encode()
    signed = signed_by(other, fresh, body)
    assert texts.post(signed, "line") == 403
    secret.write_bytes(fresh)
    assert texts.post(signed, "line") < 300
    assert len(site.rows("SELECT 1 FROM message WHERE direction = 'in'")) == 2


def signed_by(plays: Twilio, secret: bytes, body: bytes) -> Webhook:
    """The request with another auth token behind its signature."""
    from dataclasses import replace

    plays.account = replace(plays.account, secret=secret)
    return plays.over(body)


def run(web: KilledWeb, act: str, *, kill_after_s: float | None = None) -> tuple[int, str]:
    """`muster hooks quarantine …` with the right secret; killed on the way where that is wanted."""
    environ = {**web.environ, "MUSTER_SECRET_LINE_TOKEN": TOKEN.decode()}
    command = [sys.executable, "-m", "agents_ui.cli", "hooks", "quarantine", act]
    process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=subprocess.PIPE, text=True)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        process.kill()
    told, _ = process.communicate(timeout=60)
    return process.returncode, told


def refused_text(web: KilledWeb, number: int) -> str:
    """One text, tried until it is answered: refused, because the web has the wrong secret."""
    plays = Twilio("line", f"http://127.0.0.1:{web.port}/hooks/line")
    said = Said(provider_id=f"SM{number}", sender=f"+1555300{number:04}", text=f"text {number}")
    webhook = plays.over(urlencode(fields_of(said)).encode())
    until = time.monotonic() + 60
    while True:
        try:
            assert post(web.port, webhook.body, dict(webhook.headers)) == 403
            return said.text
        except OSError:
            assert time.monotonic() < until, "the web does not come back"
            time.sleep(0.05)


def test_no_refused_text_is_lost_or_doubled_by_kill_9(data_dir: Path) -> None:
    """Refused with the wrong secret, the web killed; then replayed with the right one, killed as well."""
    web = KilledWeb(data_dir, secret="wrong")
    try:
        with ThreadPoolExecutor(12) as senders:
            half = [senders.submit(refused_text, web, number) for number in range(30)]
            wait(half, return_when=FIRST_COMPLETED)
            web.kill()
            rest = [senders.submit(refused_text, web, number) for number in range(30, 60)]
        refused = [each.result() for each in half + rest]
        with web.database.reading() as db:
            (found,) = quarantined(db)
            assert found["count"] == len(refused), "what was answered 403 is on disk"
            assert db.rows("SELECT 1 FROM interaction") == []
        code, told = run(web, "list")
        assert (code, told.split()[:2]) == (0, ["line", "60"])
        run(web, "replay", kill_after_s=1.2)
        code, told = run(web, "replay")
        assert code == 0, told
        assert run(web, "list") == (0, "nothing is in quarantine\n")
        with web.database.reading() as db:
            kept = db.rows(
                "SELECT c.body FROM message m JOIN content c ON c.content_id = m.content_id"
                " WHERE m.direction = 'in'"
            )
            assert quarantined(db) == []
            acts = [
                json.loads(row[0])
                for row in db.rows("SELECT data FROM journal WHERE kind = :k", k="quarantine_replayed")
            ]
        assert len(kept) == len(refused) == 60
        with web.database.reading() as db:
            assert verify(db).problems == []
        assert acts and acts[-1]["refused"] == 0
    finally:
        web.stop()
