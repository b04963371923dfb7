"""One demo agent: signs in, is available, accepts after a moment, answers, ends, wraps up.

Everything goes through the sign-in, the ticket and the desk's socket that people use. A one-time password is
replaced at the first sign-in, as the site demands, and the new one kept with the demo's sign-ins.
"""

import asyncio
import secrets
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final  # Any: JSON values at the edge of the type system

from websockets.exceptions import WebSocketException

from agents_ui.demo.browser import Browser, send
from agents_ui.demo.desk import Desk
from agents_ui.demo.sign_ins import SignIn, keep_sign_ins

REPLIES: Final = (
    "I am with you. Where exactly are you?",
    "Thank you. Is anybody hurt?",
    "Help is on its way. Stay on this chat with me.",
    "Understood. Please tell me when something changes.",
    "You are doing well.",
)
IDLE_REPLY_S: Final = 90
"""A customer who is silent for so long gets no further reply; the agent ends the conversation."""

DECLINES: Final = 0.04
"""Share of offers a demo agent declines, so that the way back into the line is seen as well."""

RECONNECT_S: Final = 1


class SignInFailed(Exception):
    """The site does not let this demo agent in; the message says who and why."""


@dataclass(slots=True)
class Agent:
    """A demo agent at a desk. Units: seconds, multiplied by `pace` (tests hurry)."""

    browser: Browser
    sign_in: SignIn
    data_dir: Path
    random: Random
    pace: float = 1.0
    finished: Callable[[], None] = lambda: None
    """Called after every wrap-up."""

    reconnects: int = 0
    _desk: Desk | None = None
    _busy: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """What the agent is doing, by offer_id or interaction_id."""

    async def work(self) -> None:
        """Sign in and answer until cancelled."""
        try:
            while True:
                try:
                    await self._sit_down()
                except (OSError, WebSocketException, TimeoutError):
                    self.reconnects += 1  # the site restarts: come back, still signed in
                await asyncio.sleep(RECONNECT_S * self.pace)
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _sit_down(self) -> None:
        ticket = await self._ticket()
        async with self.browser.socket("/desk/socket") as socket:
            await send(socket, kind="hello", ticket=ticket)
            desk = Desk(socket)
            listening = asyncio.create_task(desk.listen())
            try:
                while not listening.done():
                    await self._next_look(desk)
                    if desk.words:
                        self._desk = desk
                        self._look(desk)
            finally:
                self._desk = None
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def _next_look(self, desk: Desk) -> None:
        """Wait for news, or a second: a closed connection brings none."""
        try:
            async with asyncio.timeout(1), desk.news:
                await desk.news.wait()
        except TimeoutError:
            return

    async def _ticket(self) -> str:
        answer = await self.browser.post("/api/ticket")
        if answer.status != 200:
            await self._enter()
            answer = await self.browser.post("/api/ticket")
        if answer.status != 200:
            raise SignInFailed(
                f"{self.sign_in.agent_id} gets no ticket: {answer.body.get('text', answer.status)}"
            )
        return str(answer.body["ticket"])

    async def _enter(self) -> None:
        mine = self.sign_in
        answer = await self.browser.post("/api/sign-in", agent_id=mine.agent_id, password=mine.password)
        if answer.status != 200:
            raise SignInFailed(f"{mine.agent_id} may not sign in: {answer.body.get('text', answer.status)}")
        if not answer.body.get("must_change"):
            return
        fresh = secrets.token_urlsafe(18)
        changed = await self.browser.post("/api/password", old=mine.password, new=fresh)
        if changed.status != 200:
            raise SignInFailed(f"{mine.agent_id} cannot change the one-time password: {changed.body}")
        self.sign_in = replace(mine, password=fresh)
        keep_sign_ins(self.data_dir, {mine.agent_id: self.sign_in})

    def _look(self, desk: Desk) -> None:
        """Begin whatever the desk shows and nobody does yet."""
        me = desk.entities["me"].get(self.sign_in.agent_id, {})
        if me and not me["available"]:
            self._begin("presence", self._be_available)
        for offer_id in sorted(desk.entities["offer"]):
            self._begin(offer_id, partial(self._take, offer_id))
        for interaction_id in sorted(desk.entities["conversation"]):
            self._begin(interaction_id, partial(self._talk, interaction_id))

    def _begin(self, name: str, action: Callable[[], Awaitable[None]]) -> None:
        running = self._busy.get(name)
        if running is None or running.done():
            self._busy = {key: task for key, task in self._busy.items() if not task.done()}
            self._busy[name] = asyncio.create_task(self._careful(action))

    async def _careful(self, action: Callable[[], Awaitable[None]]) -> None:
        try:
            await action()
        except (OSError, WebSocketException, TimeoutError):
            await asyncio.sleep(RECONNECT_S * self.pace)  # the next look at a new desk begins it again

    async def _be_available(self) -> None:
        await self._pause(1, 3)
        await self._ask("presence", available=True, reason="")

    async def _take(self, offer_id: str) -> None:
        await self._pause(1, 5)
        press = "decline" if self.random.random() < DECLINES else "accept"
        await self._ask(press, offer_id=offer_id)

    async def _talk(self, interaction_id: str) -> None:
        if not self._held(interaction_id).get("wrap_up_since_ms"):
            for text in self.random.sample(REPLIES[1:], k=self.random.randint(1, 4)):
                await self._reply(interaction_id, REPLIES[0] if not self._replied(interaction_id) else text)
                if not await self._answered(interaction_id):
                    break
            seen = self._newest(interaction_id)
            if not (await self._ask("end", interaction_id=interaction_id, seen=seen))["ok"]:
                return  # the customer has said something more: the next look begins again
        await self._pause(3, 10)
        choice = self.random.choice(self._words("dispositions"))
        note = "Demo: caller helped."
        await self._ask("dispose", interaction_id=interaction_id, disposition=choice["id"], note=note)
        self.finished()
        await self._until(lambda: not self._held(interaction_id), 10)

    async def _reply(self, interaction_id: str, text: str) -> None:
        if self._desk is not None:
            await self._desk.typing(interaction_id)
        await self._pause(2, 6)
        await self._ask("reply", interaction_id=interaction_id, client_id=str(uuid.uuid4()), text=text)

    async def _answered(self, interaction_id: str) -> bool:
        said = self._said(interaction_id)
        return await self._until(lambda: self._said(interaction_id) > said, IDLE_REPLY_S)

    def _said(self, interaction_id: str) -> int:
        return self._count(interaction_id, "in")

    def _replied(self, interaction_id: str) -> int:
        return self._count(interaction_id, "out")

    def _count(self, interaction_id: str, direction: str) -> int:
        if self._desk is None:
            return 0
        return sum(each["direction"] == direction for each in self._desk.messages(interaction_id))

    def _newest(self, interaction_id: str) -> str:
        """The seq of the newest message on the desk; empty where there is none."""
        messages = self._at_desk().messages(interaction_id)
        return str(messages[-1]["seq"]) if messages else ""

    def _held(self, interaction_id: str) -> Mapping[str, Any]:
        return self._desk.entities["conversation"].get(interaction_id, {}) if self._desk else {}

    def _words(self, name: str) -> list[dict[str, Any]]:
        return list(self._at_desk().words[name])

    async def _ask(self, kind: str, **values: object) -> dict[str, Any]:
        return await self._at_desk().ask(kind, **values)

    def _at_desk(self) -> Desk:
        """The desk as it is now. Raises TimeoutError while the site is away; _careful begins again then."""
        if self._desk is None:
            raise TimeoutError
        return self._desk

    async def _pause(self, least_s: float, most_s: float) -> None:
        await asyncio.sleep(self.random.uniform(least_s, most_s) * self.pace)

    async def _until(self, true: Callable[[], bool], seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds * self.pace):
                while not true():
                    if self._desk is None:
                        return False
                    await self._next_look(self._desk)
        except TimeoutError:
            return False
        return True
