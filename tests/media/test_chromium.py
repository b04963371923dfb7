"""One real browser: Chromium with a tone for a microphone, a telephone with another. Both are measured."""

import asyncio
import time
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Page, async_playwright

from router.run.media.bridge import Bridge
from router.run.media.browser_leg import BrowserLeg
from router.run.media.rtp_leg import RtpLeg
from tests.browser.conftest import ARGUMENTS, _chromium
from tests.media.sound import FakeLeg, joined, loudest_hz, tone

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("browser-media")]

GUARD_S = 60.0
MICROPHONE_HZ, TELEPHONE_HZ = 1_000, 440
ORIGIN = "http://localhost/"

CALL = """async () => {
  const microphone = await navigator.mediaDevices.getUserMedia(
    {audio: {echoCancellation: false, noiseSuppression: false, autoGainControl: false}});
  const pc = window.pc = new RTCPeerConnection();
  microphone.getTracks().forEach(track => pc.addTrack(track, microphone));
  pc.ontrack = ({streams, track}) => {
    const audio = window.audio = new Audio();
    audio.srcObject = streams[0] || new MediaStream([track]);
    audio.play();
    const context = new AudioContext(), analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    context.createMediaStreamSource(audio.srcObject).connect(analyser);
    window.heardHz = () => {
      const level = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(level);
      const loudest = level.indexOf(Math.max(...level));
      return level[loudest] > -60 ? loudest * context.sampleRate / analyser.fftSize : 0;
    };
  };
  await pc.setLocalDescription(await pc.createOffer());
  await new Promise(done => {
    const look = () => pc.iceGatheringState === 'complete' && done();
    pc.onicegatheringstatechange = look;
    look();
  });
  return pc.localDescription.sdp;
}"""


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    """A page that may use the microphone, which is a tone."""
    at = np.arange(96_000)
    sound = (12_000 * np.sin(2 * np.pi * MICROPHONE_HZ / 48_000 * at)).astype("<i2")
    with wave.open(str(tmp_path / "microphone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(sound.tobytes())
    arguments = [
        *ARGUMENTS,
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={tmp_path / 'microphone.wav'}",
        "--allow-loopback-in-peer-connection",
    ]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_chromium(), args=arguments)
        made = await browser.new_page()
        await made.route(f"{ORIGIN}**", lambda route: route.fulfill(body="<title>call</title>"))
        await made.goto(ORIGIN)
        yield made
        await browser.close()


async def test_a_telephone_and_a_browser_hear_each_others_tone(page: Page):
    """What all of it is for; every layer is the real one, from G.711 over SRTP to Chromium's own buffers."""
    phone, us = RtpLeg.open("127.0.0.1"), RtpLeg.open("127.0.0.1")
    us.accept(phone.local_sdp("offer"))
    phone.accept(us.local_sdp("answer"))
    somebody = FakeLeg(*tone(TELEPHONE_HZ, frames=round(GUARD_S * 50)))
    far_end = Bridge(phone)
    far_end.connect(somebody)

    leg, lost = BrowserLeg("127.0.0.1"), []
    leg.on_lost = lambda: lost.append(time.monotonic())
    bridge = Bridge(us)
    answer = await leg.answer(await page.evaluate(CALL))
    await page.evaluate("sdp => pc.setRemoteDescription({type: 'answer', sdp})", answer)
    bridge.connect(leg)

    async def heard_in_the_page() -> bool:
        hz = await page.evaluate("window.heardHz ? heardHz() : 0")
        return abs(hz - TELEPHONE_HZ) < 12

    await _until(heard_in_the_page)

    async def heard_by_the_telephone() -> bool:
        last = [frame for frame in somebody.heard[-50:] if frame is not None]
        return len(last) > 40 and abs(loudest_hz(joined(last)) - MICROPHONE_HZ) < 5

    await _until(heard_by_the_telephone)

    await page.evaluate("pc.close()")

    async def is_lost() -> bool:
        return bool(lost)

    await _until(is_lost)
    await bridge.close()
    await far_end.close()


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + GUARD_S
    while not await condition():
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.1)
