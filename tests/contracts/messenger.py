"""Messenger and Instagram played from their documentation: what they post, what their API answers."""

import hashlib
import hmac
import json
from collections.abc import Sequence

from router.channels.port import Account, HttpReply, Webhook
from router.channels.providers import PROVIDERS
from tests.contracts.plays import Replies, Said

APP_SECRET = b"9a0364b9e99bb480dd25e1f0284c8555"
PAGE = "1067280970047460"
PERSON = "6789012345678901"
NOW_MS = 1_793_040_000_000


def event_of(said: Said, **others: object) -> dict[str, object]:
    return {
        "sender": {"id": said.sender or PERSON},
        "recipient": {"id": PAGE},
        "timestamp": NOW_MS,
        "message": {"mid": said.provider_id, "text": said.text, **others},
    }


def about(**what: object) -> dict[str, object]:
    """An event that is no message."""
    return {"sender": {"id": PERSON}, "recipient": {"id": PAGE}, "timestamp": NOW_MS, **what}


class Messenger:
    """See tests/contracts/plays.py. The name says which of the two products."""

    batches = True
    proof = "x-hub-signature-256"
    signs_bodies = True

    def __init__(self, name: str, account_id: str = "page") -> None:
        self.name = name
        self.provider = PROVIDERS[name]
        self.statuses = (("delivery", "delivered"), ("read_mid", "read"), ("optin", ""), ("typing", ""))
        self.account = Account(
            account_id=account_id,
            channel=name,
            provider=name,
            address=PAGE,
            secret=APP_SECRET,
            endpoint="",
            public_url=f"https://help.example.org/hooks/{account_id}",
            options={},
            unlinked=frozenset({PAGE}),
            secrets={"access-token": b"EAApage", "verify-token": b"we are the centre"},
        )
        self.replies = Replies(
            sent=[_reply(200, {"recipient_id": PERSON, "message_id": "mid.sent"})],
            later=[
                *(_refused(400, code) for code in (4, 17, 32, 613, 1200)),
                HttpReply(status=429, headers={"Retry-After": "7"}, body=b""),
            ],
            unsure=[
                _refused(500, 1),
                _refused(503, 2),
                HttpReply(status=200, headers={}, body=b"<html>"),
                _reply(200, {"recipient_id": PERSON}),
                HttpReply(status=404, headers={}, body=b"not here"),
            ],
            failed=[
                _refused(400, 100, subcode=2018001),  # nobody of this id
                _refused(400, 551, subcode=1545041),  # not there at present
                _refused(403, 10, subcode=2018278),  # outside the window
                _refused(403, 200, subcode=1545041),  # refuses messages
                _refused(400, 100),
            ],
            account_failed=[
                _refused(401, 190),
                _refused(403, 10),
                _refused(403, 200),
                _refused(400, 100, subcode=33),
                HttpReply(status=401, headers={}, body=b""),
            ],
        )

    def message(self, *said: Said, **others: object) -> Webhook:
        return self.events(*(event_of(each, **others) for each in said or (Said(),)))

    def status(self, word: str, *, provider_id: str = "sent-1", outbox_id: str = "out-1") -> Webhook:
        if word == "delivery":
            return self.events(about(delivery={"mids": [provider_id], "watermark": NOW_MS}))
        if word == "read_mid":
            return self.events(about(read={"mid": provider_id}))
        return self.events(about(**{word: {}}))

    def unknown(self) -> Sequence[Webhook]:
        return (
            self.over(b"{}"),
            self.over(b'{"object":"page","entry":[]}'),
            self.over(json.dumps({"object": "page", "entry": [{"id": PAGE, "changes": [{}]}]}).encode()),
            self.events(about(referral={"ref": "flood", "source": "SHORTLINK"})),
            self.events(event_of(Said(), is_echo=True, app_id=1)),
        )

    def strange(self) -> Sequence[Webhook]:
        return (
            self.events(about(hologram={"of": "a bridge"})),
            self.events(about(message={"mid": "m", "hologram": 1})),
            self.events(about(message={"mid": "m", "attachments": [{"type": "hologram"}]})),
            self.over(json.dumps({"object": "page", "entry": [7]}).encode()),
            self.over(json.dumps({"object": "page", "entry": [{"messaging": 7}]}).encode()),
            self.over(b"not json"),
        )

    def spoiled(self, *said: Said) -> Webhook:
        return self.events(5, *(event_of(each) for each in said))

    def events(self, *events: object, page: str = PAGE, line: str = "messaging") -> Webhook:
        """All events in one entry."""
        entry = {"id": page, "time": NOW_MS, line: list(events)}
        return self.over(json.dumps({"object": "page", "entry": [entry]}).encode())

    def over(self, body: bytes) -> Webhook:
        signed = "sha256=" + hmac.new(self.account.secret, body, hashlib.sha256).hexdigest()
        return Webhook(
            method="POST",
            path="",
            query="",
            headers={"content-type": "application/json", "x-hub-signature-256": signed},
            body=body,
            received_at_ms=1_000,
        )


def _reply(status: int, told: object) -> HttpReply:
    return HttpReply(status=status, headers={}, body=json.dumps(told).encode())


def _refused(status: int, code: int, *, subcode: int = 0) -> HttpReply:
    error = {"code": code, "type": "OAuthException", **({"error_subcode": subcode} if subcode else {})}
    return _reply(status, {"error": error})
