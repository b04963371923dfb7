"""What every call of a process works with, and how its work that waits for the world is begun."""

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any  # Any: what a coroutine sends and receives does not matter here

from router.run.voice.book import Book
from router.run.voice.gear import Media

if TYPE_CHECKING:
    from router.run.voice.call import Call

_log = logging.getLogger("muster.voice")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every call of a process works with.

    Shape: alarm(code, interaction_id) tells people; over(call) is called once, when the call has ended.
    """

    book: Book
    media: Media
    recordings: Path
    alarm: Callable[[str, str], None]
    over: "Callable[[Call], None]"


async def careful(work: Coroutine[Any, Any, None]) -> None:
    """What cannot be closed or answered must not keep the rest of the call from being looked after."""
    try:
        await work
    except Exception:  # noqa: BLE001 - networks and browsers end in many ways
        _log.exception("work for a call failed")
