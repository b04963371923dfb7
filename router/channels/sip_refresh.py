"""Session timers (RFC 4028): a call whose other side vanished without a word is noticed. No I/O."""

import re
from collections.abc import Callable
from typing import Final

from router.channels.sip_header import parameters_of
from router.channels.sip_message import SipMessage
from router.channels.sip_timers import Timer, Timers

SHORTEST_S: Final = 30
"""A shorter interval than this is taken for this; the RFC's own minimum is 90."""

LONGEST_S: Final = 86_400


class Refresh:
    """When the session has to be refreshed by us, or looked after because the other side did not.

    Whoever is to refresh does so at half the interval. Where that is the other side and nothing came, we
    refresh ourselves shortly before the end rather than hang up: a caller is worth one more question.
    """

    def __init__(self, timers: Timers, due: Callable[[], None]) -> None:
        self._timers, self._due = timers, due
        self._timer: Timer | None = None
        self._interval_s = 0
        self._ours = False

    def answered_by_us(self, request: SipMessage) -> tuple[tuple[str, str], ...]:
        """What our 2xx says to their INVITE or UPDATE, and from now on counts."""
        interval_s, refresher = _told(request)
        if not interval_s:
            return ()
        able = "timer" in request.tokens("supported") | request.tokens("require")
        refresher = (refresher or "uac") if able else "uas"
        self._agree(interval_s, ours=refresher == "uas")
        agreed = ("session-expires", f"{interval_s};refresher={refresher}")
        return (("require", "timer"), agreed) if able else (agreed,)

    def answered_by_them(self, response: SipMessage) -> None:
        """What their 2xx to our INVITE or UPDATE says."""
        interval_s, refresher = _told(response)
        if interval_s:
            self._agree(interval_s, ours=refresher != "uas")

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What a refresh of ours says."""
        if not self._interval_s:
            return ()
        return (("session-expires", f"{self._interval_s};refresher={'uac' if self._ours else 'uas'}"),)

    def again(self) -> None:
        """It is refreshed: everything from the beginning."""
        if self._interval_s:
            self._agree(self._interval_s, ours=self._ours)

    def stop(self) -> None:
        """The call is over."""
        if self._timer is not None:
            self._timer.cancel()

    def _agree(self, interval_s: int, *, ours: bool) -> None:
        self.stop()
        self._interval_s, self._ours = interval_s, ours
        wait_s = interval_s // 2 if ours else interval_s - min(32, interval_s // 3)
        self._timer = self._timers.after(wait_s * 1_000, self._due)


def _told(message: SipMessage) -> tuple[int, str]:
    value, _, rest = message.first("session-expires").partition(";")
    if not re.fullmatch(r"[0-9]{1,9}", value.strip()):
        return 0, ""
    refresher = parameters_of(rest).get("refresher", "").lower()
    interval_s = min(max(int(value), SHORTEST_S), LONGEST_S)
    return interval_s, refresher if refresher in ("uac", "uas") else ""
