"""What has happened since a row of the journal, in one transaction: whole values, true at the newest row.

The journal says what was touched, exactly as far as this transaction sees; the tables say how it is now. So a
count can be moved by what a thing was before and what it is now, and never counts anything twice.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final  # Any: entity values are JSON objects

from agents_ui.admin.roles import RoleHealth, roles_now
from agents_ui.desk.alarms import open_alarms
from agents_ui.wall import rows
from agents_ui.wall.rows import Agent, Contact, Outcome, Ring
from config.plan import Plan
from router.journal.database import Connection
from router.journal.stream import OWN_ROWS, last_seq
from router.records import DECISION_KINDS

Value = dict[str, Any]

_OF_CONTACTS: Final = frozenset(
    {"arrived", "read", *(kind for kind, (_, ref) in DECISION_KINDS.items() if ref == "interaction_id")}
)
_OF_AGENTS: Final = frozenset(kind for kind, (_, ref) in DECISION_KINDS.items() if ref == "agent_id")
_OF_PEOPLE: Final = frozenset({"person_added", "person_changed"})
_OF_ALARMS: Final = frozenset(
    {
        "alarm_raised",
        "alarm_seen",
        "delivery_troubled",
        "trouble_noticed",
        "text_switched",
        "delivered",
        "send_tried",
        "copy_missed",
        "copy_healed",
        "kept_too",
        "sent_twice",
    }
)
"""An answer that will not arrive is an alarm as well; so is what two sites find out about each other."""

_OF_CALLS: Final = frozenset({"call_changed", "customer_disconnected"})
"""The line of a dead voice process is taken down by the router: its call is over."""

_EVERY: Final = _OF_CONTACTS | _OF_AGENTS | _OF_PEOPLE | _OF_ALARMS | _OF_CALLS
_KINDS: Final = ", ".join(f"'{kind}'" for kind in sorted(_EVERY))

_TOUCHED: Final = (
    f"SELECT DISTINCT kind, ref FROM journal WHERE {OWN_ROWS} AND seq > :after_seq AND seq <= :seq"
    f" AND kind IN ({_KINDS})"
)
_UNSEEN: Final = "SELECT count(*) FROM alarm WHERE seen_at_ms = 0"

ROWS_MAX: Final = 50_000
"""More rows than this behind, everything is read anew: that takes less."""


@dataclass(slots=True)
class News:
    """Values of everything that the rows up to `seq` touched, as they are at `seq`."""

    seq: int
    contacts: dict[str, Contact] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    rings: dict[str, Ring] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    people: dict[str, tuple[str, str]] | None = None
    """Everybody, when somebody was added or changed."""

    alarms: dict[str, Value] | None = None
    """The newest open ones, when one was raised or seen."""

    calls: dict[str, Value] | None = None
    """Every call that goes on, when one began, changed or ended."""

    alarms_open: int = 0
    roles: tuple[RoleHealth, ...] = ()


def news_after(db: Connection, plan: Plan, after_seq: int, holder_of: Callable[[str], str]) -> News | None:
    """What has happened since; None when it is so much that everything should be read anew.

    holder_of says with whom a contact was before: to accept, end or lose one changes its agent as well.
    """
    news = News(last_seq(db))
    if news.seq - after_seq > ROWS_MAX:
        return None
    touched = db.rows(_TOUCHED, after_seq=after_seq, seq=news.seq) if news.seq > after_seq else []
    news.contacts = rows.contacts(db, (ref for kind, ref in touched if kind in _OF_CONTACTS))
    ended = [each.interaction_id for each in news.contacts.values() if each.answered_at_ms or each.closed_seq]
    news.outcomes = rows.outcomes(db, ended)
    news.rings = rings_of(db, news.contacts.values())
    agents = {ref for kind, ref in touched if kind in _OF_AGENTS}
    agents |= {
        name for each in news.contacts.values() for name in (each.agent_id, holder_of(each.interaction_id))
    }
    news.agents = rows.agents(db, agents - {""})
    if any(kind in _OF_PEOPLE for kind, _ in touched):
        news.people = rows.people(db, plan)
    if any(kind in _OF_ALARMS for kind, _ in touched):
        news.alarms = open_alarms(db)
    if any(kind in _OF_CALLS for kind, _ in touched):
        news.calls = rows.calls(db)
    news.alarms_open, news.roles = alarms_unseen(db), roles_now(db, plan)
    return news


def rings_of(db: Connection, contacts: Iterable[Contact]) -> dict[str, Ring]:
    """The offers that are outstanding among these contacts."""
    return rows.rings(db, (each.offer_id for each in contacts if each.state == "offered"))


def alarms_unseen(db: Connection) -> int:
    """How many alarms nobody has said seen to."""
    row = db.row(_UNSEEN)
    return int(row[0]) if row else 0
