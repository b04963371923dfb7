"""A telephone's side over real sockets on this machine. Time passes when the test says so."""

import asyncio
import random
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from router.channels.sdp import read_sdp
from router.run.media.frame import Frame
from router.run.media.g711 import alaw, ulaw
from router.run.media.leg import BadSdp
from router.run.media.ports import NoPorts, reachable_address, udp_pair, udp_socket
from router.run.media.rtp import Stream, read_rtp
from router.run.media.rtp_leg import LOST_S, RtpLeg
from tests.media.sound import joined, level_of, loudest_hz, tone

pytestmark = pytest.mark.system
GUARD_S = 20.0


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
async def pair() -> AsyncIterator[tuple[RtpLeg, RtpLeg]]:
    """A telephone that called, and our leg that answered it."""
    phone, leg = RtpLeg.open("127.0.0.1"), RtpLeg.open("127.0.0.1")
    leg.accept(phone.local_sdp("offer"))
    phone.accept(leg.local_sdp("answer"))
    yield phone, leg
    await phone.close()
    await leg.close()


class Phone:
    """A bare socket: says exactly what a test wants, from where it wants."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.socket = udp_socket(address)
        self.stream = Stream(ssrc=random.getrandbits(32), sequence=0, timestamp=0)

    def sdp(
        self, *, address: str = "127.0.0.1", port: int = 0, more: str = "", formats: str = "0 101"
    ) -> str:
        """Its offer."""
        port = port or self.socket.getsockname()[1]
        return (
            f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {formats}\r\na=rtpmap:101 telephone-event/8000\r\n{more}"
        )

    def say(self, leg: RtpLeg, payload: bytes = b"\x00" * 160, *, kind: int = 0, timestamp: int = -1) -> None:
        """One packet."""
        self.socket.sendto(self.stream.packet(kind, payload, timestamp=timestamp), ("127.0.0.1", leg.port))
        self.stream.advance(160)

    def heard(self) -> bytes:
        """What came first; empty when nothing did."""
        try:
            return self.socket.recv(2_048)
        except BlockingIOError:
            return b""


async def until(condition: Callable[[], object]) -> None:
    """Let the sockets be read until this is so."""
    deadline = time.monotonic() + GUARD_S
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.001)


async def drained(*legs: RtpLeg) -> None:
    """Everything that was sent was read: on loopback it is there at once, the event loop takes it next."""
    for _ in range(5):
        await asyncio.sleep(0)


async def said_and_heard(sender: RtpLeg, receiver: RtpLeg, frames: list[Frame]) -> list[Frame | None]:
    """Frame by frame from one to the other."""
    out = []
    for frame in frames:
        sender.play(frame)
        await drained(receiver)
        out.append(receiver.next_frame())
    return out


@pytest.mark.parametrize("formats", ["0 8", "8 0", "8"])
async def test_a_tone_is_heard_in_both_laws(formats: str):
    """The far end chooses the law, by what it names first."""
    phone, leg = Phone(), RtpLeg.open("127.0.0.1")
    leg.accept(phone.sdp(formats=formats))
    law, kind = (alaw(), 8) if formats.startswith("8") else (ulaw(), 0)
    said = []
    for frame in tone(440, frames=20):
        leg.play(frame)
        packet = read_rtp(phone.heard())
        assert packet is not None
        assert packet.payload_type == kind
        said.append(law.decode(packet.payload))
    assert loudest_hz(joined(said)) == pytest.approx(440, abs=5)
    heard = []
    for frame in tone(1_000, frames=20):
        phone.say(leg, law.encode(frame), kind=kind)
        await drained(leg)
        heard.append(leg.next_frame())
    assert loudest_hz(joined(heard[2:])) == pytest.approx(1_000, abs=5)
    await leg.close()
    phone.socket.close()


async def test_a_call_between_two_legs_is_heard_as_it_was_said(pair: tuple[RtpLeg, RtpLeg]):
    """The path of every trunk call, both ways at once."""
    phone, leg = pair
    flowing = []
    leg.on_flowing = lambda: flowing.append(True)
    heard = await said_and_heard(phone, leg, tone(700, frames=30))
    back = await said_and_heard(leg, phone, tone(300, frames=30))
    assert level_of(joined(heard[5:25]), 700) == pytest.approx(8_000, rel=0.1)
    assert level_of(joined(back[5:25]), 300) == pytest.approx(8_000, rel=0.1)
    assert flowing == [True]


async def test_keys_are_pressed_both_ways_once_each(pair: tuple[RtpLeg, RtpLeg]):
    """A menu behind us hears what the agent presses; we hear what a silent caller presses."""
    phone, leg = pair
    pressed, told = [], []
    leg.on_digits, phone.on_digits = pressed.append, told.append
    phone.send_digits("55")
    leg.send_digits("1#")
    for _ in range(25):
        phone.play(None)
        leg.play(None)
        await drained(leg, phone)
        leg.next_frame()
        phone.next_frame()
    assert (pressed, told) == (["5", "5"], ["1", "#"])


async def test_a_side_without_events_gets_the_tones():
    """Then the keys are part of the sound."""
    phone, leg = Phone(), RtpLeg.open("127.0.0.1")
    leg.accept(phone.sdp(formats="0").replace("a=rtpmap:101 telephone-event/8000\r\n", ""))
    leg.send_digits("1")
    sound = []
    for _ in range(5):
        leg.play(None)
        packet = read_rtp(phone.heard())
        assert packet is not None
        sound.append(ulaw().decode(packet.payload))
    assert level_of(joined(sound), 697) > 4_000
    assert level_of(joined(sound), 1_209) > 4_000
    await leg.close()
    phone.socket.close()


async def test_a_key_said_by_event_and_by_info_counts_once(pair: tuple[RtpLeg, RtpLeg]):
    """Some gateways do both; a code typed twice is a wrong code."""
    phone, leg = pair
    pressed: list[str] = []
    leg.on_digits = pressed.append
    phone.send_digits("7")
    for _ in range(12):
        phone.play(None)
        await drained(leg)
    leg.take_info("application/dtmf-relay", b"Signal=7\r\n")
    assert pressed == ["7"]


async def test_keys_by_info_alone_are_heard(pair: tuple[RtpLeg, RtpLeg]):
    """Old trunks know nothing else."""
    _, leg = pair
    pressed: list[str] = []
    leg.on_digits = pressed.append
    leg.take_info("application/dtmf", b"7")
    leg.take_info("application/dtmf", b"7")
    assert pressed == ["7", "7"]


async def test_only_the_signalled_address_is_heard():
    """Who sprays packets over our ports is not put through to an agent, and gets no conversation."""
    phone, stranger, leg = Phone(), Phone("127.0.0.2"), RtpLeg.open("127.0.0.1")
    leg.accept(phone.sdp())
    stranger.say(leg)
    phone.say(leg)
    await until(lambda: leg.flowing)
    stranger.say(leg)
    leg.play(None)
    assert phone.heard()
    assert not stranger.heard()
    assert leg._reception is not None
    assert leg._reception.received == 1
    await close(leg, phone, stranger)


async def test_another_port_of_their_address_is_heard_until_the_right_one_speaks():
    """Some gateways send from elsewhere than they listen; nobody else of that machine may come between."""
    phone, other, third, leg = Phone(), Phone(), Phone(), RtpLeg.open("127.0.0.1")
    leg.accept(phone.sdp())
    other.say(leg)
    await until(lambda: leg._reception is not None and leg._reception.ssrc == other.stream.ssrc)
    third.say(leg)
    phone.say(leg)
    await until(lambda: leg._reception is not None and leg._reception.ssrc == phone.stream.ssrc)
    other.say(leg)
    third.say(leg)
    phone.say(leg)
    await until(lambda: leg._reception is not None and leg._reception.received == 2)
    leg.play(None)
    assert phone.heard()
    assert not other.heard()
    await close(leg, phone, other, third)


async def test_latching_takes_the_first_source_and_never_another():
    """Behind a router nobody knows its address before it sends; afterwards nobody else may be it."""
    phone, stranger = Phone("127.0.0.3"), Phone("127.0.0.4")
    leg = RtpLeg.open("127.0.0.1", latch=True)
    leg.accept(phone.sdp(address="10.255.255.1", port=9_999))
    phone.say(leg)
    await until(lambda: leg.flowing)
    stranger.say(leg)
    leg.play(None)
    assert phone.heard()
    assert not stranger.heard()
    leg.accept(phone.sdp(address="10.255.255.1", port=9_998))
    stranger.say(leg)
    phone.say(leg)
    await until(lambda: leg._reception is not None and leg._reception.received == 2)
    assert leg._reception is not None
    assert leg._reception.ssrc == phone.stream.ssrc
    await close(leg, phone, stranger)


async def test_nothing_is_heard_before_anything_was_signalled():
    """A port is open from the moment it is offered; who is meant by it is known later."""
    phone, leg = Phone(), RtpLeg.open("127.0.0.1")
    phone.say(leg)
    await drained(leg)
    assert not leg.flowing
    leg.accept(phone.sdp())
    phone.say(leg)
    await until(lambda: leg.flowing)
    await close(leg, phone)


async def test_a_call_that_moves_is_followed():
    """A re-INVITE names another address: the old one is nobody from then on."""
    phone, moved, leg = Phone(), Phone("127.0.0.5"), RtpLeg.open("127.0.0.1")
    leg.accept(phone.sdp())
    phone.say(leg)
    await until(lambda: leg.flowing)
    leg.accept(moved.sdp(address="127.0.0.5"))
    phone.say(leg)
    moved.say(leg)
    await until(lambda: leg._reception is not None and leg._reception.ssrc == moved.stream.ssrc)
    leg.play(None)
    assert moved.heard()
    assert not phone.heard()
    await close(leg, phone, moved)


async def test_another_source_on_the_same_address_begins_anew():
    """A transferred call has another device behind the same gateway: other counts, and keys of its own."""
    phone, leg = Phone(), RtpLeg.open("127.0.0.1")
    leg.accept(phone.sdp())
    for frame in tone(440, frames=5):
        phone.say(leg, ulaw().encode(frame))
    await until(lambda: leg._reception is not None and leg._reception.received == 5)
    phone.stream = Stream(ssrc=1, sequence=40_000, timestamp=3_000_000_000)
    heard = []
    for frame in tone(1_000, frames=10):
        phone.say(leg, ulaw().encode(frame))
        await drained(leg)
        heard.append(leg.next_frame())
    assert loudest_hz(joined(heard[3:])) == pytest.approx(1_000, abs=10)
    await close(leg, phone)


async def test_comfort_noise_and_unknown_formats_are_no_sound():
    """Read as G.711 they are a loud crack in the agent's ear."""
    phone, leg = Phone(), RtpLeg.open("127.0.0.1")
    leg.accept(phone.sdp())
    phone.say(leg, ulaw().encode(tone(440, frames=1)[0]))
    for kind in (13, 19, 3, 96, 127):
        phone.say(leg, b"\x00" * 160, kind=kind)
    await until(lambda: leg._reception is not None and leg._reception.received == 6)
    heard = joined([leg.next_frame() for _ in range(9)])
    assert np.abs(heard).max() < 9_000
    await close(leg, phone)


@pytest.mark.parametrize("more", ["a=sendonly\r\n", "a=inactive\r\n"])
async def test_a_call_that_they_hold_is_sent_nothing(more: str):
    """They play their own music to somebody; our agent must not be heard in it."""
    phone, leg = Phone(), RtpLeg.open("127.0.0.1")
    leg.accept(phone.sdp(more=more))
    leg.play(tone(440, frames=1)[0])
    assert not phone.heard()
    assert ("a=recvonly" if "sendonly" in more else "a=inactive") in leg.local_sdp("answer")
    leg.accept(phone.sdp())
    leg.play(tone(440, frames=1)[0])
    assert phone.heard()
    await close(leg, phone)


async def test_a_side_that_sends_nothing_for_long_is_lost_and_said_so_once():
    """A hang-up whose BYE never came: the line is not held for ever."""
    clock, lost = Clock(), []
    leg, phone = RtpLeg.open("127.0.0.1", now=clock), Phone()
    leg.on_lost = lambda: lost.append(clock.s)
    leg.accept(phone.sdp())
    clock.s = LOST_S - 1
    phone.say(leg)
    await until(lambda: leg.flowing)
    clock.s += LOST_S - 1
    leg.next_frame()
    assert lost == []
    clock.s += 2
    leg.next_frame()
    leg.next_frame()
    assert lost == [clock.s]
    await close(leg, phone)


async def test_a_side_on_hold_may_be_silent_for_ever():
    """They said that they send nothing."""
    clock, lost = Clock(), []
    leg, phone = RtpLeg.open("127.0.0.1", now=clock), Phone()
    leg.on_lost = lambda: lost.append(clock.s)
    leg.accept(phone.sdp(more="a=recvonly\r\n"))
    clock.s = 10 * LOST_S
    leg.next_frame()
    assert lost == []
    await close(leg, phone)


async def test_reports_are_sent_and_keep_the_line_alive():
    """Every five seconds or less; a sender that leaves out silence is alive by its own."""
    clock = Clock()
    leg, phone = RtpLeg.open("127.0.0.1", now=clock), Phone()
    rtp, rtcp = udp_pair("127.0.0.1")
    leg.accept(phone.sdp(port=rtp.getsockname()[1]))
    clock.s = LOST_S
    rtcp.sendto(struct.pack("!BBHI", 0x80, 201, 1, 5), ("127.0.0.1", leg.port + 1))
    await until(lambda: leg._heard_at == LOST_S)
    for _ in range(250):
        leg.play(None)
    assert rtcp.recv(2_048)[1] == 200
    await close(leg, phone)
    rtp.close()
    rtcp.close()


async def test_real_time_text_goes_both_ways():
    """Deaf callers type; each letter is there at once."""
    phone, leg = RtpLeg.open("127.0.0.1"), RtpLeg.open("127.0.0.1")
    text = udp_socket("127.0.0.1")
    offer = phone.local_sdp("offer") + (
        f"m=text {text.getsockname()[1]} RTP/AVP 100 98\r\na=rtpmap:98 t140/1000\r\n"
        "a=rtpmap:100 red/1000\r\na=fmtp:100 98/98/98\r\n"
    )
    typed: list[str] = []
    leg.on_text = typed.append
    leg.accept(offer)
    answer = read_sdp(leg.local_sdp("answer")).first("text")
    assert answer is not None
    stream = Stream(ssrc=9, sequence=5, timestamp=0)
    for letter in "fire":
        text.sendto(stream.packet(98, letter.encode()), ("127.0.0.1", answer.port))
    await until(lambda: len(typed) == 4)
    assert "".join(typed) == "fire"
    leg.send_text("help is coming")
    for _ in range(40):
        leg.play(None)
    packet = read_rtp(text.recv(2_048))
    assert packet is not None
    assert packet.payload_type == 100
    assert packet.payload.endswith(b"help is coming")
    assert leg.has_text
    await phone.close()
    await leg.close()
    text.close()


async def test_the_version_of_our_description_changes_with_it_and_only_then(pair: tuple[RtpLeg, RtpLeg]):
    """RFC 3264, 8: by the o-line others see whether anything changed at all."""
    phone, leg = pair
    first = leg.local_sdp("answer")
    assert leg.local_sdp("answer") == first
    leg.accept(phone.local_sdp("offer").replace("a=sendrecv", "a=sendonly"))
    version = [read_sdp(each).origin.split()[2] for each in (first, leg.local_sdp("answer"))]
    assert int(version[1]) == int(version[0]) + 1


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "v=0\r\n",
        "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 18\r\n",
        "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 0 RTP/AVP 0\r\n",
        "v=0\r\nm=audio 4000 RTP/AVP 0\r\n",
        "v=0\r\nc=IN IP4 some.host.example\r\nm=audio 4000 RTP/AVP 0\r\n",
        "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/SAVP 0\r\n",
        "v=0\r\nc=IN IP4 127.0.0.1\r\nm=video 4000 RTP/AVP 96\r\n",
    ],
)
async def test_a_description_that_we_cannot_speak_is_refused(sdp: str):
    """It is answered with 488 while the caller can still be sent elsewhere, and changes nothing."""
    leg = RtpLeg.open("127.0.0.1")
    with pytest.raises(BadSdp):
        leg.accept(sdp)
    with pytest.raises(BadSdp):
        leg.local_sdp("answer")
    await leg.close()


async def test_ports_are_of_the_range_and_free_again_after_the_call():
    """A firewall lets only these through; a port that is never given back is a call that fails next week."""
    low = _free_range(8)
    legs = []
    with pytest.raises(NoPorts):
        while True:
            legs.append(RtpLeg.open("127.0.0.1", (low, low + 7)))
    assert sorted(each.port for each in legs) == [low, low + 2, low + 4, low + 6]
    for each in legs:
        await each.close()
        await each.close()
    again = RtpLeg.open("127.0.0.1", (low, low + 7))
    assert low <= again.port < low + 8
    await again.close()


async def test_a_closed_leg_does_nothing_more(pair: tuple[RtpLeg, RtpLeg]):
    """A beat may still come after the call has ended."""
    _, leg = pair
    await leg.close()
    leg.play(tone(440, frames=1)[0])
    assert leg.next_frame() is None


async def test_an_address_in_front_of_us_is_named_though_it_is_not_ours():
    """Behind a router that forwards ports, others are told its address; we listen on all of ours."""
    leg = RtpLeg.open("192.0.2.77")
    assert "c=IN IP4 192.0.2.77" in leg.local_sdp("offer")
    assert leg._rtp._socket.getsockname()[0] == "0.0.0.0"
    await leg.close()


def test_all_addresses_and_names_become_one_that_others_can_reach():
    """0.0.0.0 in a description means hold (RFC 3264), and localhost is somebody else there."""
    assert reachable_address("127.0.0.1") == "127.0.0.1"
    assert reachable_address("localhost") == "127.0.0.1"
    assert reachable_address("192.0.2.5") == "192.0.2.5"
    assert socket.inet_aton(reachable_address("0.0.0.0")) != bytes(4)


def _free_range(length: int) -> int:
    """The lowest of some even ports that are free now."""
    while True:
        low = random.randrange(20_000, 30_000, 2)
        try:
            sockets = [udp_socket("127.0.0.1", (port, port)) for port in range(low, low + length)]
        except NoPorts:
            continue
        for each in sockets:
            each.close()
        return low


async def close(leg: RtpLeg, *phones: Phone) -> None:
    """All of them."""
    await leg.close()
    for each in phones:
        each.socket.close()
