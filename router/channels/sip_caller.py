"""Who calls, as far as an INVITE says it, and how much of that the network vouches for.

Source: RFC 3325 (P-Asserted-Identity), RFC 3323 (Privacy), RFC 5806 and 7044 (Diversion, History-Info), RFC
        8224 and 3GPP TS 24.229 (verstat: what the network found when it checked the caller's number).
"""

import re
from dataclasses import dataclass
from typing import Final

from router.channels.sip_header import NameAddress, name_address, number_of, uri_of
from router.channels.sip_message import SipMessage
from router.channels.text import sendable

NAME_CHARACTERS_MAX: Final = 120
_NOBODY: Final = frozenset({"anonymous", "restricted", "unavailable", "unknown", "private", "withheld"})
_VERSTAT: Final = re.compile(r"verstat=([A-Za-z-]{1,60})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls and whom.

    Shape: number is a telephone number where there is one, else user@host; empty: nobody knows. withheld: the
           caller asked that it be hidden; an emergency call's network may tell it all the same. asserted: the
           network says the number, not only the caller. diverted_from are the numbers that passed it on.
    """

    number: str = ""
    name: str = ""
    to_number: str = ""
    withheld: bool = False
    asserted: bool = False
    verstat: str = ""
    diverted_from: tuple[str, ...] = ()


def caller_of(invite: SipMessage, *, trusted: bool) -> Caller:
    """What this INVITE says. trusted: it comes from a network that we believe (section 9.1 of RFC 3325)."""
    sender = invite.sender
    asserted = _asserted(invite) if trusted else None
    claimed = "" if _is_nobody(sender) else number_of(sender.uri)
    private = bool(invite.tokens("privacy") & {"id", "user", "header"}) or _has_private_tokens(invite)
    number = number_of(asserted.uri) if asserted is not None else claimed
    name = "" if _is_nobody(sender) else sender.name
    return Caller(
        number=clean(number),
        name=clean(name or (asserted.name if asserted is not None else "")),
        to_number=clean(number_of(invite.recipient.uri) or number_of(invite.uri)),
        withheld=private or _is_nobody(sender),
        asserted=asserted is not None and bool(number),
        verstat=_verstat(invite) if trusted else "",
        diverted_from=_diverted(invite),
    )


def clean(text: str) -> str:
    """Words of others on one line: valid, without control characters, not too long."""
    plain = sendable(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    return " ".join("".join(sign if sign.isprintable() else " " for sign in plain).split())[
        :NAME_CHARACTERS_MAX
    ]


def _asserted(invite: SipMessage) -> NameAddress | None:
    """The first asserted identity with a telephone number, else the first at all."""
    found = [name_address(value) for value in invite.every("p-asserted-identity")]
    found += [name_address(value) for value in invite.every("remote-party-id")]
    known = [each for each in found if number_of(each.uri) and not _is_nobody(each)]
    phones = [each for each in known if "@" not in number_of(each.uri)]
    return next(iter(phones or known), None)


def _is_nobody(address: NameAddress) -> bool:
    """Whether the address says that it says nothing (RFC 3323 section 4.1.1.3)."""
    uri = uri_of(address.uri)
    if uri is None:
        return not address.uri.strip()
    return uri.host.endswith("anonymous.invalid") or uri.user.lower() in _NOBODY


def _has_private_tokens(invite: SipMessage) -> bool:
    """Privacy has semicolons between its values, Remote-Party-ID a parameter."""
    told = {part.strip().lower() for value in invite.every("privacy") for part in value.split(";")}
    hidden = {
        name_address(value).parameters.get("privacy", "").lower() for value in invite.every("remote-party-id")
    }
    return bool(told & {"id", "user", "header"}) or bool(hidden & {"full", "name", "uri"})


def _verstat(invite: SipMessage) -> str:
    for value in [*invite.every("p-asserted-identity"), invite.first("from")]:
        if (found := _VERSTAT.search(value)) is not None:
            return found[1]
    return ""


def _diverted(invite: SipMessage) -> tuple[str, ...]:
    """Who passed the call on: Diversion, or what History-Info has before its last entry."""
    told = [number_of(name_address(value).uri) for value in invite.every("diversion")]
    if not told:
        history = [number_of(name_address(value).uri) for value in invite.every("history-info")]
        told = history[:-1]
    return tuple(dict.fromkeys(clean(each) for each in told if each))[:10]
