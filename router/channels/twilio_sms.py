"""SMS and MMS through Twilio: its webhooks, its status callbacks, its REST API. Translation only.

Source: twilio.com/docs, messaging/guides/webhook-request, usage/security, messaging/api/message-resource and
        api/errors. Twilio adds fields without notice, so the signature is checked over whatever arrived.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from router.channels.api_reply import retry_after_ms
from router.channels.form import Fields, TooManyFields, fields_of, value_of
from router.channels.port import (
    Account,
    Answer,
    Capabilities,
    Contact,
    HttpReply,
    HttpRequest,
    NotAuthentic,
    Outcome,
    Outgoing,
    Receipt,
    Received,
    Shown,
    Webhook,
)
from router.channels.text import shown as text_of
from router.channels.twilio_account import WITHHELD, api_of, authenticate, basic_of, code_of, json_of, sid_of
from router.places.aml import is_only_aml
from router.places.place import Place, place_of
from router.places.written import decimal

can = Capabilities(
    channel="sms", joins_by="address", connections=False, attachments=True, receipts=True, own_opt_out=True
)
media_type = "application/x-www-form-urlencoded; of=twilio"

media_from: tuple[str, ...] = (
    "https://mms.twiliocdn.com/",
    "https://media.twiliocdn.com/",
    "https://s3-external-1.amazonaws.com/media.twiliocdn.com/",
)
"""Where media are kept: the first two where the account asks for authentication, the third where not."""

ANSWER: Final = Answer(media_type="text/xml", body=b'<?xml version="1.0" encoding="UTF-8"?><Response/>')
"""TwiML that says nothing: people answer, not machines."""

MEDIA_MAX: Final = 20
"""Twilio sends at most ten with one message."""

STATUSES: Final = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
"""What of Twilio's statuses tells us something new; it accepted, queued and is sending what we gave it."""

ARRIVING: Final = frozenset({"received", "receiving"})

ACCOUNT_TROUBLE: Final = frozenset(
    {10001, 20003, 20005, 20006, 20404, 21603, 21606, 21609, 21659, 21660, 21701, 21703, 30002, 90010}
)
"""Credentials, suspension, money, and numbers that are not ours: no message of this account leaves before
somebody has mended it."""

BUSY: Final = frozenset({14107, 20429, 21611, 30001, 30022, 63038})
"""Too much at once, or the queue is full: the same message is taken later."""

RATES: Final = frozenset({14107, 20429, 30022, 63038})
"""Of these, those that ask for fewer at a time."""

OPTED_OUT: Final = 21610
"""They wrote STOP to this number, and not START since."""

NOTICES: Final = {
    "STOP": "The network took this as a wish for no more messages: what is answered may not arrive.",
    "START": "The network took this as a wish for messages again.",
    "HELP": "The network took this as a question about the service and answered with its own text.",
}
"""By Twilio's OptOutType. A human sees the words as well: STOP can be meant for somebody in the same room."""

SAID: Final = frozenset({b"Body", b"MediaUrl0", b"NumMedia", b"From"})
"""With one of these it is from somebody, if only a call that was brought here by mistake: a human sees it."""

_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_PLATFORM: Final = re.compile(r"[a-z]{2,20}:.+")
_MEDIA_PATH: Final = re.compile(
    r"/2010-04-01/Accounts/([A-Za-z0-9]{2,64})/Messages/[A-Za-z0-9]{2,64}/Media/[A-Za-z0-9]{2,64}"
)


def receive(webhook: Webhook, account: Account) -> Received:
    """A message, or what became of one of ours. Raises NotAuthentic."""
    if webhook.method != "POST":
        raise NotAuthentic("the webhook must be set to POST")
    query = parse_qs(webhook.query)
    body_hashes = query.get("bodySHA256", ())
    try:
        fields = () if body_hashes else fields_of(webhook.body)
    except TooManyFields as problem:
        raise NotAuthentic(str(problem)) from None
    authenticate(webhook, account, fields)
    if body_hashes:  # JSON of other products of Twilio: no message comes so
        if hashlib.sha256(webhook.body).hexdigest() not in body_hashes:
            raise NotAuthentic("the body is not the one that was signed")
        return Received(answer=ANSWER)
    status = value_of(fields, b"MessageStatus") or value_of(fields, b"SmsStatus")
    if status and status.lower() not in ARRIVING and not _words_of_theirs(fields, account):
        return Received(receipts=tuple(_receipts(fields, query.get("outbox_id", [""])[0])), answer=ANSWER)
    if any(name in SAID for name, _ in fields):
        contact = _contact(webhook, account, fields)
        is_words_only = not value_of(fields, b"MediaUrl0")
        if is_words_only and is_only_aml(value_of(fields, b"Body")):  # a telephone's own report
            return Received(sightings=(contact,), answer=ANSWER)
        return Received(contacts=(contact,), answer=ANSWER)
    return Received(answer=ANSWER)


def _words_of_theirs(fields: Fields, account: Account) -> bool:
    """Whether it says something that is not ours: no receipt does, whatever its status is called."""
    return bool(value_of(fields, b"Body")) and value_of(fields, b"From").strip() != account.address


def shown(body: bytes) -> Shown:
    """The words, the addresses of pictures, and what the network made of the words. Never raises."""
    try:
        fields = fields_of(body)
    except TooManyFields:
        return Shown(text=text_of(body))
    named = dict(reversed(fields))
    if b"Body" not in named and b"MediaUrl0" not in named:
        return Shown(text=text_of(body))
    count = MEDIA_MAX if b"MediaUrl" in body else 0
    addresses = ((index, named.get(b"MediaUrl%d" % index)) for index in range(count))
    wanted = tuple(
        (text_of(address), text_of(named.get(b"MediaContentType%d" % index, b"")))
        for index, address in addresses
        if address
    )
    kin = text_of(named.get(b"OptOutType", b"")).upper()
    notice = NOTICES.get(kin, "")
    consent = kin.lower() if notice else ""
    words, points = text_of(named.get(b"Body", b"")), _points(named)
    if points and not words:
        words, notice = decimal(points[0].lat_e7, points[0].lon_e7), "A place that they sent."
    return Shown(text=words, wanted=wanted, notice=notice, consent=consent, things=len(points), places=points)


def _points(named: Mapping[bytes, bytes]) -> tuple[Place, ...]:
    """The place that somebody sent by WhatsApp or RCS, which Twilio hands over like a text."""
    told = {name: text_of(named.get(name, b"")) for name in (b"Latitude", b"Longitude", b"Label", b"Address")}
    called = ", ".join(filter(None, (told[b"Label"], told[b"Address"])))
    point = place_of("pin", told[b"Latitude"], told[b"Longitude"], words=called)
    return () if point is None else (point,)


def request_of(outgoing: Outgoing, account: Account) -> HttpRequest:
    """POST Messages.json. Twilio knows no idempotency key; our id comes back with the status callbacks."""
    sid = sid_of(account)
    form = {"To": outgoing.to_address, "Body": outgoing.text}
    service = account.options.get("messaging_service_sid")
    form.update({"MessagingServiceSid": str(service)} if service else {"From": account.address})
    if outgoing.status_url and (account.endpoint or not _only_here(outgoing.status_url)):
        form["StatusCallback"] = outgoing.status_url
    return HttpRequest(
        method="POST",
        url=f"{api_of(account)}/2010-04-01/Accounts/{sid}/Messages.json",
        headers={
            "authorization": basic_of(account),
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        },
        body=urlencode(form, errors="replace").encode("ascii"),
    )


def outcome_of(reply: HttpReply) -> Outcome:
    """By Twilio's own number where there is one, else by the status. Never raises."""
    told = json_of(reply.body)
    code = code_of(told.get("error_code") if 200 <= reply.status < 300 else told.get("code"))
    detail = f"twilio_{code}" if code else f"twilio_http_{reply.status}"
    if 200 <= reply.status < 300:
        sid = told.get("sid")
        if not isinstance(sid, str) or not sid:
            return Outcome(kind="later", detail="twilio_garbage", certain=False)
        failed = told.get("status") in ("failed", "undelivered", "canceled")
        return Outcome(kind="failed" if failed else "sent", detail=detail if code else "", provider_id=sid)
    if reply.status == 429 or code in BUSY:
        too_much = reply.status == 429 or code in RATES
        return Outcome(kind="later", detail=detail, retry_after_ms=retry_after_ms(reply), too_much=too_much)
    if code in ACCOUNT_TROUBLE or reply.status == 401 or (reply.status == 403 and not code):
        return Outcome(kind="account_failed", detail=detail, retry_after_ms=retry_after_ms(reply))
    if 400 <= reply.status < 500 and code:
        return Outcome(kind="failed", detail=detail, opted_out=code == OPTED_OUT)
    return Outcome(kind="later", detail=detail, retry_after_ms=retry_after_ms(reply), certain=False)


def media_request(address: str, account: Account) -> HttpRequest | None:
    """GET with our credentials, only from where the account's API is and only a medium of this account."""
    api = urlsplit(api_of(account))
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    found = _MEDIA_PATH.fullmatch(parts.path)
    if (
        (parts.scheme, parts.netloc) != (api.scheme, api.netloc)
        or found is None
        or found[1] != sid_of(account)
    ):
        return None
    url = f"{api_of(account)}{parts.path}"  # made anew: nothing else of what arrived is asked for
    return HttpRequest(method="GET", url=url, headers={"authorization": basic_of(account)}, body=b"")


def _contact(webhook: Webhook, account: Account, fields: Fields) -> Contact:
    address = value_of(fields, b"From").strip()
    known = address.lower() not in WITHHELD
    # A message without an id would look like every other one without: its own bytes tell it apart.
    sid = value_of(fields, b"MessageSid") or value_of(fields, b"SmsSid")
    elsewhere = _PLATFORM.fullmatch(address) is not None
    return Contact(
        channel=account.channel,
        account=account.account_id,
        provider_id=sid or hashlib.sha256(webhook.body).hexdigest(),
        verified=True,
        address_kind=f"twilio:{account.account_id}" if elsewhere else "phone",
        address=address if known else "",
        linked=known
        and address not in account.unlinked
        and (elsewhere or _NUMBER.fullmatch(address) is not None),
        media_type=media_type,
        body=webhook.body,
        received_at_ms=webhook.received_at_ms,
    )


def _receipts(fields: Fields, outbox_id: str) -> Iterator[Receipt]:
    told = value_of(fields, b"MessageStatus") or value_of(fields, b"SmsStatus")
    status = STATUSES.get(told.lower())
    if status is None:
        return
    code = code_of(value_of(fields, b"ErrorCode"))
    yield Receipt(
        outbox_id=outbox_id,
        provider_id=value_of(fields, b"MessageSid") or value_of(fields, b"SmsSid"),
        status=status,
        detail=f"twilio_{code}" if code else "",
    )


def _only_here(url: str) -> bool:
    """Whether nobody outside this machine can reach it: Twilio refuses the whole message then (21609)."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
