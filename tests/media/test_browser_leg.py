"""A browser's side with a real peer on this machine: connected, heard, lost, closed; nothing is left over."""

import asyncio
import gc
import logging
import os
import random
import re
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from router.run.logs import NOISY, start_logging
from router.run.media.bridge import Bridge
from router.run.media.browser_leg import CONNECT_S, SILENCE_S, BrowserLeg
from router.run.media.leg import BadSdp
from router.run.media.ports import NoPorts, udp_socket
from router.run.media.recorder import Recorder
from router.run.media.rtp_leg import RtpLeg
from tests.media.peer import RATE, Peer
from tests.media.sound import FakeLeg, joined, level_of, tone

pytestmark = pytest.mark.system
GUARD_S = 30.0


class Clock:
    """The real one, and what a test adds."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


async def until(condition: Callable[[], object]) -> None:
    """Wait for this."""
    deadline = time.monotonic() + GUARD_S
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.01)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """A page that calls."""
    made = Peer()
    yield made
    await made.close()


async def connected(peer: Peer, leg: BrowserLeg) -> None:
    """Offer, answer, and until the media flows."""
    await peer.take(await leg.answer(await peer.offer()))
    await until(lambda: leg.flowing)


async def test_a_telephone_and_a_browser_hear_each_other(peer: Peer, tmp_path: Path):
    """The whole path of a call: RTP, bridge, Opus, a real peer; recorded; nothing is left over."""
    before = _open_files()
    phone, us = RtpLeg.open("127.0.0.1"), RtpLeg.open("127.0.0.1")
    us.accept(phone.local_sdp("offer"))
    phone.accept(us.local_sdp("answer"))
    leg, caller = BrowserLeg("127.0.0.1"), Bridge(phone)
    caller.connect(FakeLeg(*tone(440, frames=3_000)))
    bridge = Bridge(us, recorder=Recorder(tmp_path / "call.ogg"))
    heard = FakeLeg()
    caller.listen(heard)
    await connected(peer, leg)
    bridge.connect(leg)
    await until(lambda: level_of(peer.last(0.4), 440, RATE) > 5_000)
    await until(lambda: bridge.agent_silent_ms == 0 and us.flowing)
    assert bridge.silent_ms < 1_000
    await bridge.close()
    await caller.close()
    await peer.close()
    await _only_this_task()
    assert (tmp_path / "call.ogg").stat().st_size > 300
    gc.collect()
    assert _open_files() <= before


async def test_the_browser_is_heard_by_the_caller(peer: Peer):
    """The other direction, by its frequency."""
    leg, caller = BrowserLeg("127.0.0.1"), FakeLeg()
    bridge = Bridge(caller)
    await connected(peer, leg)
    bridge.connect(leg)

    def heard() -> bool:
        last = [each for each in caller.heard[-20:] if each is not None]
        return len(last) == 20 and level_of(joined(last), 1_000) > 5_000

    await until(heard)
    await bridge.close()


async def test_a_listener_is_told_that_nobody_hears_it(peer: Peer):
    """The page does not even send its microphone, and nothing of it is taken if it did."""
    leg, caller = BrowserLeg("127.0.0.1", speaks=False), FakeLeg(*tone(440, frames=3_000))
    bridge = Bridge(caller)
    answer = await leg.answer(await peer.offer())
    assert "a=sendonly" in answer
    assert "a=sendrecv" not in answer
    await peer.take(answer)
    await until(lambda: leg.flowing)
    bridge.listen(leg)
    await until(lambda: level_of(peer.last(0.4), 440, RATE) > 5_000)
    assert leg.next_frame() is None
    await bridge.close()


async def test_only_the_address_that_was_named_is_offered(peer: Peer):
    """Not those of every interface of the machine: pages of strangers are told them."""
    leg = BrowserLeg("127.0.0.1")
    answer = await leg.answer(await peer.offer())
    found = re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ (\S+)", answer)
    assert [(address, kind) for address, _, kind in found] == [("127.0.0.1", "host")]
    assert "a=end-of-candidates" in answer
    assert "192.0.2." not in answer
    await leg.close()


async def test_the_port_is_of_the_range_and_free_again(peer: Peer):
    """A firewall lets only these through."""
    low = random.randrange(30_000, 40_000)
    first = BrowserLeg("127.0.0.1", (low, low + 20))
    answer = await first.answer(await peer.offer())
    port = int(re.findall(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+)", answer)[0])
    assert low <= port <= low + 20
    await first.close()
    udp_socket("127.0.0.1", (port, port)).close()


async def test_a_range_that_is_full_says_so(peer: Peer):
    """The desk says why there is no sound; the call itself goes on waiting."""
    taken = udp_socket("127.0.0.1")
    port = taken.getsockname()[1]
    with pytest.raises(NoPorts):
        await BrowserLeg("127.0.0.1", (port, port)).answer(await peer.offer())
    taken.close()
    await _only_this_task()


async def test_addresses_in_the_offer_are_not_used(peer: Peer):
    """A page of a stranger names hosts of our own network: nothing is sent there before it comes to us."""
    target = udp_socket("127.0.0.1")
    port = target.getsockname()[1]
    offer = re.sub(
        r"a=candidate:.*", f"a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host", await peer.offer()
    )
    leg = BrowserLeg("127.0.0.1")
    answer = await leg.answer(offer)
    await peer.take(answer)
    await until(lambda: leg.flowing)
    with pytest.raises(BlockingIOError):
        target.recv(2_048)
    target.close()
    await leg.close()


async def test_a_page_that_is_closed_is_lost_at_once(peer: Peer):
    """It says good-bye; the caller need not listen to nothing."""
    leg, lost = BrowserLeg("127.0.0.1"), []
    leg.on_lost = lambda: lost.append(True)
    await connected(peer, leg)
    await peer.close()
    await until(lambda: lost)
    await asyncio.sleep(0)
    assert lost == [True]
    await leg.close()
    assert lost == [True]


async def test_a_browser_that_vanishes_is_lost_within_ten_seconds(peer: Peer):
    """A laptop that was shut says nothing."""
    clock, lost = Clock(), []
    leg = BrowserLeg("127.0.0.1", now=clock)
    leg.on_lost = lambda: lost.append(True)
    await connected(peer, leg)
    await peer.connection.getTransceivers()[0].sender.transport.transport.stop()
    clock.ahead_s = SILENCE_S
    await until(lambda: lost)
    assert SILENCE_S + 1 < 10
    await leg.close()


async def test_a_browser_that_never_comes_is_lost(peer: Peer):
    """Its way to us is blocked: somebody else shall get the call."""
    clock, lost = Clock(), []
    leg = BrowserLeg("127.0.0.1", now=clock)
    leg.on_lost = lambda: lost.append(True)
    await leg.answer(await peer.offer())
    clock.ahead_s = CONNECT_S
    await until(lambda: lost)
    assert not leg.flowing
    await leg.close()
    await _only_this_task()


async def test_a_wrong_certificate_is_no_connection(peer: Peer):
    """Whoever sits between cannot listen: the fingerprint came by the desk's own way."""
    leg, lost = BrowserLeg("127.0.0.1"), []
    leg.on_lost = lambda: lost.append(True)
    offer = re.sub(r"(a=fingerprint:\S+ )..:..", r"\g<1>00:11", await peer.offer())
    await peer.take(await leg.answer(offer))
    await until(lambda: lost)
    assert not leg.flowing
    await leg.close()


def _without(pattern: str) -> Callable[[str], str]:
    return lambda offer: re.sub(rf"{pattern}.*\r\n", "", offer)


WRONG: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "no stream": lambda offer: offer.split("m=")[0],
    "two streams": lambda offer: offer + "m=" + offer.split("m=")[1],
    "video": lambda offer: offer.replace("m=audio", "m=video"),
    "no ufrag": _without("a=ice-ufrag"),
    "no password": _without("a=ice-pwd"),
    "no fingerprint": _without("a=fingerprint"),
    "no Opus": lambda offer: offer.replace("opus/48000/2", "speex/8000"),
    "says nothing to hear": lambda offer: offer.replace("a=sendrecv", "a=sendonly"),
    "inactive": lambda offer: offer.replace("a=sendrecv", "a=inactive"),
    "huge": lambda offer: offer + "a=x\r\n" * 10_000,
    "broken stream": lambda offer: re.sub(r"m=audio.*", "m=audio x y z", offer),
    "broken map": lambda offer: offer.replace("a=rtpmap:", "a=rtpmap:x"),
    "broken origin": lambda offer: re.sub(r"a=mid:.*", "a=setup:", offer),
}


@pytest.mark.parametrize("case", WRONG)
async def test_an_offer_that_makes_no_sense_is_refused(case: str, peer: Peer):
    """Anybody can post bytes to the button *Call*; each is an answer of its own, and nothing stays open."""
    leg = BrowserLeg("127.0.0.1")
    with pytest.raises(BadSdp):
        await leg.answer(WRONG[case](await peer.offer()))
    await leg.close()
    await peer.close()
    await _only_this_task()


def test_the_libraries_do_not_log_addresses(monkeypatch: pytest.MonkeyPatch):
    """aioice would write down where each customer is, and aiortc what it says."""
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    before = {name: logging.getLogger(name).level for name in NOISY}
    start_logging("voice")
    try:
        assert not logging.getLogger("aioice.ice").isEnabledFor(logging.INFO)
        assert not logging.getLogger("aiortc.rtcrtpsender").isEnabledFor(logging.INFO)
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


async def test_closing_before_an_answer_and_twice_is_harmless():
    """A caller may hang up at any moment."""
    leg = BrowserLeg("127.0.0.1")
    leg.play(None)
    assert leg.next_frame() is None
    await leg.close()
    await leg.close()


async def test_closing_while_it_connects_leaves_nothing(peer: Peer):
    """The same, in the middle of the handshake."""
    threads, files = threading.active_count(), _open_files()
    for _ in range(3):
        other, leg = Peer(), BrowserLeg("127.0.0.1")
        await other.take(await leg.answer(await other.offer()))
        await leg.close()
        await other.close()
    await _only_this_task()
    assert threading.active_count() <= threads + 1
    assert _open_files() <= files


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def _only_this_task() -> None:
    """Everything else has ended, or does so by itself right now."""
    me = {asyncio.current_task()}
    await until(lambda: asyncio.all_tasks() <= me)
