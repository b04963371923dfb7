"""One call: the caller, whoever talks with them, and what the journal is told about it.

It knows nothing of SQL and decides nothing about routing: how its interaction stands is told to it
(`stands`), and it follows. Whatever waits for the world looks again afterwards whether the call goes on.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final  # Any: what a coroutine sends and receives does not matter here

from router.channels.port import Account
from router.channels.web_call import CALL_OUT_TYPE, SENT_ON_TYPE
from router.run.voice import record as r
from router.run.voice.around import Surroundings, careful
from router.run.voice.callers import Caller, CannotAnswer, NotNow, TelephoneCaller, called
from router.run.voice.gear import Bridge, CallEnded, Leg, NoPorts, NotAnswered, NoTrunk, Telephones
from router.run.voice.record import AddSaid, Record
from router.run.voice.said import Said
from router.run.voice.standing import Standing, Waiting

CONNECT_S: Final = 10.0
"""An agent who accepted and is not heard after this long will not be: somebody should look."""

IN_LINE: Final = ("waiting", "offered")

SILENT_MS: Final = 8_000
"""Nothing heard of a caller for so long: perhaps they cannot speak (NENA-STA-020.1-2020, 2.2.7)."""

_log = logging.getLogger("muster.voice")


class Call:
    """From the first ring on. Made once it is in the journal."""

    def __init__(
        self, record: Record, account: Account, caller: Caller, around: Surroundings, *, said: int = 0
    ) -> None:
        self.record = record
        self.account = account
        self.caller = caller
        self.position = 0
        self.window = ""
        """Which window of the agent has the call."""
        self.stood: Standing | None = None
        self.expected: Waiting | None = None
        """Where it will wait once the router has read of it."""
        self._around = around
        self._assignment = ""
        self._bridge: Bridge | None = None
        self._agent: Leg | None = None
        self._coming: Leg | None = None
        """An agent's leg that nothing has come from yet."""
        self._answering = False
        self._patience: asyncio.TimerHandle | None = None
        self._sent_to: TelephoneCaller | None = None
        self._elsewhere: TelephoneCaller | None = None
        """Who answered elsewhere and is to have the caller."""
        self._files = 0
        self._name = f"{record.call_id}_{said}" if said else record.call_id
        """Of its recordings: those of a process that died have others."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._said = Said(record.call_id, self._keep_said, number=said)

    @property
    def call_id(self) -> str:
        """Also the id of its connection."""
        return self.record.call_id

    @property
    def interaction_id(self) -> str:
        """What it belongs to now."""
        return self.record.interaction_id

    @property
    def live(self) -> bool:
        """Whether it goes on."""
        return self.record.state != r.ENDED

    @property
    def taken_elsewhere(self) -> bool:
        """Whether some window of the agent has it, or is about to."""
        return self._agent is not None or self._coming is not None

    # What the router decided

    def stands(self, standing: Standing) -> None:
        """Follow what became of its interaction. What was read before the newest look is no news."""
        if self.stood is not None and standing.seq < self.stood.seq:
            return
        self.stood = standing
        if not self.live:
            return
        mine = standing.assigned and standing.offer_id == self._assignment
        if standing.over or (self.record.state == r.DIALLING and not mine):
            self.end(r.AGENT_HUNG_UP)
        elif standing.assigned and standing.offer_id != self._assignment:
            self._let_go_of_agent()
            self._assignment = standing.offer_id
            self.record.agent_id = standing.agent_id
            self._wait_for_agent()
            self._tell(r.WAITING)
        elif not standing.assigned and self._assignment:
            self._let_go_of_agent()
            self._assignment = self.record.agent_id = ""
            self._tell(r.WAITING)

    @property
    def coming(self) -> bool:
        """Whether somebody is there to talk and the caller is not."""
        if self._elsewhere is not None and not self._elsewhere.call.ended:
            return True
        return self._coming is not None and self._coming.flowing

    @property
    def waits(self) -> bool:
        """Whether its caller is in line, and with no agent."""
        line = self.stood is not None and self.stood.state in IN_LINE and not self.stood.over
        return line and self.live and self.record.direction == r.IN and not self._assignment

    def waits_at(self, position: int) -> None:
        """Its place in line; 0: it waits no longer."""
        if position != self.position:
            self.position = position
            if position and self.live:
                self.caller.waits_at(position)

    def belongs_to(self, interaction_id: str) -> None:
        """It goes on in another interaction: the router took it for lost, and a call-back has its place."""
        self._assignment = self.record.agent_id = ""
        self._let_go_of_agent()
        self.record.interaction_id = interaction_id
        self.record.state = r.WAITING
        self._around.book.note(self.call_id, self.record.connected(), self.record.changed())

    def is_here(self) -> None:
        """Somebody said that its line is gone, and it is not."""
        self._around.book.note(self.call_id, self.record.connected(), self.record.changed())

    # The agent's side

    def connect(self, leg: Leg, window: str) -> None:
        """Join this leg of its agent as soon as something comes from it; one before it is closed."""
        self._drop_coming()
        self._coming, self.window = leg, window
        leg.on_lost = lambda: self._agent_lost(leg)
        if leg.flowing:
            self._agent_flows(leg)
        else:
            leg.on_flowing = lambda: self._agent_flows(leg)

    def hold(self, on: bool) -> bool:
        """Let the caller wait, or go on; False where there is nobody to hold."""
        wanted = r.CONNECTED if on else r.HELD
        if self._bridge is None or self._agent is None or self.record.state != wanted:
            return False
        self._bridge.hold(on)
        self._tell(r.HELD if on else r.CONNECTED)
        return True

    def listen(self, leg: Leg) -> bool:
        """Let a supervisor hear it; False where there is nothing to hear."""
        bridge = self._bridge
        if bridge is None or not self.live:
            return False
        leg.on_lost = lambda: self._do(self._leave(bridge, leg))
        bridge.listen(leg)
        return True

    def recording(self, on: bool) -> bool:
        """Record, or stop; False where the account forbids it or there is nothing to record."""
        if self._bridge is None or self.account.options.get("recording", "announced") == "off":
            return False
        if on != self.record.recording:
            if on:
                self._start_recording(self._bridge)
            else:
                self._bridge.stop_recording()
                self.record.recording = False
            self._tell(self.record.state)
        return True

    def took_sound(self, leg: Leg) -> None:
        """A page that was reloaded has another leg for the caller."""
        old, self._bridge = self._bridge, None
        agent, self._agent = self._agent, None
        self._listen_to_caller(leg)
        self._bridge = bridge = self._new_bridge(leg)
        if old is not None:
            self._do(old.close())
        if agent is not None:  # Its leg went with the old bridge: its desk connects again.
            self._tell(r.WAITING)
        bridge.wait()

    def sound_lost(self) -> None:
        """The caller's sound has ended and its caller has not: they wait where they are for the agent."""
        old, self._bridge = self._bridge, None
        self._agent = None
        if old is not None:
            self._do(old.close())
        if self.live:
            if self._assignment:
                self._wait_for_agent()
            self._tell(r.WAITING)

    async def forward(self, number: str, telephones: Telephones, trunk: Account) -> None:
        """Send the caller on to this number: by their own network, else by a call of ours over this trunk.

        Until somebody answers there the caller is held, and stays with the agent when nobody does.
        """
        bridge = self._bridge
        if bridge is None or not self.hold(True):
            return
        try:
            if await self.caller.sent_on(trunk, number):
                self.end(r.FORWARDED)
                return
            other = await called(telephones, self._around.media, trunk, number)
        except CallEnded:
            return
        except (NotAnswered, NoTrunk, NoPorts) as problem:
            self._not_forwarded(str(problem) if isinstance(problem, NotAnswered) else r.FAILED)
            return
        if not self.live or bridge is not self._bridge:
            await other.hang_up()
            return
        self._relay(bridge, other)

    async def goes_on_with(self, other: TelephoneCaller, where: str) -> bool:
        """Who waits talks with whoever answered there from now on; False where they wait, or are gone.

        Its interaction ends as one that nobody took, so that there is a call-back, which knows of it.
        """
        if self._bridge is None and not self._answering:
            self._answering, self._elsewhere = True, other
            try:
                await self._answer()
            finally:
                self._elsewhere = None
        bridge = self._bridge
        if bridge is None or not self.waits or other.call.ended:
            return False
        said = r.mark(self.record, SENT_ON_TYPE, where.encode(), number=r.SENT_ON)
        self._around.book.append(self.call_id, said)
        self._relay(bridge, other)
        return True

    def _not_forwarded(self, why: str) -> None:
        if self.live and self._bridge is not None and self._agent is not None:
            self._bridge.hold(False)
            self.record.why = why
            self._tell(r.CONNECTED)
            self.record.why = ""

    def _relay(self, bridge: Bridge, other: TelephoneCaller) -> None:
        """Both talk on without an agent: for the centre the call is over, until one of them hangs up."""
        self._sent_to = other
        other.call.on_end = lambda why: self.hung_up(why)
        bridge.hold(False)
        bridge.disconnect()
        bridge.connect(other.sound)
        self._agent = None
        self.record.recording = self.record.silent = False
        bridge.stop_recording()
        self.record.state, self.record.why = r.ENDED, r.FORWARDED
        self._stop_waiting()
        self._around.book.note(self.call_id, *self.record.ended())
        self._around.over(self)

    # The end

    def hung_up(self, why: str) -> None:
        """The other side ended it; of one that was sent on, either side did."""
        if self._sent_to is not None:
            other, self._sent_to = self._sent_to, None
            self._do(other.hang_up())
            self._do(self._close(hang_up=True))
        else:
            self.end(why, hang_up=False)

    def end(self, why: str, *, hang_up: bool = True, elsewhere: bool = False) -> None:
        """It is over, for this reason. Only the first counts. elsewhere: others may serve the caller."""
        if not self.live:
            if self._sent_to is not None:
                self.hung_up(why)
            return
        self.record.state, self.record.why = r.ENDED, why
        self.record.silent = self.record.recording = False
        self._said.flush()
        self._stop_waiting()
        self._drop_coming()
        self._agent = None
        self._around.book.note(self.call_id, *self.record.ended())
        self._do(self._close(hang_up=hang_up, elsewhere=elsewhere))
        self._around.over(self)

    async def closed(self) -> None:
        """Wait until everything of it is closed."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def look(self) -> None:
        """Once a second: whether the caller is silent, and whether what is said to be recorded is."""
        bridge = self._bridge
        if bridge is None or not self.live:
            return
        if self.record.recording and bridge.recording_failed:
            bridge.stop_recording()
            self.record.recording = False
            self._around.alarm("recording_failed", self.interaction_id)
            self._tell(self.record.state)
        if self.record.state != r.CONNECTED:
            return
        silent = bridge.silent_ms >= SILENT_MS and not self._said.lately
        if silent != self.record.silent:
            self.record.silent = silent
            self._tell(r.CONNECTED)

    # Inside

    def begin_page(self, leg: Leg) -> None:
        """A page has its sound at once, and hears that it waits."""
        self._listen_to_caller(leg)
        self._bridge = bridge = self._new_bridge(leg)
        bridge.wait()

    def begin_called(self, leg: Leg, agent: Leg) -> None:
        """Somebody answered whom the agent has called."""
        self._listen_to_caller(leg)
        self._bridge = self._new_bridge(leg)
        self._join(agent)

    def say_called(self) -> None:
        """Leave a mark in the conversation that the customer was called."""
        said = r.mark(self.record, CALL_OUT_TYPE, b"{}", number=r.CALLED_OUT)
        self._around.book.append(self.call_id, said)

    def dials_for(self, standing: Standing, leg: Leg, window: str) -> None:
        """A call out that this agent makes."""
        self.stood = standing
        self._assignment, self.window = standing.offer_id, window
        self._coming = leg
        leg.on_lost = lambda: self._agent_lost(leg)
        self._around.book.note(self.call_id, self.record.connected(), self.record.changed())

    def _agent_flows(self, leg: Leg) -> None:
        if leg is not self._coming or not self.live or self.record.state == r.DIALLING:
            return
        if self._bridge is not None and self.caller_answered:
            self._join(leg)
        elif not self._answering:
            self._answering = True
            self._do(self._answer())

    @property
    def caller_answered(self) -> bool:
        """Whether the caller has sound."""
        return self._bridge is not None

    async def _answer(self) -> None:
        """Pick up: an agent is there to talk."""
        try:
            sound = await self.caller.answer()
        except NotNow:
            return
        except CallEnded as gone:
            self.end(gone.why, hang_up=False)
            return
        except CannotAnswer as problem:
            _log.warning("call cannot be answered call=%s reason=%s", self.call_id, problem)
            self.end(r.FAILED)
            return
        finally:
            self._answering = False
        if not self.live:
            await sound.close()
            return
        self._listen_to_caller(sound)
        self._bridge = bridge = self._new_bridge(sound)
        if self._coming is not None and self._coming.flowing:
            self._join(self._coming)
        else:  # The agent went while the caller's network was slow.
            bridge.wait()

    def _join(self, leg: Leg) -> None:
        if self._bridge is None:
            return
        self._stop_waiting()
        self._coming, self._agent = None, leg
        held = self.record.state == r.HELD
        self._bridge.connect(leg)
        if held:
            self._bridge.hold(True)
        if not self._files:
            wanted = self.account.options.get("recording", "announced")
            if wanted != "off":
                self._start_recording(self._bridge)
        self._tell(r.HELD if held else r.CONNECTED)

    def _new_bridge(self, leg: Leg) -> Bridge:
        bridge = self._around.media.bridge(leg)
        if self.record.recording:
            self._start_recording(bridge)
        return bridge

    def _start_recording(self, bridge: Bridge) -> None:
        self._files += 1
        name = self._name if self._files == 1 else f"{self._name}_{self._files}"
        announced = self.account.options.get("recording", "announced") == "announced"
        try:
            bridge.record_into(self._around.recordings / f"{name}.ogg", announced=announced)
            self.record.recording = True
        except OSError as problem:
            _log.error("cannot record call=%s error=%s", self.call_id, type(problem).__name__)
            self._around.alarm("recording_failed", self.interaction_id)

    def _listen_to_caller(self, leg: Leg) -> None:
        leg.on_digits = self._said.pressed
        leg.on_text = self._said.typed

    def _agent_lost(self, leg: Leg) -> None:
        """The agent's browser is gone; the caller is not, and waits for the desk to come back."""
        if leg is self._coming:
            self._drop_coming()
        elif leg is self._agent and self._bridge is not None:
            self._agent = None
            self._wait_on(self._bridge)
            if self.live:
                self._wait_for_agent()
                self._tell(r.WAITING)

    def _let_go_of_agent(self) -> None:
        self._stop_waiting()
        self._drop_coming()
        self.window = ""
        if self._agent is not None and self._bridge is not None:
            self._wait_on(self._bridge)
        self._agent = None

    def _wait_on(self, bridge: Bridge) -> None:
        """Without an agent. Who was on hold is no longer: the next agent would talk to nobody."""
        bridge.disconnect()
        bridge.hold(False)
        bridge.wait()

    def _drop_coming(self) -> None:
        leg, self._coming = self._coming, None
        if leg is not None:
            self._do(leg.close())

    def _wait_for_agent(self) -> None:
        self._stop_waiting()
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(CONNECT_S, self._agent_unheard)

    def _agent_unheard(self) -> None:
        if self.live and self._agent is None and self._assignment and not self._answering:
            self._drop_coming()
            self._around.alarm("agent_unheard", self.interaction_id)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _tell(self, state: str) -> None:
        self.record.state = state
        if state != r.CONNECTED:
            self.record.silent = False
        self.record.text = self.caller.takes_text
        self._around.book.note(self.call_id, self.record.changed())

    def _keep_said(self, number: int, media_type: str, body: bytes) -> None:
        self._around.book.append(
            self.call_id,
            AddSaid(
                interaction_id=self.interaction_id,
                call_id=self.call_id,
                number=number,
                media_type=media_type,
                body=body,
            ),
        )

    async def _leave(self, bridge: Bridge, leg: Leg) -> None:
        bridge.leave(leg)
        await leg.close()

    async def _close(self, *, hang_up: bool, elsewhere: bool = False) -> None:
        if hang_up:
            await self.caller.hang_up(elsewhere=elsewhere)
        bridge, self._bridge = self._bridge, None
        if bridge is not None:
            await bridge.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(careful(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
