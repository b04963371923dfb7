"""What Twilio's log says came in and went out, as the webhooks that should have told us. Translation only.

Each entry becomes the webhook that Twilio would have sent, signed as Twilio signs: so it takes the same way
as one that came, with the same ids, and whatever was kept before is known as a repeat.

Source: twilio.com/docs, messaging/api/message-resource (read multiple), messaging/api/media-resource,
        voice/api/call-resource (read multiple), usage/twilios-response (paging). Lists are newest first; the
        date filters are whole days in GMT; a page has 1,000 entries at most.
"""

import base64
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final  # Any: JSON of a provider, looked at before use
from urllib.parse import urlencode

from router.channels.form import fields_of
from router.channels.port import Account, HttpReply, HttpRequest, Webhook
from router.channels.twilio_account import api_of, basic_of, json_of, sid_of
from router.channels.twilio_calls import OVER

PAGE: Final = 1_000
TEXT: Final = "twilio"
VOICE: Final = "twilio-voice"

_MEDIA_MAX: Final = 10
"""As many pictures as a message can have there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One message or call.

    Shape: inbound is what somebody outside began; over is false of a call that goes on; media is the path of
           the list of its pictures, empty where it has none; at_ms is 0 where the log does not say when.
    """

    provider_id: str
    at_ms: int
    inbound: bool
    path: str
    """Of the webhook, below the account's address."""

    fields: Mapping[str, str]
    media: str = ""
    over: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """A page of the log, and the path of the next one; empty where this is the last."""

    entries: tuple[LogEntry, ...]
    following: str


def log_request(account: Account, *, since_ms: int, inbound: bool, page: str = "") -> HttpRequest:
    """A page of what came to our number, or of what left it, since (the day of) this time."""
    day = datetime.fromtimestamp(since_ms / 1_000, UTC).strftime("%Y-%m-%d")
    since = "DateSent>" if account.provider == TEXT else "StartTime>"
    ours = "To" if inbound else "From"
    query = urlencode({ours: account.address, since: day, "PageSize": PAGE})
    return _get(account, page or f"{_list(account)}?{query}")


def page_in(reply: HttpReply, account: Account) -> LogPage | None:
    """The page in an answer; None where it is no answer to that."""
    said = json_of(reply.body)
    listed = said.get("messages" if account.provider == TEXT else "calls")
    if not 200 <= reply.status < 300 or not isinstance(listed, list):
        return None
    following = said.get("next_page_uri")
    good = isinstance(following, str) and following.startswith(f"{_list(account)}?")
    entry = _message if account.provider == TEXT else _call
    found = (entry(each, account) for each in listed if isinstance(each, dict))
    return LogPage(
        entries=tuple(each for each in found if each is not None), following=str(following) if good else ""
    )


def media_list_request(entry: LogEntry, account: Account) -> HttpRequest:
    """The list of a message's pictures."""
    return _get(account, entry.media)


def media_in(reply: HttpReply, account: Account) -> dict[str, str] | None:
    """Fields that name the pictures, as a webhook does; None where it is no answer to that."""
    listed = json_of(reply.body).get("media_list")
    if not 200 <= reply.status < 300 or not isinstance(listed, list):
        return None
    fields: dict[str, str] = {}
    for number, each in enumerate(_tables(listed[:_MEDIA_MAX])):
        fields[f"MediaUrl{number}"] = f"{api_of(account)}{_text(each, 'uri').removesuffix('.json')}"
        fields[f"MediaContentType{number}"] = _text(each, "content_type")
    return fields


def webhook_of(
    entry: LogEntry, account: Account, *, media: Mapping[str, str], received_at_ms: int
) -> Webhook:
    """What Twilio would have sent. Signed with our own secret: it is we who got it from the log."""
    body = urlencode({**entry.fields, **media}, errors="replace").encode("ascii")
    url = account.public_url + (f"/{entry.path}" if entry.path else "")
    signed = url.encode() + b"".join(name + value for name, value in sorted(set(fields_of(body))))
    signature = base64.b64encode(hmac.digest(account.secret, signed, "sha1")).decode()
    return Webhook(
        method="POST",
        path=entry.path,
        query="",
        headers={"x-twilio-signature": signature, "content-type": "application/x-www-form-urlencoded"},
        body=body,
        received_at_ms=received_at_ms,
    )


def _message(said: dict[str, Any], account: Account) -> LogEntry | None:
    sid, inbound = _text(said, "sid"), _text(said, "direction") == "inbound"
    if not sid:
        return None
    fields = {
        "MessageSid": sid,
        "SmsSid": sid,
        "AccountSid": sid_of(account),
        "From": _text(said, "from"),
        "To": _text(said, "to"),
    }
    if inbound:
        count = _text(said, "num_media") or "0"
        fields |= {"SmsStatus": "received", "Body": _text(said, "body"), "NumMedia": count}
    else:
        count = "0"
        fields |= {"MessageStatus": _text(said, "status"), "ErrorCode": _text(said, "error_code")}
    name = "".join(sign for sign in sid if sign.isascii() and sign.isalnum())
    media = f"/2010-04-01/Accounts/{sid_of(account)}/Messages/{name}/Media.json"
    return LogEntry(
        provider_id=sid,
        at_ms=_time(said, "date_sent") or _time(said, "date_created"),
        inbound=inbound,
        path="" if inbound else "status",
        fields=fields,
        media=media if count not in ("", "0") else "",
    )


def _call(said: dict[str, Any], account: Account) -> LogEntry | None:
    sid = _text(said, "sid")
    if not sid:
        return None
    return LogEntry(
        provider_id=sid,
        at_ms=_time(said, "start_time") or _time(said, "date_created"),
        inbound=_text(said, "direction") == "inbound",
        over=_text(said, "status") in OVER,
        path="status",
        fields={
            "CallSid": sid,
            "AccountSid": sid_of(account),
            "From": _text(said, "from"),
            "To": _text(said, "to"),
            "CallStatus": _text(said, "status"),
            "Direction": _text(said, "direction"),
        },
    )


def _get(account: Account, path: str) -> HttpRequest:
    headers = {"authorization": basic_of(account), "accept": "application/json"}
    return HttpRequest(method="GET", url=f"{api_of(account)}{path}", headers=headers, body=b"")


def _list(account: Account) -> str:
    name = "Messages" if account.provider == TEXT else "Calls"
    return f"/2010-04-01/Accounts/{sid_of(account)}/{name}.json"


def _tables(listed: list[Any]) -> Iterator[dict[str, Any]]:
    return (each for each in listed if isinstance(each, dict))


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _time(said: Mapping[str, Any], name: str) -> int:
    """Of a date as mail writes it (RFC 2822); 0 where it is none."""
    try:
        return round(parsedate_to_datetime(_text(said, name)).timestamp() * 1_000)
    except (ValueError, TypeError, OverflowError):
        return 0
