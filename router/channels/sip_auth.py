"""Digest authentication as the one who is asked (RFC 3261 section 22, RFC 7616, RFC 8760). No I/O.

MD5 is what most trunks still ask for; where SHA-256 is offered as well, it is taken.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from router.channels.sip_header import parameters_of, quoted
from router.channels.sip_message import SipMessage

_HASHES: Final[Mapping[str, Callable[[bytes], str]]] = {
    "sha-512-256": lambda data: hashlib.new("sha512_256", data).hexdigest(),
    "sha-256": lambda data: hashlib.sha256(data).hexdigest(),
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
}
"""Best first."""

_ASKED: Final = {
    401: ("www-authenticate", "authorization"),
    407: ("proxy-authenticate", "proxy-authorization"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who we are to a trunk."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One question for a password."""

    realm: str
    nonce: str
    algorithm: str
    qop: tuple[str, ...]
    opaque: str
    stale: bool

    @property
    def hash_name(self) -> str:
        """Its hash, without -sess."""
        return (self.algorithm or "md5").lower().removesuffix("-sess")


def challenges_of(response: SipMessage) -> list[Challenge]:
    """The best challenge of each realm that we know how to answer, of a 401 or 407."""
    asked, _ = _ASKED.get(response.status, ("", ""))
    best: dict[str, Challenge] = {}
    for name, value in response.headers:
        found = _challenge(value) if name == asked else None
        if found is None:
            continue
        known = best.get(found.realm)
        if known is None or _rank(found) < _rank(known):
            best[found.realm] = found
    return list(best.values())


def answer_to(
    response: SipMessage, request: SipMessage, credentials: Credentials, *, cnonce: str
) -> tuple[tuple[str, str], ...]:
    """The headers that answer a challenge to this request; none where it asks for what we do not know."""
    _, header = _ASKED.get(response.status, ("", ""))
    return tuple(
        (header, _authorization(each, request, credentials, cnonce)) for each in challenges_of(response)
    )


def is_stale(response: SipMessage) -> bool:
    """Whether the answer was right and only its nonce too old: then the same again with the new one."""
    return any(each.stale for each in challenges_of(response))


def _challenge(value: str) -> Challenge | None:
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    fields = parameters_of(_semicolons(rest))
    found = Challenge(
        realm=fields.get("realm", ""),
        nonce=fields.get("nonce", ""),
        algorithm=fields.get("algorithm", ""),
        qop=tuple(each.strip().lower() for each in fields.get("qop", "").split(",") if each.strip()),
        opaque=fields.get("opaque", ""),
        stale=fields.get("stale", "").lower() == "true",
    )
    known = found.hash_name in _HASHES and (not found.qop or {"auth", "auth-int"} & set(found.qop))
    return found if known and found.nonce else None


def _authorization(challenge: Challenge, request: SipMessage, credentials: Credentials, cnonce: str) -> str:
    digest = _HASHES[challenge.hash_name]
    qop = "auth" if "auth" in challenge.qop else ("auth-int" if challenge.qop else "")
    secret = digest(_bytes(f"{credentials.user}:{challenge.realm}:{credentials.password}"))
    if challenge.algorithm.lower().endswith("-sess"):
        secret = digest(_bytes(f"{secret}:{challenge.nonce}:{cnonce}"))
    asked = f"{request.method}:{request.uri}"
    if qop == "auth-int":
        asked += f":{digest(request.body)}"
    middle = f"00000001:{cnonce}:{qop}:" if qop else ""
    proof = digest(_bytes(f"{secret}:{challenge.nonce}:{middle}{digest(_bytes(asked))}"))
    told = [
        f"username={quoted(credentials.user)}",
        f"realm={quoted(challenge.realm)}",
        f"nonce={quoted(challenge.nonce)}",
        f"uri={quoted(request.uri)}",
        f'response="{proof}"',
    ]
    if challenge.algorithm:
        told.append(f"algorithm={challenge.algorithm}")
    if challenge.opaque:
        told.append(f"opaque={quoted(challenge.opaque)}")
    if qop:
        told += [f"qop={qop}", "nc=00000001"]
    if qop or challenge.algorithm.lower().endswith("-sess"):
        told.append(f'cnonce="{cnonce}"')
    return "Digest " + ", ".join(told)


def _semicolons(text: str) -> str:
    """Commas between parameters turned into semicolons, those in quotes left."""
    quote, out = False, []
    for sign in text:
        quote = quote != (sign == '"')
        out.append(";" if sign == "," and not quote else sign)
    return "".join(out)


def _rank(challenge: Challenge) -> int:
    return list(_HASHES).index(challenge.hash_name)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
