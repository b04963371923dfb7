"""A real centre for browser tests: `muster up` in a process group of its own, with what it printed."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import waits_for_order

READY_WITHIN_S = 60
STOP_WITHIN_S = 20


@dataclass(kw_only=True)
class RealCentre:
    """One running `muster up`. one_time: passwords by agent id, from the first start."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = 0
    fixed_port: int = 0
    """0: any that is free."""
    prefix: tuple[str, ...] = ()
    """What the command begins with, e.g. to run in another network."""
    one_time: dict[str, str] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)
    _process: "subprocess.Popen[str] | None" = None
    _listener: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.port = self.fixed_port or free_port()
        self._process = subprocess.Popen(
            [*self.prefix, sys.executable, "-m", "agents_ui.cli", "up"],
            env=os.environ | self.environment() | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        deadline = time.monotonic() + READY_WITHIN_S
        while not any(line.startswith("ready") for line in self.printed):
            assert self._process.poll() is None and time.monotonic() < deadline, "".join(self.printed)
            time.sleep(0.05)

    def environment(self) -> dict[str, str]:
        """What the centre's commands get besides the environment of the tests."""
        return {"MUSTER_DATA": str(self.folder), "MUSTER_PORT": str(self.port)} | self.settings

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            raise
        finally:
            if self._listener is not None:
                self._listener.join(STOP_WITHIN_S)

    def kill(self, role: str) -> None:
        """SIGKILL to one role, as the kernel does when memory is out; `up` starts it again."""
        assert self._process is not None
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                command = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue  # it ended while we looked
            if parent != self._process.pid or waits_for_order(int(folder.name)):
                continue
            if role.encode() in command:
                os.kill(int(folder.name), signal.SIGKILL)
                return
        raise AssertionError(f"no {role} runs")

    def _listen(self) -> None:
        """Reads on to the end, so that the pipe is never full."""
        assert self._process is not None and self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                words = line.split()
                if len(words) >= 4 and words[2] in ("agent", "supervisor", "admin", "auditor"):
                    self.one_time[words[0]] = words[1]
                self.printed.append(line)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
