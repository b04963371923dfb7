"""What must be true before `muster up` starts anything: a folder of its own, a safe address, a free port.

Each problem is one line that says what to type (SettingsWrong). Nothing here changes what is found, apart
from making the data folder.
"""

import fcntl
import ipaddress
import os
import secrets
import socket
import time
from pathlib import Path
from typing import Final

from config.settings import Settings, SettingsWrong

PORT_WAIT_S: Final = 2.0
"""A centre that was killed a moment ago may still be letting go of its port."""


LENT_TO_NOBODY: Final = range(10_240, 32_000)
"""Below the ports that kernels lend to outgoing connections: a free one among those may soon be taken."""

TRIES: Final = 20


def own_folder(data_dir: Path) -> int:
    """Make the data folder and lock it for this process; the descriptor that holds the lock."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        for name in ("logs", "run"):
            (data_dir / name).mkdir(mode=0o700, exist_ok=True)
        lock = os.open(data_dir / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        raise SettingsWrong(
            f"cannot write to {data_dir} ({problem.strerror}): "
            "type MUSTER_DATA=~/muster-data before the command"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(lock, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        raise SettingsWrong(
            f"Muster runs on {data_dir} (process {holder}): stop it with Ctrl-C there, "
            "or type MUSTER_DATA=./other MUSTER_PORT=0 before the command for a second one"
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def check_host(settings: Settings) -> None:
    """Refuse an address that others reach unless what they send is encrypted."""
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise SettingsWrong("MUSTER_TLS_CERTIFICATE and MUSTER_TLS_KEY belong together: set both, or none")
    for name, path in (
        ("MUSTER_TLS_CERTIFICATE", settings.tls_certificate),
        ("MUSTER_TLS_KEY", settings.tls_key),
    ):
        if path and not os.access(path, os.R_OK):
            raise SettingsWrong(f"{name}: cannot read {path}: give the path of a PEM file")
    protected = settings.tls_certificate or settings.public_url.startswith("https://")
    if not (protected or _is_loopback(settings.host)):
        raise SettingsWrong(
            f"MUSTER_HOST={settings.host} can be reached from outside without encryption: set "
            "MUSTER_TLS_CERTIFICATE and MUSTER_TLS_KEY, or MUSTER_PUBLIC_URL=https://… when a proxy encrypts"
        )


def usable_port(host: str, port: int, *, variable: str = "MUSTER_PORT") -> int:
    """The port, once it is seen to be free; for port 0 a free one."""
    if not 0 <= port <= 65_535:
        raise SettingsWrong(f"{variable} is {port}: give a number from 1 to 65535")
    deadline = time.monotonic() + PORT_WAIT_S
    while True:
        try:
            return _bind_once(host, port) if port else _any_port(host)
        except OSError as problem:
            if isinstance(problem, socket.gaierror):
                raise SettingsWrong(
                    f"MUSTER_HOST is {host!r}, which is no address here: type MUSTER_HOST=127.0.0.1"
                ) from None
            if time.monotonic() > deadline:
                raise SettingsWrong(
                    f"cannot listen on {host} port {port} ({problem.strerror}): "
                    f"type {variable}={_other(port)} before the command"
                ) from None
            time.sleep(0.1)


def usable_smtp_port(settings: Settings) -> int:
    """As usable_port for mail: the one after MUSTER_PORT, or any free one, unless one was asked for."""
    if settings.smtp_port >= 0:
        return usable_port(settings.host, settings.smtp_port, variable="MUSTER_SMTP_PORT")
    try:
        return _bind_once(settings.host, settings.port + 1)
    except (OSError, OverflowError):
        return _any_port(settings.host)


def usable_sip_port(settings: Settings) -> int:
    """As usable_port for calls: the second after MUSTER_PORT, or any; free for UDP as well as TCP."""
    if settings.sip_port > 0:
        port = usable_port(settings.host, settings.sip_port, variable="MUSTER_SIP_PORT")
        if not _free_for_udp(settings.host, port):
            raise SettingsWrong(
                f"cannot listen for calls on {settings.host} UDP port {port}: "
                f"type MUSTER_SIP_PORT={_other(port)} before the command"
            )
        return port
    for port in (settings.port + 2, *(0 for _ in range(TRIES))) if settings.sip_port < 0 else (0,) * TRIES:
        try:
            found = _bind_once(settings.host, port) if port else _any_port(settings.host)
        except (OSError, OverflowError):
            continue
        if _free_for_udp(settings.host, found):
            return found
    raise SettingsWrong(f"no port for calls is free on {settings.host}: type MUSTER_SIP_PORT=5060 before")


def usable_peer_port(settings: Settings) -> int:
    """As usable_port for the other site: the third after MUSTER_PORT. Never another one by itself: the other
    site was told this one."""
    port = settings.port + 3 if settings.peer_port < 0 else settings.peer_port
    return usable_port(settings.host, port, variable="MUSTER_PEER_PORT")


def _free_for_udp(host: str, port: int) -> bool:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        try:
            probe.bind(address)
        except OSError:
            return False
    return True


def _any_port(host: str) -> int:
    """A free port that will still be free when a role listens on it."""
    for _ in range(TRIES):
        try:
            return _bind_once(host, LENT_TO_NOBODY.start + secrets.randbelow(len(LENT_TO_NOBODY)))
        except OSError:
            continue
    return _bind_once(host, 0)


def _bind_once(host: str, port: int) -> int:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        return int(probe.getsockname()[1])


def _other(port: int) -> int:
    return port + 10 if 1024 <= port <= 65_000 else 8010


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
