"""Telegram's Bot API played from its documentation: what it posts, what it answers."""

import json
from collections.abc import Sequence

from router.channels import telegram
from router.channels.port import Account, HttpReply, Webhook
from tests.contracts.plays import Replies, Said

SECRET = b"Nn0-webhook_secret-2f41"
TOKEN = b"110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
PERSON = "279058397"
GROUP = {"id": -1001234567890, "type": "supergroup", "title": "Mill Lane"}
NOW = 1_793_040_000


def message_of(said: Said, **others: object) -> dict[str, object]:
    sender = int(said.sender or PERSON)
    return {
        "message_id": 5,
        "from": {"id": sender, "is_bot": False, "first_name": "Mira"},
        "chat": {"id": sender, "type": "private", "first_name": "Mira"},
        "date": NOW,
        **others,
    }


class Telegram:
    """See tests/contracts/plays.py."""

    name = "telegram"
    provider = telegram
    batches = False
    proof = "x-telegram-bot-api-secret-token"
    signs_bodies = False
    statuses: Sequence[tuple[str, str]] = ()

    def __init__(self, account_id: str = "bot") -> None:
        self.account = Account(
            account_id=account_id,
            channel="telegram",
            provider="telegram",
            address="@lowen_help_bot",
            secret=SECRET,
            endpoint="",
            public_url=f"https://help.example.org/hooks/{account_id}",
            options={},
            unlinked=frozenset({"@lowen_help_bot"}),
            secrets={"bot-token": TOKEN},
        )
        self.replies = Replies(
            sent=[_reply(200, {"ok": True, "result": {"message_id": 9, "chat": {"id": int(PERSON)}}})],
            later=[
                _refused(429, "Too Many Requests: retry after 35", retry_after=35),
                HttpReply(status=429, headers={"Retry-After": "7"}, body=b""),
            ],
            unsure=[
                _refused(500, "Internal Server Error"),
                HttpReply(status=502, headers={}, body=b"<html>"),
                HttpReply(status=200, headers={}, body=b"<html>"),
                _reply(200, {"ok": True, "result": True}),
                HttpReply(status=404, headers={}, body=b"not here"),
            ],
            failed=[
                _refused(400, "Bad Request: chat not found"),
                _refused(400, "Bad Request: message is too long"),
                _refused(403, "Forbidden: bot was blocked by the user"),
            ],
            account_failed=[_refused(401, "Unauthorized"), _refused(404, "Not Found")],
        )

    def message(self, *said: Said, **others: object) -> Webhook:
        (one,) = said or (Said(),)
        return self.update(one.provider_id, message=message_of(one, **(others or {"text": one.text})))

    def status(self, word: str, *, provider_id: str = "sent-1", outbox_id: str = "out-1") -> Webhook:
        raise NotImplementedError("Telegram says nothing of what became of a message")

    def unknown(self) -> Sequence[Webhook]:
        return (
            self.update("1"),
            self.update("1", inline_query={"id": "1", "from": {"id": 1}, "query": "he"}),
            self.update("1", my_chat_member={"chat": {"id": 1}, "new_chat_member": {"status": "kicked"}}),
            self.update("1", poll={"id": "1", "question": "?"}),
        )

    def strange(self) -> Sequence[Webhook]:
        return (
            self.message(Said(), hologram={"of": "a bridge"}),
            self.message(Said(), photo=[]),
            self.update("1", message=7),
            self.update("1", hologram={"chat": {"id": 1}, "of": "a bridge"}),
            self.over(b"not json"),
            self.over(b"[]"),
        )

    def spoiled(self, *said: Said) -> Webhook:
        raise NotImplementedError("one update at a time")

    def update(self, update_id: str, **what: object) -> Webhook:
        """Ids are numbers, but for those that no number can be."""
        number = int(update_id) if update_id.isascii() and update_id.isdigit() else update_id
        return self.over(json.dumps({"update_id": number, **what}).encode())

    def over(self, body: bytes) -> Webhook:
        return Webhook(
            method="POST",
            path="",
            query="",
            headers={"content-type": "application/json", self.proof: SECRET.decode()},
            body=body,
            received_at_ms=1_000,
        )


def _reply(status: int, told: object) -> HttpReply:
    return HttpReply(status=status, headers={}, body=json.dumps(told).encode())


def _refused(status: int, description: str, **parameters: int) -> HttpReply:
    told = {"ok": False, "error_code": status, "description": description}
    return _reply(status, {**told, "parameters": parameters} if parameters else told)
