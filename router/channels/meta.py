"""What WhatsApp, Messenger and Instagram have in common: Meta's webhooks and its Graph API.

Source: developers.facebook.com/documentation, graph-api/webhooks/getting-started (verification, signature),
        graph-api/guides/error-handling.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

import msgspec

from router.channels.api_reply import retry_after_ms
from router.channels.json_body import at, name, number, object_of
from router.channels.port import (
    Account,
    Answer,
    Contact,
    HttpReply,
    HttpRequest,
    NotAuthentic,
    Outcome,
    Received,
    Webhook,
)

API: Final = "https://graph.facebook.com"
VERSION: Final = "v24.0"
"""Of the Graph API, October 2025. Meta serves a version for about two years, then the next one instead."""

ACCESS_TOKEN: Final = "access-token"
VERIFY_TOKEN: Final = "verify-token"
"""The secrets beside the app secret, as config/providers.py names them."""

CHALLENGE_CHARACTERS_MAX: Final = 200

ACCOUNT_TROUBLE: Final = frozenset({0, 3, 10, 33, 102, 190, 368, *range(200, 300)})
"""Token, permission, a blocked app: no message of this account leaves before somebody has mended it."""

BUSY: Final = frozenset({1, 2, 4, 17, 32, 613, 1200, 80007})
"""Meta's own trouble, and rates: taken later."""

RATES: Final = frozenset({4, 17, 32, 613, 80007, 130429, 131048})
"""Of these, those that ask for fewer at a time."""

NOT_OURS: Final = 33
"""Subcode: the number or page that should send does not exist, or is none that the token may use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """What a product's error codes mean beyond those of every Graph API; any other one: this message never.

    Shape: alone are those of one recipient's rate: the account is well. subcodes that end one message only,
           whatever their code says.
    """

    account: frozenset[int] = frozenset()
    later: frozenset[int] = frozenset()
    alone: frozenset[int] = frozenset()
    subcodes: frozenset[int] = frozenset()


def opened(webhook: Webhook, account: Account) -> Received | None:
    """The answer to Meta's question whether this address is ours; None for a genuine POST, to be read.

    Raises NotAuthentic.
    """
    if webhook.method in ("GET", "HEAD"):
        return _challenged(webhook, account)
    given = webhook.headers.get("x-hub-signature-256", "").encode("utf-8", "replace")
    right = b"sha256=" + hmac.digest(account.secret, webhook.body, "sha256").hex().encode()
    if not hmac.compare_digest(given, right):
        raise NotAuthentic("the signature is of another body or app secret" if given else "there is none")
    return None


def raw_contact(part: bytes, webhook: Webhook, account: Account, media_type: str) -> Contact:
    """What is genuine and still nothing that we know how to cut: a human sees it as it is."""
    return Contact(
        channel=account.channel,
        account=account.account_id,
        provider_id=hashlib.sha256(part).hexdigest(),
        linked=False,
        media_type=media_type,
        body=part,
        received_at_ms=webhook.received_at_ms,
    )


def post(account: Account, path: str, told: dict[str, object]) -> HttpRequest:
    """A request to send this."""
    return HttpRequest(
        method="POST",
        url=f"{api(account)}/{VERSION}/{path}",
        headers={**bearer(account), "content-type": "application/json", "accept": "application/json"},
        body=msgspec.json.encode(told),
    )


def api(account: Account) -> str:
    """Where this account's API is, without a slash at the end."""
    return (account.endpoint or API).rstrip("/")


def bearer(account: Account) -> dict[str, str]:
    """The header with our access token."""
    token = account.secrets.get(ACCESS_TOKEN, b"").decode("latin-1")
    return {"authorization": f"Bearer {token}"}


def outcome(reply: HttpReply, *, product: str, sent: tuple[str | int, ...], codes: Codes) -> Outcome:
    """What an answer means. `sent` is where the id of the message stands in one that says yes."""
    told = object_of(reply.body)
    if 200 <= reply.status < 300:
        message_id = name(told, *sent)
        if message_id:
            return Outcome(kind="sent", provider_id=message_id)
        return Outcome(kind="later", detail=f"{product}_garbage", certain=False)
    code, subcode = at(told, "error", "code"), number(told, "error", "error_subcode")
    known = isinstance(code, int) and 0 <= code < 10**9
    detail = f"{product}_{code}" if known else f"{product}_http_{reply.status}"
    after_ms, certain = retry_after_ms(reply), reply.status < 500
    if not known and reply.status == 401:
        return Outcome(kind="account_failed", detail=detail, retry_after_ms=after_ms)
    if reply.status == 429 or code in codes.alone:
        alone = code in codes.alone
        return Outcome(
            kind="later", detail=detail, retry_after_ms=after_ms, of_account=not alone, too_much=not alone
        )
    if not known:
        return Outcome(kind="later", detail=detail, retry_after_ms=after_ms, certain=False)
    if subcode in codes.subcodes:
        return Outcome(kind="failed", detail=f"{detail}_{subcode}")
    if code in ACCOUNT_TROUBLE | codes.account or (code == 100 and subcode == NOT_OURS):
        return Outcome(kind="account_failed", detail=detail, retry_after_ms=after_ms)
    if code in BUSY | codes.later or not certain:
        too_much = code in RATES
        return Outcome(
            kind="later", detail=detail, retry_after_ms=after_ms, certain=certain, too_much=too_much
        )
    return Outcome(kind="failed", detail=detail)


def _challenged(webhook: Webhook, account: Account) -> Received:
    asked = parse_qs(webhook.query)
    mode, token, challenge = (asked.get(f"hub.{each}", [""])[0] for each in _ASKED)
    right = account.secrets.get(VERIFY_TOKEN, b"")
    if mode != "subscribe" or not right or not hmac.compare_digest(token.encode("utf-8", "replace"), right):
        raise NotAuthentic("the verify token is another one")
    if not challenge.isalnum() or len(challenge) > CHALLENGE_CHARACTERS_MAX:
        raise NotAuthentic("the challenge is none")
    return Received(answer=Answer(body=challenge.encode("utf-8", "replace")))


_ASKED: Final = ("mode", "verify_token", "challenge")
