"""A partner that keeps to docs/partner-webhook.md."""

import hashlib
import hmac
import json
from collections.abc import Sequence

from router.channels import webhook_json
from router.channels.port import Account, HttpReply, Webhook
from tests.contracts.plays import Replies, Said

SECRET = b"a long secret that the centre drew"
PANEL = "panel-17"
ENDPOINT = "https://partner.example.org/muster"


def report_of(said: Said, **others: object) -> dict[str, object]:
    sender = {"address": said.sender or PANEL}
    return {"kind": "report", "id": said.provider_id, "text": said.text, "from": sender, **others}


class Partner:
    """See tests/contracts/plays.py."""

    name = "partner"
    provider = webhook_json
    batches = False
    proof = "muster-signature"
    signs_bodies = True
    statuses = (
        *(("sent", "sent"), ("delivered", "delivered"), ("read", "read")),
        *(("failed", "failed"), ("thought about", "")),
    )

    def __init__(self, account_id: str = "mill", endpoint: str = ENDPOINT, **options: bool) -> None:
        self.account = Account(
            account_id=account_id,
            channel="partner",
            provider="partner",
            address="lowen-paper-mill",
            secret=SECRET,
            endpoint=endpoint,
            public_url=f"https://help.example.org/hooks/{account_id}",
            options=options,
            unlinked=frozenset({"lowen-paper-mill", "+15550000000"}),
        )
        self.replies = Replies(
            sent=[_reply(200, {"id": "theirs-1"}), _reply(202, {"id": 7})],
            later=[HttpReply(status=429, headers={"Retry-After": "7"}, body=b"")],
            unsure=[
                HttpReply(status=200, headers={}, body=b"<html>"),
                _reply(200, {}),
                HttpReply(status=404, headers={}, body=b"not here"),
                HttpReply(status=503, headers={}, body=b""),
            ],
            failed=[_reply(code, {"error": "no such device"}) for code in (400, 404, 410, 413, 422)],
            account_failed=[HttpReply(status=code, headers={}, body=b"") for code in (401, 403)],
        )

    def message(self, *said: Said, **others: object) -> Webhook:
        (one,) = said or (Said(),)
        return self.over(json.dumps(report_of(one, **others)).encode())

    def status(self, word: str, *, provider_id: str = "sent-1", outbox_id: str = "out-1") -> Webhook:
        told = {"kind": "status", "message": outbox_id, "status": word}
        return self.over(json.dumps(told).encode())

    def unknown(self) -> Sequence[Webhook]:
        return (self.status("forgotten"),)

    def strange(self) -> Sequence[Webhook]:
        return (
            self.over(b"not json"),
            self.over(b"{}"),
            self.over(b'{"kind": "hologram", "id": "1"}'),
            self.over(b'{"kind": "report", "id": "1"}'),
            self.message(Said(), place={"latitude": 91, "longitude": 0}),
        )

    def spoiled(self, *said: Said) -> Webhook:
        raise NotImplementedError("one report at a time")

    def over(self, body: bytes, *, at_s: int = 1) -> Webhook:
        signed = hmac.new(SECRET, f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
        return Webhook(
            method="POST",
            path="",
            query="",
            headers={"content-type": "application/json", self.proof: f"t={at_s},v1={signed}"},
            body=body,
            received_at_ms=1_000,
        )


def _reply(status: int, told: object) -> HttpReply:
    return HttpReply(status=status, headers={}, body=json.dumps(told).encode())
