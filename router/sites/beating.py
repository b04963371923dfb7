"""Beats: once a second each site says how it is, and hears how the other is. What follows is watching.py's.

A line and a thread of their own: a batch on its way delays no beat. A beat is a question with what this site
says of itself, and its answer is what the other one says; each side asks, so a link that carries one way only
is seen by both.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final  # Any: JSON values at the edge of the type system

import msgspec

from router.sites.peer_client import PeerClient, PeerUnreachable
from router.sites.peer_server import Answered, Asked, PeerRoute, answered
from router.sites.watching import Look

BEAT: Final = "/peer/beat"
EVERY_S: Final = 1.0
ANSWER_S: Final = 1.5
"""A beat that takes longer is a missed one: the next one is due."""

HEARS_MS: Final = 3_500
"""Answered within this long: we hear the other site (three beats and a bit)."""

_log = logging.getLogger("muster.beats")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the other site said last. Shape: at_mono_ms is 0 before the first time."""

    said: Mapping[str, Any]
    at_mono_ms: int = 0


class Beats:
    """Both directions of it.

    Shape: content() is what this site says of itself, made elsewhere: it must not block. looked(look, said)
           is called in this thread after each beat, with what the other site said (empty: nothing). third()
           says whether the third point answers, None where none is named; it may block for half a second.
           run() names this life of the role: the other site says in its beats which one it heard last.
    """

    def __init__(
        self,
        client: PeerClient,
        *,
        content: Callable[[], Mapping[str, Any]],
        looked: Callable[[Look, Mapping[str, Any]], None],
        wall_ms: Callable[[], int],
        third: Callable[[], bool | None] = lambda: None,
        run: Callable[[], str] = str,
    ) -> None:
        self._run = run
        self.heard = Heard(said={})
        self._client = client
        self._content = content
        self._looked = looked
        self._wall_ms = wall_ms
        self._third = third
        self._stopping = threading.Event()

    def route(self) -> PeerRoute:
        """Where the other site's beats come in."""
        return PeerRoute(method="POST", path=BEAT, handle=self._answer)

    def run(self) -> None:
        """Beat until stopped."""
        due_s = time.monotonic()
        while not self._stopping.is_set():
            try:
                self._beat()
            except Exception:  # noqa: BLE001 - a mistake in what is made of a beat must not end the beats
                _log.exception("a beat failed")
            due_s = max(due_s + EVERY_S, time.monotonic())
            self._stopping.wait(due_s - time.monotonic())
        self._client.close()

    def stop(self) -> None:
        """Ends run()."""
        self._stopping.set()

    def _beat(self) -> None:
        began = _mono_ms()
        said: Mapping[str, Any] = {}
        try:
            answer = self._client.ask("POST", BEAT, msgspec.json.encode(self._own()))
            said = answer.json() if answer.status == 200 else {}
        except PeerUnreachable as problem:
            _log.debug("no beat code=%s", problem.code)
        ended = _mono_ms()
        if said:
            self.heard = Heard(said=said, at_mono_ms=ended)
        peer_wall_ms = said.get("at_ms")
        look = Look(
            mono_ms=ended,
            wall_ms=self._wall_ms(),
            answered=bool(said),
            heard_by_peer=said.get("hears_you") is not False,
            peer_wall_ms=peer_wall_ms if isinstance(peer_wall_ms, int) else 0,
            round_trip_ms=ended - began,
            third=self._third() if not said else None,
        )
        self._looked(look, said)

    def _own(self) -> Mapping[str, Any]:
        hears = self.heard.at_mono_ms and _mono_ms() - self.heard.at_mono_ms <= HEARS_MS
        run = str(self.heard.said.get("run", "")) if hears else ""
        # Before what else is said: a life that was begun anew is not named beside the end of the one before.
        mine, at_ms = self._run(), self._wall_ms()
        return {**self._content(), "at_ms": at_ms, "hears_you": bool(hears), "run": mine, "hears": run}

    async def _answer(self, asked: Asked) -> Answered:
        asked.json()  # what it says comes again as the answer to our own beat: here it only has to be a table
        return answered(self._own())


def _mono_ms() -> int:
    return time.monotonic_ns() // 1_000_000
