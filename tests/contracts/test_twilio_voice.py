"""Calls that Twilio holds: who is believed, what its network is told to do, what we ask of its API."""

import base64
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Dial, VoiceResponse

from config.words import SPOKEN
from router.channels import twilio_voice, twiml
from router.channels.port import CallNews, HeldCall, HttpReply, NotAuthentic, Webhook
from router.channels.showing import says_the_same, shown_of
from router.channels.spoken import WORDS
from tests.contracts.plays import Flipped
from tests.contracts.twilio import SID, TOKEN
from tests.contracts.twilio_voice import CALL, HOOK, NUMBER, PERSON, TwilioVoice

PLAYS = TwilioVoice()
WAITS = HeldCall(state="waiting", position=3, languages=("en",))


def news_of(webhook: Webhook, plays: TwilioVoice = PLAYS) -> CallNews:
    news = twilio_voice.receive(webhook, plays.account).call
    assert news is not None
    return news


def verbs(webhook: Webhook, held: HeldCall = WAITS, plays: TwilioVoice = PLAYS) -> list[ElementTree.Element]:
    """What it is told to do."""
    told = twilio_voice.told(news_of(webhook, plays), held, plays.account)
    assert (told.status, told.media_type) == (200, "text/xml")
    return list(ElementTree.fromstring(told.body))


def names(found: list[ElementTree.Element]) -> list[str]:
    return [each.tag for each in found]


def test_a_call_is_one_contact_of_whoever_calls():
    """Known by its own id whichever webhook speaks of it; it joins nothing."""
    for webhook in (
        PLAYS.arrives(),
        PLAYS.asks(),
        PLAYS.left("hangup"),
        PLAYS.returned(),
        PLAYS.status("busy"),
    ):
        contact = news_of(webhook).contact
        assert (contact.provider_id, contact.address_kind, contact.address) == (CALL, "phone", PERSON)
        assert (contact.verified, contact.linked, contact.joins) == (True, True, False)
        assert contact.body == webhook.body
        assert twilio_voice.provider_id_in(contact.body) == CALL
    assert len(twilio_voice.receive(PLAYS.arrives(), PLAYS.account).contacts) == 1
    assert twilio_voice.receive(PLAYS.asks(), PLAYS.account).contacts == ()


@pytest.mark.parametrize("webhook", [PLAYS.arrives(), PLAYS.asks(told=3), PLAYS.status("completed")])
def test_one_flipped_bit_at_any_place_is_not_genuine(webhook: Webhook):
    """Whoever can change one bit can hang up somebody else's call. What says the same may pass."""
    flipped, passed = Flipped(webhook.body), 0
    for position in flipped.positions:
        try:
            received = twilio_voice.receive(replace(webhook, body=flipped.at(position)), PLAYS.account)
        except NotAuthentic:
            continue
        passed += 1
        assert received.call is not None
        assert replace(received.call.contact, body=b"") == replace(news_of(webhook).contact, body=b"")
    assert passed < len(flipped.positions) // 50
    proof = Flipped(webhook.headers["x-twilio-signature"].encode())
    for position in proof.positions:
        wrong = {**webhook.headers, "x-twilio-signature": proof.at(position).decode("latin-1")}
        with pytest.raises(NotAuthentic):
            twilio_voice.receive(replace(webhook, headers=wrong), PLAYS.account)


def test_a_request_for_one_address_opens_no_other():
    """A place in line that was asked for is no hang-up, and what another account signed is nobody's."""
    webhook = PLAYS.asks(told=2)
    others = [{"path": ""}, {"path": "status"}, {"path": "held"}, {"query": ""}, {"query": "told=1&turn=0"}]
    for wrong in others:
        with pytest.raises(NotAuthentic):
            twilio_voice.receive(replace(webhook, **wrong), PLAYS.account)  # type: ignore[arg-type]
    for account in (
        replace(PLAYS.account, secret=TOKEN[::-1]),
        replace(PLAYS.account, public_url="https://help.example.org/hooks/other"),
    ):
        with pytest.raises(NotAuthentic):
            twilio_voice.receive(webhook, account)
    for method in ("GET", "HEAD", "PUT"):
        with pytest.raises(NotAuthentic):
            twilio_voice.receive(replace(webhook, method=method), PLAYS.account)
    with pytest.raises(NotAuthentic, match="500 fields"):
        twilio_voice.receive(PLAYS.over(b"a&" * 600), PLAYS.account)


@given(
    others=st.dictionaries(
        st.text(alphabet="ABCabc", min_size=1, max_size=6), st.text(max_size=10), max_size=6
    )
)
def test_what_twilio_adds_without_notice_is_signed_as_well(others: dict[str, str]):
    """Its own library signs, with fields that nobody knows yet."""
    webhook = PLAYS.arrives()
    fields = [*parse_qsl(webhook.body.decode(), keep_blank_values=True)]
    fields += [(f"New{name}", value) for name, value in others.items() if _plain(value)]
    proof = RequestValidator(TOKEN.decode()).compute_signature(HOOK, MultiDict(fields))
    asked = replace(webhook, body=urlencode(fields).encode(), headers={"x-twilio-signature": proof})
    assert news_of(asked).contact.provider_id == CALL


def _plain(value: str) -> bool:
    return value.encode("utf-8", "replace").decode() == value


@given(
    body=st.binary(max_size=300), path=st.sampled_from(["", "wait", "queue-left", "returned", "status", "x"])
)
def test_garbage_makes_no_mistake(body: bytes, path: str):
    """Signed or not, whatever stands there: it is refused, or it can be kept, shown and answered."""
    with pytest.raises(NotAuthentic):
        twilio_voice.receive(replace(PLAYS.over(body, path=path), headers={}), PLAYS.account)
    received = twilio_voice.receive(PLAYS.over(body, path=path), PLAYS.account)
    if received.call is not None:
        assert received.call.contact.provider_id
        assert shown_of(twilio_voice.media_type, body).notice
        ElementTree.fromstring(twilio_voice.told(received.call, WAITS, PLAYS.account).body)


def test_two_bodies_about_one_call_are_the_same_call():
    """A repeat says why the first one failed, and the call has moved on in between: it is one interaction."""
    one, again = PLAYS.arrives(), PLAYS.arrives(ErrorCode="11200", ErrorUrl=HOOK)
    assert one.body != again.body
    assert says_the_same(twilio_voice.media_type, one.body, again.body)


@pytest.mark.parametrize(
    ("number", "address", "linked"),
    [
        ("+266696687", "", False),
        ("Anonymous", "", False),
        ("", "", False),
        ("+15550000000", "+15550000000", False),  # a switchboard, says the plan
        ("+19115551234", "+19115551234", False),  # a telephone without a number
        ("+15557650000", "+15557650000", True),
        ("9115551234", "9115551234", False),
        ("sip:somebody@example.org", "sip:somebody@example.org", False),
        ("client:anna", "client:anna", False),
    ],
)
def test_what_is_nobodys_own_number_is_never_linked(number: str, address: str, linked: bool):
    """Behind a withheld number are many people."""
    contact = news_of(PLAYS.arrives(number=number)).contact
    assert (contact.address, contact.linked) == (address, linked)


@pytest.mark.parametrize(
    ("verdict", "verified", "words"),
    [
        ("TN-Validation-Passed-A", True, "has checked"),
        ("TN-Validation-Passed-B", True, ""),
        ("TN-Validation-Failed-A", False, "may be false"),
        ("No-TN-Validation", True, ""),
    ],
)
def test_what_the_network_found_of_the_number_is_told(verdict: str, verified: bool, words: str):
    """A number that failed its check is claimed, and links to nobody."""
    webhook = PLAYS.arrives(StirVerstat=verdict)
    assert news_of(webhook).contact.verified == verified
    assert words in shown_of(twilio_voice.media_type, webhook.body).notice


def test_people_read_who_calls():
    """The agent sees the number, the name and who passed it on, never the raw fields."""
    body = PLAYS.arrives(CallerName="MILL ROAD 7", ForwardedFrom="+15550001111").body
    notice = shown_of(twilio_voice.media_type, body).notice
    for words in (PERSON, "MILL ROAD 7", NUMBER, "+15550001111"):
        assert words in notice
    assert "withheld" in shown_of(twilio_voice.media_type, PLAYS.arrives(number="anonymous").body).notice


def test_who_arrives_is_greeted_and_waits_in_a_queue():
    """In the languages that are known, with what is recorded said before it is."""
    held = HeldCall(languages=("en", "es"), recorded=True)
    english, spanish, queue = verbs(PLAYS.arrives(), held)
    assert (english.get("language"), spanish.get("language")) == ("en-US", "es-US")
    assert WORDS["en"].recorded in str(english.text) and WORDS["es"].recorded in str(spanish.text)
    assert queue.attrib == {
        "waitUrl": f"{HOOK}/wait",
        "waitUrlMethod": "POST",
        "action": f"{HOOK}/queue-left",
        "method": "POST",
    }
    (said, _) = verbs(PLAYS.arrives(), HeldCall())
    assert WORDS["en"].recorded not in str(said.text)


def test_a_place_in_line_is_told_when_it_changes_and_is_looked_at_again_soon():
    """Nobody has to remember what each caller has heard: it stands in the address that is asked next."""
    said, pause, again = verbs(PLAYS.asks())
    assert said.text == "You are number 3 in line."
    assert int(pause.get("length", "0")) <= 5
    asked = parse_qs(str(again.text).partition("?")[2])
    assert str(again.text).startswith(f"{HOOK}/wait?") and asked == {"told": ["3"], "turn": ["0"]}
    assert names(verbs(PLAYS.asks(told=3))) == ["Pause", "Redirect"]
    said, *_ = verbs(PLAYS.asks(told=3), replace(WAITS, position=1))
    assert said.text == WORDS["en"].first
    said, *_ = verbs(PLAYS.asks(told=3, turn=twiml.SAY_AGAIN))
    assert said.text == WORDS["en"].stay
    assert names(verbs(PLAYS.asks(told=3), replace(WAITS, position=0))) == ["Pause", "Redirect"]


def test_nothing_but_what_a_queue_may_play_is_played_in_it():
    """Anything else ends the waiting with an error (13238)."""
    for held in (WAITS, replace(WAITS, state="connected"), replace(WAITS, position=0)):
        assert set(names(verbs(PLAYS.asks(), held))) <= {"Say", "Play", "Pause", "Redirect"}


def test_a_full_or_broken_queue_of_theirs_loses_nobody():
    """The caller waits without one, by the same words."""
    for result in ("queue-full", "error", "system-error", "leave"):
        found = verbs(PLAYS.left(result))
        assert names(found)[-1] == "Redirect" and str(found[-1].text).startswith(f"{HOOK}/held?")
    webhook = PLAYS.says("held", CALL, query="told=3&turn=1", CallStatus="in-progress")
    assert str(verbs(webhook)[-1].text).startswith(f"{HOOK}/held?")


@pytest.mark.parametrize(
    "result", ["redirected", "bridged", "bridging-in-process", "redirected-from-bridged"]
)
def test_who_is_on_the_way_to_an_agent_is_not_put_back(result: str):
    """Should their network listen to this answer at all, it asks again in a second."""
    assert names(verbs(PLAYS.left(result))) == ["Pause", "Redirect"]


def test_who_comes_back_from_an_agent_goes_on_where_the_call_stands():
    """Over: it ends. Not known yet: asked again in a second. Without an agent: waits at the old place."""
    assert names(verbs(PLAYS.returned(), replace(WAITS, state="ended"))) == ["Hangup"]
    assert names(verbs(PLAYS.returned(), replace(WAITS, state="connected"))) == ["Pause", "Redirect"]
    assert names(verbs(PLAYS.returned("failed"))) == ["Enqueue"]
    assert names(verbs(PLAYS.returned(status="completed"))) == ["Hangup"]
    assert names(verbs(PLAYS.left("hangup"))) == ["Hangup"]


@pytest.mark.parametrize(
    ("status", "live"),
    [
        *((each, True) for each in ("queued", "initiated", "ringing", "in-progress", "something new")),
        *((each, False) for each in ("completed", "busy", "failed", "no-answer", "canceled", "Completed")),
    ],
)
def test_a_status_says_whether_the_caller_is_there(status: str, live: bool):
    """In whatever order they come: only the end counts, and it is the end."""
    assert news_of(PLAYS.status(status, SequenceNumber="9")).live == live


def test_kinds_that_nobody_knows_and_our_own_legs_are_acknowledged():
    """A recording at the provider, and the leg by which it calls us, are nobody's call for help."""
    unknown = [
        PLAYS.says("recording", CALL, RecordingUrl="https://api.twilio.com/x", RecordingStatus="completed"),
        PLAYS.says("something-new", CALL),
        PLAYS.status("completed", "CA9", Direction="outbound-dial", ParentCallSid=CALL),
        PLAYS.over(b"", path="status"),
    ]
    for webhook in unknown:
        received = twilio_voice.receive(webhook, PLAYS.account)
        assert (received.call, received.contacts, received.answer.status) == (None, (), 200)


def test_a_caller_is_connected_by_one_order_that_twilios_own_library_would_write():
    """Address and header as its documentation has them, and where the caller goes when it fails."""
    uri = "sip:+15550100911@198.51.100.7:5060?X-Muster-Interaction=a.b.c&X-Other=1"
    request = twilio_voice.connect_request(CALL, uri, PLAYS.account)
    assert request.url == f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Calls/{CALL}.json"
    assert request.method == "POST"
    proof = base64.b64decode(request.headers["authorization"].removeprefix("Basic "))
    assert proof == SID.encode() + b":" + TOKEN
    (document,) = parse_qs(request.body.decode())["Twiml"]
    expected = VoiceResponse()
    dial = Dial(timeout=twiml.DIAL_S, time_limit=twiml.DAY_S, action=f"{HOOK}/returned", method="POST")
    dial.sip(uri)
    expected.append(dial)
    assert _canonical(document) == _canonical(str(expected))
    assert len(document) < 4_000


def _canonical(document: str) -> str:
    return ElementTree.canonicalize(document)


def test_orders_go_to_the_accounts_own_address_and_to_nobody_elses_call():
    """The credentials stay with the API, whatever a caller's network has written for an id."""
    elsewhere = TwilioVoice(endpoint="http://127.0.0.1:9/").account
    for request in (
        twilio_voice.connect_request(CALL, "sip:a@b", elsewhere),
        twilio_voice.hang_up_request(CALL, elsewhere),
        twilio_voice.look_request(CALL, elsewhere),
    ):
        assert request.url == f"http://127.0.0.1:9/2010-04-01/Accounts/{SID}/Calls/{CALL}.json"
        assert TOKEN.decode() not in request.url
    hostile = twilio_voice.hang_up_request("../Messages/x?y=\r\n#", PLAYS.account)
    assert hostile.url.endswith("/Calls/Messagesxy.json")
    assert parse_qs(hostile.body.decode()) == {"Status": ["completed"]}


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b'{"sid": "CA1", "status": "in-progress"}', "done"),
        (200, b'{"sid": "CA1", "status": "completed"}', "gone"),
        (200, b"<html>", "unsure"),
        (400, b'{"code": 21220, "status": 400}', "gone"),
        (400, b'{"code": 21205}', "refused"),
        (404, b'{"code": 20404}', "refused"),
        (401, b"", "refused"),
        (429, b'{"code": 20429}', "refused"),
        (500, b"", "unsure"),
        (302, b"", "unsure"),
    ],
)
def test_answers_of_the_api_mean_what_they_say(status: int, body: bytes, outcome: str):
    """A caller is taken for gone only when it says so."""
    assert twilio_voice.order_outcome(HttpReply(status=status, headers={}, body=body)) == outcome


@given(status=st.integers(100, 599), body=st.binary(max_size=60))
def test_no_answer_of_the_api_is_too_strange(status: int, body: bytes):
    """Nobody is hung up because something else answered."""
    outcome = twilio_voice.order_outcome(HttpReply(status=status, headers={}, body=body))
    assert outcome in ("done", "gone", "refused", "unsure")
    assert outcome not in ("done", "gone") or b"status" in body or b"code" in body


def test_every_language_has_words_and_a_voice():
    """One without a voice would be silence to somebody who is afraid."""
    assert set(WORDS) == set(SPOKEN) == set(twiml.VOICES)
    for language in SPOKEN:
        held = HeldCall(languages=(language,), position=7, recorded=True)
        for webhook in (PLAYS.arrives(), PLAYS.asks(), PLAYS.asks(told=7, turn=9)):
            said = verbs(webhook, held)[0]
            assert said.tag == "Say" and said.get("voice") and str(said.text).strip()
        assert "7" in str(verbs(PLAYS.asks(), held)[0].text)


def test_the_last_resort_says_the_plans_words_twice_and_calls_a_whole_number():
    """It stands at the provider for the day when everything here is down: it needs nothing of ours."""
    document = twiml.emergency(["en", "es"], {"en": "Flood & fire: go up <now>\x07."}, "+15550100999")
    found = list(ElementTree.fromstring(document))
    assert names(found) == ["Say", "Say", "Pause", "Say", "Say", "Dial"]
    assert "Flood & fire: go up <now>" in str(found[0].text) and "Call 1 5 5 5 0 1" in str(found[0].text)
    assert WORDS["es"].down in str(found[1].text)
    assert found[-1].text == "+15550100999"
    assert names(list(ElementTree.fromstring(twiml.emergency(["en"], {}, "112")))) == ["Say", "Pause", "Say"]
    assert HOOK not in document
