"""What is sent when a plain answer is not possible, and who wants no more: as providers publish it."""

import json
from dataclasses import replace

import pytest

from router.channels import meta, telegram, twilio_sms, whatsapp
from router.channels.messenger import INSTAGRAM, MESSENGER, Pages
from router.channels.port import HttpReply, Outgoing, Template
from tests.contracts.messenger import Messenger
from tests.contracts.whatsapp import WhatsApp

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
