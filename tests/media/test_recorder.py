"""Recordings: who said what on which side, bounded files, and whole after a kill."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from router.run.media.frame import FRAME_MS
from router.run.media.recorder import BATCH, WAITING_MAX, Recorder
from tests.media.sound import level_of, tone

RATE = 48_000
GUARD_S = 30.0


def played(path: Path) -> np.ndarray:
    """Both sides of a file, as a player has them."""
    with av.open(str(path)) as file:
        pieces = [each.to_ndarray() for each in file.decode(audio=0)]
    return np.concatenate(pieces, axis=1) * 32_768


async def test_the_caller_is_left_and_the_agent_right(tmp_path: Path):
    """Who said it is what a recording is asked for later."""
    recorder = Recorder(tmp_path / "call.ogg")
    for caller, agent in zip(tone(440, frames=100), tone(1_000, frames=100), strict=True):
        recorder.write(caller, agent)
    assert await recorder.close() == (tmp_path / "call.ogg",)
    left, right = played(tmp_path / "call.ogg")
    assert len(left) == pytest.approx(2 * RATE, abs=RATE // 20)
    middle = slice(RATE // 2, 3 * RATE // 2)
    assert level_of(left[middle], 440, RATE) == pytest.approx(8_000, rel=0.15)
    assert level_of(right[middle], 1_000, RATE) == pytest.approx(8_000, rel=0.15)
    assert level_of(left[middle], 1_000, RATE) < 800
    assert level_of(right[middle], 440, RATE) < 800


async def test_silence_keeps_its_time(tmp_path: Path):
    """What was said after a minute of nothing was said after a minute."""
    recorder = Recorder(tmp_path / "call.ogg")
    for _ in range(100):
        recorder.write(None, None)
    for frame in tone(440, frames=50):
        recorder.write(frame, None)
    await recorder.close()
    left, _ = played(tmp_path / "call.ogg")
    assert level_of(left[: 19 * RATE // 10], 440, RATE) < 100
    assert level_of(left[21 * RATE // 10 : 29 * RATE // 10], 440, RATE) > 6_000


async def test_a_full_file_is_followed_by_the_next(tmp_path: Path):
    """A call of a night must not be one file that nobody can take, and no word is lost between two."""
    recorder = Recorder(tmp_path / "call.ogg", bytes_max=4_000)
    for number, frame in enumerate(tone(440, frames=400)):
        recorder.write(frame, None)
        if number % BATCH == BATCH - 1:
            await until_written(recorder)
    paths = await recorder.close()
    assert len(paths) > 2
    assert [each.name for each in paths[:3]] == ["call.ogg", "call-2.ogg", "call-3.ogg"]
    seconds = sum(played(each).shape[1] for each in paths) / RATE
    assert seconds == pytest.approx(8.0, abs=0.02 * len(paths))


async def test_what_is_there_already_is_left_alone(tmp_path: Path):
    """Recording may be stopped and begun again in one call; evidence is never written over."""
    (tmp_path / "call.ogg").write_bytes(b"evidence")
    recorder = Recorder(tmp_path / "call.ogg")
    recorder.write(tone(440, frames=1)[0], None)
    assert await recorder.close() == (tmp_path / "call-2.ogg",)
    assert (tmp_path / "call.ogg").read_bytes() == b"evidence"


async def test_only_we_can_read_it(tmp_path: Path):
    """It is what people said in the worst hour of their lives."""
    recorder = Recorder(tmp_path / "call.ogg")
    recorder.write(tone(440, frames=1)[0], None)
    await recorder.close()
    assert stat.S_IMODE((tmp_path / "call.ogg").stat().st_mode) == 0o600


async def test_nothing_said_is_no_file(tmp_path: Path):
    """A caller who hung up before the first frame leaves nothing to keep."""
    recorder = Recorder(tmp_path / "call.ogg")
    assert await recorder.close() == ()
    assert await recorder.close() == ()
    assert list(tmp_path.iterdir()) == []


async def test_closing_twice_gives_the_same(tmp_path: Path):
    """The bridge closes it, and whoever wants the files asks again."""
    recorder = Recorder(tmp_path / "call.ogg")
    recorder.write(tone(440, frames=1)[0], None)
    first, second = await asyncio.gather(recorder.close(), recorder.close())
    recorder.write(tone(440, frames=1)[0], None)
    assert first == second == await recorder.close()


async def test_a_folder_that_cannot_be_written_ends_the_recording_and_nothing_else(tmp_path: Path):
    """The call goes on; that it is not recorded is said."""
    recorder = Recorder(tmp_path / "missing" / "call.ogg")
    for frame in tone(440, frames=2 * BATCH):
        recorder.write(frame, None)
    await until_written(recorder)
    assert "No such file" in recorder.failed
    recorder.write(None, None)
    assert await recorder.close() == ()


async def test_a_disk_that_does_not_answer_costs_memory_for_a_minute_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What does not fit is counted as lost; the process must not grow until it is killed."""
    recorder = Recorder(tmp_path / "call.ogg")
    blocked = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", lambda *_: blocked)
    frame = tone(440, frames=1)[0]
    for _ in range(WAITING_MAX + BATCH + 10):
        recorder.write(frame, frame)
    assert recorder.lost_ms == 10 * FRAME_MS
    blocked.set_result(None)
    await recorder.close()


KILLED = """
import asyncio, sys
from pathlib import Path
from router.run.media.recorder import Recorder
from tests.media.sound import tone

async def main():
    recorder, sound = Recorder(Path(sys.argv[1])), tone(440, frames=10_000)
    began = asyncio.get_running_loop().time()
    for number, frame in enumerate(sound):
        recorder.write(frame, None)
        print(number, flush=True)
        await asyncio.sleep(max(0, began + number * 0.02 - asyncio.get_running_loop().time()))

asyncio.run(main())
"""


@pytest.mark.system
def test_a_file_cut_by_a_kill_can_be_played_up_to_its_last_second(tmp_path: Path):
    """When a process dies in the middle of a call, the call so far is still evidence."""
    path = tmp_path / "call.ogg"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    frames = 0
    while frames < 150:
        frames = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    frames = max([frames, *map(int, process.stdout.read().split())])
    process.stdout.close()
    process.wait()
    left, _ = played(path)
    # A second is what may be missing; a machine that was busy gets another one.
    assert len(left) / RATE >= frames * FRAME_MS / 1_000 - 2
    assert level_of(left[RATE // 10 :], 440, RATE) > 6_000


async def until_written(recorder: Recorder) -> None:
    """Until nothing is being written."""
    deadline = time.monotonic() + GUARD_S
    while recorder._writing is not None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)
