"""Webhooks of the social channels and partners, at a whole web process: on disk, read, repeated, answered."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from config.plan_file import parse_plan
from router.channels.port import Webhook
from router.channels.showing import shown_of
from router.journal.verify import verify
from router.run.plan_activation import ActivatePlan
from tests.contracts.line import Line
from tests.contracts.messenger import Messenger
from tests.contracts.partner import Partner
from tests.contracts.plays import Plays, Said
from tests.contracts.telegram import Telegram
from tests.contracts.viber import Viber
from tests.contracts.whatsapp import OUR_ID, WhatsApp, body_of, value_of
from tests.web.sites import WITHIN_S, Site

PLAYED: list[Plays] = [
    WhatsApp("wa"),
    Messenger("messenger", "page"),
    Messenger("instagram", "insta"),
    Telegram("bot"),
    Line("friends"),
    Partner("mill"),
    Viber(),
]
every = pytest.mark.parametrize("plays", PLAYED, ids=lambda plays: plays.name)


def _account(plays: Plays) -> str:
    account = plays.account
    options = f'options = {{ phone_number_id = "{OUR_ID}" }}\n' if plays.name == "whatsapp" else ""
    return (
        f'\n[[accounts]]\nid = "{account.account_id}"\nchannel = "{account.channel}"\n'
        f'provider = "{account.provider}"\naddress = "{account.address}"\nsecret = "{account.account_id}"\n'
        f"{options}"
    )


@dataclass
class Social:
    """A site with an account of every social provider, and its providers towards it."""

    site: Site

    def __post_init__(self) -> None:
        folder = self.site.data_dir / "secrets"
        folder.mkdir()
        for plays in PLAYED:
            account = plays.account
            (folder / account.account_id).write_bytes(account.secret)
            for what, secret in account.secrets.items():
                (folder / f"{account.account_id}-{what}").write_bytes(secret)
        plan = parse_plan(self.site.plan.text + "".join(map(_account, PLAYED)))
        self.site.committer.submit(ActivatePlan(plan=plan, by="test")).result(10)
        web = self.site.webs[0]
        self.site.eventually(lambda: any(each.account_id == "wa" for each in web.parts.plan().accounts))

    def brings(self, plays: Plays, webhook: Webhook) -> tuple[int, bytes]:
        """The status and the body of what the provider is told. A clock that is right signs for now."""
        if isinstance(plays, Partner):
            webhook = plays.over(webhook.body, at_s=int(time.time()))
        address = f"http://127.0.0.1:{self.site.port}/hooks/{plays.account.account_id}"
        address += f"?{webhook.query}" if webhook.query else ""
        body = webhook.body if webhook.method == "POST" else None
        request = urllib.request.Request(
            address, data=body, headers=dict(webhook.headers), method=webhook.method
        )
        try:
            with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    def messages(self) -> list[tuple[str, str]]:
        """(interaction, words) of everything that was said, in order."""
        rows = self.site.rows(
            "SELECT m.interaction_id, c.media_type, c.body FROM message m JOIN content c"
            " ON c.content_id = m.content_id ORDER BY m.seq"
        )
        return [(row[0], shown_of(row[1], bytes(row[2])).text) for row in rows]


@pytest.fixture
def social(site: Site) -> Iterator[Social]:
    running = Social(site)
    yield running
    with site.database.reading() as db:
        assert verify(db).problems == []


@every
def test_what_somebody_writes_is_on_disk_read_and_kept_once(social: Social, plays: Plays) -> None:
    """The same path for every provider: acknowledged, one message, its urgency by the plan's rules."""
    webhook = plays.message(Said(provider_id="77", text="Fire 🔥 at the mill, we are trapped"))
    for _ in range(3):
        status, _ = social.brings(plays, webhook)
        assert status == 200
    ((interaction_id, text),) = social.messages()
    assert text == "Fire 🔥 at the mill, we are trapped"
    (read,) = social.site.eventually(
        lambda: social.site.rows("SELECT ref, data FROM journal WHERE kind = 'read'"), "somebody read it"
    )
    assert read[0] == interaction_id
    told = json.loads(read[1])
    assert (told["urgency"], told["reading"]) == (1, "read")
    ((channel, account, thread),) = social.site.rows("SELECT channel, account, thread FROM interaction")
    assert (channel, account) == (plays.account.channel, plays.account.account_id)
    assert thread, "what this person says next joins"
    journal = "".join(
        row[0] for row in social.site.rows("SELECT data FROM journal WHERE kind <> 'plan_activated'")
    )
    assert "mill, we" not in journal and plays.account.secret.decode() not in journal


@every
def test_what_is_not_genuine_leaves_nothing_and_is_told_why(social: Social, plays: Plays) -> None:
    """Whoever sets up a webhook reads in the answer what is wrong with it."""
    webhook = plays.message()
    forged = Webhook(
        method="POST",
        path="",
        query="",
        headers={"content-type": "application/json", plays.proof: "forged"},
        body=webhook.body,
        received_at_ms=0,
    )
    address = f"http://127.0.0.1:{social.site.port}/hooks/{plays.account.account_id}"
    request = urllib.request.Request(address, data=forged.body, headers=dict(forged.headers), method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=WITHIN_S)
    with refused.value as answer:
        assert answer.code == 403
        assert answer.read().startswith(b"Refused: ")
    assert social.messages() == []


def test_a_batch_of_many_people_with_one_bad_item_is_kept_whole(social: Social) -> None:
    """Each is a conversation of its own; the bad one is somebody's as well."""
    plays = WhatsApp("wa")
    said = [Said(provider_id=f"id-{n}", sender=f"1555000{n:04}", text=f"word {n}") for n in range(20)]
    status, _ = social.brings(plays, plays.spoiled(*said))
    assert status == 200
    messages = social.messages()
    assert sorted(text for _, text in messages) == sorted(["5", *(each.text for each in said)])
    assert len({interaction for interaction, _ in messages}) == 21
    assert social.site.rows("SELECT count(*) FROM identity") == [(20,)]


def test_a_pin_a_voice_message_and_a_reaction_are_no_silence(social: Social) -> None:
    """Nobody who sends their place is taken for somebody who cannot speak; files are there to be fetched."""
    plays = WhatsApp("wa")
    messages = [
        {"from": "15551", "id": "pin", "type": "location", "location": {"latitude": 1, "longitude": 2}},
        {"from": "15552222222", "id": "voice", "type": "audio", "audio": {"id": "31", "voice": True}},
        {"from": "15553333333", "id": "thanks", "type": "reaction", "reaction": {"emoji": "👍"}},
    ]
    status, _ = social.brings(plays, plays.over(body_of(value_of(*messages))))
    assert status == 200
    read = social.site.eventually(
        lambda: len(found := social.site.rows("SELECT data FROM journal WHERE kind = 'read'")) == 3 and found
    )
    assert [json.loads(row[0])["rule_id"] for row in read] == ["channel"] * 3
    ((wanted,),) = social.site.rows(
        "SELECT c.body FROM part p JOIN content c ON c.content_id = p.content_id WHERE p.kind = 'wanted'"
    )
    assert bytes(wanted) == b"whatsapp:31"


def test_meta_asks_whether_the_address_is_ours(social: Social) -> None:
    """By GET, before anything else comes; whoever does not know the token learns nothing."""
    plays = WhatsApp("wa")
    asks = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
    ask = Webhook(method="GET", path="", query="", headers={}, body=b"", received_at_ms=0)
    right = social.brings(plays, replace(ask, query=f"{asks}we+are+the+centre"))
    assert right == (200, b"1158201444")
    status, body = social.brings(plays, replace(ask, query=f"{asks}guess"))
    assert (status, b"1158201444" in body) == (403, False)


def test_a_partner_is_told_what_to_mend_and_nothing_is_lost(social: Social) -> None:
    """A badly built sensor may see a real fire."""
    plays = Partner("mill")
    status, body = social.brings(plays, plays.over(b'{"kind": "report", "id": "1", "text": 7}'))
    assert status == 202
    assert "at `$.text`" in json.loads(body)["problems"][0]
    assert [text for _, text in social.messages()] == ['{"kind": "report", "id": "1", "text": 7}']


def test_a_person_on_whatsapp_is_who_texts_from_that_number(social: Social) -> None:
    """Their number is checked by WhatsApp, so their history is one."""
    wa, bot = WhatsApp("wa"), Telegram("bot")
    social.brings(wa, wa.message(Said(sender="15557654321")))
    social.brings(bot, bot.message(Said(sender="15557654321")))
    found = social.site.rows("SELECT kind, address FROM address ORDER BY kind")
    assert found == [("phone", "+15557654321"), ("telegram:bot", "15557654321")]
    assert len(social.site.rows("SELECT DISTINCT customer_id FROM interaction")) == 2
