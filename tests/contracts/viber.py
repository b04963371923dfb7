"""Viber's bot API played from its documentation: what it posts, how it signs it, what it answers."""

import hashlib
import hmac
import json
from collections.abc import Sequence

from router.channels import viber
from router.channels.port import Account, HttpReply, Webhook
from tests.contracts.plays import Replies, Said

TOKEN = b"44dafb7e0f40021e-61a47a1e6778d187-f2c5a676a07050b3"
PERSON = "01234567890A="
NOW_MS = 1_457_764_197_627


class Viber:
    """See tests/contracts/plays.py."""

    name = "viber"
    provider = viber
    batches = False
    proof = "x-viber-content-signature"
    signs_bodies = True
    statuses: Sequence[tuple[str, str]] = (
        *(("delivered", "delivered"), ("seen", "read"), ("failed", "failed")),
        *(("webhook", ""), ("conversation_started", ""), ("client_status", "")),
    )

    def __init__(self, account_id: str = "viber") -> None:
        self.account = Account(
            account_id=account_id,
            channel="viber",
            provider="viber",
            address="lowen-help",
            secret=TOKEN,
            endpoint="",
            public_url=f"https://help.example.org/hooks/{account_id}",
            options={},
            unlinked=frozenset({"lowen-help"}),
        )
        self.replies = Replies(
            sent=[_reply(0, message_token=5741311803571721087)],
            later=[_reply(12), HttpReply(status=429, headers={"Retry-After": "7"}, body=b""), _reply(99)],
            unsure=[
                HttpReply(status=500, headers={}, body=b""),
                HttpReply(status=200, headers={}, body=b"<html>"),
                HttpReply(status=404, headers={}, body=b"not here"),
                _reply(0),
            ],
            failed=[_reply(code) for code in (3, 4, 5, 6, 11, 13, 14, 21)],
            account_failed=[
                *(_reply(code) for code in (2, 7, 8, 9, 10, 15, 22, 23, 24)),
                HttpReply(status=401, headers={}, body=b""),
            ],
        )

    def message(self, *said: Said, **others: object) -> Webhook:
        (one,) = said or (Said(),)
        return self.callback(
            "message",
            one.provider_id,
            sender={
                "id": one.sender or PERSON,
                "name": "Mira",
                "avatar": "https://dl-media.viber.com/1/avatar.jpg",
                "language": "en",
                "country": "US",
                "api_version": 10,
            },
            message={"type": "text", "text": one.text, **others},
            silent=False,
        )

    def status(self, word: str, *, provider_id: str = "sent-1", outbox_id: str = "out-1") -> Webhook:
        return self.callback(word, provider_id, user_id=PERSON)

    def unknown(self) -> Sequence[Webhook]:
        return (
            self.callback("webhook", "1"),
            self.callback("conversation_started", "1", type="open", user={"id": PERSON}, subscribed=False),
            self.callback("subscribed", "1", user={"id": PERSON}),
            self.callback("unsubscribed", "1", user_id=PERSON),
        )

    def strange(self) -> Sequence[Webhook]:
        return (
            self.message(type="hologram", of="a bridge"),
            self.message(type="picture"),
            self.message(type=7),
            self.callback("hologram", "1"),
            self.callback("message", "1", message=7),
            self.over(b"{}"),
            self.over(b"not json"),
        )

    def spoiled(self, *said: Said) -> Webhook:
        raise NotImplementedError("one message at a time")

    def callback(self, event: str, token: str, **others: object) -> Webhook:
        """Tokens are numbers, but for those that no number can be."""
        number = int(token) if token.isascii() and token.isdigit() else token
        told = {"event": event, "timestamp": NOW_MS, "message_token": number, "chat_hostname": "SN-1_"}
        return self.over(json.dumps({**told, **others}).encode())

    def over(self, body: bytes) -> Webhook:
        signed = hmac.new(self.account.secret, body, hashlib.sha256).hexdigest()
        return Webhook(
            method="POST",
            path="",
            query="",
            headers={"content-type": "application/json", self.proof: signed},
            body=body,
            received_at_ms=1_000,
        )


def _reply(code: int, **others: object) -> HttpReply:
    told = {"status": code, "status_message": "no" if code else "ok", "chat_hostname": "SN-1_", **others}
    return HttpReply(status=200, headers={}, body=json.dumps(told).encode())
