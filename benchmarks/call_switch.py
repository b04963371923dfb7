"""What has the calls, in a process of its own like the role `voice`: RTP on one side, a browser on the other.

Signalling, desks and the journal are left out: they do nothing while people talk.
"""

import asyncio
import os
import sys
from pathlib import Path

from benchmarks.parts import take_orders
from benchmarks.processes import cpu_s
from router.run.media.bridge import Bridge
from router.run.media.browser_leg import BrowserLeg
from router.run.media.recorder import Recorder
from router.run.media.rtp_leg import RtpLeg

HOST = "127.0.0.1"


class Switch:
    """Calls, each recorded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bridges: list[Bridge] = []

    async def join(self, phone: str, page: str) -> dict[str, str]:
        """Answer both offers, and let them talk."""
        caller, agent = RtpLeg.open(HOST), BrowserLeg(HOST)
        caller.accept(phone)
        recorder = Recorder(self._folder / f"{len(self._bridges)}.ogg")
        bridge = Bridge(caller, recorder=recorder)
        answer = await agent.answer(page)
        bridge.connect(agent)
        self._bridges.append(bridge)
        return {"phone": caller.local_sdp("answer"), "page": answer}

    async def count(self) -> dict[str, float]:
        """Frames until now, how many of them were late, and the processor's time."""
        return {
            "beats": sum(each.ticks.beats for each in self._bridges),
            "late": sum(each.ticks.late for each in self._bridges),
            "cpu_s": cpu_s(os.getpid()),
        }

    async def close(self) -> None:
        """All calls end."""
        await asyncio.gather(*(each.close() for each in self._bridges))


async def main(folder: Path) -> None:
    """Until stdin ends."""
    switch = Switch(folder)
    await take_orders({"join": switch.join, "count": switch.count, "close": switch.close})


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
