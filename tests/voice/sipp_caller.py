"""A caller that is sipp, a program that others wrote by the same standard; its network sends sound to us.

sipp says the tone; what comes back goes to an ear of the test, at the port that sipp's offer names. What the
caller does next a test tells by a request inside the call, so that nothing waits for a time to pass.
"""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

import pytest

from router.run.media.g711 import ulaw
from tests.voice.singing_ear import HOST, Ear, tone

SCENARIOS: Final = Path(__file__).with_name("sipp")
NO_SIPP: Final = "no sipp here: make deps-system installs it"
HERTZ: Final = 440

needs_sipp = pytest.mark.skipif(shutil.which("sipp") is None, reason=NO_SIPP)


class SippCaller:
    """One call. transfers: whether its network does what REFER says."""

    def __init__(
        self, folder: Path, to: int, *, number: str = "+15550100123", transfers: bool = True
    ) -> None:
        self.ear = Ear()
        self._folder = folder / f"caller-{self.ear.port}"
        self._folder.mkdir()
        frames = (ulaw().encode(tone(HERTZ, each)) for each in range(50))
        (self._folder / "tone.ul").write_bytes(b"".join(frames))
        self._own = free_port()
        self._id = f"call-{self.ear.port}@phone"
        values = {"ear": str(self.ear.port), "number": number, "refer": "202" if transfers else "405"}
        keys = [word for name, value in values.items() for word in ("-key", name, value)]
        names = ("-p", str(self._own), "-cid_str", self._id, *keys)
        self._process = sipp(self._folder, "talks.xml", to, "-m", "1", *names)

    def told(self, words: str) -> bool:
        """Whether sipp has written this: place 1, talks, moves to sip:…, left."""
        log = self._folder / "told.log"
        return log.exists() and words in log.read_text(errors="replace")

    def hangs_up(self) -> None:
        """BYE; CANCEL while it waits."""
        self._cue("MESSAGE")

    def presses_seven(self) -> None:
        """By INFO, as old trunks say keys."""
        self._cue("INFO")

    def ended(self) -> bool:
        """Whether sipp is through; fails where anything went otherwise than the scenario says."""
        status = self._process.poll()
        assert status in (None, 0), problems(self._folder)
        return status == 0

    def close(self) -> None:
        """Whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self.ear.close()

    def _cue(self, method: str) -> None:
        """sipp's answer goes to the centre, which drops it: sipp knows only one address."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as teller:
            teller.bind((HOST, 0))
            lines = (
                f"{method} sip:caller@{HOST}:{self._own} SIP/2.0",
                f"Via: SIP/2.0/UDP {HOST}:{teller.getsockname()[1]};branch=z9hG4bK{time.time_ns()}",
                f"From: <sip:test@{HOST}>;tag=test",
                f"To: <sip:caller@{HOST}>;tag=caller",
                f"Call-ID: {self._id}",
                f"CSeq: 1 {method}",
                "Content-Length: 0",
            )
            teller.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), (HOST, self._own))


def sipp(folder: Path, scenario: str, to: int, *arguments: str) -> "subprocess.Popen[bytes]":
    """sipp begins to call this port; it writes told.log and errors.log, and ends with 0 if all went well."""
    command = ["sipp", f"{HOST}:{to}", "-sf", str(SCENARIOS / scenario), "-i", HOST, "-nostdin", *arguments]
    command += ["-trace_logs", "-log_file", "told.log", "-trace_err", "-error_file", "errors.log"]
    return subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def problems(folder: Path) -> str:
    """What sipp complains of."""
    errors = folder / "errors.log"
    return errors.read_text(errors="replace")[:4_000] if errors.exists() else "sipp failed without a word"


def free_port() -> int:
    """A UDP port that nobody has at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
