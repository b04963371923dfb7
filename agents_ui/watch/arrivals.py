"""What the journal says about the ways in: what came by which, and whether it came to the router."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from agents_ui.watch.judgement import Known
from config.words import STAGED
from router.channels.probes import CHAT_PAGE
from router.records import Row

PENDING_MAX: Final = 20_000
"""Arrivals that are not in line yet; in a rush the oldest are forgotten, and newer ones tell the same."""


class _Arrived(msgspec.Struct):
    """What is asked of an `arrived`."""

    account: str = ""
    traffic: str = "real"


class Arrivals:
    """Feed listener of one web process. known is by the way's name; times are those of now_ms()."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.known: dict[str, Known] = {}
        self._now_ms = now_ms
        self._pending: OrderedDict[str, tuple[str, bool]] = OrderedDict()
        self._decoder = msgspec.json.Decoder(_Arrived)

    def hear(self, rows: Sequence[Row]) -> None:
        """Each row costs a look at its kind; only arrivals are read."""
        for row in rows:
            if row.kind == "arrived":
                self._note_arrival(row)
            elif row.kind == "queued" and row.ref in self._pending:
                watched, real = self._pending.pop(row.ref)
                self._note_through(watched, real=real)

    def _note_arrival(self, row: Row) -> None:
        try:
            arrived = self._decoder.decode(row.data)
        except msgspec.MsgspecError:
            return
        self._pending[row.ref] = arrived.account or CHAT_PAGE, arrived.traffic not in STAGED
        if len(self._pending) > PENDING_MAX:
            self._pending.popitem(last=False)

    def _note_through(self, watched: str, *, real: bool) -> None:
        known = self.known.get(watched)
        if known is None:
            return
        known.through_ms, known.problem, known.assumed = self._now_ms(), "", False
        if real:
            known.real_ms = known.through_ms
