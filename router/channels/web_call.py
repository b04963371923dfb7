"""Calls as contacts, from our page or a trunk, and what is shown of them and of what came on them.

Translation only. What a call does is run/voice; the words of signalling are sip_message.py's.
"""

from typing import Final
from uuid import uuid4

import msgspec

from router.channels import sip
from router.channels.port import Account, Contact, Shown
from router.channels.text import shown as text_of

WEB_CALL: Final = "web-call"
SIP: Final = "sip"
TWILIO_VOICE: Final = "twilio-voice"
VOICE_PROVIDERS: Final = (SIP, WEB_CALL, TWILIO_VOICE)

WEB_CALL_TYPE: Final = "application/x-muster-web-call"
DIGITS_TYPE: Final = "application/x-muster-digits"
T140_TYPE: Final = "text/t140"
CALL_OUT_TYPE: Final = "application/x-muster-call-out"
SENT_ON_TYPE: Final = "application/x-muster-sent-on"
"""A call that was connected with somebody outside, or with the other site: to whom, as text."""

"""Media types of what calls leave behind, beside the INVITE (sip.py): keys, text, a call out."""

_NOT_DIALLED: Final = ("911", "1911")
"""911-XXX-XXXX is a telephone without a number (NENA-STA-020.1-2020, 2.2.7): nobody can be called there."""


class WebCall(msgspec.Struct, frozen=True):
    """What is kept of a call from the page."""

    language: str = ""


def contact_of_web_call(account: Account, *, session: str, language: str, received_at_ms: int) -> Contact:
    """A call from the page of this session: whose it is is known, but it joins nothing."""
    return Contact(
        channel=account.channel,
        account=account.account_id,
        provider_id=f"{session}/{uuid4()}",
        address_hash=session,
        verified=True,
        joins=False,
        media_type=WEB_CALL_TYPE,
        body=msgspec.json.encode(WebCall(language=language)),
        received_at_ms=received_at_ms,
    )


def contact_of_call(
    account: Account,
    *,
    call_id: str,
    raw: bytes,
    number: str,
    withheld: bool,
    asserted: bool,
    received_at_ms: int,
) -> Contact:
    """A call from a trunk. A number that stands for nobody is kept to be seen, and linked with nobody.

    The network of an emergency call tells a number that the caller withheld: by it they are called back, and
    no more than that.
    """
    return Contact(
        channel=account.channel,
        account=account.account_id,
        provider_id=call_id,
        verified=asserted,
        address_kind="phone" if number else "",
        address=number,
        linked=not withheld and dialable(number) and number not in account.unlinked,
        joins=False,
        media_type=sip.media_type,
        body=raw,
        received_at_ms=received_at_ms,
    )


def dialable(number: str) -> bool:
    """Whether this is a number that can be called."""
    digits = number.removeprefix("+")
    if not digits.isdecimal() or not digits.isascii() or not 3 <= len(digits) <= 15:
        return False
    return not any(digits.startswith(each) and len(digits) == len(each) + 7 for each in _NOT_DIALLED)


def shown_of_call(media_type: str, body: bytes) -> Shown | None:
    """What people read of it; None for what is no call's."""
    if media_type == WEB_CALL_TYPE:
        return Shown(text="", notice="A call from our page.", things=1)
    if media_type == DIGITS_TYPE:
        return Shown(text=text_of(body), notice="Pressed on the telephone.", things=1)
    if media_type == T140_TYPE:
        return Shown(text=typed(body), notice="Typed during the call.")
    if media_type == CALL_OUT_TYPE:
        return Shown(text="Called back.")
    if media_type == SENT_ON_TYPE:
        return Shown(text=f"Nobody was free here: the call was sent on to {text_of(body)}, who answered.")
    return None


def typed(body: bytes) -> str:
    """What stands there after all corrections: in T.140 a backspace takes one character back."""
    kept: list[str] = []
    for character in body.decode("utf-8", "replace"):
        if character == "\b":
            if kept:
                kept.pop()
        elif character in "\u2028\r\n":
            kept.append("\n")
        elif character != "\ufeff" and character != "\a":
            kept.append(character)
    return text_of("".join(kept).strip("\n").encode())
