"""Session descriptions: offers of every kind of trunk, and our answers to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.channels.sdp import (
    AUDIO,
    KEYS,
    PCMA,
    PCMU,
    RED,
    T140,
    TEXT,
    LocalStream,
    SdpWrong,
    answer_sdp,
    answered_direction,
    offer_sdp,
    read_sdp,
)

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
OURS = LocalStream(port=4000, codecs=AUDIO)
TYPED = LocalStream(port=4002, codecs=TEXT)


def answer(offer: str, *, text: LocalStream | None = None, direction: str = "sendrecv") -> list[str]:
    """The lines of our answer."""
    audio = LocalStream(port=4000, codecs=AUDIO, direction=direction)
    return answer_sdp(read_sdp(offer), address="10.0.0.1", session_id=9, audio=audio, text=text).split("\r\n")


def test_an_offer_of_ours_can_be_read_and_answered():
    """What we say, somebody like us understands."""
    offer = offer_sdp(address="2001:db8::1", session_id=5, version=2, audio=OURS, text=TYPED)
    said = read_sdp(offer)
    audio, text = said.first("audio"), said.first("text")
    assert audio is not None
    assert text is not None
    assert (audio.port, audio.address, audio.direction, audio.ptime_ms) == (
        4000,
        "2001:db8::1",
        "sendrecv",
        20,
    )
    assert [audio.codec(each) is not None for each in (PCMU, PCMA, KEYS)] == [True] * 3
    assert text.codec(T140) == T140
    assert text.codec(RED) == RED
    assert "c=IN IP6 2001:db8::1" in offer
    assert len(answer(offer, text=TYPED)) == len(offer.split("\r\n"))


def test_payload_numbers_are_theirs_and_order_is_theirs():
    """Some gateways number key presses 96 or 127; to answer 101 would be another language."""
    lines = answer(
        f"{HEAD}m=audio 6000 RTP/AVP 18 8 0 127\r\na=rtpmap:127 Telephone-Event/8000\r\na=fmtp:127 0-16\r\n"
    )
    assert "m=audio 4000 RTP/AVP 8 0 127" in lines
    assert "a=rtpmap:127 Telephone-Event/8000" in lines
    assert "a=fmtp:127 0-15" in lines


def test_every_stream_is_answered_in_its_place():
    """RFC 3264 section 6: an answer with fewer streams is no answer; what we do not know gets port 0."""
    lines = answer(
        f"{HEAD}m=video 5000 RTP/AVP 31\r\nm=audio 6000 RTP/AVP 0\r\nm=audio 6002 RTP/AVP 0\r\n"
        "m=text 7000 RTP/AVP 100 98\r\na=rtpmap:98 t140/1000\r\na=rtpmap:100 red/1000\r\n"
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nm=message 7654 TCP/MSRP *\r\n",
        text=TYPED,
    )
    assert [line for line in lines if line.startswith("m=")] == [
        "m=video 0 RTP/AVP 31",
        "m=audio 4000 RTP/AVP 0",
        "m=audio 0 RTP/AVP 0",
        "m=text 4002 RTP/AVP 100 98",
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        "m=message 0 TCP/MSRP *",
    ]
    assert "a=fmtp:100 98/98/98" in lines


@pytest.mark.parametrize(
    ("theirs", "wanted", "ours"),
    [
        ("sendrecv", "sendrecv", "sendrecv"),
        ("sendonly", "sendrecv", "recvonly"),
        ("recvonly", "sendrecv", "sendonly"),
        ("inactive", "sendrecv", "inactive"),
        ("sendrecv", "sendonly", "sendonly"),
        ("sendonly", "sendonly", "inactive"),
    ],
)
def test_directions_fit_each_other(theirs: str, wanted: str, ours: str):
    """Who is on hold listens, and does not speak into a line that nobody hears."""
    (stream,) = read_sdp(f"{HEAD}m=audio 6000 RTP/AVP 0\r\na={theirs}\r\n").streams
    assert answered_direction(stream, wanted) == ours
    assert f"a={ours}" in answer(f"{HEAD}a={theirs}\r\nm=audio 6000 RTP/AVP 0\r\n", direction=wanted)


def test_the_old_way_to_hold_is_known():
    """Before RFC 3264, address 0.0.0.0 meant that nobody hears."""
    (stream,) = read_sdp(f"{HEAD}m=audio 6000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n").streams
    assert stream.on_hold
    assert answered_direction(stream) == "recvonly"


@pytest.mark.parametrize(
    "media",
    [
        "m=audio 6000 RTP/AVP 18",
        "m=audio 6000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000",
        "m=audio 0 RTP/AVP 0",
        "m=audio 6000 RTP/SAVP 0",
        "m=video 6000 RTP/AVP 0",
        "m=audio",
        "m=\x00\xff",
    ],
)
def test_without_a_sound_in_common_there_is_no_call(media: str):
    """Then 488 is the truth; an answer with no codec would be a silent call."""
    with pytest.raises(SdpWrong):
        answer(f"{HEAD}{media}\r\n")


def test_lines_about_ice_and_keys_are_passed_over():
    """Some gateways send what only browsers need."""
    lines = answer(
        f"{HEAD}a=ice-ufrag:x\r\na=fingerprint:sha-256 00\r\na=group:BUNDLE 0\r\nm=audio 6000 RTP/AVP 0\r\n"
        "a=candidate:1 1 UDP 1 192.0.2.9 9 typ host\r\na=mid:0\r\na=rtcp-mux\r\na=ptime:30\r\n"
    )
    assert [line for line in lines if line.startswith("a=")] == [
        "a=rtpmap:0 PCMU/8000",
        "a=ptime:20",
        "a=sendrecv",
    ]


def test_a_text_without_sdp_is_told_apart():
    """What is no description at all must not look like one without streams."""
    for text in ("", "hello", "v=0\r\n", "\x00" * 100):
        with pytest.raises(SdpWrong):
            read_sdp(text)


@given(st.text(max_size=400), st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str, line: str):
    """It comes from outside: it is a description, or it is not one."""
    for offer in (
        text,
        f"{HEAD}m=audio 6000 RTP/AVP 0\r\n{text}",
        f"{HEAD}m={line}\r\nm=audio 1 RTP/AVP 0\r\n",
    ):
        try:
            said = read_sdp(offer)
            lines = answer_sdp(said, address="10.0.0.1", session_id=1, audio=OURS).split("\r\n")
        except SdpWrong:
            continue
        assert sum(each.startswith("m=") for each in lines) == len(said.streams)
        assert all("\n" not in each and "\r" not in each for each in lines)
