"""What every route of a web process works with. Built once, in agents_ui/commands/web.py; never global.

Deliberately not here: who is signed in (access), what a desk or a chat page shows (desk, chat).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from agents_ui.elsewhere.whereabouts import Whereabouts
from agents_ui.feed import Feed
from agents_ui.typing_marks import TypingMarks
from agents_ui.voice.door import Door, NoDoor
from config.plan import Plan
from config.settings import Settings
from router.journal.committer import Committer
from router.journal.database import Database
from router.run.hints import Hints
from router.sites.forwarding import Forwarder, NoForwarding
from router.sites.second_copy import Copies, NoSecondCopy


def _nobody() -> None:
    """Without orders the worker looks by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The long-lived objects of one web process.

    Shape: `plan()` is the plan in force at this moment; ask each time, plans change. `web_id` names the
           process in connection rows and in its lease `web/<web_id>`. `deliver()` says that something may be
           due to leave: it neither waits nor fails. `voice` asks the voice process. `second` is asked before
           a contact is acknowledged: does the other site have it too? `forward` asks it to keep what this
           one cannot. `whereabouts` says which site serves whose traffic.
    """

    settings: Settings
    plan: Callable[[], Plan]
    database: Database
    committer: Committer
    hints: Hints
    feed: Feed
    typing: TypingMarks
    web_id: str
    whereabouts: Whereabouts
    deliver: Callable[[], None] = _nobody
    voice: Door = field(default_factory=NoDoor)
    second: Copies = field(default_factory=NoSecondCopy)
    forward: Forwarder = field(default_factory=NoForwarding)
