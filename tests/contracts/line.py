"""LINE's Messaging API played from its documentation: what it posts, how it signs it, what it answers."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

from router.channels import line
from router.channels.port import Account, HttpReply, Webhook
from tests.contracts.plays import Replies, Said

SECRET = b"8c570fa6dd201bb328f1c1eac23a96d8"
PERSON = "U8189cf6745fc0d808977bdb0b9f22995"


def event_of(said: Said, **others: object) -> dict[str, object]:
    return {
        "type": "message",
        "mode": "active",
        "timestamp": 1_793_040_000_000,
        "source": {"type": "user", "userId": said.sender or PERSON},
        "webhookEventId": said.provider_id,
        "deliveryContext": {"isRedelivery": False},
        "replyToken": "0f3779fba3b349968c5d07db31eab56f",
        "message": {"id": "444573844083572737", "type": "text", "text": said.text},
        **others,
    }


class Line:
    """See tests/contracts/plays.py."""

    name = "line"
    provider = line
    batches = True
    proof = "x-line-signature"
    signs_bodies = True
    statuses: Sequence[tuple[str, str]] = ()

    def __init__(self, account_id: str = "friends") -> None:
        self.account = Account(
            account_id=account_id,
            channel="line",
            provider="line",
            address="@lowen-help",
            secret=SECRET,
            endpoint="",
            public_url=f"https://help.example.org/hooks/{account_id}",
            options={},
            unlinked=frozenset({"@lowen-help"}),
            secrets={"access-token": b"line+token=="},
        )
        accepted = {"x-line-accepted-request-id": "123e4567"}
        self.replies = Replies(
            sent=[_reply(200, {"sentMessages": [{"id": "461230966842064897", "quoteToken": "q"}]})],
            later=[_reply(429, {"message": "The API rate limit has been exceeded. Try again later."})],
            unsure=[
                _reply(500, {"message": "Internal Server Error"}),
                HttpReply(status=200, headers={}, body=b"<html>"),
                HttpReply(status=409, headers={}, body=b"{}"),
            ],
            failed=[_reply(400, {"message": "Failed to send messages"})],
            account_failed=[
                _reply(401, {"message": "Authentication failed"}),
                _reply(403, {"message": "Not available for your account"}),
                _reply(429, {"message": "You have reached your monthly limit."}),
            ],
        )
        self.repeated = HttpReply(status=409, headers=accepted, body=b"{}")

    def message(self, *said: Said, **others: object) -> Webhook:
        return self.events(*(event_of(each, **others) for each in said or (Said(),)))

    def status(self, word: str, *, provider_id: str = "sent-1", outbox_id: str = "out-1") -> Webhook:
        raise NotImplementedError("LINE says nothing of what became of a message")

    def unknown(self) -> Sequence[Webhook]:
        return (
            self.events(),
            self.over(b"{}"),
            self.events({"type": "follow", "source": {"userId": PERSON}, "webhookEventId": "1"}),
            self.events({"type": "hologram", "webhookEventId": "1"}),
        )

    def strange(self) -> Sequence[Webhook]:
        return (
            self.message(message={"type": "hologram", "of": "a bridge"}),
            self.message(message={"type": "image"}),
            self.message(message=7),
            self.over(b'{"events": 7}'),
            self.over(b"not json"),
        )

    def spoiled(self, *said: Said) -> Webhook:
        return self.events(5, *(event_of(each) for each in said))

    def events(self, *events: object) -> Webhook:
        return self.over(json.dumps({"destination": "U0", "events": events}).encode())

    def over(self, body: bytes) -> Webhook:
        signed = base64.b64encode(hmac.new(self.account.secret, body, hashlib.sha256).digest())
        return Webhook(
            method="POST",
            path="",
            query="",
            headers={"content-type": "application/json", self.proof: signed.decode()},
            body=body,
            received_at_ms=1_000,
        )


def _reply(status: int, told: object) -> HttpReply:
    return HttpReply(status=status, headers={}, body=json.dumps(told).encode())
