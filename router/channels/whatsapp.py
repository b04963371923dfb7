"""WhatsApp through Meta's Cloud API: webhooks, statuses, sending, media. Translation only.

Source: developers.facebook.com/documentation/business-messaging/whatsapp: webhooks/reference/messages,
        messages/send-messages, messages/template-messages, business-phone-numbers/media,
        support/error-codes, business-scoped-user-ids. What a message says is whatsapp_kinds.py.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import msgspec

from router.channels import meta
from router.channels.json_body import items, joined, leaves, members, name, number, object_of, words
from router.channels.multipart import form_of
from router.channels.port import (
    Account,
    Capabilities,
    Contact,
    HttpReply,
    HttpRequest,
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
from router.channels.whatsapp_kinds import MEDIA, said

can = Capabilities(
    channel="whatsapp",
    joins_by="address",
    connections=False,
    attachments=True,
    receipts=True,
    reply_window_ms=86_400_000,
    files=True,
)
media_type = "application/json; of=whatsapp"
media_from: tuple[str, ...] = ()
"""Nothing is fetched without our token."""

FILES: Final = {
    "image": ("image/jpeg", "image/png"),
    "audio": ("audio/aac", "audio/amr", "audio/mp4", "audio/mpeg", "audio/ogg"),
    "video": ("video/3gpp", "video/mp4"),
}
"""What WhatsApp shows by itself; everything else is a document, with its name."""

STORE: Final = "https://lookaside.fbsbx.com/whatsapp_business/attachments/"
"""Where the Graph API says that media are. They are given for our token only, which therefore goes there."""

STATUSES: Final = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",
    "failed": "failed",
}

CODES: Final = meta.Codes(
    account=frozenset({131005, 131031, 131037, 131042, 131045, 133005, 133006, 133010}),
    later=frozenset({130429, 131000, 131016, 131048, 131057, 133004, 133016}),
    alone=frozenset({131056}),
)
"""131047 (the window is closed), 131026 (cannot be delivered) and others end one message only."""

_NUMBER: Final = re.compile(r"[1-9][0-9]{6,14}")
_MEDIUM: Final = re.compile(re.escape(MEDIA) + r"([A-Za-z0-9_-]{1,200})")


def receive(webhook: Webhook, account: Account) -> Received:
    """Messages and statuses of every change of every entry. Raises NotAuthentic."""
    if (asked := meta.opened(webhook, account)) is not None:
        return asked
    contacts: list[Contact] = []
    receipts: list[Receipt] = []
    wishes: list[Wish] = []
    for change, whole in leaves(webhook.body, "entry", "changes"):
        cut = members(change) if whole else None
        if cut is None:
            contacts.append(meta.raw_contact(change, webhook, account, media_type))
            continue
        field, value = cut.get("field", b""), cut.get("value", b"{}")
        if field == b'"messages"':
            contacts.extend(_contacts(value, webhook, account))
            receipts.extend(_receipts(value))
        elif field == b'"user_preferences"':
            wishes.extend(_wishes(value, account))
        elif field == b'"calls"':
            contacts.extend(_calls(value, webhook, account))
    return Received(contacts=tuple(contacts), receipts=tuple(receipts), wishes=tuple(wishes))


def shown(body: bytes) -> Shown:
    """What one message says, by its kind. Never raises."""
    kept_body = object_of(body)
    message = kept_body.get("message")
    if not isinstance(message, dict):
        return Shown(text=text_of(body))
    return said(message, words(kept_body, "elsewhere"))


def request_of(outgoing: Outgoing, account: Account) -> HttpRequest:
    """POST messages. Our id comes back with each status, biz_opaque_callback_data. A file goes up first."""
    if outgoing.file is None:
        return _message(outgoing, account, _content(outgoing))
    file = outgoing.file
    fields = {"messaging_product": "whatsapp", "type": file.media_type}
    content_type, body = form_of(fields, file_field="file", file=file)

    def then(reply: HttpReply) -> HttpRequest | None:
        medium_id = name(object_of(reply.body), "id") if 200 <= reply.status < 300 else ""
        kind = kind_of_file(file.media_type)
        medium = {"id": medium_id, **({"filename": file.name} if kind == "document" else {})}
        return _message(outgoing, account, {"type": kind, kind: medium}) if medium_id else None

    return HttpRequest(
        method="POST",
        url=f"{meta.api(account)}/{meta.VERSION}/{_own_id(account)}/media",
        headers={**meta.bearer(account), "content-type": content_type, "accept": "application/json"},
        body=body,
        then=then,
    )


def kind_of_file(media_type: str) -> str:
    """As what WhatsApp takes a file of this type."""
    return next((kind for kind, types in FILES.items() if media_type in types), "document")


def _message(outgoing: Outgoing, account: Account, content: dict[str, object]) -> HttpRequest:
    is_number = outgoing.to_address.startswith("+")
    told: dict[str, object] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        # Somebody who hides their number has an id of Meta's instead, which has a field of its own.
        ("to" if is_number else "recipient"): outgoing.to_address.removeprefix("+"),
        **content,
        "biz_opaque_callback_data": outgoing.outbox_id,
    }
    return meta.post(account, f"{_own_id(account)}/messages", told)


def _content(outgoing: Outgoing) -> dict[str, object]:
    """Words, or the template of that name in that language: its places are the body's, in order."""
    template = outgoing.template
    if template is None:
        return {"type": "text", "text": {"preview_url": False, "body": sendable(outgoing.text)}}
    told: dict[str, object] = {"name": template.name, "language": {"code": template.language}}
    if template.values:
        values = [{"type": "text", "text": sendable(value)} for value in template.values]
        told["components"] = [{"type": "body", "parameters": values}]
    return {"type": "template", "template": told}


def outcome_of(reply: HttpReply) -> Outcome:
    """By Meta's number where there is one, else by the status. Never raises."""
    return meta.outcome(reply, product="whatsapp", sent=("messages", 0, "id"), codes=CODES)


def media_request(address: str, account: Account) -> HttpRequest | None:
    """A medium's id is asked of the Graph API, which answers where it is: then there, with our token."""
    found = _MEDIUM.fullmatch(address)
    if found is not None:
        url = f"{meta.api(account)}/{meta.VERSION}/{found[1]}?phone_number_id={_own_id(account)}"
        return HttpRequest(method="GET", url=url, headers=meta.bearer(account), body=b"", leads_to=_place)
    store = f"{account.endpoint.rstrip('/')}/" if account.endpoint else STORE
    clean = address.isascii() and address.isprintable() and not any(sign in address for sign in '\\@" ')
    if not clean or not address.startswith(store) or ".." in urlsplit(address).path:
        return None
    return HttpRequest(method="GET", url=address, headers=meta.bearer(account), body=b"")


def _place(answer: bytes) -> str:
    return words(object_of(answer), "url")


def _contacts(value: bytes, webhook: Webhook, account: Account) -> Iterator[Contact]:
    cut = members(value) or {}
    to = object_of(cut.get("metadata", b"{}"))
    another = name(to, "phone_number_id") not in ("", _own_id(account))
    for message, whole in leaves(value, "messages"):
        read = object_of(message) if whole else {}
        if read:
            people = items(cut.get("contacts", b"[]")) or []
            person = next((each for each in people if _is_of(each, read)), people[0] if people else b"")
            body = joined(
                message=message,
                contact=person,
                metadata=cut.get("metadata", b""),
                elsewhere=msgspec.json.encode(name(to, "display_phone_number") or "?") if another else b"",
            )
            yield _contact(read, object_of(person), body, webhook, account)
        else:
            yield meta.raw_contact(message, webhook, account, media_type)


def _calls(value: bytes, webhook: Webhook, account: Account) -> Iterator[Contact]:
    """Somebody who calls is nobody to leave out, though nobody here can answer."""
    for call, whole in leaves(value, "calls"):
        read = object_of(call) if whole else {}
        if words(read, "event") == "connect" and words(read, "direction") != "BUSINESS_INITIATED":
            body = joined(message=b'{"type":"call","call":%s}' % call)
            yield _contact(read, {}, body, webhook, account)


def _contact(
    message: dict[str, object], person: dict[str, object], body: bytes, webhook: Webhook, account: Account
) -> Contact:
    sender = name(message, "from")
    is_number = _NUMBER.fullmatch(sender) is not None
    scoped = name(message, "from_user_id") or name(person, "user_id") or sender
    address = f"+{sender}" if is_number else scoped
    return Contact(
        channel=account.channel,
        account=account.account_id,
        provider_id=name(message, "id") or hashlib.sha256(body).hexdigest(),
        verified=True,
        address_kind="phone" if is_number else f"whatsapp:{account.account_id}",
        address=address,
        linked=bool(address) and address not in account.unlinked,
        media_type=media_type,
        body=body,
        received_at_ms=webhook.received_at_ms,
    )


def _is_of(person: bytes, message: dict[str, object]) -> bool:
    read = object_of(person)
    numbers, ids = name(read, "wa_id"), name(read, "user_id")
    return bool(numbers and numbers == name(message, "from")) or bool(
        ids and ids == name(message, "from_user_id")
    )


def _receipts(value: bytes) -> Iterator[Receipt]:
    for each, whole in leaves(value, "statuses"):
        told = object_of(each) if whole else {}
        status = STATUSES.get(words(told, "status"))
        if status is None:
            continue
        code = number(told, "errors", 0, "code")
        yield Receipt(
            outbox_id=words(told, "biz_opaque_callback_data"),
            provider_id=name(told, "id"),
            status=status,
            detail=f"whatsapp_{code}" if code else "",
        )


def _wishes(value: bytes, account: Account) -> Iterator[Wish]:
    """Who wants no marketing by WhatsApp, or wants it again: said in its settings, not to us."""
    for each, whole in leaves(value, "user_preferences"):
        told = object_of(each) if whole else {}
        address, asked = _address_of(name(told, "wa_id"), account), words(told, "value")
        if address[1] and asked in ("stop", "resume") and words(told, "category") == "marketing_messages":
            kind, known = address
            yield Wish(address_kind=kind, address=known, out=asked == "stop", categories=("bulk",))


def _address_of(sender: str, account: Account) -> tuple[str, str]:
    """(kind, address): a number with its plus, else what means something at WhatsApp only."""
    is_number = _NUMBER.fullmatch(sender) is not None
    return ("phone", f"+{sender}") if is_number else (f"whatsapp:{account.account_id}", sender)


def _own_id(account: Account) -> str:
    return str(account.options.get("phone_number_id", ""))
