"""Telegram's Bot API: its webhook, sending, files. Translation only.

Source: core.telegram.org/bots/api (setWebhook, Update, sendMessage, getFile, making requests) and bots/faq.
        What a message says is telegram_kinds.py. Telegram signs no bodies: a secret that only it and we know
        stands in a header. It says nothing of what became of our messages.
"""

import hashlib
import hmac
import re
from dataclasses import replace
from typing import Final
from urllib.parse import quote

import msgspec

from router.channels.api_reply import retry_after_ms, seconds_ms
from router.channels.ids import group_thread_of
from router.channels.json_body import at, name, object_of, words
from router.channels.multipart import form_of
from router.channels.port import (
    Account,
    Answer,
    Capabilities,
    Contact,
    HttpReply,
    HttpRequest,
    NotAuthentic,
    Outcome,
    OutFile,
    Outgoing,
    Received,
    Shown,
    Webhook,
    Wish,
)
from router.channels.telegram_kinds import EDITED, FILE, Update, chat_of, kind_of, said
from router.channels.text import sendable
from router.channels.text import shown as text_of

can = Capabilities(
    channel="telegram", joins_by="address", connections=False, attachments=True, receipts=False, files=True
)
media_type = "application/json; of=telegram"
media_from: tuple[str, ...] = ()

API: Final = "https://api.telegram.org"
BOT_TOKEN: Final = "bot-token"
"""The secret beside the webhook's, as config/providers.py names it."""

AS: Final = {
    "image/jpeg": ("sendPhoto", "photo"),
    "image/png": ("sendPhoto", "photo"),
    "video/mp4": ("sendVideo", "video"),
    "audio/mpeg": ("sendAudio", "audio"),
    "audio/ogg": ("sendVoice", "voice"),
}
"""Method and field for what Telegram shows by itself."""

_PLACE: Final = "telegram-file:"
"""Before the path of a file, as getFile answers it."""

_FILE_ID: Final = re.compile(re.escape(FILE) + r"([A-Za-z0-9_-]{1,200})")
_FILE_PATH: Final = re.compile(
    re.escape(_PLACE) + r"((?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_.-]{1,200})"
)


def receive(webhook: Webhook, account: Account) -> Received:
    """One update. Raises NotAuthentic."""
    given = webhook.headers.get("x-telegram-bot-api-secret-token", "").encode("utf-8", "replace")
    if webhook.method != "POST" or not hmac.compare_digest(given, account.secret):
        raise NotAuthentic("the secret token is another one")
    update = object_of(webhook.body)
    kind = kind_of(update)
    if update and not kind:
        return Received(wishes=_wishes(update, account))
    if kind in EDITED and at(update, kind, "location"):  # where they are now: a live position goes on
        return Received(sightings=(replace(_contact(update, kind, webhook, account), follows=True),))
    pressed = name(update, "callback_query", "id")
    if not pressed:
        return Received(contacts=(_contact(update, kind, webhook, account),))
    # A request as our answer: the button stops turning. Whether it arrives matters to nobody.
    told = {"method": "answerCallbackQuery", "callback_query_id": pressed}
    return Received(
        contacts=(_contact(update, kind, webhook, account),),
        answer=Answer(media_type="application/json", body=msgspec.json.encode(told)),
    )


def shown(body: bytes) -> Shown:
    """What one update says, by its kind. Never raises."""
    update = object_of(body)
    kind = kind_of(update)
    return said(update, kind) if kind else Shown(text=text_of(body))


def request_of(outgoing: Outgoing, account: Account) -> HttpRequest:
    """POST sendMessage. Telegram knows no id of ours."""
    chat = outgoing.to_address
    if outgoing.file is not None:
        return _with_file(outgoing.file, chat, account)
    told = {
        "chat_id": int(chat) if re.fullmatch(r"-?[0-9]{1,18}", chat) else chat,
        "text": sendable(outgoing.text),
        "link_preview_options": {"is_disabled": True},
    }
    return HttpRequest(
        method="POST",
        url=f"{_bot(account)}/sendMessage",
        headers={"content-type": "application/json", "accept": "application/json"},
        body=msgspec.json.encode(told),
    )


def _with_file(file: OutFile, chat: str, account: Account) -> HttpRequest:
    """A picture, sound or video as such, everything else as a document: then it arrives as it is."""
    method, field = AS.get(file.media_type, ("sendDocument", "document"))
    content_type, body = form_of({"chat_id": chat}, file_field=field, file=file)
    headers = {"content-type": content_type, "accept": "application/json"}
    return HttpRequest(method="POST", url=f"{_bot(account)}/{method}", headers=headers, body=body)


def outcome_of(reply: HttpReply) -> Outcome:
    """By Telegram's error_code, which is the status. Never raises."""
    told = object_of(reply.body)
    if 200 <= reply.status < 300:
        message_id = name(told, "result", "message_id")
        if told.get("ok") is True and message_id:
            chat = name(told, "result", "chat", "id")
            return Outcome(kind="sent", provider_id=f"{chat}/{message_id}")  # unique in its chat only
        return Outcome(kind="later", detail="telegram_garbage", certain=False)
    detail = f"telegram_{reply.status}"
    if reply.status == 429:
        after_ms = seconds_ms(name(told, "parameters", "retry_after")) or retry_after_ms(reply)
        return Outcome(kind="later", detail=detail, retry_after_ms=after_ms, of_account=False)
    if reply.status == 401 or (reply.status == 404 and told.get("ok") is False):
        return Outcome(kind="account_failed", detail=detail)
    if 400 <= reply.status < 500 and told.get("ok") is False:
        blocked = reply.status == 403 and "blocked by the user" in words(told, "description")
        return Outcome(kind="failed", detail=detail, opted_out=blocked)
    return Outcome(kind="later", detail=detail, retry_after_ms=retry_after_ms(reply), certain=False)


def media_request(address: str, account: Account) -> HttpRequest | None:
    """A file's id is asked of getFile, which answers its path: then from there. The token is in both."""
    if found := _FILE_ID.fullmatch(address):
        url = f"{_bot(account)}/getFile?file_id={found[1]}"
        return HttpRequest(method="GET", url=url, headers={}, body=b"", leads_to=_place)
    found = _FILE_PATH.fullmatch(address)
    if found is None or ".." in found[1]:
        return None
    return HttpRequest(method="GET", url=_bot(account, "/file") + f"/{found[1]}", headers={}, body=b"")


def _wishes(update: Update, account: Account) -> tuple[Wish, ...]:
    """Somebody blocked the bot, or opened it again: nothing reaches them in between."""
    chat = at(update, "my_chat_member", "chat")
    status = words(update, "my_chat_member", "new_chat_member", "status")
    if words(chat, "type") != "private" or not name(chat, "id") or status not in ("kicked", "member"):
        return ()
    kind = f"telegram:{account.account_id}"
    return (Wish(address_kind=kind, address=name(chat, "id"), out=status == "kicked"),)


def _place(answer: bytes) -> str:
    path = words(object_of(answer), "result", "file_path")
    return _PLACE + path if path else ""


def _contact(update: Update, kind: str, webhook: Webhook, account: Account) -> Contact:
    """Shape: an empty update is one that cannot be read."""
    chat = chat_of(update, kind)
    chat_id = name(chat, "id")
    alone = words(chat, "type") in ("private", "sender", "")
    # In a group there are many people: they join one conversation with us, and are not one person.
    return Contact(
        channel=account.channel,
        account=account.account_id,
        provider_id=name(update, "update_id") or hashlib.sha256(webhook.body).hexdigest(),
        verified=True,
        address_kind=f"telegram:{account.account_id}",
        address=chat_id,
        linked=bool(chat_id) and alone,
        thread="" if alone else group_thread_of(account.secret, chat_id),
        media_type=media_type,
        body=webhook.body,
        received_at_ms=webhook.received_at_ms,
    )


def _bot(account: Account, below: str = "") -> str:
    token = account.secrets.get(BOT_TOKEN, b"").decode("latin-1")
    return f"{(account.endpoint or API).rstrip('/')}{below}/bot{quote(token, safe=':')}"
