"""The real sound of calls: legs, bridges and recorders of router/run/media, with this site's addresses."""

import logging
from pathlib import Path
from typing import Final

from config.settings import Settings
from router.run.media.bridge import Bridge
from router.run.media.browser_leg import BrowserLeg
from router.run.media.leg import Leg
from router.run.media.ports import Ports, reachable_address
from router.run.media.prompts import QUEUE_TONE, RECORDING_BEEP, Prompt
from router.run.media.recorder import Recorder
from router.run.media.rtp_leg import RtpLeg

ANNOUNCEMENT: Final = "prompts/recording.wav"
"""In the data folder: what callers hear before they are recorded. Without it a beep."""

_log = logging.getLogger("muster.voice")


class Sound:
    """Media as the voice process has it."""

    def __init__(self, settings: Settings) -> None:
        self._address = reachable_address(settings.media_address or settings.host)
        self._ports: Ports = settings.media_ports
        self._announcement = _announcement(settings.data_dir / ANNOUNCEMENT)

    def trunk_leg(self) -> RtpLeg:
        """Raises NoPorts."""
        return RtpLeg.open(self._address, self._ports)

    def page_leg(self, *, speaks: bool = True) -> BrowserLeg:
        """For a browser's offer."""
        return BrowserLeg(self._address, self._ports, speaks=speaks)

    def bridge(self, caller: Leg) -> "Joined":
        """Around this caller."""
        return Joined(caller, self._announcement)


class Joined(Bridge):
    """A bridge that knows what callers of this site hear."""

    def __init__(self, caller: Leg, announcement: Prompt) -> None:
        super().__init__(caller)
        self._announcement = announcement

    def wait(self) -> None:
        """The caller hears that the line is alive."""
        self.play(QUEUE_TONE)

    def record_into(self, path: Path, *, announced: bool) -> None:
        """From now on into this file."""
        recorder = Recorder(path)
        if announced:
            self.play(self._announcement)
        self.record(recorder)

    def stop_recording(self) -> None:
        """No longer."""
        self.record(None)


def _announcement(path: Path) -> Prompt:
    """What stands in the data folder, where it can be read."""
    if not path.exists():
        return RECORDING_BEEP
    try:
        return Prompt.of_wav(path)
    except (OSError, ValueError, EOFError) as problem:
        _log.error("the announcement of recordings cannot be read error=%s", type(problem).__name__)
        return RECORDING_BEEP
