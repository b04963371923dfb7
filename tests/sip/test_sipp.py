"""Calls with sipp, a program that others wrote by the same standard: the scenarios are in tests/sip/sipp."""

import asyncio
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from router.channels.sdp import AUDIO, LocalStream, answer_sdp, offer_sdp, read_sdp
from router.run.sip_agent import CallEnded, Credentials, SipAgent, SipCall

SCENARIOS = Path(__file__).with_name("sipp")
HOST = "127.0.0.1"
WAIT_S = 90
"""Only a guard: nothing here depends on how fast the machine is."""

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("sipp") is None, reason="no sipp here: make deps-system installs it"),
]


class Centre:
    """Takes every call, lets it wait, answers it; remembers how each ended."""

    def __init__(self, *, answers: bool = True, waits: bool = True) -> None:
        self.calls: list[SipCall] = []
        self.ends: list[str] = []
        self.answered = 0
        self._answers, self._waits = answers, waits
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    def take(self, call: SipCall) -> None:
        self.calls.append(call)
        call.on_end = self._ended
        if self._waits:
            call.queued(2)
            call.queued(1)
        if self._answers:
            task = asyncio.get_running_loop().create_task(self._answer(call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until it is true."""
        async with asyncio.timeout(WAIT_S):
            while not true():
                self._changed.clear()
                await self._changed.wait()

    async def _answer(self, call: SipCall) -> None:
        audio = LocalStream(port=4000, codecs=AUDIO)
        try:
            await call.answer(answer_sdp(read_sdp(call.offer), address=HOST, session_id=1, audio=audio))
        except CallEnded:
            return
        self.answered += 1

    def _ended(self, why: str) -> None:
        self.ends.append(why)
        self._changed.set()


async def test_a_caller_is_told_the_place_in_line_and_answered(tmp_path: Path):
    """The shortest story of all: somebody calls, waits, talks, hangs up."""
    centre = Centre()
    agent = await _listen(centre)
    await _sipp("queued.xml", tmp_path, f"{HOST}:{agent.port}", "-m", "1")
    await centre.until(lambda: len(centre.ends) == 1)
    (call,) = centre.calls
    assert (call.from_number, call.asserted, call.to_number) == ("+15550001", True, "112")
    assert (centre.answered, centre.ends) == (1, ["caller_hung_up"])
    await agent.close()


async def test_a_caller_may_give_up_in_line(tmp_path: Path):
    """Who hangs up while waiting is called back, so the centre must hear of it at once."""
    centre = Centre(answers=False)
    agent = await _listen(centre)
    await _sipp("cancelled.xml", tmp_path, f"{HOST}:{agent.port}", "-m", "10", "-r", "10")
    await centre.until(lambda: len(centre.ends) == 10)
    assert set(centre.ends) == {"cancelled"}
    await agent.close()


@pytest.mark.parametrize("transport", ["t1", "tn"])
async def test_calls_come_by_tcp_as_well(tmp_path: Path, transport: str):
    """Trunks with long messages use TCP: one connection for all calls, or one for each."""
    centre = Centre()
    agent = await _listen(centre)
    await _sipp(
        "queued.xml",
        tmp_path,
        f"{HOST}:{agent.port}",
        "-m",
        "5",
        "-r",
        "20",
        "-t",
        transport,
        "-max_socket",
        "100",
    )
    await centre.until(lambda: len(centre.ends) == 5)
    assert set(centre.ends) == {"caller_hung_up"}
    await agent.close()


async def test_a_network_that_loses_messages_loses_no_call(tmp_path: Path):
    """20 calls a second, and every twentieth message lost: what is lost is repeated until it is heard."""
    await _storm(tmp_path, calls=100)


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_a_minute_of_losses_loses_no_call(tmp_path: Path):
    """The same for as long as a line may be bad."""
    await _storm(tmp_path, calls=1_200)


async def test_a_call_out_with_password_hold_and_hang_up(tmp_path: Path):
    """A call-back by a trunk that wants to know who we are."""
    port = _free_port()
    agent = await _listen(Centre())
    peer = asyncio.create_task(_sipp("trunk.xml", tmp_path, "-p", str(port), "-m", "1"))
    await _answers(agent, port)
    call = await agent.dial(
        f"sip:+15551234@{HOST}:{port}",
        sdp=_offer("sendrecv"),
        from_uri=f"sip:112@{HOST}",
        credentials=Credentials(user="muster", password="carrier pigeon"),
    )
    heard: list[int] = []
    call.on_progress = lambda status, sdp: heard.append(status)
    assert "m=audio 6000" in await call.answered()
    assert heard == [180, 200]
    assert "m=audio 6000" in await call.reoffer(_offer("sendonly"))
    await call.hang_up()
    await peer
    await agent.close()


async def _storm(folder: Path, *, calls: int) -> None:
    centre = Centre()
    agent = await _listen(centre)
    rate = ("-m", str(calls), "-r", "20", "-l", "2000", "-lost", "5")
    await _sipp("lossy.xml", folder, f"{HOST}:{agent.port}", *rate)
    await centre.until(lambda: len(centre.ends) == calls)
    assert len(centre.calls) == len({call.call_id for call in centre.calls}) == calls
    assert set(centre.ends) == {"caller_hung_up"}
    assert agent.calls == 0
    await agent.close()


async def _listen(centre: Centre) -> SipAgent:
    return await SipAgent.listen(HOST, 0, on_call=centre.take, may_call=lambda ip: "trunk")


async def _answers(agent: SipAgent, port: int) -> None:
    """Until the peer has opened its port: it says no to OPTIONS, but it says it."""
    for _ in range(WAIT_S * 10):
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            probe.bind((HOST, port))
        except OSError:
            return
        finally:
            probe.close()
        await asyncio.sleep(0.1)
    raise AssertionError("sipp did not open its port")


async def _sipp(scenario: str, folder: Path, *arguments: str) -> None:
    """Run sipp to its end; it says with its exit code whether every call went as the scenario says."""
    errors = folder / "errors.log"
    command = ["sipp", *arguments, "-sf", str(SCENARIOS / scenario), "-i", HOST, "-nostdin"]
    if "-p" not in arguments:
        command += ["-p", str(_free_port())]
    command += ["-trace_err", "-error_file", str(errors), "-timeout", f"{WAIT_S}s", "-timeout_error"]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaint = await process.communicate()
    told = errors.read_text(errors="replace")[:4_000] if errors.exists() else ""
    assert process.returncode == 0, f"{complaint.decode(errors='replace')}\n{told}"


def _offer(direction: str) -> str:
    audio = LocalStream(port=4000, codecs=AUDIO, direction=direction)
    return offer_sdp(address=HOST, session_id=1, version=1 if direction == "sendrecv" else 2, audio=audio)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
