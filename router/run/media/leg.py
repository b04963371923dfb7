"""What a leg is to a bridge: somebody who says and hears frames. And what can be wrong with one."""

from collections.abc import Callable
from typing import Protocol

from router.run.media.frame import Frame


class BadSdp(ValueError):
    """There is nothing in the other side's description that we can speak."""


class Leg(Protocol):
    """One side of a call. Callbacks are set by whoever made the leg, and come from the event loop.

    Shape: on_digits: keys that were pressed, in order. on_text: real-time text, as typed, control characters
           and all. on_lost: nothing will come any more, said once; closing is still the owner's.
           on_flowing: the first sound (of a browser: its connection) is there; `flowing` remembers it.
    """

    flowing: bool
    on_digits: Callable[[str], None]
    on_text: Callable[[str], None]
    on_lost: Callable[[], None]
    on_flowing: Callable[[], None]

    def next_frame(self) -> Frame | None:
        """What this side says in these 20 ms. Never waits."""

    def play(self, frame: Frame | None) -> None:
        """Let this side hear these 20 ms. Never waits."""

    async def close(self) -> None:
        """Give everything back. Again: harmless."""


def no_words(_: str) -> None:
    """The callback of who does not care what was pressed or typed."""


def no_news() -> None:
    """The callback of who does not care."""
