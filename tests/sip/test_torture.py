"""Hostile and broken messages: no call is lost by what stands in it, and nothing stops the listener."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.channels.sip import shown
from router.channels.sip_message import NotSip, SipMessage, parts_of, read_message, written
from router.channels.sip_stream import SipStream, StreamBroken
from router.channels.sip_transaction import Flow
from tests.sip.torture import EVERY, Torture, bytes_of
from tests.sip.world import OURS, PORT, STRANGER, TRUNK, US, Story

TRUNKS = Flow("udp", TRUNK, PORT)


@pytest.mark.parametrize("torture", EVERY, ids=lambda torture: torture.name)
async def test_a_broken_message_becomes_what_can_be_made_of_it(torture: Torture):
    """Promise 7: what our own network brought us becomes a call, or is handed up."""
    story = Story()
    story.us.receive(bytes_of(torture), TRUNKS)
    await story.world.passes(1)
    if torture.becomes == "later":  # They may ask again without it; if not, somebody hears of them.
        assert story.came == []
        await story.world.passes(6)
    calls = [(bool(call.ended), bool(call.problem)) for call in story.came]
    expected = {"rings": [(False, calls[0][1] if calls else None)], "nothing": []}
    assert calls == expected.get(torture.becomes, [(True, True)])
    final = [message.status for message in story.world.said(US, "SIP/2.0") if message.status >= 200]
    assert final[:1] == ([torture.status] if torture.status else [])
    if torture.number:
        assert story.came[0].from_number == torture.number


@pytest.mark.parametrize(
    "torture", [each for each in EVERY if each.becomes == "rings"], ids=lambda each: each.name
)
async def test_whoever_rings_can_be_answered_and_can_hang_up(torture: Torture):
    """A call that rings and cannot be answered would be worse than none."""
    story = Story()
    story.us.receive(bytes_of(torture), TRUNKS)
    (call,) = story.came
    ends: list[str] = []
    call.on_end = ends.append
    call.queued(1)
    answering = call.answer(OURS)
    task = story.sees(answering)
    invite = read_message(bytes_of(torture))
    story.world.timers.after(300, lambda: _say(story, invite, "ACK"))
    await task
    (answer,) = story.world.said(US, "SIP/2.0 200")
    assert answer.body == OURS.encode()
    assert answer.first("call-id") == invite.call_id
    _say(story, invite, "BYE")
    await story.world.passes(1)
    assert ends == ["caller_hung_up"]


def test_a_place_is_found_beside_the_session():
    """Location by value comes in the same body (RFC 6442): one part of it must not hide the other."""
    (torture,) = [each for each in EVERY if each.name == "a place beside the session"]
    kinds = [kind for kind, _ in parts_of(read_message(bytes_of(torture)))]
    assert kinds == ["application/pidf+xml", "application/sdp"]


async def test_a_call_handed_up_twice_would_be_two():
    """A broken INVITE is repeated like every other; it is one call all the same."""
    story = Story()
    (torture,) = [each for each in EVERY if each.name == "no CSeq"]
    for _ in range(7):
        story.us.receive(bytes_of(torture), TRUNKS)
    assert len(story.came) == 1


async def test_who_asks_again_without_it_is_one_call():
    """420 names what we cannot do; the next INVITE of the same caller is the call."""
    story = Story()
    (torture,) = [each for each in EVERY if each.name == "a Require that nobody knows"]
    data = bytes_of(torture)
    story.us.receive(data, TRUNKS)
    again = data.replace(b"Require: nothingSupportsThis\r\nRequire: norThis\r\n", b"")
    again = again.replace(b"CSeq: 7", b"CSeq: 8").replace(b"z9hG4bK-", b"z9hG4bK-2")
    story.us.receive(again, TRUNKS)
    await story.world.passes(10)
    assert [call.ended for call in story.came] == [""]
    (refusal,) = {each.first("unsupported") for each in story.world.said(US, "SIP/2.0 420")}
    assert refusal == "northis, nothingsupportsthis"


async def test_a_stranger_gets_nothing_and_is_counted():
    """Scanners call every address there is; an answer would tell them that somebody is here."""
    story = Story()
    for torture in EVERY:
        story.us.receive(bytes_of(torture), Flow("udp", STRANGER, PORT))
    await story.world.passes(60)
    assert story.came == []
    assert [to for who, to, _ in story.world.sent if who == US] == []
    assert story.us.counts["stranger"] == len(EVERY)
    assert len(story.us.transactions) == 0


@given(st.binary(max_size=3_000))
def test_rubbish_stops_nothing(data: bytes):
    """Whatever a datagram holds, the next one is read."""
    story = Story()
    for begin in (b"", b"INVITE sip:a@b SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n", b"ACK sip:a@b SIP/2.0\r\nVia: "):
        story.us.receive(begin + data, TRUNKS)
    assert shown(data).things == 1


@given(st.data())
def test_a_call_with_any_bytes_in_it_rings_or_is_handed_up(data: st.DataObject):
    """One message, cut and spoiled anywhere: promise 7 for each of its bytes."""
    (torture,) = [each for each in EVERY if each.name == "bytes above 127 in a name"]
    whole = bytearray(bytes_of(torture))
    for _ in range(data.draw(st.integers(0, 8))):
        whole[data.draw(st.integers(40, len(whole) - 1))] = data.draw(st.integers(0, 255))
    story = Story()
    story.us.receive(bytes(whole), TRUNKS)
    assert len(story.came) <= 1
    if story.came:
        assert shown(story.came[0].raw).notice


@given(st.lists(st.sampled_from(EVERY), max_size=6), st.integers(1, 700))
def test_a_stream_is_cut_where_its_messages_end(tortures: list[Torture], step: int):
    """TCP brings messages in pieces of any size."""
    whole = [each for each in tortures if each.name in ("a date in no time zone", "two of everything")]
    stream, found = SipStream(), list[bytes]()
    data = b"".join(bytes_of(each) + b"\r\n\r\n" for each in whole)
    for begin in range(0, len(data), step):
        found += stream.feed(data[begin : begin + step])
    assert found == [bytes_of(each) for each in whole]
    assert stream.pings == len(whole)


@pytest.mark.parametrize(
    "data", [b"x" * 70_000, b"A: b\r\nContent-Length: 70000\r\n\r\n", b"A: b\r\nl: -1\r\n\r\n"]
)
def test_a_stream_that_cannot_be_cut_is_given_up(data: bytes):
    """Where nobody knows where the next message begins, every later one would be wrong."""
    with pytest.raises(StreamBroken):
        SipStream().feed(b"INVITE sip:a@b SIP/2.0\r\n" + data)


@given(st.binary(max_size=300))
def test_what_is_read_and_written_again_is_the_same(body: bytes):
    """Via, From and Call-ID go back as they came, whatever bytes they have."""
    message = SipMessage(
        method="INFO", uri="sip:a@b", headers=(("via", "x"), ("call-id", "\udcff🆘")), body=body
    )
    again = read_message(written(message))
    assert (again.headers[:2], again.body) == (message.headers, body)


@given(st.text(max_size=80))
def test_nobody_writes_a_header_through_a_value(text: str):
    """A line end in a number that somebody typed must not begin a header of its own."""
    message = SipMessage(method="REFER", uri="sip:a@b", headers=(("refer-to", f"x{text}\r\nEvil: 1"),))
    again = read_message(written(message))
    assert [name for name, _ in again.headers] == ["refer-to", "content-length"]


def test_a_binary_file_is_no_message():
    """What is no SIP is told apart from what is broken SIP."""
    with pytest.raises(NotSip):
        read_message(bytes(range(256)) * 256)


def _say(story: Story, invite: SipMessage, method: str) -> None:
    """A request of the caller inside the call."""
    (answer, *_) = story.world.said(US, "SIP/2.0 200")
    number = invite.cseq[0] + (method == "BYE")
    headers = (
        ("via", f"SIP/2.0/UDP {TRUNK};branch=z9hG4bK-{method}"),
        ("from", invite.first("from")),
        ("to", answer.first("to")),
        ("call-id", invite.call_id),
        ("cseq", f"{number} {method}"),
    )
    request = SipMessage(method=method, uri=f"sip:muster@{US}", headers=headers)
    story.us.receive(written(request), TRUNKS)
