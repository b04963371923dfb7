"""Joins the caller, an agent and those who listen, 20 ms at a time.

The caller is always there; agents come, go and are replaced while the call goes on. Whoever listens hears
both and is heard by nobody: nothing of a listener's leg is ever read. Sound goes from leg to leg only here.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final  # Any: what closing something returns

from router.run.media.frame import FRAME_MS, Frame, is_silent, mixed
from router.run.media.leg import Leg
from router.run.media.prompts import HOLD_TONE, Prompt
from router.run.media.recorder import Recorder
from router.run.media.ticks import LoopTicks, Ticks

_log = logging.getLogger("muster.voice")

HEARD_FRAMES: Final = 3
"""So many loud frames in a row are somebody; one or two are a click on the line."""


class Bridge:
    """One call. What it was handed it closes: in `close`, or when something else takes its place."""

    def __init__(self, caller: Leg, *, recorder: Recorder | None = None, ticks: Ticks | None = None) -> None:
        self._caller, self._recorder = caller, recorder
        self._agent: Leg | None = None
        self._listeners: list[Leg] = []
        self._held = False
        self._from_caller, self._from_agent = _Silence(), _Silence()
        self._player = _Player()
        self._closing: set[asyncio.Task[Any]] = set()
        self.ticks = ticks if ticks is not None else LoopTicks()
        self.ticks.start(self._tick)

    def connect(self, agent: Leg) -> None:
        """From now on they talk to each other. The agent's leg before it is closed."""
        self._replace_agent(agent)
        if not self._held:
            self._player.end_loop()

    def disconnect(self) -> None:
        """The agent leaves, the caller stays; what the caller hears now is the owner's to say (`play`)."""
        self._replace_agent(None)

    def listen(self, leg: Leg) -> None:
        """This one hears both."""
        if leg not in self._listeners:
            self._listeners.append(leg)

    def leave(self, leg: Leg) -> None:
        """This one hears them no more, and is closed."""
        if leg in self._listeners:
            self._listeners.remove(leg)
            self._close_later(leg.close())

    def hold(self, on: bool) -> None:
        """The caller hears a tone and the agent nothing. What the caller says is still recorded."""
        if on == self._held:
            return
        self._held = on
        if on:
            self._player.play(HOLD_TONE)
        else:
            self._player.end_loop()

    def play(self, prompt: Prompt) -> None:
        """Let the caller hear this, beside what the agent says."""
        self._player.play(prompt)

    @property
    def playing(self) -> bool:
        """Whether a prompt is being played."""
        return self._player.playing

    def record(self, recorder: Recorder | None) -> None:
        """From now on into this; what was written until now is closed."""
        before, self._recorder = self._recorder, recorder
        if before is not None and before is not recorder:
            self._close_later(before.close())

    @property
    def recording_failed(self) -> str:
        """Why the recorder writes nothing any more; empty as long as all is well, or nothing is recorded."""
        return self._recorder.failed if self._recorder is not None else ""

    @property
    def silent_ms(self) -> int:
        """How long nothing above the noise was heard from the caller."""
        return self._from_caller.ms

    @property
    def agent_silent_ms(self) -> int:
        """The same of the agent who is connected; since the connection at most."""
        return self._from_agent.ms

    async def close(self) -> None:
        """The call is over: every leg and the recording are closed. Again: harmless."""
        self.ticks.stop()
        self.disconnect()
        for leg in list(self._listeners):
            self.leave(leg)
        self.record(None)
        self._close_later(self._caller.close())
        while self._closing:
            await asyncio.wait(self._closing)
            # asyncio.wait returns before the tasks' callbacks have run.
            await asyncio.sleep(0)

    def _tick(self) -> None:
        caller_says = self._caller.next_frame()
        agent_says = self._agent.next_frame() if self._agent is not None else None
        self._from_caller.note(caller_says)
        self._from_agent.note(agent_says)
        if self._held:
            agent_says = None
        prompt = self._player.next()
        self._caller.play(mixed(agent_says, prompt))
        if self._agent is not None:
            beep = prompt if self._player.to_agent else None
            self._agent.play(None if self._held else mixed(caller_says, beep))
        if self._listeners:
            both = mixed(caller_says, agent_says)
            for leg in self._listeners:
                leg.play(both)
        if self._recorder is not None:
            self._recorder.write(caller_says, agent_says)

    def _replace_agent(self, agent: Leg | None) -> None:
        before, self._agent = self._agent, agent
        if before is not None and before is not agent:
            self._close_later(before.close())
        if before is not agent:
            self._from_agent = _Silence()

    def _close_later(self, closing: Coroutine[Any, Any, object]) -> None:
        task = asyncio.ensure_future(closing)
        self._closing.add(task)
        task.add_done_callback(self._closed)

    def _closed(self, task: asyncio.Task[Any]) -> None:
        self._closing.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error("a part of a call did not close error=%s", type(error).__name__)


class _Silence:
    """Counts how long nobody was heard."""

    def __init__(self) -> None:
        self.ms = 0
        self._loud = 0

    def note(self, frame: Frame | None) -> None:
        """The next 20 ms."""
        self._loud = 0 if is_silent(frame) else self._loud + 1
        self.ms = 0 if self._loud >= HEARD_FRAMES else self.ms + FRAME_MS


class _Player:
    """One prompt at a time; a single one lets the loop that it interrupted go on."""

    def __init__(self) -> None:
        self._once: Prompt | None = None
        self._loop: Prompt | None = None
        self._once_at = self._loop_at = 0
        self.to_agent = False

    @property
    def playing(self) -> bool:
        """Whether `next` will give something."""
        return self._once is not None or self._loop is not None

    def play(self, prompt: Prompt) -> None:
        """From the next frame on."""
        if prompt.loops:
            self._loop, self._loop_at = prompt, 0
        else:
            self._once, self._once_at = prompt, 0

    def end_loop(self) -> None:
        """What repeats itself ends; what is played once goes on."""
        self._loop = None

    def next(self) -> Frame | None:
        """The next 20 ms. `to_agent` says whether these are for the agent too."""
        if self._once is not None:
            frame = self._once.frames[self._once_at]
            self.to_agent = self._once.to_agent
            self._once_at += 1
            if self._once_at >= len(self._once.frames):
                self._once = None
            return frame
        if self._loop is None:
            return None
        frame = self._loop.frames[self._loop_at]
        self.to_agent = self._loop.to_agent
        self._loop_at = (self._loop_at + 1) % len(self._loop.frames)
        return frame
