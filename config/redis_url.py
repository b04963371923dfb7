"""What REDIS_URL says: one server, or where Sentinels know which of several is the one now.

`redis+sentinel://[user:password@]host[:port][,host[:port]…]/name[/number][?sentinel_user=…&sentinel_password=…]`

The password before the hosts is that of the servers, `name` what the Sentinels call them; `rediss+sentinel`
encrypts all of it.
"""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

PLAIN: Final = ("redis", "rediss", "unix")
BY_SENTINEL: Final = ("redis+sentinel", "rediss+sentinel")
SENTINEL_PORT: Final = 26_379


@dataclass(frozen=True, slots=True, kw_only=True)
class SentinelAddress:
    """Where to ask for the server. Shape: nodes are the Sentinels; user and password may be empty."""

    nodes: tuple[tuple[str, int], ...]
    name: str
    number: int = 0
    """Of the database in that server."""
    user: str = ""
    password: str = field(default="", repr=False)
    sentinel_user: str = ""
    sentinel_password: str = field(default="", repr=False)
    encrypted: bool = False


def sentinel_address(url: str) -> SentinelAddress | None:
    """The Sentinels of this URL; None where it names one server. Raises ValueError with what is wrong."""
    parts = urlsplit(url)
    if parts.scheme not in BY_SENTINEL:
        return None
    who, _, where = parts.netloc.rpartition("@")
    user, _, password = who.partition(":")
    name, _, number = unquote(parts.path).strip("/").partition("/")
    if not name:
        raise ValueError("say which servers after the Sentinels: /NAME")
    if number and not number.isdecimal():
        raise ValueError(f"{number!r} is no number of a database")
    more = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    unknown = sorted(set(more) - {"sentinel_user", "sentinel_password"})
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not known here")
    return SentinelAddress(
        nodes=tuple(_node(each) for each in where.split(",")),
        name=name,
        number=int(number or 0),
        user=unquote(user),
        password=unquote(password),
        sentinel_user=more.get("sentinel_user", ""),
        sentinel_password=more.get("sentinel_password", ""),
        encrypted=parts.scheme.startswith("rediss"),
    )


def redis_problem(url: str) -> str:
    """What is wrong with this REDIS_URL, or ''."""
    try:
        if url and sentinel_address(url) is None and urlsplit(url).scheme not in PLAIN:
            return "begin with redis://, rediss://, unix:// or redis+sentinel://"
    except ValueError as wrong:
        return str(wrong)
    return ""


def without_password(url: str) -> str:
    """The same for logs and pages."""
    scheme, slashes, rest = url.partition("?")[0].partition("//")
    where, slash, path = rest.partition("/")
    return scheme + slashes + where.rpartition("@")[2] + slash + path


def _node(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError(f"{text!r} is no address of a Sentinel: give host or host:port")
    return parts.hostname, parts.port or SENTINEL_PORT
