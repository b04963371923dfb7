"""What every product of Twilio has in common: who signs a webhook, and how we ask its API.

Source: twilio.com/docs, usage/security (signatures) and usage/api (requests).
"""

import base64
import hmac
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final  # Any: JSON of a provider, looked at before use
from urllib.parse import urlsplit

import msgspec

from router.channels.form import Fields
from router.channels.port import Account, NotAuthentic, Webhook

API: Final = "https://api.twilio.com"

WITHHELD: Final = frozenset(
    {"", "anonymous", "restricted", "unknown", "unavailable", "+266696687", "+7378742833", "+8656696"}
    | {"+86282452253", "+2562533"}
)
"""How a caller without a number is named; the numbers spell anonymous, restricted, unknown, unavailable and
blocked on a telephone's keys."""


def authenticate(webhook: Webhook, account: Account, fields: Fields) -> None:
    """The signature is over the address as Twilio has it and all names with values. Raises NotAuthentic."""
    given = webhook.headers.get("x-twilio-signature", "").encode("utf-8", "replace")
    if not given:
        raise NotAuthentic("there is no signature")
    url = account.public_url + (f"/{webhook.path}" if webhook.path else "")
    url += f"?{webhook.query}" if webhook.query else ""
    signed = b"".join(name + value for name, value in sorted(set(fields)))
    right = (_signature(account.secret, each.encode() + signed) for each in _spellings(url))
    if not any(hmac.compare_digest(each, given) for each in right):
        raise NotAuthentic("the signature is of another body, address or secret")


def sid_of(account: Account) -> str:
    """What Twilio calls the account."""
    return str(account.options.get("account_sid", ""))


def api_of(account: Account) -> str:
    """Where its API is, without a slash at the end."""
    return (account.endpoint or API).rstrip("/")


def basic_of(account: Account) -> str:
    """The value of the header by which the API knows us."""
    return "Basic " + base64.b64encode(sid_of(account).encode() + b":" + account.secret).decode()


def json_of(body: bytes) -> dict[str, Any]:
    """What its API answered; nothing where that is no object."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def code_of(told: object) -> int:
    """Twilio's number for what went wrong; 0 where there is none."""
    digits = str(told) if isinstance(told, int | str) else ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 6 else 0


def _signature(secret: bytes, signed: bytes) -> bytes:
    # Not hmac.digest: it lets go of the interpreter's lock, and waits for it behind whoever commits.
    return base64.b64encode(hmac.new(secret, signed, "sha1").digest())


@lru_cache(maxsize=64)
def _spellings(url: str) -> Sequence[str]:
    """The address with and without its port: Twilio signs what was configured, or leaves the port out."""
    parts = urlsplit(url)
    host, _, port = parts.netloc.rpartition(":")
    if not port.isdigit():
        default = "443" if parts.scheme == "https" else "80"
        return (url, url.replace(parts.netloc, f"{parts.netloc}:{default}", 1))
    return (url, url.replace(parts.netloc, host, 1))
