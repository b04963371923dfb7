"""A file that an agent sends: kept as a message, and ordered to leave, in one transaction.

By POST and not as a command: it is larger than any message of a socket.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from agents_ui.access.person import Person
from agents_ui.desk import reply_rules, requests
from agents_ui.desk.leaving import send_order
from agents_ui.desk.words import text_of
from agents_ui.downloads import clean_name, media_type_of
from agents_ui.services import Services
from config.plan import Plan
from router.channels.chat import CHAT
from router.channels.consent import REPLY
from router.channels.providers import CHANNELS
from router.journal.committer import CommitUnknown
from router.journal.connection import Connection
from router.records import Fact

MAIL: Final = "mail"
"""Its channel has no capabilities of a provider: any mail can have a file."""

NO_FILES: Final = "no_files"
FILE_TOO_LARGE: Final = "file_too_large"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """What an agent chose. client_id is the page's: a repeat is one message."""

    interaction_id: str
    client_id: str
    name: str
    body: bytes


def files_bytes_max(plan: Plan, channel_id: str) -> int:
    """The largest file that can be sent on this channel; 0: it takes none."""
    can = CHANNELS.get(channel_id)
    takes = channel_id in (CHAT.channel, MAIL) or (can is not None and can.files)
    limits = (each.attachment_bytes_max for each in plan.channels if each.channel_id == channel_id)
    return next(limits, 0) if takes else 0


def largest_file(plan: Plan) -> int:
    """The most bytes that any channel takes: a request may have as many before its channel is known."""
    return max((files_bytes_max(plan, each.channel_id) for each in plan.channels), default=0)


def send_file(person: Person, file: SentFile, plan: Plan) -> requests.Decide:
    """The file for the customer, if this person holds the conversation at this moment."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        new_id = requests.message_id(person, file.interaction_id, file.client_id)
        found = db.row(
            "SELECT c.body FROM message m LEFT JOIN content c ON c.content_id = m.content_id"
            " WHERE m.message_id = :m",
            m=new_id,
        )
        if found is not None:
            return () if found[0] is None or bytes(found[0]) == file.body else "id_taken"
        refused = (
            requests.not_held(db, person, file.interaction_id, talking=True)
            or _too_large(db, file, plan)
            or reply_rules.refused(
                db, plan, interaction_id=file.interaction_id, body=b"", at_ms=at_ms, category=REPLY
            )
        )
        if refused:
            return refused
        order = send_order(
            db, interaction_id=file.interaction_id, message_id=new_id, at_ms=at_ms, category=REPLY
        )
        if isinstance(order, str):
            return order
        message = requests.message_fact(
            db,
            at_ms,
            person,
            file.interaction_id,
            file.client_id,
            file.body,
            "out",
            media_type=media_type_of(file.body),
            file_name=clean_name(file.name),
        )
        return [message, *order]

    return decide


def file_endpoint(services: Services) -> Callable[[Request], Awaitable[Response]]:
    """POST /api/attachment?of=interaction_id&client_id=&name=: 200 when it is on disk, else why not."""

    async def send(request: Request) -> Response:
        person: Person = request.state.person
        asked = request.query_params
        client_id, body = _uuid(asked.get("client_id", "")), await request.body()
        if not client_id or not body:
            return _refused("empty" if client_id else "malformed", 400)
        file = SentFile(
            interaction_id=asked.get("of", ""), client_id=client_id, name=asked.get("name", ""), body=body
        )
        append = requests.Request(person, send_file(person, file, services.plan()))
        try:
            await services.committer.append(append)
        except CommitUnknown:
            return _refused("not_saved", 503)
        if append.refused:
            return _refused(append.refused, 409)
        services.deliver()
        return JSONResponse({"ok": True, "client_id": client_id})

    return send


def _too_large(db: Connection, file: SentFile, plan: Plan) -> str:
    row = db.row("SELECT channel FROM interaction WHERE interaction_id = :i", i=file.interaction_id)
    most = files_bytes_max(plan, row[0]) if row else 0
    if not most:
        return NO_FILES
    return FILE_TOO_LARGE if len(file.body) > most else ""


def _uuid(text: str) -> str:
    try:
        return str(UUID(text)) if len(text) <= 36 else ""
    except ValueError:
        return ""


def _refused(code: str, status: int) -> Response:
    headers = {"Retry-After": "2"} if status == 503 else {}
    return JSONResponse({"ok": False, "code": code, "text": text_of(code)}, status, headers)
