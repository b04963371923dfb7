"""The agents of a test: sign-in, ticket and desk socket as people use them; they accept, reply and dispose.

Each keeps what it was shown right after every (re)connection and what it was told is done, for truth.py.
"""

import asyncio
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from random import Random
from typing import Any, Final

from websockets.exceptions import WebSocketException

from agents_ui.demo.browser import Browser, send
from agents_ui.demo.desk import Desk
from tests.system.outside import RETRY_S, Door

DECLINES: Final = 0.03
AWAY: Final = (OSError, WebSocketException, HTTPException, TimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a desk showed after a connection. Times: milliseconds UTC, and `at` of time.monotonic()."""

    agent_id: str
    asked_at_ms: int
    shown_at_ms: int
    at: float
    offers: frozenset[str]
    """Interactions offered."""
    conversations: frozenset[str]
    messages: Mapping[str, frozenset[str]]
    """Message ids by conversation."""


@dataclass(slots=True)
class Holding:
    """From the answer that an accept is done to the one that a disposition is, as the agent knows it."""

    agent_id: str
    interaction_id: str
    since: float
    until: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A reply that the agent was told is kept. `at` is of time.monotonic()."""

    client_id: str
    message_id: str
    interaction_id: str
    channel: str
    text: str
    at: float


@dataclass(slots=True)
class Clerk:
    """One agent at a desk."""

    browser: Browser
    door: Door
    agent_id: str
    password: str
    random: Random
    handling_s: float = 3.0
    paused: bool = False
    shown: list[Shown] = field(default_factory=list)
    held: list[Holding] = field(default_factory=list)
    offers: set[str] = field(default_factory=set)
    said: dict[str, Said] = field(default_factory=dict)
    """The reply to each interaction, once acknowledged."""

    read: set[str] = field(default_factory=set)
    """Messages that were on the screen when the agent said that their conversation was dealt with."""

    disposed: set[str] = field(default_factory=set)
    desk: Desk | None = None
    _signed_in: bool = False
    _drafts: dict[str, tuple[str, str]] = field(default_factory=dict)
    """client_id and words of each reply: the same when said again after a lost connection."""

    _due: dict[str, float] = field(default_factory=dict)
    """When the agent has dealt with a conversation, also when the desk was away meanwhile."""

    _busy: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def work(self) -> None:
        """Until cancelled."""
        try:
            while True:
                with suppress(*AWAY):
                    await self._sit_down()
                await self.door.opens()
                await asyncio.sleep(self.random.uniform(*RETRY_S))
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def sign_in(self) -> None:
        """Sign in and replace the one-time password. Raises AssertionError when the site refuses."""
        answer = await self.browser.post("/api/sign-in", agent_id=self.agent_id, password=self.password)
        assert answer.status == 200, (self.agent_id, answer)
        if answer.body["must_change"]:
            fresh = secrets.token_urlsafe(18)
            answer = await self.browser.post("/api/password", old=self.password, new=fresh)
            assert answer.status == 200, (self.agent_id, answer)
            self.password = fresh

    async def _sit_down(self) -> None:
        answer = await self.browser.post("/api/ticket")
        if answer.status != 200:
            raise TimeoutError
        asked_at_ms = time.time_ns() // 1_000_000
        async with self.browser.socket("/desk/socket") as socket:
            await send(socket, kind="hello", ticket=answer.body["ticket"])
            desk = Desk(socket)
            listening = asyncio.create_task(desk.listen())
            try:
                while not listening.done():
                    await _news(desk)
                    if desk.words and self.desk is None:
                        self._note_shown(desk, asked_at_ms)
                        self.desk = desk
                    if desk.words:
                        self._look(desk)
            finally:
                self.desk = None
                listening.cancel()
                for task in self._busy.values():
                    task.cancel()  # nobody will answer on this connection; the next look begins it again
                await asyncio.gather(listening, *self._busy.values(), return_exceptions=True)

    def _note_shown(self, desk: Desk, asked_at_ms: int) -> None:
        conversations = frozenset(desk.entities["conversation"])
        self.shown.append(
            Shown(
                agent_id=self.agent_id,
                asked_at_ms=asked_at_ms,
                shown_at_ms=time.time_ns() // 1_000_000,
                at=time.monotonic(),
                offers=frozenset(each["interaction_id"] for each in desk.entities["offer"].values()),
                conversations=conversations,
                messages={
                    each: frozenset(message["message_id"] for message in desk.messages(each))
                    for each in conversations
                },
            )
        )

    def _look(self, desk: Desk) -> None:
        """Begin what the desk shows and nobody does yet."""
        self.offers.update(desk.entities["offer"])
        if self.paused:
            return
        me = desk.entities["me"].get(self.agent_id, {})
        if me and not me["available"]:
            self._begin("presence", self._be_available)
        for offer_id, offer in sorted(desk.entities["offer"].items()):
            self._begin(offer_id, partial(self._take, offer_id, offer["interaction_id"]))
        for interaction_id in sorted(desk.entities["conversation"]):
            self._begin(interaction_id, partial(self._deal_with, interaction_id))

    def _begin(self, name: str, action: Callable[[], Awaitable[None]]) -> None:
        running = self._busy.get(name)
        if running is None or running.done():
            self._busy = {key: task for key, task in self._busy.items() if not task.done()}
            self._busy[name] = asyncio.create_task(self._careful(action))

    async def _careful(self, action: Callable[[], Awaitable[None]]) -> None:
        try:
            await action()
        except AWAY:
            await asyncio.sleep(self.random.uniform(*RETRY_S))  # the next look at a new desk begins it again

    async def _be_available(self) -> None:
        await self._ask("presence", available=True, reason="")

    async def _take(self, offer_id: str, interaction_id: str) -> None:
        await asyncio.sleep(self.random.uniform(0.02, 0.3))
        press = "decline" if self.random.random() < DECLINES else "accept"
        answer = await self._ask(press, offer_id=offer_id)
        if press == "accept" and answer["ok"]:
            self.held.append(Holding(self.agent_id, interaction_id, time.monotonic()))

    async def _deal_with(self, interaction_id: str) -> None:
        takes_s = self.random.uniform(0.5, 1.5) * self.handling_s
        due = self._due.setdefault(interaction_id, time.monotonic() + takes_s)
        await asyncio.sleep(min(due - time.monotonic(), takes_s))
        if interaction_id not in self.said:
            await self._reply(interaction_id)
        desk = self._at_desk()
        messages = desk.messages(interaction_id)
        self.read |= {each["message_id"] for each in messages}
        seen = messages[-1]["seq"] if messages else ""
        answer = await desk.ask("dispose", interaction_id=interaction_id, disposition="done", seen=seen)
        if answer["ok"]:
            self.disposed.add(interaction_id)
            for each in self.held:
                if each.interaction_id == interaction_id and not each.until:
                    each.until = time.monotonic()

    async def _reply(self, interaction_id: str) -> None:
        desk = self._at_desk()
        conversation = desk.entities["conversation"].get(interaction_id)
        if conversation is None:
            return
        new = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        client_id, text = self._drafts.setdefault(interaction_id, (new, f"Help is on its way. [{new}]"))
        answer = await desk.ask("reply", interaction_id=interaction_id, client_id=client_id, text=text)
        if answer["ok"]:
            self.said[interaction_id] = Said(
                client_id=client_id,
                message_id=answer["value"]["message_id"],
                interaction_id=interaction_id,
                channel=conversation["channel"],
                text=text,
                at=time.monotonic(),
            )

    async def _ask(self, kind: str, **values: object) -> dict[str, Any]:
        return await self._at_desk().ask(kind, **values)

    def _at_desk(self) -> Desk:
        if self.desk is None or self.paused:
            raise TimeoutError
        return self.desk


async def _news(desk: Desk) -> None:
    """Wait for news, or a little: a closed connection brings none, and a new wish may need a look."""
    try:
        async with asyncio.timeout(0.2), desk.news:
            await desk.news.wait()
    except TimeoutError:
        return


async def signed_in(door: Door, sign_ins: Mapping[str, str]) -> list[Clerk]:
    """Everybody with a one-time password here, at the door."""
    clerks = [
        Clerk(Browser(door.url), door, agent_id, password, Random(agent_id))
        for agent_id, password in sign_ins.items()
    ]
    async with asyncio.TaskGroup() as group:
        for clerk in clerks:
            group.create_task(clerk.sign_in())
    return clerks
