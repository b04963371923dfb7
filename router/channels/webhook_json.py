"""The signed webhook for everybody without a provider of their own: sensors, forms, partner systems.

How it is spoken is docs/partner-webhook.md, what it may say partner_report.py. Whatever is signed rightly is
kept, also what nobody can read: then the answer says what to mend. Translation only.
"""

import hashlib
import hmac
import re
from typing import Final

import msgspec

from router.channels.api_reply import retry_after_ms
from router.channels.json_body import name, object_of, words
from router.channels.partner_report import Problem, Report, Sender, Status, read, written_out
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
from router.channels.text import sendable
from router.channels.text import shown as text_of

can = Capabilities(
    channel="partner",
    joins_by="address",
    connections=False,
    attachments=False,
    receipts=True,
    answers_need_endpoint=True,
    chosen_ids=True,
)
media_type = "application/json; of=partner"
media_from: tuple[str, ...] = ()

SIGNATURE: Final = "muster-signature"
WINDOW_MS: Final = 300_000
"""How far the sender's clock may be from ours, and how long a copied request passes, as the repeat it is."""

STATUSES: Final = frozenset({"sent", "delivered", "read", "failed"})

_SIGNATURE: Final = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_REASON: Final = re.compile(r"[a-z0-9_]{1,40}")


def receive(webhook: Webhook, account: Account) -> Received:
    """One report, or what became of an answer of ours. Raises NotAuthentic."""
    _authenticate(webhook, account)
    told = read(webhook.body)
    if isinstance(told, Status):
        return Received(receipts=tuple(_receipts(told)), answer=_answer(200))
    if isinstance(told, Report):
        return Received(contacts=(_contact(told, webhook, account),), answer=_answer(200))
    raw = Contact(
        channel=account.channel,
        account=account.account_id,
        provider_id=name(object_of(webhook.body), "id") or hashlib.sha256(webhook.body).hexdigest(),
        linked=False,
        media_type=media_type,
        body=webhook.body,
        received_at_ms=webhook.received_at_ms,
    )
    return Received(contacts=(raw,), answer=_answer(202, problem=told))


def shown(body: bytes) -> Shown:
    """The words, with the place and the fields below them. Never raises."""
    told = read(body)
    if isinstance(told, Report):
        return written_out(told)
    problem = told.text if isinstance(told, Problem) else "a status"
    return Shown(text=text_of(body), notice=f"This came in a form that cannot be read: {problem}")


def request_of(outgoing: Outgoing, account: Account) -> HttpRequest:
    """POST to the account's endpoint, signed over the body. The same id at every attempt: it is kept once."""
    told = {"id": outgoing.outbox_id, "to": outgoing.to_address, "text": sendable(outgoing.text)}
    body = msgspec.json.encode(told)
    signature = hmac.digest(account.secret, body, "sha256").hex()
    headers = {"content-type": "application/json", "accept": "application/json"}
    return HttpRequest(
        method="POST", url=account.endpoint, headers={**headers, SIGNATURE: f"v1={signature}"}, body=body
    )


def outcome_of(reply: HttpReply) -> Outcome:
    """By the status; yes only with an id, because a proxy's page is no partner. Never raises."""
    if 200 <= reply.status < 300:
        partners_id = name(object_of(reply.body), "id")
        if partners_id:
            return Outcome(kind="sent", provider_id=partners_id)
        return Outcome(kind="later", detail="partner_garbage", certain=False)
    detail = f"partner_http_{reply.status}"
    if reply.status in (401, 403):
        return Outcome(kind="account_failed", detail=detail, retry_after_ms=retry_after_ms(reply))
    if reply.status in (400, 404, 410, 413, 422) and words(object_of(reply.body), "error"):
        return Outcome(kind="failed", detail=detail)
    certain = reply.status == 429
    return Outcome(kind="later", detail=detail, retry_after_ms=retry_after_ms(reply), certain=certain)


def media_request(address: str, account: Account) -> HttpRequest | None:
    """None: a report points to nothing."""
    return None


def _authenticate(webhook: Webhook, account: Account) -> None:
    """Time and body are signed together. What is refused says how to do it right. Raises NotAuthentic."""
    if webhook.method != "POST":
        raise NotAuthentic("send a POST")
    given = _SIGNATURE.fullmatch(webhook.headers.get(SIGNATURE, ""))
    if given is None:
        raise NotAuthentic("the header Muster-Signature must be t=<Unix seconds>,v1=<64 small hex digits>")
    signed = given[1].encode() + b"." + webhook.body
    right = hmac.digest(account.secret, signed, "sha256").hex()
    if not hmac.compare_digest(right, given[2]):
        raise NotAuthentic(
            "v1 must be the HMAC-SHA256 of t, a full stop and the body, by the account's secret"
        )
    if abs(int(given[1]) * 1000 - webhook.received_at_ms) > WINDOW_MS:
        raise NotAuthentic("t is more than 300 seconds from our clock: sign each attempt anew, with the time")


def _contact(report: Report, webhook: Webhook, account: Account) -> Contact:
    sender = report.sender or Sender(address="")
    vouched = account.options.get("vouched") is True or sender.kind == "device"
    is_number = sender.kind == "phone" and _NUMBER.fullmatch(sender.address) is not None
    kinds = {"phone": "phone" if is_number else "", "mail": "mail"}
    return Contact(
        channel=account.channel,
        account=account.account_id,
        provider_id=report.id,
        verified=vouched,
        address_kind=kinds.get(sender.kind, "") or f"partner:{account.account_id}",
        address=sender.address,
        linked=bool(sender.address) and sender.address not in account.unlinked,
        media_type=media_type,
        body=webhook.body,
        received_at_ms=webhook.received_at_ms,
        traffic=report.traffic,
    )


def _receipts(status: Status) -> list[Receipt]:
    if status.status not in STATUSES:
        return []
    reason = f"partner_{status.reason}" if _REASON.fullmatch(status.reason) else ""
    return [Receipt(outbox_id=status.message, status=status.status, detail=reason)]


def _answer(status: int, *, problem: Problem | None = None) -> Answer:
    told = {"kept": True, "problems": [] if problem is None else [problem.text]}
    return Answer(status=status, media_type="application/json", body=msgspec.json.encode(told))
