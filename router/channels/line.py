"""LINE's Messaging API: its webhook, sending, content. Translation only.

Source: developers.line.biz/en/reference/messaging-api (webhook events, push message, retry key, content).
        LINE says nothing of what became of our messages.
"""

import base64
import hmac
import re
from dataclasses import replace
from typing import Any, Final  # Any: JSON of a provider, looked at before use
from uuid import NAMESPACE_URL, uuid5

import msgspec

from router.channels.api_reply import retry_after_ms
from router.channels.brought import brought
from router.channels.json_body import at, leaves, name, number, object_of, pins, words, written
from router.channels.port import (
    Account,
    Capabilities,
    Contact,
    HttpReply,
    HttpRequest,
    NotAuthentic,
    Outcome,
    Outgoing,
    Received,
    Shown,
    Webhook,
    Wish,
)
from router.channels.text import sendable
from router.channels.text import shown as text_of

can = Capabilities(channel="line", joins_by="address", connections=False, attachments=True, receipts=False)
media_type = "application/json; of=line"
media_from: tuple[str, ...] = ()

API: Final = "https://api.line.me"
CONTENT: Final = "https://api-data.line.me"
FILES: Final = {"image": "", "video": "A video.", "audio": "A voice message.", "file": "A file."}
WORDS: Final = frozenset({"message", "unsend", "postback", "beacon", ""})
"""Events in which somebody says something; the others are about friends, groups and settings."""

_MEDIUM: Final = re.compile(r"line:([0-9]{1,40})")


def receive(webhook: Webhook, account: Account) -> Received:
    """Each event that says something. Raises NotAuthentic."""
    given = webhook.headers.get("x-line-signature", "").encode("utf-8", "replace")
    right = base64.b64encode(hmac.digest(account.secret, webhook.body, "sha256"))
    if webhook.method != "POST" or not hmac.compare_digest(given, right):
        raise NotAuthentic("the signature is of another body or channel secret")
    contacts, wishes = [], []
    for raw, whole in leaves(webhook.body, "events"):
        event = object_of(raw) if whole else {}
        if not event or words(event, "type") in WORDS or "message" in event:
            contacts.append(_contact(event, raw, webhook, account))
        elif words(event, "type") in ("follow", "unfollow") and name(event, "source", "userId"):
            wishes.append(_wish(event, account))
    return Received(contacts=tuple(contacts), wishes=tuple(wishes))


def shown(body: bytes) -> Shown:
    """What one event says. Never raises."""
    event = object_of(body)
    said = _said(event) if event else Shown(text=text_of(body))
    return replace(said, said_at_ms=number(event, "timestamp"))


def request_of(outgoing: Outgoing, account: Account) -> HttpRequest:
    """POST push. By the retry key LINE knows the same answer again, and delivers it once."""
    told = {"to": outgoing.to_address, "messages": [{"type": "text", "text": sendable(outgoing.text)}]}
    return HttpRequest(
        method="POST",
        url=f"{(account.endpoint or API).rstrip('/')}/v2/bot/message/push",
        headers={
            **_bearer(account),
            "content-type": "application/json",
            "x-line-retry-key": str(uuid5(NAMESPACE_URL, outgoing.outbox_id)),
        },
        body=msgspec.json.encode(told),
    )


def outcome_of(reply: HttpReply) -> Outcome:
    """By the status; LINE has no other codes. Never raises."""
    told, detail, after_ms = object_of(reply.body), f"line_{reply.status}", retry_after_ms(reply)
    if reply.status == 409 and (accepted := reply.headers.get("x-line-accepted-request-id")):
        return Outcome(kind="sent", provider_id=accepted)  # an earlier attempt had arrived
    if 200 <= reply.status < 300:
        sent = name(told, "sentMessages", 0, "id")
        return Outcome(kind="sent" if sent else "later", provider_id=sent, detail=detail, certain=bool(sent))
    if reply.status == 429 and "monthly limit" in words(told, "message"):
        return Outcome(kind="account_failed", detail="line_quota")
    if reply.status in (401, 403):
        return Outcome(kind="account_failed", detail=detail, retry_after_ms=after_ms)
    if reply.status == 400 and words(told, "message"):
        return Outcome(kind="failed", detail=detail)
    return Outcome(kind="later", detail=detail, retry_after_ms=after_ms, certain=reply.status == 429)


def media_request(address: str, account: Account) -> HttpRequest | None:
    """The content of a message, by its id."""
    if (found := _MEDIUM.fullmatch(address)) is None:
        return None
    url = f"{(account.endpoint or CONTENT).rstrip('/')}/v2/bot/message/{found[1]}/content"
    return HttpRequest(method="GET", url=url, headers=_bearer(account), body=b"")


def _said(event: dict[str, Any]) -> Shown:
    message, kind = event.get("message"), words(event, "message", "type")
    if kind == "text":
        return Shown(text=words(message, "text"))
    if kind in FILES and name(message, "id"):
        notice = f"A file: {words(message, 'fileName')}" if words(message, "fileName") else FILES[kind]
        return Shown(text="", wanted=((f"line:{name(message, 'id')}", ""),), notice=notice, things=1)
    if kind == "location":
        point = f"{at(message, 'latitude')}, {at(message, 'longitude')}"
        text = "\n".join(filter(None, [point, words(message, "title"), words(message, "address")]))
        return Shown(text=text, notice="A place that they sent.", things=1, places=pins(message))
    if kind == "sticker":
        return Shown(text=words(message, "text"), notice="A sticker.", things=1)
    if words(event, "type") == "unsend":
        return Shown(text="", notice="They deleted an earlier message. Here it is kept as it came.", things=1)
    if words(event, "type") == "postback":
        return Shown(text=words(event, "postback", "data"), notice="Pressed a button.", things=1)
    return Shown(text=written(event), notice="A kind of message that is not known here.", things=1)


def _contact(event: dict[str, Any], raw: bytes, webhook: Webhook, account: Account) -> Contact:
    source = event.get("source")
    return brought(
        webhook,
        account,
        media_type=media_type,
        provider_id=name(event, "webhookEventId"),
        address=name(source, "userId"),
        group=name(source, "groupId") or name(source, "roomId"),
        body=raw,
    )


def _wish(event: dict[str, Any], account: Account) -> Wish:
    """They blocked us, or are friends again: LINE takes nothing for them in between."""
    kind, out = f"line:{account.account_id}", words(event, "type") == "unfollow"
    return Wish(address_kind=kind, address=name(event, "source", "userId"), out=out)


def _bearer(account: Account) -> dict[str, str]:
    return {"authorization": f"Bearer {account.secrets.get('access-token', b'').decode('latin-1')}"}
