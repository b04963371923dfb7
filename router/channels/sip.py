"""Calls by SIP: what a kept INVITE says to people, and where it says that the caller is. Translation only."""

from typing import Final

from router.channels.port import Shown
from router.channels.sip_caller import Caller, caller_of, clean
from router.channels.sip_message import NotSip, SipMessage, parts_of, read_message, what_lacks
from router.channels.text import shown as text_of
from router.places.pidf import Sent, read_pidf

media_type: Final = "message/sip"

PIDF: Final = "application/pidf+xml"

_CHECKED: Final = {
    "tn-validation-passed": "Its network has checked the number.",
    "tn-validation-failed": "Its network's check of the number failed: it may be false.",
}


def shown(body: bytes) -> Shown:
    """What an INVITE says of its call, as sentences. Never raises."""
    try:
        invite = read_message(body)
    except NotSip:
        return Shown(text=text_of(body), notice="A call that could not be read.", things=1)
    caller = caller_of(invite, trusted=True)
    told = [_who(caller), _sure(caller)]
    if caller.name:
        told.append(f"The name that came with it: {caller.name}.")
    if caller.to_number:
        told.append(f"Called: {caller.to_number}.")
    if caller.diverted_from:
        told.append(f"Passed on by {', '.join(caller.diverted_from)}.")
    sent = _sent(invite)
    told += [f"Address sent along: {clean(each)}." for each in sent.addresses]
    if not sent.places and any("://" in value for value in invite.every("geolocation")):
        told.append("Its network knows the caller's place, and did not send it along.")
    if lack := what_lacks(invite):
        told.append(f"It could not be answered: {lack}.")
    return Shown(text="", notice=" ".join(filter(None, told)), things=1, places=sent.places)


def _sent(invite: SipMessage) -> Sent:
    """Places by value (RFC 6442): a part of the body each."""
    found = [read_pidf(body) for kind, body in parts_of(invite) if kind == PIDF]
    return Sent(
        places=tuple(place for each in found for place in each.places),
        addresses=tuple(address for each in found for address in each.addresses),
    )


def _who(caller: Caller) -> str:
    if not caller.number:
        return "A call with a withheld number." if caller.withheld else "A call without a number."
    if caller.withheld:
        return f"A call from {caller.number}, which the caller asked to withhold."
    return f"A call from {caller.number}."


def _sure(caller: Caller) -> str:
    """How sure the number is."""
    for verdict, words in _CHECKED.items():
        if caller.verstat.lower().startswith(verdict):
            return words
    if not caller.number or caller.asserted:
        return ""
    return "Only the caller's telephone says so, not its network."
