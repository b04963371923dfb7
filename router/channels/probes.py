"""Probes: contacts of our own that take a customer's way, so that somebody notices when it is closed.

A probe is known by a name that only its sender and our own database know (its hash, for a few minutes), never
by what it says: nobody's words can turn a call for help into a probe. It is nobody's, joins nothing, and the
router ends it as soon as it has its place in line. For each provider here is a text as it would bring it,
signed with the account's own secret.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

import msgspec

from config.words import PROBE, REHEARSAL
from router.channels.port import Account, Contact, Webhook
from router.journal.connection import Connection

HEADER: Final = "x-muster-probe"
"""Of a request, a handshake or a mail: the probe's name."""

TEXT: Final = "A probe of Muster's own watch. It ends by itself; nobody has to answer it."

CHAT_PAGE: Final = "/chat"
"""How our own page is watched beside the accounts, whose ids have no slash."""

LIVES_MS: Final = 300_000
"""A probe that takes longer is no sign of health. What comes by its name later is no probe."""

STAGED: Final = ".rehearsal"
"""Ends the name of what a rehearsal of two sites sends: it may be given to the other site before it ends."""

_NAME: Final = re.compile(rf"[A-Za-z0-9_-]{{43}}({re.escape(STAGED)})?")
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_SENDER: Final = "0"


def new_name(*, rehearsal: bool = False) -> str:
    """256 random bits: nobody guesses them in five minutes."""
    return secrets.token_urlsafe(32) + STAGED * rehearsal


def hash_of(name: str) -> str:
    """What the database knows of it; empty for what is no name."""
    return hashlib.sha256(name.encode("ascii")).hexdigest() if _NAME.fullmatch(name) else ""


def is_expected(db: Connection, name: str, watched: str, now_ms: int) -> bool:
    """Whether our watch has just sent a probe of this name this way in."""
    found = db.row(
        "SELECT 1 FROM probe WHERE probe_hash = :hash AND watched = :watched AND until_ms >= :now_ms",
        hash=hash_of(name),
        watched=watched,
        now_ms=now_ms,
    )
    return found is not None


def as_probe(contact: Contact, name: str) -> Contact:
    """The same contact as a probe: nobody's, and with an id that no provider gives."""
    return replace(
        contact,
        traffic=REHEARSAL if name.endswith(STAGED) else PROBE,
        provider_id=f"{PROBE}/{hash_of(name)}",
        address_kind="",
        address="",
        address_hash="",
        thread="",
        verified=False,
        linked=False,
        joins=False,
    )


def webhook_of(account: Account, name: str, now_ms: int) -> Webhook | None:
    """A text as the account's provider would bring it, genuine; None where that is not known."""
    make = PROBES.get(account.provider)
    if make is None:
        return None
    headers, body = make(account, hash_of(name)[:16], now_ms)
    return Webhook(
        method="POST",
        path="",
        query="",
        headers={**headers, HEADER: name},
        body=body,
        received_at_ms=now_ms,
    )


Made = tuple[dict[str, str], bytes]
"""Headers and body."""


def _twilio(account: Account, ref: str, now_ms: int) -> Made:
    sid = f"SM{hashlib.md5(ref.encode(), usedforsecurity=False).hexdigest()}"
    fields = {"MessageSid": sid, "From": "+10000000000", "To": account.address, "Body": TEXT, "NumMedia": "0"}
    signed = account.public_url + "".join(each + fields[each] for each in sorted(fields))
    signature = base64.b64encode(hmac.digest(account.secret, signed.encode(), "sha1")).decode()
    return {"content-type": _FORM, "x-twilio-signature": signature}, urlencode(fields).encode()


def _whatsapp(account: Account, ref: str, now_ms: int) -> Made:
    number_id = str(account.options.get("phone_number_id", ""))
    message = {
        "from": _SENDER,
        "id": f"wamid.{ref}",
        "timestamp": str(now_ms // 1000),
        "type": "text",
        "text": {"body": TEXT},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": account.address, "phone_number_id": number_id},
        "messages": [message],
    }
    change = {"field": "messages", "value": value}
    return _meta(account, "whatsapp_business_account", {"id": number_id, "changes": [change]})


def _messenger(account: Account, ref: str, now_ms: int) -> Made:
    event = {
        "sender": {"id": _SENDER},
        "recipient": {"id": account.address},
        "timestamp": now_ms,
        "message": {"mid": f"m_{ref}", "text": TEXT},
    }
    what = "instagram" if account.provider == "instagram" else "page"
    return _meta(account, what, {"id": account.address, "time": now_ms, "messaging": [event]})


def _meta(account: Account, what: str, entry: dict[str, object]) -> Made:
    body = msgspec.json.encode({"object": what, "entry": [entry]})
    signature = hmac.digest(account.secret, body, "sha256").hex()
    return {"content-type": _JSON, "x-hub-signature-256": f"sha256={signature}"}, body


def _telegram(account: Account, ref: str, now_ms: int) -> Made:
    person = {"id": 0, "is_bot": False, "first_name": "Muster"}
    chat = {"id": 0, "type": "private", "first_name": "Muster"}
    message = {"message_id": 1, "from": person, "chat": chat, "date": now_ms // 1000, "text": TEXT}
    body = msgspec.json.encode({"update_id": int(ref, 16) % 2**52, "message": message})
    return {
        "content-type": _JSON,
        "x-telegram-bot-api-secret-token": account.secret.decode("utf-8", "surrogateescape"),
    }, body


def _line(account: Account, ref: str, now_ms: int) -> Made:
    event = {
        "type": "message",
        "mode": "active",
        "timestamp": now_ms,
        "webhookEventId": ref,
        "deliveryContext": {"isRedelivery": False},
        "source": {"type": "user", "userId": _SENDER},
        "message": {"type": "text", "id": ref, "text": TEXT},
    }
    body = msgspec.json.encode({"destination": account.address, "events": [event]})
    signature = base64.b64encode(hmac.digest(account.secret, body, "sha256")).decode()
    return {"content-type": _JSON, "x-line-signature": signature}, body


def _viber(account: Account, ref: str, now_ms: int) -> Made:
    told = {
        "event": "message",
        "timestamp": now_ms,
        "message_token": int(ref, 16),
        "sender": {"id": _SENDER, "name": "Muster"},
        "message": {"type": "text", "text": TEXT},
    }
    body = msgspec.json.encode(told)
    signature = hmac.digest(account.secret, body, "sha256").hex()
    return {"content-type": _JSON, "x-viber-content-signature": signature}, body


def _partner(account: Account, ref: str, now_ms: int) -> Made:
    report = {"kind": "report", "id": ref, "text": TEXT, "from": {"address": PROBE}, "traffic": PROBE}
    body, seconds = msgspec.json.encode(report), now_ms // 1000
    signature = hmac.digest(account.secret, b"%d." % seconds + body, "sha256").hex()
    return {"content-type": _JSON, "muster-signature": f"t={seconds},v1={signature}"}, body


PROBES: Final[Mapping[str, Callable[[Account, str, int], Made]]] = {
    "instagram": _messenger,
    "line": _line,
    "messenger": _messenger,
    "partner": _partner,
    "telegram": _telegram,
    "twilio": _twilio,
    "viber": _viber,
    "whatsapp": _whatsapp,
}
"""By provider. tests/contracts asks of each that it is genuine and says what it is."""
