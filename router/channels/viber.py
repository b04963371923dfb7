"""Viber's REST Bot API: its callbacks, sending. Translation only.

Source: developers.viber.com/docs/api/rest-bot-api (callbacks, send message, error codes). One token signs
        what comes and opens what goes. Its ids are numbers beyond 2^53.
"""

import hmac
import re
from dataclasses import replace
from typing import Any, Final  # Any: JSON of a provider, looked at before use

import msgspec

from router.channels.api_reply import retry_after_ms
from router.channels.brought import brought
from router.channels.json_body import at, name, number, object_of, words, written
from router.channels.port import (
    Account,
    Capabilities,
    HttpReply,
    HttpRequest,
    NotAuthentic,
    Outcome,
    Outgoing,
    Receipt,
    Received,
    Shown,
    Webhook,
    Wish,
)
from router.channels.text import sendable
from router.channels.text import shown as text_of
from router.places.place import place_of

can = Capabilities(channel="viber", joins_by="address", connections=False, attachments=True, receipts=True)
media_type = "application/json; of=viber"
media_from: tuple[str, ...] = ()

API: Final = "https://chatapi.viber.com"
NAME_CHARACTERS_MAX: Final = 28

STATUSES: Final = {"delivered": "delivered", "seen": "read", "failed": "failed"}
SILENT: Final = frozenset({"webhook", "conversation_started", "client_status", "subscribed", "unsubscribed"})
"""Events that are nobody's words."""

KINDS: Final = {
    "picture": "",
    "video": "A video.",
    "file": "A file.",
    "contact": "Somebody's name and number.",
    "url": "A link.",
    "sticker": "A sticker.",
}
CODES: Final = {
    **dict.fromkeys((3, 4, 5, 6, 11, 13, 14, 21), "failed"),  # this message, this person, their telephone
    **dict.fromkeys((2, 7, 8, 9, 10, 15, 22, 23, 24), "account_failed"),  # our token, bot or money
}
TOO_MANY: Final = 12

_MEDIUM: Final = re.compile(r"https://([a-z0-9-]+\.)+viber\.com/[!#-\[\]-~]*")


def receive(webhook: Webhook, account: Account) -> Received:
    """The one thing that a callback says. Raises NotAuthentic."""
    given = webhook.headers.get("x-viber-content-signature", "").encode("utf-8", "replace")
    right = hmac.digest(account.secret, webhook.body, "sha256").hex().encode()
    if webhook.method != "POST" or not hmac.compare_digest(given, right):
        raise NotAuthentic("the signature is of another body or token")
    told = object_of(webhook.body)
    event = words(told, "event")
    if status := STATUSES.get(event):
        detail = "viber_failed" if status == "failed" else ""
        receipt = Receipt(provider_id=name(told, "message_token"), status=status, detail=detail)
        return Received(receipts=(receipt,))
    if event in SILENT:
        return Received(wishes=_wishes(told, account))
    token, sender = name(told, "message_token"), name(told, "sender", "id")
    contact = brought(webhook, account, media_type=media_type, provider_id=token, address=sender)
    return Received(contacts=(contact,))


def shown(body: bytes) -> Shown:
    """What one message says. Never raises."""
    told = object_of(body)
    said = _said(told) if told else Shown(text=text_of(body))
    return replace(said, said_at_ms=number(told, "timestamp"))


def request_of(outgoing: Outgoing, account: Account) -> HttpRequest:
    """POST send_message. Viber wants to be told who writes, and knows no id of ours."""
    sender = {"name": (str(account.options.get("from_name", "")) or account.address)[:NAME_CHARACTERS_MAX]}
    told = {"receiver": outgoing.to_address, "sender": sender, "min_api_version": 1}
    said = {"type": "text", "text": sendable(outgoing.text)}
    return HttpRequest(
        method="POST",
        url=f"{(account.endpoint or API).rstrip('/')}/pa/send_message",
        headers={"content-type": "application/json", "x-viber-auth-token": account.secret.decode("latin-1")},
        body=msgspec.json.encode({**told, **said}),
    )


def outcome_of(reply: HttpReply) -> Outcome:
    """By the number in the body: Viber says 200 to everything. Never raises."""
    told, after_ms = object_of(reply.body), retry_after_ms(reply)
    code, sent = number(told, "status"), name(told, "message_token")
    if reply.status in (401, 403):
        return Outcome(kind="account_failed", detail=f"viber_http_{reply.status}", retry_after_ms=after_ms)
    too_much = reply.status == 429 or code == TOO_MANY
    if too_much or (code and reply.status == 200):
        kind, detail = CODES.get(code, "later"), f"viber_{code or reply.status}"
        return Outcome(kind=kind, detail=detail, retry_after_ms=after_ms, too_much=too_much)
    if reply.status == 200 and told.get("status") == 0 and sent:
        return Outcome(kind="sent", provider_id=sent)
    return Outcome(kind="later", detail="viber_garbage", retry_after_ms=after_ms, certain=False)


def media_request(address: str, account: Account) -> HttpRequest | None:
    """GET from Viber's own hosts, without our token: the address is the key, and good for an hour."""
    if _MEDIUM.fullmatch(address) is None or "/../" in address:
        return None
    return HttpRequest(method="GET", url=address, headers={}, body=b"")


def _said(told: dict[str, Any]) -> Shown:
    message, kind = told.get("message"), words(told, "message", "type")
    text, media = words(message, "text"), words(message, "media")
    if kind == "text":
        return Shown(text=text)
    if kind in ("picture", "video", "file") and media:
        notice = " ".join(filter(None, (KINDS[kind], words(message, "file_name"))))
        return Shown(text=text, wanted=((media, ""),), notice=notice, things=1)
    if kind == "location":
        latitude, longitude = at(message, "location", "lat"), at(message, "location", "lon")
        places = tuple(filter(None, [place_of("pin", latitude, longitude)]))
        text = f"{latitude}, {longitude}"
        return Shown(text=text, notice="A place that they sent.", things=1, places=places)
    if kind in ("contact", "url", "sticker"):
        who = (name(message, "contact", each) for each in ("name", "phone_number"))
        return Shown(text="\n".join(filter(None, (text, media, *who))), notice=KINDS[kind], things=1)
    return Shown(text=written(told), notice="A kind of message that is not known here.", things=1)


def _wishes(told: dict[str, Any], account: Account) -> tuple[Wish, ...]:
    """They left, or came back. Whoever writes is back without a word of Viber's: so answers are tried."""
    event = words(told, "event")
    who = name(told, "user_id") if event == "unsubscribed" else name(told, "user", "id")
    if not who or event not in ("subscribed", "unsubscribed"):
        return ()
    kind = f"viber:{account.account_id}"
    return (Wish(address_kind=kind, address=who, out=event == "unsubscribed", blocks=False),)
