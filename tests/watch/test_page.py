"""The administrator's page and /metrics say what the watch knows; what was refused is looked at again."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from agents_ui.figures import Figures, load_figures
from agents_ui.hooks.quarantine import Quarantine, Refused
from agents_ui.watch.judgement import SIGNATURES, Known, Trouble, Way
from agents_ui.watch.looking import Looker
from config.plan_file import parse_plan
from router.channels.accounts import load_accounts
from router.sites.copy_gaps import SingleCopies
from tests.contracts.plays import Said
from tests.contracts.twilio import TOKEN, Twilio, fields_of
from tests.desk import plans
from tests.desk.small_site import Site, running_site
from tests.web.texts import ACCOUNTS

SMS = """
[[channels]]
id = "sms"
name = "Text message"
queue_id = "first"
urgency = 3
load = 30
max_at_once = 3
offer_ms_urgent = 15_000
offer_ms = 30_000
body_bytes_max = 65_536
message_characters_max = 1_600
attachment_bytes_max = 5_242_880
abandoned_after_ms = 86_400_000
"""


def refused_texts(site: Site, count: int) -> list[Refused]:
    """Genuine texts, as a web process with an old secret sees them."""
    account = next(each for each in site.services.plan().accounts if each.account_id == "line")
    ready = load_accounts(site.services.plan(), site.services.settings)[account.account_id]
    plays = Twilio("line", ready.public_url)
    said = [Said(provider_id=f"SM{number}", text=f"text {number}") for number in range(count)]
    return [
        Refused(
            account="line",
            peer="192.0.2.1",
            reason="the signature is of another body",
            webhook=plays.over(urlencode(fields_of(each)).encode()),
        )
        for each in said
    ]


@pytest.fixture
async def texts(data_dir: Path) -> AsyncIterator[Site]:
    """A site with an account for texts, and its right secret in the folder."""
    (data_dir / "secrets").mkdir()
    (data_dir / "secrets" / "line-token").write_bytes(TOKEN)
    plan = parse_plan(plans.plan().text.replace("[[queues]]", f"{SMS}\n[[queues]]", 1) + ACCOUNTS)
    async with running_site(data_dir, plan=plan) as running:
        yield running


async def test_what_is_wrong_is_on_the_page_and_in_the_metrics(texts: Site) -> None:
    """Also from a process that does not watch itself: it is in the tables."""
    site = texts
    ways = {"line": Way(watched="line", channel="sms", provider="twilio")}
    known = {"line": Known(through_ms=1_000, real_ms=500, probe_ms=2_000, problem="http_403")}
    looker = Looker(site.database, "web/other")
    looker.save(ways, known, [Trouble(SIGNATURES, "line", "7")], behind_ms=1_700_000_000_000)
    reply = await site.ask("GET", "/api/admin/health", token=await site.session("ada"))
    watch = reply.json["watch"]
    assert watch["troubles"] == [{"code": SIGNATURES, "ref": "line", "detail": "7"}]
    (line,) = [each for each in watch["ways"] if each["watched"] == "line"]
    assert (line["through_ms"], line["problem"]) == (1_700_000_001_000, "http_403")
    figures = Figures()
    figures.take(load_figures(site.database, SingleCopies()))
    told = generate_latest(figures.registry).decode()
    assert 'muster_watch_troubles{code="signatures_refused"} 1.0' in told
    assert 'muster_way_probe_taken{way="line"} 0.0' in told
    assert isinstance(figures.registry, CollectorRegistry)


async def test_an_administrator_looks_at_them_once_more(texts: Site) -> None:
    """Kept with the secret of now, once, on record; nobody else may."""
    site = texts
    quarantine = Quarantine(site.database)
    for each in refused_texts(site, 3):
        assert await quarantine.put(each)
    path, body = "/api/admin/quarantine/replay", {"account": "line"}
    assert (await site.ask("POST", path, body, token=await site.session("sue"))).status == 403
    token = await site.session("ada")
    reply = await site.ask("POST", path, body, token=token)
    assert reply.json == {"ok": True, "genuine": 3, "refused": 0, "left": 0}
    assert len(site.rows("arrived")) + len(site.rows("message_added")) == 3
    ((_, act),) = site.rows("quarantine_replayed")
    assert '"agent_id":"ada"' in act and '"genuine":3' in act
    assert (await site.ask("POST", path, body, token=token)).json["genuine"] == 0
    assert (await site.ask("POST", path, {"account": "nobody"}, token=token)).status == 404
