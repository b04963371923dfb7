"""How far the other site has what this one has, for the page: the lag, what is here only, both ends of it."""

import time
from typing import Any, Final  # Any: the answer is a JSON value

from agents_ui.services import Services
from router.journal.database import Connection
from router.sites.copy_gaps import SingleCopies, acked_through, behind, has_peer, single_copies
from router.sites.status import COPY, Status, status_of

Value = dict[str, Any]

LISTED: Final = 20
"""The oldest of them; all of them lists `muster journal single-copies`."""


def copy_now(db: Connection, services: Services) -> Value | None:
    """None where there is no other site. From the tables: also when nothing of the pair runs."""
    pair, site = services.plan().pair, services.settings.site
    if pair is None or not (site or has_peer(db)):
        return None
    now_ms = time.time_ns() // 1_000_000
    rows, ms = behind(db, now_ms)
    told = status_of(db, COPY)
    sending = _sending(told.data.get("sending"))
    counted = told.number("single_copies", -1) if told.fresh(now_ms) else -1
    return {
        "name": pair.other(site).name if pair.site(site) else "",
        "acked_through": str(acked_through(db)),
        "behind_rows": rows,
        "behind_ms": ms,
        "single_copies": SingleCopies().count(db) if counted < 0 else counted,
        "oldest": [
            {"at_ms": each.at_ms, "interaction_id": each.interaction_id}
            for each in single_copies(db, limit=LISTED)
        ],
        "since_ms": _since_ms(db),
        "runs": told.fresh(now_ms),
        "there_hash": sending.text("head_hash"),
        "problem": sending.text("problem"),
        "detail": sending.text("detail"),
        "rows_per_s": sending.number("rows_per_s"),
        "left_s": sending.number("left_s", -1),
    }


def _sending(said: object) -> Status:
    """Where the peer role is with sending (sites/sender.py: Sending)."""
    return Status(data=said if isinstance(said, dict) else {})


def _since_ms(db: Connection) -> int:
    """Since when contacts have been here only; 0: none are."""
    found = db.row("SELECT min(began_ms) FROM copy_gap WHERE healed_ms = 0")
    return int(found[0] or 0) if found else 0
