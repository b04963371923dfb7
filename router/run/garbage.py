"""How rarely a serving process stops to look for garbage cycles.

Reference counts free almost everything at once; the collector is for cycles alone. A full collection walks
through everything alive, and nobody is answered meanwhile: measured 100 to 280 ms in a web process with a
thousand chats, several times a minute, which was most of the time a late offer had waited.
"""

import gc
from typing import Final

THRESHOLDS: Final = (2_000, 10, 1_000)
"""Young, middle and full: a full collection at most every 20 million objects that stay, minutes under load.
Closed sockets leave cycles of some kilobytes; the younger collections find most of them."""


def stop_rarely() -> None:
    """To be called once everything long-lived is there: it is never looked through again."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
