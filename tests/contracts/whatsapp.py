"""WhatsApp played from the documentation of its Cloud API: what it posts and signs, what its API answers."""

import hashlib
import hmac
import json
from collections.abc import Sequence

from router.channels import whatsapp
from router.channels.port import Account, HttpReply, Webhook
from tests.contracts.plays import Replies, Said

APP_SECRET = b"0f1e2d3c4b5a69788796a5b4c3d20815"
OURS = "+15550100912"
OUR_ID = "106540352242922"
PERSON = "15557654321"
SENT = {
    "messaging_product": "whatsapp",
    "contacts": [{"input": PERSON, "wa_id": PERSON}],
    "messages": [{"id": "wamid.sent", "message_status": "accepted"}],
}


def message_of(said: Said, **others: object) -> dict[str, object]:
    return {
        "from": said.sender or PERSON,
        "id": said.provider_id,
        "timestamp": "1793040000",
        "type": "text",
        "text": {"body": said.text},
        **others,
    }


def value_of(*messages: object, statuses: Sequence[object] = (), **others: object) -> dict[str, object]:
    return {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": OURS[1:], "phone_number_id": OUR_ID},
        "contacts": [{"profile": {"name": "Mira"}, "wa_id": PERSON, "user_id": "US.4711"}],
        **({"messages": messages} if messages else {}),
        **({"statuses": statuses} if statuses else {}),
        **others,
    }


def body_of(*values: object, field: str = "messages") -> bytes:
    """A body with an entry for each of these values."""
    entries = [{"id": "0815", "changes": [{"field": field, "value": value}]} for value in values]
    return json.dumps({"object": "whatsapp_business_account", "entry": entries}).encode()


class WhatsApp:
    """See tests/contracts/plays.py."""

    name = "whatsapp"
    provider = whatsapp
    batches = True
    proof = "x-hub-signature-256"
    signs_bodies = True
    statuses = (
        *(("sent", "sent"), ("delivered", "delivered"), ("read", "read"), ("played", "read")),
        *(("failed", "failed"), ("deleted", ""), ("warning", ""), ("pending", "")),
    )

    def __init__(
        self, account_id: str = "chats", public_url: str = "https://help.example.org/hooks/chats"
    ) -> None:
        self.account = Account(
            account_id=account_id,
            channel="whatsapp",
            provider="whatsapp",
            address=OURS,
            secret=APP_SECRET,
            endpoint="",
            public_url=public_url,
            options={"phone_number_id": OUR_ID},
            unlinked=frozenset({OURS, "+15550000000"}),
            secrets={"access-token": b"EAAtoken", "verify-token": b"we are the centre"},
        )
        self.replies = Replies(
            sent=[_reply(200, SENT)],
            later=[
                *(_refused(400, code) for code in (4, 80007, 130429, 131048, 131056, 133016)),
                HttpReply(status=429, headers={"Retry-After": "7"}, body=b""),
            ],
            unsure=[
                *(_refused(500, code) for code in (1, 131000, 131016, 131057)),
                HttpReply(status=503, headers={}, body=b"<html>"),
                HttpReply(status=200, headers={}, body=b"<html>"),
                _reply(200, {"messages": []}),
                HttpReply(status=302, headers={"location": "https://elsewhere.example"}, body=b""),
                HttpReply(status=404, headers={}, body=b"not here"),
            ],
            failed=[
                *(_refused(400, code) for code in (100, 130472, 131008, 131009, 131021, 131026, 131047)),
                *(_refused(400, code) for code in (131049, 131050, 131051, 131053, 135000)),
                _refused(403, 130497),
            ],
            account_failed=[
                *(_refused(401, code) for code in (0, 190)),
                *(_refused(403, code) for code in (10, 200, 299, 368, 131005, 131031)),
                *(_refused(400, code) for code in (33, 131037, 131042, 131045, 133010)),
                _refused(400, 100, subcode=33),
                HttpReply(status=401, headers={}, body=b""),
            ],
        )

    def message(self, *said: Said, **others: object) -> Webhook:
        return self.over(body_of(value_of(*(message_of(each, **others) for each in said or (Said(),)))))

    def status(
        self, word: str, *, provider_id: str = "sent-1", outbox_id: str = "out-1", error: int = 0
    ) -> Webhook:
        status = {
            "id": provider_id,
            "status": word,
            "timestamp": "1793040001",
            "recipient_id": PERSON,
            **({"biz_opaque_callback_data": outbox_id} if outbox_id else {}),
            **({"errors": [{"code": error, "title": "no"}]} if error else {}),
        }
        return self.over(body_of(value_of(statuses=[status])))

    def unknown(self) -> Sequence[Webhook]:
        return (
            self.over(b"{}"),
            self.over(b'{"object":"whatsapp_business_account","entry":[]}'),
            self.over(body_of({"event": "ACCOUNT_UPDATE"}, field="account_update")),
            self.over(body_of({"message_echoes": [message_of(Said())]}, field="smb_message_echoes")),
            self.over(body_of(value_of(errors=[{"code": 131000}]))),
        )

    def strange(self) -> Sequence[Webhook]:
        return (
            self.message(Said(), type="poll", poll={"options": ["a"]}, text=None),
            self.message(Said(), type="unsupported", text=None),
            self.message(Said(), type=7),
            self.over(body_of(5)),
            self.over(b"not json"),
        )

    def spoiled(self, *said: Said) -> Webhook:
        return self.over(body_of(value_of(5, *(message_of(each) for each in said))))

    def over(self, body: bytes) -> Webhook:
        signed = "sha256=" + hmac.new(self.account.secret, body, hashlib.sha256).hexdigest()
        return webhook_of(body, signed)


def webhook_of(body: bytes, signature: str, *, method: str = "POST", query: str = "") -> Webhook:
    return Webhook(
        method=method,
        path="",
        query=query,
        headers={"content-type": "application/json", "x-hub-signature-256": signature},
        body=body,
        received_at_ms=1_000,
    )


def _reply(status: int, told: object) -> HttpReply:
    return HttpReply(status=status, headers={}, body=json.dumps(told).encode())


def _refused(status: int, code: int, *, subcode: int = 0) -> HttpReply:
    return _reply(status, {"error": {"code": code, "error_subcode": subcode, "type": "OAuthException"}})
