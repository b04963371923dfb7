"""What is sent when a plain answer is not possible, and who wants no more: as providers publish it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agents_ui.hooks.wishes import KeepWishes
from config.providers import PROVIDERS as PLANNED
from router.channels import meta, telegram, twilio_sms, whatsapp
from router.channels.messenger import INSTAGRAM, MESSENGER, Pages
from router.channels.port import HttpReply, Outgoing, Template, Webhook, Wish
from router.channels.providers import PROVIDERS
from tests.contracts.line import Line
from tests.contracts.messenger import Messenger
from tests.contracts.plays import Plays, receive
from tests.contracts.telegram import Telegram
from tests.contracts.whatsapp import WhatsApp, body_of
from tests.desk.small_site import running_site

OUTGOING = Outgoing(outbox_id="out-1", attempt=1, to_address="+15557654321", text="We are coming.")


def answer(status: int, **told: object) -> HttpReply:
    return HttpReply(status=status, headers={}, body=json.dumps(told).encode())


def test_a_template_is_asked_for_as_meta_has_published_it():
    """name, language and the body's values in order; the words themselves stay with us."""
    template = Template(name="still_need_help", language="es_MX", values=("el sótano", "Calle 2 🔥"))
    request = whatsapp.request_of(replace(OUTGOING, template=template), WhatsApp().account)
    told = json.loads(request.body)
    assert told["type"] == "template"
    assert told["template"] == {
        "name": "still_need_help",
        "language": {"code": "es_MX"},
        "components": [
            {
                "type": "body",
                "parameters": [{"type": "text", "text": "el sótano"}, {"type": "text", "text": "Calle 2 🔥"}],
            }
        ],
    }
    assert "text" not in told and told["biz_opaque_callback_data"] == "out-1"
    assert told["to"] == "15557654321"


def test_a_template_without_places_has_no_components():
    """Meta refuses parameters where the template has none (132000)."""
    request = whatsapp.request_of(
        replace(OUTGOING, template=Template(name="hello", language="en")), WhatsApp().account
    )
    assert json.loads(request.body)["template"] == {"name": "hello", "language": {"code": "en"}}


@pytest.mark.parametrize("pages", [MESSENGER, INSTAGRAM], ids=["messenger", "instagram"])
def test_a_late_answer_of_a_person_bears_metas_tag(pages: Pages):
    """RESPONSE would be refused after a day; the tag is for people alone, and only when it is needed."""
    account = Messenger(pages.product).account
    late = json.loads(pages.request_of(replace(OUTGOING, late=True), account).body)
    assert (late["messaging_type"], late["tag"]) == ("MESSAGE_TAG", "HUMAN_AGENT")
    soon = json.loads(pages.request_of(OUTGOING, account).body)
    assert soon["messaging_type"] == "RESPONSE" and "tag" not in soon


def test_who_opted_out_at_the_provider_is_known_by_its_answer():
    """Twilio's 21610, and somebody who blocked the bot; another refusal says nothing of the sort."""
    assert twilio_sms.outcome_of(answer(400, code=21610)).opted_out
    assert not twilio_sms.outcome_of(answer(400, code=21211)).opted_out
    blocked = answer(403, ok=False, error_code=403, description="Forbidden: bot was blocked by the user")
    assert telegram.outcome_of(blocked).opted_out
    kicked = answer(403, ok=False, error_code=403, description="Forbidden: bot was kicked from the group")
    assert not telegram.outcome_of(kicked).opted_out


def test_who_asks_for_less_at_a_time_is_heard():
    """429 by Twilio and Meta; one recipient's own rate is no reason to slow down for all."""
    assert twilio_sms.outcome_of(answer(429, code=20429)).too_much
    assert not twilio_sms.outcome_of(answer(500)).too_much
    assert whatsapp.outcome_of(answer(400, error={"code": 130429})).too_much
    assert not whatsapp.outcome_of(answer(400, error={"code": 131056})).too_much
    assert not whatsapp.outcome_of(answer(400, error={"code": 131000})).too_much
    assert meta.outcome(answer(429), product="x", sent=("id",), codes=whatsapp.CODES).too_much


@pytest.mark.parametrize(
    ("kin", "consent"), [("STOP", "stop"), ("START", "start"), ("HELP", "help"), ("X", "")]
)
def test_what_twilio_took_a_word_for_is_told(kin: str, consent: str):
    """Its Advanced Opt-Out knows words that we do not: what it did is what counts."""
    assert twilio_sms.shown(f"Body=Basta+ya&From=%2B15557654321&OptOutType={kin}".encode()).consent == consent


def _wish(webhook: Webhook, plays: Plays) -> tuple[Wish, ...]:
    received = receive(plays, webhook)
    assert received.contacts == () and received.receipts == ()
    return received.wishes


def test_who_ends_marketing_in_whatsapp_is_heard():
    """Its webhook user_preferences: about mass messages, and never about answers."""
    plays = WhatsApp()
    told = {"wa_id": "15557654321", "detail": "…", "category": "marketing_messages", "value": "stop"}
    for value, out in (("stop", True), ("resume", False)):
        body = body_of({"user_preferences": [{**told, "value": value}]}, field="user_preferences")
        (wish,) = _wish(plays.over(body), plays)
        assert (wish.address_kind, wish.address, wish.out) == ("phone", "+15557654321", out)
        assert wish.categories == ("bulk",)
    strange = body_of({"user_preferences": [{**told, "value": "maybe"}, 7, {}]}, field="user_preferences")
    assert _wish(plays.over(strange), plays) == ()


def test_who_blocks_a_bot_or_an_account_is_heard():
    """Telegram's my_chat_member of a private chat, LINE's unfollow; a group is nobody's wish."""
    plays = Telegram()
    chat = {"id": 279058397, "type": "private"}
    for status, out in (("kicked", True), ("member", False)):
        told = {"update_id": 1, "my_chat_member": {"chat": chat, "new_chat_member": {"status": status}}}
        (wish,) = _wish(plays.over(json.dumps(told).encode()), plays)
        assert (wish.address_kind, wish.address, wish.out) == ("telegram:bot", "279058397", out)
    group = {"update_id": 1, "my_chat_member": {"chat": {**chat, "type": "group"}, "new_chat_member": {}}}
    assert _wish(plays.over(json.dumps(group).encode()), plays) == ()
    line = Line()
    for kind, out in (("unfollow", True), ("follow", False)):
        event = {"type": kind, "source": {"type": "user", "userId": "U1"}, "timestamp": 1}
        (wish,) = _wish(line.over(json.dumps({"events": [event]}).encode()), line)
        assert (wish.address, wish.out) == ("U1", out)


async def test_a_wish_is_a_fact_once_and_only_of_somebody_known(data_dir: Path):
    """Told again it is no news; whom nobody here knows, nobody writes to."""
    async with running_site(data_dir) as site:
        interaction_id = await site.texts("+15557654321", "help")
        account = replace(WhatsApp().account, account_id="main", channel="sms")
        known = Wish(address_kind="phone", address="+15557654321", out=True, categories=("bulk",))
        stranger = replace(known, address="+15550009999")
        for wishes in ((known, stranger), (known,), (replace(known, out=False),)):
            await site.committer.append(KeepWishes(account=account, wishes=wishes))
        rows = [(ref, json.loads(data)["state"]) for ref, data in site.rows("consent_changed")]
        assert rows == [(interaction_id, "out"), (interaction_id, "in")]


def test_the_plan_believes_of_a_provider_what_its_module_says():
    """fallback_after_ms is refused where nobody ever says that a message was delivered."""
    for name, provider in PROVIDERS.items():
        assert not PLANNED[name].tells_delivery or provider.can.receipts, name
    assert {name for name, planned in PLANNED.items() if planned.templates} == {"whatsapp"}
    assert {name for name, provider in PROVIDERS.items() if provider.can.own_opt_out} == {"twilio"}
