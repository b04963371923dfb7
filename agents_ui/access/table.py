"""The one table of who may do what. A route or command without an entry cannot be registered (gate.py).

Deny by default: an entry names the roles that may, everybody else may not. `SIGNED_OUT` stands for somebody
without a session; routes of the customer's chat are open here because chat checks its own session.
"""

from collections.abc import Mapping
from typing import Final

SIGNED_OUT: Final = "signed-out"

ANYBODY: Final = frozenset({SIGNED_OUT, "agent", "supervisor", "admin", "auditor"})
SIGNED_IN: Final = frozenset({"agent", "supervisor", "admin", "auditor"})
DESK: Final = frozenset({"agent", "supervisor", "admin"})
WATCH: Final = frozenset({"supervisor", "admin"})
ADMIN: Final = frozenset({"admin"})
AUDIT: Final = frozenset({"admin", "auditor"})
NOT_AGENTS: Final = frozenset({"supervisor", "admin", "auditor"})

ROUTES: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("GET", "/"): ANYBODY,
    ("GET", "/static"): ANYBODY,
    ("GET", "/healthz"): ANYBODY,
    ("GET", "/readyz"): ANYBODY,
    ("GET", "/metrics"): ANYBODY,
    ("GET", "/chat"): ANYBODY,
    ("WS", "/chat/socket"): ANYBODY,
    ("POST", "/chat/attachment"): ANYBODY,
    ("GET", "/chat/attachment/{content_id}"): ANYBODY,
    ("POST", "/chat/call"): ANYBODY,
    ("GET", "/chat/call"): ANYBODY,
    ("DELETE", "/chat/call"): ANYBODY,
    # Whether it is the provider's, its signature says; see SIGNED.
    ("GET", "/hooks/{account}"): ANYBODY,
    ("POST", "/hooks/{account}"): ANYBODY,
    ("POST", "/hooks/{account}/{path:path}"): ANYBODY,
    ("GET", "/sign-in"): ANYBODY,
    ("POST", "/api/sign-in"): ANYBODY,
    ("POST", "/api/sign-out"): ANYBODY,
    ("POST", "/api/password"): SIGNED_IN,
    # Pages of the other site ask it as well; it says nothing about anybody.
    ("GET", "/api/site"): ANYBODY,
    ("POST", "/api/moving"): SIGNED_IN,
    ("POST", "/chat/moving"): ANYBODY,
    # Whether somebody may come in, the ticket says that is handed in.
    ("GET", "/arrive"): ANYBODY,
    ("POST", "/api/arrive"): ANYBODY,
    ("POST", "/api/ticket"): DESK,
    ("GET", "/desk"): DESK,
    # Admission is the single-use ticket in the first message, fetched over the session by a role of DESK.
    ("WS", "/desk/socket"): ANYBODY,
    ("GET", "/wall"): WATCH,
    # As the desk's: the ticket admits, and only somebody of WATCH.
    ("WS", "/wall/socket"): ANYBODY,
    ("GET", "/admin"): NOT_AGENTS,
    ("GET", "/api/admin/me"): NOT_AGENTS,
    # Switching texts off is a supervisor's decision in the minute it is needed; who did it is on record.
    ("GET", "/api/admin/texts"): WATCH,
    ("POST", "/api/admin/texts"): WATCH,
    # How the pair stands, and what an act would do, is for everybody who may have to ask for it.
    ("GET", "/api/admin/sites"): NOT_AGENTS,
    ("POST", "/api/admin/sites/dry-run"): NOT_AGENTS,
    ("POST", "/api/admin/sites/act"): ADMIN,
    ("POST", "/api/admin/audit"): AUDIT,
    ("GET", "/api/admin/health"): ADMIN,
    ("POST", "/api/admin/quarantine/replay"): ADMIN,
    ("GET", "/api/admin/plan"): ADMIN,
    ("POST", "/api/admin/plan"): ADMIN,
    ("POST", "/api/admin/plan/check"): ADMIN,
    ("GET", "/api/admin/people"): ADMIN,
    ("POST", "/api/admin/people/change"): ADMIN,
    ("POST", "/api/admin/people/password"): ADMIN,
    ("GET", "/api/admin/sessions"): ADMIN,
    ("POST", "/api/admin/sessions/end"): ADMIN,
    # Whether this person may see this interaction is sight.may_see's question.
    ("GET", "/api/attachment/{content_id}"): SIGNED_IN,
    # Whether this person holds the conversation is asked in the transaction.
    ("POST", "/api/attachment"): DESK,
}
"""Method (WS for a socket) and path as registered."""

SIGNED: Final = frozenset({("POST", "/hooks/{account}"), ("POST", "/hooks/{account}/{path:path}")})
"""Open routes whose every request is signed by its sender, who is no browser and has no page of ours."""

BEFORE_PASSWORD_CHANGE: Final = frozenset({("POST", "/api/password")})
"""What somebody with a one-time password may still do, of the entries that ask for a role."""

COMMANDS: Final[Mapping[str, frozenset[str]]] = {
    "accept": DESK,
    "decline": DESK,
    "presence": DESK,
    "reply": DESK,
    "template": DESK,
    "consent": DESK,
    "note": DESK,
    "typing": DESK,
    "end": DESK,
    "dispose": DESK,
    "transfer": DESK,
    "urgency": DESK,
    "history": DESK,
    "call_back": DESK,
    "call_back_change": WATCH,
    "call_back_cancel": WATCH,
    "claim": DESK,
    "link": DESK,
    "merge": DESK,
    "split": DESK,
    "undo_move": DESK,
    "name_customer": DESK,
    "call_connect": DESK,
    "call_dial": DESK,
    "call_hold": DESK,
    "call_dtmf": DESK,
    "call_forward": DESK,
    "call_record": DESK,
    "alarm_seen": WATCH,
}
"""Commands of the desk's socket. Each one checks, besides, whether the thing it names is this person's."""

WALL_COMMANDS: Final[Mapping[str, frozenset[str]]] = {
    "move": WATCH,
    "assign": WATCH,
    "take_away": WATCH,
    "urgency": WATCH,
    "presence": WATCH,
    "explain": WATCH,
    "look": WATCH,
    "call_listen": WATCH,
    "alarm_seen": WATCH,
}
"""Commands of the wall's socket: a supervisor steps in without holding the interaction."""

MAY_LOWER_URGENCY: Final = WATCH
SEES_ALARMS: Final = WATCH
SEES_EVERYTHING: Final = frozenset({"supervisor", "admin", "auditor"})
"""Roles that may look at any interaction; each look is recorded."""


def may_command(role: str, command: str) -> bool:
    """Whether this role may give this command of the desk's at all. Unknown commands: nobody."""
    return role in COMMANDS.get(command, frozenset())


def may_command_wall(role: str, command: str) -> bool:
    """The same for the wall's commands."""
    return role in WALL_COMMANDS.get(command, frozenset())
