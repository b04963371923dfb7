"""What a process needs to know from its environment, read once in the composition root."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK: Final = "127.0.0.0/8,::1"
"""Where a reverse proxy is looked for unless told otherwise: on this machine."""


class SettingsWrong(Exception):
    """A setting cannot be used; the message is one line that says what to type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one process.

    Shape: redis_url is empty when no Redis is to be used (readers poll); database_url is a SQLAlchemy-like
           URL, sqlite:////absolute/path or postgresql://…; beat_fd is -1 when nobody watches; trusted_proxies
           are believed about a customer's address, where public_url says that there is a proxy.
    """

    data_dir: Path
    host: str
    port: int
    database_url: str
    redis_url: str
    plan_file: Path
    public_url: str
    trusted_proxies: tuple[Network, ...]
    tls_certificate: str
    tls_key: str
    beat_fd: int
    unsafe: bool


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in these environment variables. Raises SettingsWrong."""
    data_dir = Path(environ.get("MUSTER_DATA", "var")).absolute()
    return Settings(
        data_dir=data_dir,
        host=environ.get("MUSTER_HOST", "127.0.0.1"),
        port=_number(environ, "MUSTER_PORT", 8000),
        database_url=environ.get("DATABASE_URL", "") or f"sqlite:///{data_dir}/muster.db",
        redis_url=environ.get("REDIS_URL", ""),
        plan_file=Path(environ.get("MUSTER_PLAN", "") or Path(__file__).with_name("default.toml")),
        public_url=environ.get("MUSTER_PUBLIC_URL", ""),
        trusted_proxies=_networks(environ, "MUSTER_TRUSTED_PROXIES", LOOPBACK),
        tls_certificate=environ.get("MUSTER_TLS_CERTIFICATE", ""),
        tls_key=environ.get("MUSTER_TLS_KEY", ""),
        beat_fd=_number(environ, "MUSTER_BEAT_FD", -1),
        unsafe=environ.get("MUSTER_UNSAFE", "") == "1",
    )


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "")
    try:
        return int(text) if text else default
    except ValueError:
        raise SettingsWrong(f"{name} is {text!r}: give a whole number, e.g. {name}={default}") from None


def _networks(environ: Mapping[str, str], name: str, default: str) -> tuple[Network, ...]:
    text = environ.get(name, "") or default
    try:
        return tuple(ipaddress.ip_network(each.strip()) for each in text.split(","))
    except ValueError:
        raise SettingsWrong(
            f"{name} is {text!r}: give addresses or networks, e.g. {name}=10.0.0.5,10.1.0.0/16"
        ) from None
