"""Twelve hundred callers that are sipp, twenty new ones every second; some give up in line, some hang up.

What each of them saw it writes down: the places it was told, when it talked, who ended it.
"""

import re
import subprocess
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from router.run.media.g711 import ulaw
from tests.voice.many_ears import ManyEars
from tests.voice.singing_ear import tone
from tests.voice.sipp_caller import HERTZ, free_port, sipp

PER_S: Final = 20
URGENT_EVERY: Final = 29
FOR_EVER_S: Final = 86_400
EXPECTED: Final = re.compile(r"receive timeout on|Ignoring final UDP|Dead call \S+ .successful")
URGENT, ORDINARY = "+155502", "+155501"


@dataclass(slots=True)
class Story:
    """What one caller saw, in order."""

    places: list[int] = field(default_factory=list)
    port: int = 0
    """Where its sound went."""

    before: int = 0
    """How many callers had talked at this port before."""

    events: list[str] = field(default_factory=list)

    @property
    def talked(self) -> bool:
        return "talks" in self.events

    def heard(self, ears: ManyEars) -> Counter[int]:
        """Half seconds of each tone."""
        return ears.heard(self.port, self.before) if self.talked else Counter()


def numbers(count: int) -> list[str]:
    """Of so many callers, in the order in which they call; a few of them are urgent."""
    return [f"{URGENT if each % URGENT_EVERY == 0 else ORDINARY}{each:05}" for each in range(count)]


def is_urgent(number: str) -> bool:
    """Whether the plan of the test says so; who is urgent never gives up."""
    return number.startswith(URGENT)


def hangs_up(number: str) -> bool:
    """Whether this caller ends the call two seconds after it was answered; else the agent has to."""
    return int(number[-1]) % 2 == 0


class Crowd:
    """One run of sipp. lost: of a hundred messages, either way; patience_s: of who is not urgent."""

    def __init__(self, folder: Path, to: int, *, callers: int, ears: int, lost: int, patience_s: int) -> None:
        self.numbers = numbers(callers)
        self.stories: dict[str, Story] = {each: Story() for each in self.numbers}
        self._patience_s = patience_s
        self._folder = folder / "crowd"
        self._folder.mkdir()
        self._read = 0
        self._talks: defaultdict[int, int] = defaultdict(int)
        (self._folder / "crowd.csv").write_text("SEQUENTIAL\n" + "".join(map(self._line, self.numbers)))
        frames = (ulaw().encode(tone(HERTZ, each)) for each in range(50))
        (self._folder / "tone.ul").write_bytes(b"".join(frames))
        rate = ("-m", str(callers), "-r", str(PER_S), "-l", str(2 * callers), "-lost", str(lost))
        names = ("-p", str(free_port()), "-inf", "crowd.csv", "-key", "ears", str(ears))
        self._process: subprocess.Popen[bytes] = sipp(self._folder, "crowd.xml", to, *rate, *names)

    def ended(self) -> bool:
        """Whether the last one is through; fails where anything went otherwise than the scenario says."""
        self.look()
        status = self._process.poll()
        assert status in (None, 0), f"sipp ended with {status}\n{self._problems()}"
        return status == 0

    def look(self) -> None:
        """Read what was written since the last look."""
        log = self._folder / "told.log"
        if not log.exists():
            return
        with log.open("rb") as file:
            file.seek(self._read)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read += len(whole) + len(newline)
        for line in whole.decode().splitlines():
            self._note(*line.split(maxsplit=1))

    def who(self, event: str) -> list[str]:
        """Callers to whom this happened."""
        return [number for number, story in self.stories.items() if event in story.events]

    def close(self) -> None:
        """Whatever they are doing."""
        self._process.kill()
        self._process.wait()

    def _problems(self) -> str:
        """What sipp complains of, but for patience that ran out, and answers that came twice."""
        errors = (self._folder / "errors.log").read_text(errors="replace")
        told = [each for each in re.split(r"(?=\d{4}-\d\d-\d\d\t)", errors) if not EXPECTED.search(each)]
        return "".join(told)[:4_000]

    def _note(self, number: str, said: str) -> None:
        story = self.stories[number]
        word, _, rest = said.partition(" ")
        if word == "place":
            story.places.append(int(rest))
        elif word == "talks":
            story.port = int(rest.removeprefix("at "))
            story.before = self._talks[story.port]
            self._talks[story.port] += 1
            story.events.append("talks")
        else:
            story.events.append(said)

    def _line(self, number: str) -> str:
        patience_s = FOR_EVER_S if is_urgent(number) else self._patience_s
        return f"{number};{patience_s};{'hangs up' if hangs_up(number) else 'waits'};\n"
