"""The bridge, in time that tests let pass: who hears whom, and that nothing is left over."""

import asyncio

import numpy as np
import pytest

from router.run.media.bridge import HEARD_FRAMES, Bridge
from router.run.media.frame import FRAME_MS, SAMPLES, Frame, is_silent, mixed
from router.run.media.prompts import HOLD_TONE, QUEUE_TONE, RECORDING_BEEP, Prompt
from router.run.media.ticks import CATCH_UP_MAX, LoopTicks
from tests.media.sound import FakeLeg, FakeTicks, joined, level_of, silence, tone

CALLER_HZ, AGENT_HZ = 440, 1_000


class FakeRecorder:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Frame | None, Frame | None]] = []
        self.closed = 0

    def write(self, caller: Frame | None, agent: Frame | None) -> None:
        self.pairs.append((caller, agent))

    async def close(self) -> None:
        self.closed += 1


def talking(hz: float, frames: int = 50) -> FakeLeg:
    """Somebody who says a tone."""
    return FakeLeg(*tone(hz, frames=frames))


def hears(leg: FakeLeg, hz: float, *, last: int = 10) -> bool:
    """Whether this tone was in what the leg heard last."""
    return level_of(joined(leg.heard[-last:]), hz) > 2_000


def joined_call(*, frames: int = 50) -> tuple[Bridge, FakeTicks, FakeLeg, FakeLeg]:
    """A caller and an agent who both speak."""
    ticks, caller, agent = FakeTicks(), talking(CALLER_HZ, frames), talking(AGENT_HZ, frames)
    bridge = Bridge(caller, ticks=ticks)
    bridge.connect(agent)
    return bridge, ticks, caller, agent


async def test_both_hear_each_other_and_not_themselves():
    """One's own voice coming back is an echo."""
    bridge, ticks, caller, agent = joined_call()
    ticks.passes(10)
    assert hears(caller, AGENT_HZ)
    assert not hears(caller, CALLER_HZ)
    assert hears(agent, CALLER_HZ)
    assert not hears(agent, AGENT_HZ)
    await bridge.close()


async def test_a_caller_who_waits_hears_that_the_line_is_alive():
    """Silence makes people hang up, and then they are called back minutes later."""
    ticks, caller = FakeTicks(), FakeLeg()
    bridge = Bridge(caller, ticks=ticks)
    bridge.play(QUEUE_TONE)
    ticks.passes(2 * len(QUEUE_TONE.frames))
    half = joined(caller.heard[: len(QUEUE_TONE.frames)])
    assert level_of(half[: 12 * SAMPLES], 440) > 2_000
    assert np.array_equal(half, joined(caller.heard[len(QUEUE_TONE.frames) :]))
    agent = FakeLeg()
    bridge.connect(agent)
    ticks.passes(20)
    assert all(each is None for each in caller.heard[-20:])
    await bridge.close()


async def test_an_agent_who_takes_over_is_heard_from_the_next_frame():
    """A transfer, or a reloaded page: the caller does not hear a gap longer than 20 ms."""
    bridge, ticks, caller, first = joined_call()
    ticks.passes(5)
    second = talking(700)
    bridge.connect(second)
    ticks.passes(10)
    assert hears(caller, 700)
    assert not hears(caller, AGENT_HZ)
    assert len(first.heard) == 5
    await bridge.close()
    assert first.closed == second.closed == 1


async def test_a_leg_connected_twice_is_not_closed():
    """A command that comes twice is harmless."""
    bridge, ticks, _, agent = joined_call()
    bridge.connect(agent)
    ticks.passes(1)
    await asyncio.sleep(0)
    assert agent.closed == 0
    await bridge.close()


async def test_the_agent_may_leave_and_the_caller_stays():
    """Back to the queue: the call is not over."""
    bridge, ticks, caller, agent = joined_call()
    ticks.passes(5)
    bridge.disconnect()
    bridge.play(QUEUE_TONE)
    ticks.passes(10)
    assert len(agent.heard) == 5
    assert hears(caller, 440)
    assert caller.closed == 0
    await bridge.close()


async def test_hold_parts_them_and_the_caller_hears_the_tone():
    """The agent asks a colleague; the caller must not hear a word of it, nor think that the line is dead."""
    recorder = FakeRecorder()
    bridge, ticks, caller, agent = joined_call(frames=100)
    bridge.record(recorder)
    bridge.hold(True)
    bridge.hold(True)
    ticks.passes(10)
    assert not hears(caller, AGENT_HZ)
    assert hears(caller, 554)
    assert all(each is None for each in agent.heard)
    assert all(said is not None and agent_said is None for said, agent_said in recorder.pairs)
    bridge.hold(False)
    ticks.passes(10)
    assert hears(caller, AGENT_HZ)
    assert not hears(caller, 554)
    assert hears(agent, CALLER_HZ)
    await bridge.close()


async def test_an_agent_who_takes_over_a_held_call_does_not_end_the_hold():
    """A reloaded page reconnects; the caller was told to wait."""
    bridge, ticks, caller, _ = joined_call(frames=100)
    bridge.hold(True)
    bridge.connect(talking(700))
    ticks.passes(10)
    assert hears(caller, 554)
    assert not hears(caller, 700)
    await bridge.close()


async def test_a_listener_hears_both_and_is_heard_by_nobody():
    """A supervisor listens in; not even what the microphone takes may reach the call."""
    bridge, ticks, caller, agent = joined_call()
    recorder, listener = FakeRecorder(), talking(700)
    bridge.record(recorder)
    bridge.listen(listener)
    bridge.listen(listener)
    ticks.passes(10)
    assert hears(listener, CALLER_HZ)
    assert hears(listener, AGENT_HZ)
    assert len(listener.heard) == 10
    assert listener.asked == 0
    assert not any(hears(each, 700) for each in (caller, agent))
    bridge.leave(listener)
    bridge.leave(listener)
    ticks.passes(10)
    assert len(listener.heard) == 10
    await bridge.close()
    assert listener.closed == 1


async def test_the_beep_of_a_recording_is_heard_by_both_over_the_speech():
    """Both have to know."""
    bridge, ticks, caller, agent = joined_call()
    bridge.play(RECORDING_BEEP)
    ticks.passes(10)
    assert hears(caller, 1_400)
    assert hears(caller, AGENT_HZ)
    assert hears(agent, 1_400)
    assert not bridge.playing
    await bridge.close()


async def test_an_announcement_interrupts_the_tone_and_the_tone_goes_on():
    """'You are third in line', then the same tone as before."""
    ticks, caller = FakeTicks(), FakeLeg()
    bridge = Bridge(caller, ticks=ticks)
    bridge.play(QUEUE_TONE)
    bridge.play(Prompt(frames=tuple(tone(700, frames=10))))
    ticks.passes(20)
    assert level_of(joined(caller.heard[:10]), 700) > 2_000
    assert level_of(joined(caller.heard[10:]), 440) > 2_000
    await bridge.close()


async def test_silence_of_each_side_is_measured():
    """A silent emergency call is one where nobody speaks; the same figure tells a dead microphone."""
    ticks = FakeTicks()
    caller = FakeLeg(*silence(50), *tone(440, frames=5), *silence(10))
    bridge = Bridge(caller, ticks=ticks)
    ticks.passes(50)
    assert bridge.silent_ms == 50 * FRAME_MS
    ticks.passes(5)
    assert bridge.silent_ms == 0
    ticks.passes(10)
    assert bridge.silent_ms == 10 * FRAME_MS
    agent = FakeLeg()
    bridge.connect(agent)
    ticks.passes(3)
    assert bridge.agent_silent_ms == 3 * FRAME_MS
    await bridge.close()


async def test_noise_and_clicks_are_silence():
    """Else a bad line would pass for somebody who speaks."""
    rng = np.random.default_rng(1)
    noise = list(rng.normal(0, 100, (100, SAMPLES)).astype(np.int16))
    click = tone(440, frames=HEARD_FRAMES - 1)
    ticks = FakeTicks()
    bridge = Bridge(FakeLeg(*noise, *click, *noise), ticks=ticks)
    ticks.passes(150)
    assert bridge.silent_ms == 150 * FRAME_MS
    await bridge.close()


async def test_whispering_is_not_silence():
    """Who hides whispers: -38 dB."""
    ticks = FakeTicks()
    bridge = Bridge(FakeLeg(*tone(300, frames=20, peak=600)), ticks=ticks)
    ticks.passes(20)
    assert bridge.silent_ms == 0
    await bridge.close()


async def test_what_is_recorded_is_what_was_said():
    """Evidence: the caller on one side, the agent on the other, from the first frame on."""
    recorder = FakeRecorder()
    ticks, caller, agent = FakeTicks(), talking(CALLER_HZ), talking(AGENT_HZ)
    bridge = Bridge(caller, recorder=recorder, ticks=ticks)
    ticks.passes(10)
    bridge.connect(agent)
    ticks.passes(10)
    said = joined([pair[0] for pair in recorder.pairs])
    answered = joined([pair[1] for pair in recorder.pairs[10:]])
    assert level_of(said, CALLER_HZ) > 7_000
    assert level_of(answered, AGENT_HZ) > 7_000
    assert all(pair[1] is None for pair in recorder.pairs[:10])
    bridge.record(None)
    ticks.passes(5)
    assert len(recorder.pairs) == 20
    await bridge.close()
    assert recorder.closed == 1


async def test_closing_closes_everything_once():
    """Ports, files and connections are few; a call that ended must not keep any."""
    recorder, listener = FakeRecorder(), FakeLeg()
    bridge, ticks, caller, agent = joined_call()
    bridge.record(recorder)
    bridge.listen(listener)
    ticks.passes(1)
    await bridge.close()
    await bridge.close()
    heard = len(caller.heard)
    ticks.passes(5)
    assert [each.closed for each in (agent, listener, recorder)] == [1, 1, 1]
    assert caller.closed >= 1
    assert len(caller.heard) == heard
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_leg_that_fails_to_close_does_not_keep_the_others_open():
    """The others are other people's."""

    class Broken(FakeLeg):
        async def close(self) -> None:
            raise ConnectionError("gone")

    ticks, caller, listener = FakeTicks(), FakeLeg(), FakeLeg()
    bridge = Bridge(caller, ticks=ticks)
    bridge.connect(Broken())
    bridge.listen(listener)
    await bridge.close()
    assert (caller.closed, listener.closed) == (1, 1)


async def test_loud_voices_together_are_clipped_and_do_not_wrap():
    """A sum that wraps around is a bang in the ear."""
    loud = np.full(SAMPLES, 30_000, np.int16)
    both = mixed(loud, loud, None)
    assert both is not None
    assert both.max() == 32_767
    assert mixed(None, None) is None
    assert mixed(None, loud) is loud
    assert is_silent(mixed(*silence(2)))


class Loop:
    """An event loop's clock and timers, turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, object]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback) -> "Loop":
        self.timers.append((when, callback))
        return self

    def cancel(self) -> None:
        self.timers.clear()

    def goes_on(self, until: float) -> None:
        """As a busy loop does: timers that are due run when it comes to them."""
        self.now = until
        due = [each for each in self.timers if each[0] <= until]
        self.timers = [each for each in self.timers if each[0] > until]
        for _, callback in due:
            callback()


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    """In place of the running one."""
    made = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: made)
    return made


def test_late_beats_are_made_good(loop: Loop):
    """A loop that was busy for 100 ms: the sound of these 100 ms is not lost; it is counted."""
    beats = []
    ticks = LoopTicks()
    ticks.start(lambda: beats.append(loop.now))
    for each in (0.020, 0.041, 0.060, 0.165, 0.180):
        loop.goes_on(each)
    assert len(beats) == 9
    assert ticks.late == 3
    assert ticks.skipped == 0


def test_beats_do_not_drift(loop: Loop):
    """Each is a little late; together they are still fifty a second."""
    beats = []
    ticks = LoopTicks()
    ticks.start(lambda: beats.append(loop.now))
    for number in range(1, 501):
        loop.goes_on(number * 0.020 + 0.0007 * (number % 20))
    assert len(beats) == 500


def test_a_long_sleep_is_not_made_good(loop: Loop):
    """After a minute of a suspended machine a minute of sound in one moment helps nobody."""
    beats = []
    ticks = LoopTicks()
    ticks.start(lambda: beats.append(loop.now))
    loop.goes_on(60.0)
    assert len(beats) == 1 + CATCH_UP_MAX
    assert ticks.skipped > 2_900


def test_a_beat_that_raises_does_not_end_the_call(loop: Loop):
    """One mistake of ours costs 20 ms."""
    beats = []

    def tick() -> None:
        beats.append(loop.now)
        raise RuntimeError("a mistake")

    ticks = LoopTicks()
    ticks.start(tick)
    with pytest.raises(RuntimeError):
        loop.goes_on(0.021)
    with pytest.raises(RuntimeError):
        loop.goes_on(0.041)
    assert len(beats) == 2
    ticks.stop()
    loop.goes_on(0.061)
    assert len(beats) == 2


async def test_the_tones_are_not_the_same():
    """Held and waiting are two things."""
    assert not np.array_equal(joined(QUEUE_TONE.frames)[:4_000], joined(HOLD_TONE.frames)[:4_000])
