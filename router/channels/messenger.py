"""Messenger and Instagram: Meta's messaging webhooks and its Send API. Translation only.

Source: developers.facebook.com/documentation/business-messaging/messenger-platform: webhooks/webhook-events,
        send-messages, error-codes; instagram-platform/webhooks/examples. What a message says is
        messenger_kinds.py.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

import msgspec

from router.channels import meta
from router.channels.brought import brought
from router.channels.json_body import at, joined, leaves, members, name, number, object_of, words, written
from router.channels.messenger_kinds import NO_MESSAGE, Event, said
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
)
from router.channels.text import sendable
from router.channels.text import shown as text_of

DAY_MS: Final = 86_400_000

HUMAN_AGENT: Final = "HUMAN_AGENT"
"""The tag of what a person, and no program, answers later than a day and at most seven days after. An app
needs Meta's leave for it; the other tags are no more."""

STORES: Final = (".fbcdn.net", ".fbsbx.com", ".cdninstagram.com")
"""Ends of the names under which Meta keeps attachments, with the address itself as the key to them."""

CODES: Final = meta.Codes(
    later=frozenset({1_200}),
    # No such person, not there, refuses messages, or outside the window: whatever the code says besides.
    subcodes=frozenset({1_545_041, 2_018_001, 2_018_108, 2_018_109, 2_018_278, 2_018_300, 2_534_022}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The provider of one of the two products. They differ in names and limits."""

    can: Capabilities
    media_type: str
    media_from: tuple[str, ...] = ()

    @property
    def product(self) -> str:
        """How it is called where codes and kinds of addresses begin."""
        return self.can.channel

    def receive(self, webhook: Webhook, account: Account) -> Received:
        """Every event of every entry, in the channel's line or beside it (standby). Raises NotAuthentic."""
        if (asked := meta.opened(webhook, account)) is not None:
            return asked
        contacts: list[Contact] = []
        receipts: list[Receipt] = []
        for raw, event, came in _events(webhook.body):
            if not event:
                contacts.append(meta.raw_contact(raw, webhook, account, self.media_type))
            elif _is_no_message(event):
                receipts.extend(self._receipts(event, account))
            else:
                contacts.append(self._contact(event, raw, came, webhook, account))
        return Received(contacts=tuple(contacts), receipts=tuple(receipts))

    def shown(self, body: bytes) -> Shown:
        """What one event says, by its kind. Never raises."""
        kept_body = object_of(body)
        event = kept_body.get("event")
        if not isinstance(event, dict):
            return Shown(text=text_of(body))
        return said(event, standby="standby" in kept_body, elsewhere=words(kept_body, "elsewhere"))

    def request_of(self, outgoing: Outgoing, account: Account) -> HttpRequest:
        """POST messages of whoever the token belongs to. Meta knows no id of ours."""
        told: dict[str, object] = {
            "recipient": {"id": outgoing.to_address},
            "messaging_type": "MESSAGE_TAG" if outgoing.late else "RESPONSE",
            "message": {"text": sendable(outgoing.text)},
        }
        if outgoing.late:
            told["tag"] = HUMAN_AGENT
        if outgoing.file is None:
            return meta.post(account, "me/messages", told)
        kind = outgoing.file.media_type.partition("/")[0]
        attached = {"type": kind if kind in ("image", "audio", "video") else "file", "payload": {}}
        told["message"] = {"attachment": attached}
        fields = {each: value if isinstance(value, str) else written(value) for each, value in told.items()}
        content_type, body = form_of(fields, file_field="filedata", file=outgoing.file)
        request = meta.post(account, "me/messages", told)
        return replace(request, headers={**request.headers, "content-type": content_type}, body=body)

    def outcome_of(self, reply: HttpReply) -> Outcome:
        """By Meta's number where there is one, else by the status. Never raises."""
        return meta.outcome(reply, product=self.product, sent=("message_id",), codes=CODES)

    def media_request(self, address: str, account: Account) -> HttpRequest | None:
        """GET from Meta's own stores, without our token: the address is the key."""
        clean = address.isascii() and address.isprintable() and not any(sign in address for sign in '\\@" ')
        try:
            parts = urlsplit(address)
        except ValueError:
            return None
        own = bool(account.endpoint) and address.startswith(f"{account.endpoint.rstrip('/')}/")
        theirs = parts.scheme == "https" and parts.netloc.endswith(STORES)
        if not clean or not (own or theirs):
            return None
        return HttpRequest(method="GET", url=address, headers={}, body=b"")

    def _contact(
        self, event: Event, raw: bytes, came: tuple[str, str], webhook: Webhook, account: Account
    ) -> Contact:
        line, page = came
        body = joined(
            event=raw,
            standby=b"true" if line == "standby" else b"",
            elsewhere=msgspec.json.encode(page) if page not in ("", account.address) else b"",
        )
        return brought(
            webhook,
            account,
            media_type=self.media_type,
            provider_id=_id_of(event) or hashlib.sha256(raw).hexdigest(),
            address=name(event, "sender", "id"),
            body=body,
        )

    def _receipts(self, event: Event, account: Account) -> Iterator[Receipt]:
        mids = at(event, "delivery", "mids")
        for mid in mids if isinstance(mids, list) else ():
            if isinstance(mid, str) and mid:
                yield Receipt(provider_id=words(mid), status="delivered")
        if read := name(event, "read", "mid"):
            yield Receipt(provider_id=read, status="read")
        elif until_ms := number(event, "read", "watermark"):
            yield Receipt(
                address_kind=self._kind(account),
                to_address=name(event, "sender", "id"),
                until_ms=until_ms,
                status="read",
            )

    def _kind(self, account: Account) -> str:
        return f"{self.product}:{account.account_id}"


def _events(body: bytes) -> Iterator[tuple[bytes, Event, tuple[str, str]]]:
    """(raw, event, (line, page)) of each; the event is empty where it is none that can be read."""
    for entry, whole in leaves(body, "entry"):
        cut = members(entry) if whole else None
        if cut is None:
            yield entry, {}, ("", "")
            continue
        page = name(object_of(entry), "id")
        for line in ("messaging", "standby"):
            for raw, found in leaves(entry, line):
                yield raw, object_of(raw) if found else {}, (line, page)


def _is_no_message(event: Event) -> bool:
    """Receipts, our own words coming back, and what only concerns apps."""
    return at(event, "message", "is_echo") is True or any(each in event for each in NO_MESSAGE)


def _id_of(event: Event) -> str:
    """Meta's id, and what was done to it: a reaction or a change names the message that it is about."""
    if mid := name(event, "message", "mid"):
        return f"{mid}/deleted" if at(event, "message", "is_deleted") is True else mid
    if mid := name(event, "message_edit", "mid"):
        return f"{mid}/edit/{name(event, 'message_edit', 'num_edit')}"
    if mid := name(event, "reaction", "mid"):
        what = (name(event, "reaction", each) for each in ("action", "reaction", "emoji"))
        return "/".join((mid, *what, name(event, "timestamp")))
    return name(event, "postback", "mid")


MESSENGER: Final = Pages(
    can=Capabilities(
        channel="messenger",
        joins_by="address",
        connections=False,
        attachments=True,
        receipts=True,
        reply_window_ms=DAY_MS,
        person_window_ms=7 * DAY_MS,
        files=True,
    ),
    media_type="application/json; of=messenger",
)

INSTAGRAM: Final = Pages(
    can=Capabilities(
        channel="instagram",
        joins_by="address",
        connections=False,
        attachments=True,
        receipts=True,
        reply_window_ms=DAY_MS,
        person_window_ms=7 * DAY_MS,
        text_bytes_max=1_000,
    ),
    media_type="application/json; of=instagram",
)
