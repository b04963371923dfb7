"""An agent who takes calls all day: desk socket and WebRTC as the page has them, one tone for a voice."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final  # Any: entities of a desk, JSON

from agents_ui.demo.browser import Browser, send
from agents_ui.demo.desk import Desk
from tests.voice.crowd import hangs_up
from tests.voice.desk import Desk as Line
from tests.voice.sipp_caller import HERTZ as CALLER_HERTZ

WITHIN_S: Final = 90
"""Only a guard: two cores carry the centre, its callers and all agents."""

AGAIN_S: Final = 20
TRIES: Final = 6
LOOK_S: Final = 0.05
NEAR_HERTZ: Final = 25
ENDED: Final = "ended"


@dataclass(frozen=True, slots=True)
class Talk:
    """One call that this agent connected. heard: the caller, by the caller's tone."""

    interaction_id: str
    number: str
    heard: bool


@dataclass(slots=True)
class CallTaker:
    """One agent. heard(number, hertz): for how many half seconds that caller has heard that tone so far."""

    url: str
    agent_id: str
    password: str
    hertz: int
    heard: Callable[[str, int], int]
    passes_on: Callable[[str], bool]
    """Whom of the callers agents transfer once, by their number."""

    passed_on: set[str]
    """Who was, by any agent."""

    stopping: bool = False
    talks: list[Talk] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """What was disposed of without a talk: call-backs, and callers who were gone by then."""

    _desk: Desk | None = None

    async def work(self) -> None:
        """Until stopping, and everything held is disposed of."""
        browser = Browser(self.url)
        await self._sign_in(browser)
        ticket = (await browser.post("/api/ticket")).body["ticket"]
        async with browser.socket("/desk/socket") as socket:
            await send(socket, kind="hello", ticket=ticket)
            self._desk = Desk(socket)
            listening = asyncio.create_task(self._desk.listen())
            try:
                await self._until(lambda: bool(self._entities("me")), "a desk")
                await self._ask("presence", available=True, reason="")
                await self._take_calls(listening)
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def _sign_in(self, browser: Browser) -> None:
        answer = await browser.post("/api/sign-in", agent_id=self.agent_id, password=self.password)
        assert answer.status == 200, answer
        fresh = secrets.token_urlsafe(18)
        answer = await browser.post("/api/password", old=self.password, new=fresh)
        assert answer.status == 200, answer

    async def _take_calls(self, listening: "asyncio.Task[None]") -> None:
        away = False
        while not (away and not self._entities("conversation")):
            assert not listening.done(), f"{self.agent_id}: the desk's line was cut"
            if self.stopping and not away:
                away = (await self._ask("presence", available=False, reason="break"))["ok"]
            for interaction_id in sorted(self._entities("conversation")):
                await self._deal_with(interaction_id)
            for offer_id in sorted(self._entities("offer")):
                await self._ask("accept", offer_id=offer_id)
            await asyncio.sleep(LOOK_S)

    async def _deal_with(self, interaction_id: str) -> None:
        await self._until(lambda: interaction_id in self._entities("call"), "the call beside it")
        call = self._call(interaction_id)
        if call["state"] not in ("", ENDED):  # of a transferred one perhaps what it was with another agent
            await self._talk(interaction_id, str(call["address"]))
        else:
            self.others.append(interaction_id)
        if interaction_id in self._entities("conversation"):
            await self._insist("dispose", interaction_id, disposition="done")
            await self._until(lambda: interaction_id not in self._entities("conversation"), "it is closed")

    async def _talk(self, interaction_id: str, number: str) -> None:
        """Connect, again where nothing is heard: who is not heard for ten seconds is let go of."""
        before = self.heard(number, self.hertz)
        for _ in range(TRIES):
            line = Line(self.hertz)
            try:
                if not await self._connects(interaction_id, line):
                    self.others.append(interaction_id)
                    return
                if await self._in_time(
                    lambda line=line: (
                        self._over(interaction_id)
                        or (self._hears(line) and self.heard(number, self.hertz) > before)
                    )
                ):
                    self.talks.append(Talk(interaction_id, number, self._hears(line)))
                    await self._end(interaction_id, number)
                    return
            finally:
                await line.close()
        raise AssertionError(f"{self.agent_id} and {number} never heard each other")

    async def _connects(self, interaction_id: str, line: Line) -> bool:
        """False where the caller was quicker."""
        asked = {"interaction_id": interaction_id, "window": self.agent_id, "sdp": await line.offer()}
        answer = await self._ask("call_connect", **asked)
        if answer["ok"]:
            await line.take(answer["value"]["sdp"])
        else:
            assert answer["code"] in ("no_call", "wrong_state"), answer
        return bool(answer["ok"])

    async def _end(self, interaction_id: str, number: str) -> None:
        if self._over(interaction_id):
            return
        if self.passes_on(number) and number not in self.passed_on:
            self.passed_on.add(number)
            await self._insist("transfer", interaction_id, to_queue_id="second", note="please")
            await self._until(lambda: interaction_id not in self._entities("conversation"), "passed on")
        elif hangs_up(number):
            await self._until(lambda: self._over(interaction_id), f"{number} hangs up")
        else:
            await self._insist("end", interaction_id)

    async def _insist(self, kind: str, interaction_id: str, **values: object) -> None:
        """Ask again where something was said meanwhile that must be seen first."""
        for _ in range(20):
            messages = self._at_desk().messages(interaction_id)
            if kind != "transfer":
                values["seen"] = messages[-1]["seq"] if messages else ""
            answer = await self._ask(kind, interaction_id=interaction_id, **values)
            if answer["ok"]:
                return
            assert answer["code"] == "unseen", (kind, answer)
            await asyncio.sleep(LOOK_S)
        raise AssertionError(f"{self.agent_id}: {kind} was refused again and again")

    def _hears(self, line: Line) -> bool:
        return abs(line.pitch - CALLER_HERTZ) < NEAR_HERTZ

    def _over(self, interaction_id: str) -> bool:
        call = self._entities("call").get(interaction_id)
        return call is None or call["state"] == ENDED

    def _call(self, interaction_id: str) -> dict[str, Any]:
        return self._entities("call")[interaction_id]

    def _entities(self, name: str) -> dict[str, dict[str, Any]]:
        return self._at_desk().entities[name]

    def _at_desk(self) -> Desk:
        assert self._desk is not None
        return self._desk

    async def _ask(self, kind: str, **values: object) -> dict[str, Any]:
        answer: Awaitable[dict[str, Any]] = self._at_desk().ask(kind, **values)
        return await answer

    async def _until(self, true: Callable[[], bool], what: str) -> None:
        assert await self._in_time(true, WITHIN_S), f"{self.agent_id}: not within {WITHIN_S} s: {what}"

    async def _in_time(self, true: Callable[[], bool], within_s: float = AGAIN_S) -> bool:
        deadline = time.monotonic() + within_s
        while not true():
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(LOOK_S)
        return True
