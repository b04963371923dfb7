"""A cold transfer (RFC 3515): we ask the other side to call somebody else, and hear how that went. No I/O."""

import re
from collections.abc import Callable
from typing import Final

from router.channels.sip_asking import Asking, Headers
from router.channels.sip_message import SipMessage
from router.channels.sip_timers import Timers

WAIT_MS: Final = 60_000
"""Who has accepted a transfer and says nothing for so long has not done it."""

_SIPFRAG: Final = re.compile(rb"SIP/2\.0\s+([1-6][0-9]{2})")


class Transfer:
    """One request to leave. Done gets, once, whether they have."""

    def __init__(self, timers: Timers, done: Callable[[bool], None]) -> None:
        self._timers, self._done = timers, done
        self._over = False

    def ask(self, asking: Asking, headers: Headers) -> None:
        """Ask; the headers name the target."""
        asking.ask("REFER", self._answered, headers=headers)

    def told(self, notify: SipMessage) -> None:
        """They tell how it goes: a line of the other call's signalling."""
        found = _SIPFRAG.search(notify.body)
        status = int(found[1]) if found else 0
        ended = notify.first("subscription-state").lower().startswith("terminated")
        if status >= 200 or ended:
            self._end(200 <= status < 300)

    def left(self) -> None:
        """They hung up without a word of how it went: perhaps there is nobody whom they talk with now."""
        self._end(False)

    def _answered(self, response: SipMessage) -> None:
        if 200 <= response.status < 300:
            self._timers.after(WAIT_MS, lambda: self._end(False))
        else:
            self._end(False)

    def _end(self, moved: bool) -> None:
        if not self._over:
            self._over = True
            self._done(moved)


def refer_headers(to_uri: str, by: str) -> Headers:
    """Whom to call, and who asks for it."""
    target = re.sub(r"[<>\s]", "", to_uri)
    return (("refer-to", f"<{target}>"), ("referred-by", re.sub(r";tag=[^;]*", "", by)))
