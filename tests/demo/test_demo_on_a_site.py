"""The demo against a real centre, as `make run` starts it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents_ui.demo.sign_ins import read_sign_ins
from agents_ui.demo.stream import Options, run_demo

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("demo")]


@pytest.fixture
def demo_url(data_dir: Path) -> Iterator[str]:
    """A centre started by `muster up --demo`, ready, with nobody at a desk."""
    environ = {
        **os.environ,
        "MUSTER_DATA": str(data_dir),
        "MUSTER_PORT": "0",
        "REDIS_URL": "",
        "DATABASE_URL": "",
    }
    command = [sys.executable, "-m", "agents_ui.cli", "up", "--demo"]
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        printed = []
        for line in process.stdout:
            printed.append(line)
            if line.startswith("ready"):
                break
        else:
            pytest.fail("not ready: " + "".join(printed))
        yield json.loads((data_dir / "ports.json").read_text())["web"]["url"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


async def test_demo_agents_help_demo_customers(demo_url: str, data_dir: Path):
    """The whole line in front of whoever types the first command: chats come, are answered, end."""
    helped = asyncio.Event()
    told: list[str] = []

    def ended(how: str) -> None:
        if how == "helped":
            helped.set()

    options = Options(
        url=demo_url, data_dir=data_dir, rate_per_minute=90, agents=8, seconds=60, seed=11, pace=0.05
    )
    running = asyncio.create_task(run_demo(options, told.append, ended))
    waiting = asyncio.create_task(helped.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    assert helped.is_set(), f"nobody was helped: {running}, {told}"
    running.cancel()
    waiting.cancel()
    await asyncio.gather(running, waiting, return_exceptions=True)


async def test_a_demo_agent_replaces_the_one_time_password(demo_url: str, data_dir: Path):
    """Demo agents go through the same door as people, who must choose a password of their own."""
    before = read_sign_ins(data_dir)
    options = Options(url=demo_url, data_dir=data_dir, rate_per_minute=0.01, agents=1, seconds=30, pace=0.05)
    running = asyncio.create_task(run_demo(options, lambda line: None))
    last = [each.agent_id for each in before.values() if each.role == "agent"][-1]
    async with asyncio.timeout(20):
        while read_sign_ins(data_dir)[last].password == before[last].password:
            await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    others = {name: each for name, each in read_sign_ins(data_dir).items() if name != last}
    assert others == {name: each for name, each in before.items() if name != last}
