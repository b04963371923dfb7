"""What the voice process needs of signalling and of sound: the shapes of docs/architecture.md 11.5.

Both are told apart from what a call means: here are only names. The real ones are router/run/sip_agent.py and
router/run/media, made by telephones.py and sound.py; tests have others.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal, Protocol

from router.channels.port import Account
from router.channels.sip_call import CallEnded
from router.run.media.leg import BadSdp, Leg
from router.run.media.ports import NoPorts

__all__ = [
    "BadSdp",
    "Bridge",
    "CallEnded",
    "Leg",
    "Media",
    "NoPorts",
    "NoTrunk",
    "NotAnswered",
    "PageLeg",
    "Telephone",
    "Telephones",
    "TrunkLeg",
]

RING_S: Final = 60.0
"""How long a telephone rings before nobody is there: a voice box would have answered."""

NO_ANSWER: Final = "no_answer"
REFUSED: Final = "refused"


class NoTrunk(Exception):
    """There is no way to call out, or it does not answer."""


class TrunkLeg(Leg, Protocol):
    """A side on a telephone network."""

    def accept(self, sdp: str) -> None:
        """Their offer or answer. Raises BadSdp."""
        ...

    def local_sdp(self, kind: Literal["offer", "answer"]) -> str:
        """Ours: offer or answer."""
        ...

    def send_digits(self, digits: str) -> None:
        """Raises ValueError for what is no digit."""
        ...

    def send_text(self, text: str) -> None:
        """As T.140, where they take it."""
        ...

    def take_info(self, content_type: str, body: bytes) -> None:
        """Digits that came by INFO."""
        ...


class PageLeg(Leg, Protocol):
    """A side in a browser."""

    async def answer(self, sdp: str) -> str:
        """Our answer to its offer. Raises BadSdp, NoPorts."""
        ...


class Bridge(Protocol):
    """Joins a caller with an agent, and with who listens. Closing it closes everything that it was handed."""

    @property
    def silent_ms(self) -> int:
        """How long nothing was heard of the caller."""
        ...

    @property
    def recording_failed(self) -> str:
        """Why nothing is written any more; empty as long as all is well."""
        ...

    def wait(self) -> None:
        """The caller hears that the line is alive until somebody answers."""
        ...

    def record_into(self, path: Path, *, announced: bool) -> None:
        """From now on into this file; announced: both hear that it is so. Raises OSError."""
        ...

    def stop_recording(self) -> None:
        """No longer."""
        ...

    def connect(self, agent: Leg) -> None:
        """The agent talks with the caller from now on."""
        ...

    def disconnect(self) -> None:
        """The agent does no longer; the leg is closed."""
        ...

    def listen(self, leg: Leg) -> None:
        """This leg hears both."""
        ...

    def leave(self, leg: Leg) -> None:
        """It does no longer."""
        ...

    def hold(self, on: bool) -> None:
        """The caller hears that they are held."""
        ...

    async def close(self) -> None:
        """With all legs, and the recorder."""
        ...


class Media(Protocol):
    """Makes legs, bridges and recorders."""

    def trunk_leg(self) -> TrunkLeg:
        """Raises NoPorts."""
        ...

    def page_leg(self, *, speaks: bool = True) -> PageLeg:
        """For a browser's offer."""
        ...

    def bridge(self, caller: Leg) -> Bridge:
        """Around this caller."""
        ...


class Telephone(Protocol):
    """One call of a trunk, either way (router/run/sip_agent.py: SipCall)."""

    call_id: str
    account_id: str
    raw: bytes
    headers: Sequence[tuple[str, str]]
    from_number: str
    from_name: str
    to_number: str
    withheld: bool
    asserted: bool
    ended: str
    """Why it is over; empty while it lives."""
    offer: str
    answer_sdp: str
    on_end: Callable[[str], None]
    on_progress: Callable[[int, str], None]
    on_reoffer: Callable[[str], str]
    on_info: Callable[[str, bytes], None]

    def queued(self, position: int) -> None:
        """182 with the position."""
        ...

    async def answer(self, sdp: str) -> None:
        """200; waits for the ACK. Raises CallEnded."""
        ...

    async def refuse(self, status: int, *, reason: str = "") -> None:
        """A final answer that is none."""
        ...

    async def hang_up(self) -> None:
        """CANCEL or BYE."""
        ...

    async def refer(self, to_uri: str) -> bool:
        """Whether the other side calls there instead. Raises CallEnded."""
        ...


class Telephones(Protocol):
    """Calls out, by the trunks of the plan."""

    async def dial(
        self,
        account: Account,
        number: str,
        sdp: str,
        *,
        ring_s: float = RING_S,
        headers: Sequence[tuple[str, str]] = (),
    ) -> Telephone:
        """Returns when it was answered: the call with `answer_sdp`. Raises NotAnswered, NoTrunk."""
        ...

    def uri(self, account: Account, number: str) -> str:
        """The address of a number at the account's trunk; empty where it has none. sip: is one already."""
        ...


class NotAnswered(Exception):
    """Nobody answered. The message is why: busy, no_answer, refused, failed."""
