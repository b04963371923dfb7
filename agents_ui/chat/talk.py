"""One chat socket from its handshake to its end: takes what the customer sends, keeps it, answers.

Said is kept before anything is answered. One message at a time, in their order: the next is read when this
one is on disk, so a page that sends faster than the disk writes is slowed down by its own connection.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final
from uuid import uuid4

from starlette.websockets import WebSocket, WebSocketDisconnect

from agents_ui.chat import wire, words
from agents_ui.chat.line import Line
from agents_ui.chat.places import PLACE_BURST, PLACE_PER_S, FollowPlace, place_said
from agents_ui.chat.room import Room, Visitor
from agents_ui.chat.session import new_cookie, session_in
from agents_ui.chat.view import channel_of
from agents_ui.permits import Pace
from agents_ui.services import Services
from agents_ui.silence import is_out
from agents_ui.typing_marks import CUSTOMER
from router.channels.chat import contact_of
from router.channels.ingest import Keeper, NotKept, keep
from router.channels.located import MEDIA_TYPE as PLACE
from router.channels.located import body_of
from router.channels.port import Contact
from router.channels.probes import CHAT_PAGE, HEADER, as_probe, is_expected
from router.journal.committer import CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Connection
from router.records import Fact, fact

BAD_MAX: Final = 10
BAD_FORGIVEN_S: Final = 60.0
"""A page of ours sends none. After this many it is none; one is forgiven in this time."""

SAY_BURST: Final = 30
SAY_PER_S: Final = 5.0
"""A page that comes back after an hour without a network sends all it kept at once; nobody types faster."""

TYPING_EVERY_S: Final = 1.0

BINARY: Final = 1003
POLICY: Final = 1008
TRY_AGAIN: Final = 1013

_DATABASE_AWAY: Final = (CommitUnknown, DatabaseBusy, DatabaseGone)


async def talk(socket: WebSocket, services: Services, room: Room) -> None:
    """Serve one chat socket until it ends."""
    session = session_in(socket, services.settings)
    headers: list[tuple[bytes, bytes]] = []
    if session is None:
        # Without a cookie (or with a foreign one) somebody is a new customer; nobody in need is sent away.
        session, cookie = new_cookie(services.settings)
        headers.append((b"set-cookie", cookie.encode()))
    await socket.accept(headers=headers)
    if is_out(services.committer):
        await socket.close(TRY_AGAIN)  # The page keeps what is written, and asks the other site.
        return
    visitor = Visitor(session=session, connection_id=str(uuid4()), line=Line(socket))
    probe = await _probe_in(socket, services)
    try:
        code = await _Talk(socket, services, room, visitor, probe).until_over()
    finally:
        room.leave(visitor)
    if code:
        with suppress(WebSocketDisconnect, RuntimeError):  # it closed at the same moment
            await socket.close(code)


async def _probe_in(socket: WebSocket, services: Services) -> str:
    """The name of our own watch's probe that this socket is, as far as the database knows it; else empty."""
    name = socket.headers.get(HEADER, "")

    def expected() -> bool:
        with services.database.reading() as db:
            return is_expected(db, name, CHAT_PAGE, _now_ms())

    if not name:
        return ""
    try:
        return name if await asyncio.to_thread(expected) else ""
    except (DatabaseBusy, DatabaseGone):
        return ""  # Nothing can be kept now either.


class _Talk:
    def __init__(
        self, socket: WebSocket, services: Services, room: Room, visitor: Visitor, probe: str
    ) -> None:
        self._probe = probe
        self._socket = socket
        self._services = services
        self._room = room
        self._visitor = visitor
        self._line = visitor.line
        self._bad = Pace(BAD_MAX - 1, 1 / BAD_FORGIVEN_S)
        self._say_pace = Pace(SAY_BURST, SAY_PER_S)
        self._typing_pace = Pace(1, 1 / TYPING_EVERY_S)
        self._seen_pace = Pace(SAY_BURST, SAY_PER_S)
        self._place_pace = Pace(PLACE_BURST, PLACE_PER_S)

    async def until_over(self) -> int:
        """The code to close the socket with; 0 when it is closed already."""
        reading = asyncio.create_task(self._read_all())
        others = (
            asyncio.create_task(self._line.send_all()),
            asyncio.create_task(self._line.too_slow.wait()),
        )
        try:
            await asyncio.wait({reading, *others}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, *others):
                task.cancel()
            results = await asyncio.gather(reading, *others, return_exceptions=True)
        if self._line.too_slow.is_set():
            return TRY_AGAIN
        return _code_of(results)

    async def _read_all(self) -> int:
        try:
            await self._room.enter(self._visitor)
        except _DATABASE_AWAY:
            return TRY_AGAIN
        while True:
            message = await self._socket.receive()
            if message["type"] != "websocket.receive":
                return 0
            text = message.get("text")
            if text is None:
                return BINARY
            code = await self._take(text)
            if code:
                return code

    async def _take(self, text: str) -> int:
        """Deal with one message; a code ends the socket."""
        try:
            said = wire.read(text)
        except wire.Bad as bad:
            self._refuse(words.BAD_MESSAGE, bad.client_id)
            return 0 if self._bad.permits() else POLICY
        if isinstance(said, wire.Say):
            return await self._say(said)
        if isinstance(said, wire.Seen):
            await self._seen(said)
        elif isinstance(said, wire.Typing):
            self._typing()
        elif isinstance(said, wire.Place):
            return await self._place(said)
        else:
            self._room.customer_left(self._visitor.session)
        return 0

    async def _place(self, said: wire.Place) -> int:
        client_id, session, now_ms = str(said.client_id), self._visitor.session, _now_ms()
        place = place_said(said)
        if place is None:
            self._refuse(words.NO_PLACE, client_id)
        elif said.again:
            if self._place_pace.permits():
                # The next point is as good as one that is lost.
                with suppress(*_DATABASE_AWAY):
                    await self._services.committer.append(FollowPlace(session, client_id, place, now_ms))
        elif self._say_pace.permits():
            contact = contact_of(
                session=session,
                client_id=client_id,
                body=body_of(place),
                received_at_ms=now_ms,
                media_type=PLACE,
            )
            return await self._keep(replace(contact, kind="text"))
        else:
            self._refuse(words.SLOW_DOWN, client_id)
        return 0

    async def _say(self, said: wire.Say) -> int:
        client_id = str(said.client_id)
        limit = channel_of(self._services.plan()).message_characters_max
        if len(said.text) > limit:
            self._refuse(words.TOO_LONG, client_id, limit=limit)
            return 0
        if not self._say_pace.permits():
            self._refuse(words.SLOW_DOWN, client_id)
            return 0
        session = self._visitor.session
        return await self._keep(
            contact_of(session=session, client_id=client_id, body=said.text, received_at_ms=_now_ms())
        )

    async def _keep(self, contact: Contact) -> int:
        visitor, keeper = self._visitor, self._keeper()
        if self._probe:
            contact, keeper = as_probe(contact, self._probe), replace(keeper, connection_id="")
        try:
            kept = await keep(self._services.committer, contact, keeper)
        except NotKept:
            return TRY_AGAIN  # Not acknowledged, so the page sends it again when it is back.
        self._line.put("kept", client_id=contact.client_id, message_id=kept.message_id)
        if self._probe:
            return 0
        self._room.customer_back(visitor)
        if kept.began:
            visitor.joined = kept.interaction_id
        elif not (kept.repeated or kept.elsewhere):
            self._room.join(visitor, kept.interaction_id)
        return 0

    def _keeper(self) -> Keeper:
        return Keeper(
            web_id=self._services.web_id,
            connection_id=self._visitor.connection_id,
            read_within_ms=self._services.plan().limits.read_within_ms,
            copied=self._services.second.copied,
            there=self._services.forward.joined,
        )

    async def _seen(self, said: wire.Seen) -> None:
        if not self._seen_pace.permits():
            return
        # A mark that is lost is given again with the next message.
        with suppress(*_DATABASE_AWAY):
            await self._services.committer.append(_MarkSeen(self._visitor.session, str(said.message_id)))

    def _typing(self) -> None:
        joined = self._visitor.joined
        if joined and self._typing_pace.permits():
            self._services.typing.publish(joined, CUSTOMER)

    def _refuse(self, code: str, client_id: str | None, **values: int) -> None:
        self._line.put("refused", client_id=client_id, code=code, text=words.text_of(code, **values))


@dataclass(frozen=True, slots=True)
class _MarkSeen:
    """Append: the customer has this reply on the screen, if it is one to this customer."""

    session: str
    message_id: str

    def write_content(self, db: Connection) -> None:
        """Nothing."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """The fact, once."""
        found = db.row(
            "SELECT m.status FROM message m JOIN interaction i ON i.interaction_id = m.interaction_id"
            " JOIN identity d ON d.customer_id = i.customer_id AND d.channel = i.channel"
            " WHERE m.message_id = :message_id AND m.direction = 'out' AND d.address_hash = :session",
            message_id=self.message_id,
            session=self.session,
        )
        if found is None or found[0] in ("read", "failed"):
            return ()
        return (fact("delivered", self.message_id, status="read"),)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _code_of(results: Sequence[object]) -> int:
    """What reading ended with: a code, or a mistake, which goes on. A socket that is gone is no mistake."""
    ended = results[0]
    if isinstance(ended, int):
        return ended
    if isinstance(ended, Exception) and not isinstance(ended, (WebSocketDisconnect, RuntimeError)):
        raise ended
    return 0
