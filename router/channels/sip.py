"""Calls by SIP: what a kept INVITE says to people, and keys that came as words. Translation only."""

import re
from typing import Final

from router.channels.port import Capabilities, Shown
from router.channels.sip_caller import Caller, caller_of
from router.channels.sip_message import NotSip, read_message, what_lacks
from router.channels.text import shown as text_of

can: Final = Capabilities(
    channel="voice", joins_by="never", connections=True, attachments=False, receipts=False
)
media_type: Final = "message/sip"

_CHECKED: Final = {
    "tn-validation-passed": "Its network has checked the number.",
    "tn-validation-failed": "Its network's check of the number failed: it may be false.",
}
_KEY: Final = re.compile(r"^\s*(?:signal\s*=\s*)?([0-9]{1,2}|[*#A-Da-d])\s*$", re.IGNORECASE)
_KEYS: Final = "0123456789*#ABCD"
"""By their number in RFC 4733: some gateways send 10 for the star."""


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
    if lack := what_lacks(invite):
        told.append(f"It could not be answered: {lack}.")
    return Shown(text="", notice=" ".join(filter(None, told)), things=1)


def keys_of(content_type: str, body: bytes) -> str:
    """The key pressed, of an INFO (application/dtmf-relay, application/dtmf); empty: it is something else."""
    if content_type not in ("application/dtmf-relay", "application/dtmf"):
        return ""
    text = body[:1_000].decode("ascii", "replace")
    for line in text.splitlines():
        if (found := _KEY.match(line)) is not None:
            key = found[1].upper()
            number = int(key) if key.isdecimal() else _KEYS.index(key)
            return _KEYS[number] if number < len(_KEYS) else ""
    return ""


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
