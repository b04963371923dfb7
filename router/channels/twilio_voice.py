"""Calls that Twilio holds for us: its voice webhooks, and what it is told to do. Orders: twilio_calls.py.

Source: twilio.com/docs, voice/twiml (request parameters), voice/twiml/enqueue (QueueResult), voice/twiml/dial
        (DialCallStatus), usage/security. StirVerstat: what the caller's network has signed of the number.
        Twilio adds fields without notice.
"""

import hashlib
import re
from typing import Final
from urllib.parse import parse_qs

from router.channels import twiml
from router.channels.form import Fields, TooManyFields, fields_of, value_of
from router.channels.port import (
    Account,
    Answer,
    CallNews,
    Contact,
    HeldCall,
    NotAuthentic,
    Received,
    Webhook,
)
from router.channels.twilio_account import WITHHELD, authenticate
from router.channels.twilio_call_body import media_type, provider_id_in, shown
from router.channels.twilio_calls import (
    LIVE,
    OVER,
    connect_request,
    hang_up_request,
    live_in,
    live_request,
    look_request,
    order_outcome,
    redirect_request,
)
from router.channels.web_call import dialable

__all__ = [
    "LIVE",
    "connect_request",
    "hang_up_request",
    "live_in",
    "live_request",
    "look_request",
    "media_type",
    "order_outcome",
    "provider_id_in",
    "receive",
    "redirect_request",
    "shown",
    "told",
]

KINDS: Final = {
    "": "arrived",
    "wait": "waits",
    "held": "waits",
    "queue-left": "left",
    "returned": "returned",
    "status": "status",
}
"""What a webhook is about, by its path below the account's own; of others (recording) nothing follows."""

_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")


def receive(webhook: Webhook, account: Account) -> Received:
    """News of one call; kinds that nobody knows are acknowledged. Raises NotAuthentic."""
    if webhook.method != "POST":
        raise NotAuthentic("the webhook must be set to POST")
    try:
        fields = fields_of(webhook.body)
    except TooManyFields as problem:
        raise NotAuthentic(str(problem)) from None
    authenticate(webhook, account, fields)
    kind = KINDS.get(webhook.path, "")
    outbound = value_of(fields, b"Direction").startswith("outbound")  # our own leg of it, not the caller's
    if not kind or outbound or (kind != "arrived" and not value_of(fields, b"CallSid")):
        return Received(answer=twiml.answer())
    query = parse_qs(webhook.query)
    result = value_of(fields, b"QueueResult")
    contact = _contact(webhook, account, fields)
    news = CallNews(
        kind=kind,
        contact=contact,
        live=value_of(fields, b"CallStatus").lower() not in OVER and result != "hangup",
        queued=webhook.path == "wait",
        told=_number(query.get("told", [""])[0]),
        turn=_number(query.get("turn", [""])[0]),
        result=result,
    )
    return Received(contacts=(contact,) if kind == "arrived" else (), call=news, answer=twiml.answer())


def told(news: CallNews, held: HeldCall, account: Account) -> Answer:
    """What Twilio is told to do with this caller now."""
    hook = account.public_url
    if news.kind == "status":
        return twiml.answer()
    if held.state == "ended" or not news.live:
        return twiml.hang_up()
    if news.kind == "waits":
        return twiml.waiting(hook, held, told=news.told, turn=news.turn, queued=news.queued)
    if news.kind == "arrived":
        return twiml.enqueue(hook, held)
    if held.state in ("connected", "held") or news.result.startswith(("redirected", "bridg")):
        return twiml.ask_again(hook)  # the voice process has yet to say what became of it
    if news.result:  # The queue is full there, or broken: it waits without one.
        return twiml.waiting(hook, held, told=0, turn=0, queued=False)
    return twiml.wait_again(hook)


def _contact(webhook: Webhook, account: Account, fields: Fields) -> Contact:
    number = value_of(fields, b"From").strip()
    address = "" if number.lower() in WITHHELD else number
    return Contact(
        channel=account.channel,
        account=account.account_id,
        provider_id=value_of(fields, b"CallSid") or hashlib.sha256(webhook.body).hexdigest(),
        verified=not value_of(fields, b"StirVerstat").startswith("TN-Validation-Failed"),
        address_kind="phone" if address else "",
        address=address,
        linked=_NUMBER.fullmatch(address) is not None
        and dialable(address)
        and address not in account.unlinked,
        joins=False,
        media_type=media_type,
        body=webhook.body,
        received_at_ms=webhook.received_at_ms,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0
