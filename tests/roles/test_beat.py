"""Beats as systemd hears them: the same that `muster up` sees on its pipe."""

import asyncio
import socket
from pathlib import Path

import pytest

from router.run import beat as beats


@pytest.fixture
def systemd(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        path = data_dir / "notify"
        listener.bind(str(path))
        listener.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setattr(beats, "INTERVAL_S", 0.01)
        yield listener


async def _heard(systemd: socket.socket) -> dict[str, str]:
    said = await asyncio.to_thread(systemd.recv, 4096)
    return dict(line.split("=", 1) for line in said.decode().splitlines())


async def test_systemd_hears_when_a_role_serves_and_that_it_lives(systemd):
    """`systemctl restart` of the next machine must wait until this one serves; a frozen role is killed."""
    serves = False
    task = asyncio.create_task(beats.beat(-1, ready=lambda: serves))
    first = await _heard(systemd)
    assert first["WATCHDOG"] == "1"
    assert "READY" not in first
    serves = True
    while "READY" not in (said := await _heard(systemd)):
        assert said["STATUS"] == "starting"
    assert said == {"READY": "1", "STATUS": "serves", "WATCHDOG": "1"}
    task.cancel()


async def test_a_role_that_is_not_well_says_nothing(systemd):
    """Then the watchdog of systemd kills it, as `muster up` would."""
    well = True
    task = asyncio.create_task(beats.beat(-1, well=lambda: well))
    await _heard(systemd)
    well = False
    await asyncio.sleep(0)
    systemd.setblocking(False)
    with pytest.raises(BlockingIOError):
        for _ in range(10_000):  # what was said before
            systemd.recv(4096)
    for _ in range(20):
        await asyncio.sleep(beats.INTERVAL_S)
        with pytest.raises(BlockingIOError):
            systemd.recv(4096)
    task.cancel()


async def test_a_systemd_that_is_gone_harms_nobody(systemd, data_dir):
    """systemd restarts itself at its own upgrades."""
    (data_dir / "notify").unlink()
    task = asyncio.create_task(beats.beat(-1))
    await asyncio.sleep(5 * beats.INTERVAL_S)
    assert not task.done()
    task.cancel()
