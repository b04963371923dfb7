"""What a process needs to know from its environment, read once in the composition root."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from config.account_check import endpoint_problem
from config.networks import LOOPBACK, Network, networks_of
from config.pair_check import address_problem, is_plain
from config.plan import Plan
from config.redis_url import redis_problem, without_password

SECRET_PREFIX: Final = "MUSTER_SECRET_"


class SettingsWrong(Exception):
    """A setting cannot be used; the message is one line that says what to type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one process.

    Shape: redis_url is empty when no Redis is to be used (readers poll); database_url is a SQLAlchemy-like
           URL, sqlite:////absolute/path or postgresql://…; beat_fd is -1 when nobody watches, order_fd where
           no order has to be waited for (router/run/spare.py); trusted_proxies are believed about a
           customer's address, where public_url says that there is a proxy. smtp_port is -1 where nothing was
           said: the one after port, or any that is free; sip_port likewise, the second after port.
           probe_url is where our own watch tries the front; empty: at the address it is bound to.
           media_address is what others are told to send sound to (host where it is empty), media_ports the
           lowest and highest UDP port for it (0, 0: any). secrets are
           the variables MUSTER_SECRET_*, by their whole names; endpoints are addresses by account_id that
           stand in for those of the plan. site is the id of this site in the plan's pair; empty: one site
           alone. peer_port is -1 where nothing was said: the third after port, or any that is free. sites and
           peers are addresses by site id that stand in for those of the plan. one_group: all processes of
           `muster up` are one process group, so that one signal ends the whole site.
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
    order_fd: int = -1
    smtp_port: int = -1
    sip_port: int = -1
    probe_url: str = ""
    media_address: str = ""
    media_ports: tuple[int, int] = (0, 0)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    site: str = ""
    peer_port: int = -1
    sites: Mapping[str, str] = field(default_factory=dict)
    peers: Mapping[str, str] = field(default_factory=dict)
    one_group: bool = False


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in these environment variables. Raises SettingsWrong."""
    data_dir = Path(environ.get("MUSTER_DATA", "var")).absolute()
    return Settings(
        data_dir=data_dir,
        host=environ.get("MUSTER_HOST", "127.0.0.1"),
        port=_number(environ, "MUSTER_PORT", 8000),
        database_url=environ.get("DATABASE_URL", "") or f"sqlite:///{data_dir}/muster.db",
        redis_url=_redis_url(environ, "REDIS_URL"),
        plan_file=Path(environ.get("MUSTER_PLAN", "") or Path(__file__).with_name("default.toml")),
        public_url=environ.get("MUSTER_PUBLIC_URL", ""),
        trusted_proxies=_networks(environ, "MUSTER_TRUSTED_PROXIES", LOOPBACK),
        tls_certificate=environ.get("MUSTER_TLS_CERTIFICATE", ""),
        tls_key=environ.get("MUSTER_TLS_KEY", ""),
        beat_fd=_number(environ, "MUSTER_BEAT_FD", -1),
        unsafe=environ.get("MUSTER_UNSAFE", "") == "1",
        order_fd=_number(environ, "MUSTER_ORDER_FD", -1),
        smtp_port=_number(environ, "MUSTER_SMTP_PORT", -1),
        sip_port=_number(environ, "MUSTER_SIP_PORT", -1),
        probe_url=environ.get("MUSTER_PROBE_URL", "").rstrip("/"),
        media_address=environ.get("MUSTER_MEDIA_ADDRESS", ""),
        media_ports=_ports(environ, "MUSTER_MEDIA_PORTS"),
        secrets={name: value for name, value in environ.items() if name.startswith(SECRET_PREFIX)},
        endpoints=_endpoints(environ, "MUSTER_ENDPOINTS"),
        site=environ.get("MUSTER_SITE", ""),
        peer_port=_number(environ, "MUSTER_PEER_PORT", -1),
        sites=_addresses(environ, "MUSTER_SITES"),
        peers=_addresses(environ, "MUSTER_PEERS"),
        one_group=environ.get("MUSTER_ONE_GROUP", "") == "1",
    )


def site_id_of(settings: Settings, plan: Plan) -> str:
    """The id of this site in streams, hints and leases. Raises SettingsWrong: the pair has no such site."""
    if not settings.site:
        return plan.site.site_id
    known = [site.site_id for site in plan.pair.sites] if plan.pair is not None else []
    if settings.site in known:
        return settings.site
    if not known:
        raise SettingsWrong(
            f"MUSTER_SITE is {settings.site!r}, but the plan has no [pair]: "
            "leave MUSTER_SITE out, or name both sites in the plan"
        )
    raise SettingsWrong(
        f"MUSTER_SITE is {settings.site!r}, but the plan's pair has {' and '.join(known)}: "
        f"type MUSTER_SITE={known[0]} before the command, or name this site in [[pair.sites]]"
    )


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "")
    try:
        return int(text) if text else default
    except ValueError:
        raise SettingsWrong(f"{name} is {text!r}: give a whole number, e.g. {name}={default}") from None


def _ports(environ: Mapping[str, str], name: str) -> tuple[int, int]:
    text = environ.get(name, "")
    if not text:
        return 0, 0
    low, dash, high = text.partition("-")
    if dash and low.isdecimal() and high.isdecimal() and 1_024 <= int(low) < int(high) <= 65_535:
        return int(low), int(high)
    raise SettingsWrong(f"{name} is {text!r}: give the lowest and the highest port, e.g. {name}=40000-40999")


def _networks(environ: Mapping[str, str], name: str, default: str) -> tuple[Network, ...]:
    text = environ.get(name, "") or default
    try:
        return networks_of(text)
    except ValueError:
        raise SettingsWrong(
            f"{name} is {text!r}: give addresses or networks, e.g. {name}=10.0.0.5,10.1.0.0/16"
        ) from None


def _redis_url(environ: Mapping[str, str], name: str) -> str:
    text = environ.get(name, "")
    problem = redis_problem(text)
    if problem:
        raise SettingsWrong(
            f"{name} is {without_password(text)!r}: {problem}, e.g. {name}=redis://10.0.0.5:6379 "
            f"or {name}=redis+sentinel://10.0.0.5,10.0.0.6,10.0.0.7/muster"
        )
    return text


def _endpoints(environ: Mapping[str, str], name: str) -> Mapping[str, str]:
    """account=url, with commas between them."""
    found: dict[str, str] = {}
    for each in filter(None, (part.strip() for part in environ.get(name, "").split(","))):
        account, _, url = each.partition("=")
        wrong = endpoint_problem(url) if account and url else "say account=url"
        if wrong:
            raise SettingsWrong(f"{name}: {each!r}: {wrong}, e.g. {name}=sms=http://127.0.0.1:9000")
        found[account] = url
    return found


def _addresses(environ: Mapping[str, str], name: str) -> Mapping[str, str]:
    """site=url, with commas between them."""
    found: dict[str, str] = {}
    for each in filter(None, (part.strip() for part in environ.get(name, "").split(","))):
        site, _, url = each.partition("=")
        wrong = address_problem(url) if site and url else "say site=url"
        if not wrong and is_plain(url):
            wrong = "could be read on the way: use https (`muster site keys`)"
        if wrong:
            raise SettingsWrong(f"{name}: {each!r}: {wrong}, e.g. {name}=a=https://muster-a.example.org")
        found[site] = url.rstrip("/")
    return found
