"""One child process of `muster up`: started, listened to, and started again when it dies or falls silent.

A child may die in any way: it exits, it is killed, or it freezes (no beat for 3 s: killed). Who cannot beat
because others have the processors is given longer: killing it would cost them even more. It also ends
when its parent does: on Linux the kernel sees to that, elsewhere the end of the beat pipe. What the
children are, and in which order they start, is in family.py.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from router.run import launch, spare
from router.run.beat import READY
from router.run.cpu_waits import CpuWaits
from router.run.log_file import LogFile

SILENT_S: Final = 3.0
"""A role that has not beaten for this long is killed: it may hold a lock that stops the whole site."""

START_S: Final = 20.0
"""Until its first beat a role may take longer: a loaded machine needs seconds to import everything."""

STARVED_S: Final = 12.0
"""So much longer may be silent who waits for a processor all the time (cpu_waits.py)."""

STARVED_LOOK_S: Final = 0.25
"""Between looks at one that should have beaten: as soon as it has a processor, it has no excuse."""

LAG_S: Final = 1.0
"""If our own timer comes this late, the machine slept or we were stopped: silence proves nothing then."""

PAUSES_S: Final = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0)
"""Before the first restart, the second, …: at once after a single mishap, slower when it happens again."""

WELL_S: Final = 10.0
"""A child that lived this long starts again at once."""

SPARE_AFTER_S: Final = 1.0
"""A spare is started this long after its role serves: whoever has waited for the role comes first."""

STOP_S: Final = 2.5
"""What a child gets to finish after SIGTERM, before it is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run. `answers` asks a program that cannot beat (Redis) whether it is alive.

    `spared` says that it knows how to wait for the order to begin (spare.py). `apart`: Ctrl-C reaches us
    alone, and we stop the children in order.
    """

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    beats: bool = True
    answers: Callable[[], Awaitable[bool]] | None = None
    spared: bool = False
    apart: bool = True


@dataclass(frozen=True, slots=True)
class _Run:
    """A process, our end of the pipe on which it beats, and (of a spare, else -1) of that for its order."""

    process: asyncio.subprocess.Process
    beats: int
    order: int

    def close(self) -> None:
        """Let go of our ends: a spare that waits ends by that."""
        os.close(self.beats)
        if self.order >= 0:
            os.close(self.order)


@dataclass(slots=True)
class Child:
    """Keeps one program running until stop().

    Shape: `ready` is what the running process said last; `starts` counts every start; `failures` counts ends
           since the program was last well. `wants_spare` is set once a spare may be started. say() takes one
           line for people, hear() each line it printed.
    """

    program: Program
    log: LogFile
    say: Callable[[str], None]
    hear: Callable[[str], None] = lambda line: None
    ready: bool = False
    starts: int = 0
    failures: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    wants_spare: asyncio.Event = field(default_factory=asyncio.Event)
    _has_served: asyncio.Event = field(default_factory=asyncio.Event)
    _spare: _Run | None = None
    _process: asyncio.subprocess.Process | None = None
    _stopping: bool = False
    _beat_at: float = 0.0
    _began_at: float = 0.0

    @property
    def pid(self) -> int:
        """Of the running process; 0 while there is none."""
        return self._process.pid if self._process is not None and self._process.returncode is None else 0

    async def keep(self) -> None:
        """Run it, again and again. Returns after stop()."""
        while not self._stopping:
            await self._live_once()
            if self._stopping:
                return
            lived_s = _now() - self._began_at
            self.failures = 1 if lived_s > WELL_S else self.failures + 1
            pause_s = PAUSES_S[min(self.failures, len(PAUSES_S)) - 1]
            self.changed.set()
            await asyncio.sleep(pause_s)

    async def stop(self) -> None:
        """Ask it to stop, and kill it when it does not."""
        self._stopping = True
        self._drop_spare()
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)  # A stopped process does not see SIGTERM.
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            self._signal(signal.SIGKILL)

    def kill(self) -> None:
        """End it now."""
        self._stopping = True
        self._drop_spare()
        self.end_process()

    def end_process(self) -> None:
        """Kill the running process; keep() starts another."""
        self._signal(signal.SIGKILL)

    async def _live_once(self) -> None:
        try:
            run = await self._next_run()
        except OSError as problem:
            self._began_at = _now()
            self.say(f"{self.program.name} cannot be started: {problem}")
            return
        self._process = run.process
        self.starts += 1
        self._began_at = _now()
        self._has_served.clear()
        successor = asyncio.create_task(self._have_spare())
        try:
            await self._watch(run.process, run.beats)
        finally:
            successor.cancel()
            self.ready = False
            run.close()
            if self._stopping:
                self._drop_spare()

    async def _next_run(self) -> _Run:
        """The spare, told to begin; a new process where there is none."""
        waiting, self._spare = self._spare, None
        if waiting is not None:
            if spare.tell(waiting.order):
                return waiting
            waiting.close()
        return await self._spawn()

    async def _have_spare(self) -> None:
        """Start the next process as soon as this one serves and people may be kept waiting a little."""
        if not self.program.spared:
            return
        await self.wants_spare.wait()
        await self._has_served.wait()
        await asyncio.sleep(SPARE_AFTER_S)
        with suppress(OSError):
            self._spare = await self._spawn(waiting=True)

    def _drop_spare(self) -> None:
        waiting, self._spare = self._spare, None
        if waiting is not None:
            with suppress(ProcessLookupError):
                waiting.process.kill()
            waiting.close()

    async def _spawn(self, *, waiting: bool = False) -> _Run:
        """A new process; one that is `waiting` begins when it is told to. Raises OSError."""
        beats, their_beats = os.pipe()
        their_order, order = os.pipe() if waiting else (-1, -1)
        theirs = [fd for fd in (their_beats, their_order) if fd >= 0]
        environ = {"MUSTER_BEAT_FD": str(their_beats), "MUSTER_ORDER_FD": str(their_order)}
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", launch.__file__, str(os.getpid())),
                *self.program.command,
                env={**self.program.environ, **environ},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=theirs if self.program.beats else (),
                start_new_session=self.program.apart,
            )
        except BaseException:
            for fd in (beats, order):
                if fd >= 0:
                    os.close(fd)
            raise
        finally:
            for fd in theirs:
                os.close(fd)
        return _Run(process, beats, order)

    async def _watch(self, process: asyncio.subprocess.Process, beats: int) -> None:
        loop = asyncio.get_running_loop()
        os.set_blocking(beats, False)
        self._beat_at = 0.0
        if self.program.beats:
            loop.add_reader(beats, self._heard_beat, beats)
        output = asyncio.create_task(self._copy_output(process))
        silence = asyncio.create_task(self._kill_when_silent(process))
        try:
            status = await process.wait()
        finally:
            loop.remove_reader(beats)
            silence.cancel()
        # A grandchild may hold the pipe open; what the child itself printed is there already.
        with suppress(TimeoutError):
            await asyncio.wait_for(output, LAG_S)
        if not self._stopping:
            self.say(f"{self.program.name} ended ({_ending(status)}) and is started again")

    def _heard_beat(self, beats: int) -> None:
        with suppress(BlockingIOError):
            data = os.read(beats, 4096)
            if not data:
                asyncio.get_running_loop().remove_reader(beats)
                return
            self._beat_at = _now()
            self._set_ready(data[-1:] == READY)

    def _set_ready(self, ready: bool) -> None:
        if ready:
            self._has_served.set()
        if ready != self.ready:
            self.ready = ready
            self.changed.set()

    async def _copy_output(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        while data := await process.stdout.read(65_536):
            for line in self.log.write(data):
                self.hear(line)

    async def _kill_when_silent(self, process: asyncio.subprocess.Process) -> None:
        if self.program.answers is not None:
            await self._kill_when_dumb(self.program.answers)
        elif self.program.beats:
            await self._kill_without_beat(process.pid)
        else:
            self._set_ready(True)
            return
        if process.returncode is None:
            self.say(f"{self.program.name} is silent and is killed")
            process.kill()

    async def _kill_without_beat(self, pid: int) -> None:
        waits, excused_at = CpuWaits(pid), 0.0
        while True:
            heard_at, patience_s = (self._beat_at, SILENT_S) if self._beat_at else (self._began_at, START_S)
            silent_s = _now() - max(heard_at, excused_at)
            starved = waits.starved()
            if silent_s >= patience_s and not (starved and silent_s < patience_s + STARVED_S):
                return
            look_s = min(max(patience_s - silent_s, STARVED_LOOK_S), SILENT_S / 2)
            wake_at = _now() + look_s
            await asyncio.sleep(look_s)
            if _now() - wake_at > LAG_S:
                excused_at = _now()

    async def _kill_when_dumb(self, answers: Callable[[], Awaitable[bool]]) -> None:
        good_at = self._began_at
        while _now() - good_at < SILENT_S:
            if await answers():
                good_at = _now()
                self._set_ready(True)
            await asyncio.sleep(1.0 if self.ready else 0.02)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _ending(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit {status}"
