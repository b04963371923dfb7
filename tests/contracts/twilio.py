"""Twilio played from its documentation: what it posts, how it signs it, what its API answers."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlencode

from router.channels import twilio_sms
from router.channels.port import Account, HttpReply, Webhook
from tests.contracts.plays import Replies, Said

TOKEN = b"12345678901234567890123456789012"
SID = "AC" + "0" * 32
NUMBER = "+15551230100"
PERSON = "+15557654321"


def signature(secret: bytes, url: str, body: bytes) -> str:
    """As its documentation has it: the address, then each name with its value, in order of the names."""
    fields = sorted(set(parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")))
    signed = url.encode() + "".join(name + value for name, value in fields).encode("latin-1")
    return base64.b64encode(hmac.new(secret, signed, hashlib.sha1).digest()).decode()


def fields_of(said: Said, **others: str) -> dict[str, str]:
    return {
        "ToCountry": "US",
        "MessageSid": said.provider_id,
        "SmsSid": said.provider_id,
        "SmsStatus": "received",
        "AccountSid": SID,
        "From": said.sender or PERSON,
        "To": NUMBER,
        "Body": said.text,
        "NumMedia": "0",
        "NumSegments": "1",
        "ApiVersion": "2010-04-01",
        **others,
    }


class Twilio:
    """See tests/contracts/plays.py."""

    name = "twilio"
    provider = twilio_sms
    batches = False
    proof = "x-twilio-signature"
    signs_bodies = True
    statuses = (
        *(("accepted", ""), ("scheduled", ""), ("queued", ""), ("sending", ""), ("sent", "sent")),
        *(("delivered", "delivered"), ("read", "read"), ("undelivered", "failed"), ("failed", "failed")),
        *(("canceled", "failed"), ("partially_delivered", "")),
    )

    def __init__(
        self, account_id: str = "line", public_url: str = "https://help.example.org/hooks/line"
    ) -> None:
        self.account = Account(
            account_id=account_id,
            channel="sms",
            provider="twilio",
            address=NUMBER,
            secret=TOKEN,
            endpoint="",
            public_url=public_url,
            options={"account_sid": SID},
            unlinked=frozenset({NUMBER, "+15550000000"}),
        )
        self.replies = Replies(
            sent=[_reply(201, {"sid": "SM1", "status": "queued", "error_code": None})],
            later=[
                _reply(429, {"code": 20429, "message": "Too Many Requests", "status": 429}),
                _reply(429, {"code": 14107}),
                HttpReply(status=429, headers={"Retry-After": "7"}, body=b""),
            ],
            unsure=[
                _reply(500, {"code": 20500}),
                HttpReply(status=503, headers={}, body=b"<html>"),
                HttpReply(status=200, headers={}, body=b"<html>"),
                HttpReply(status=201, headers={}, body=b'{"sid": 7}'),
                HttpReply(status=302, headers={"location": "https://elsewhere.example"}, body=b""),
                HttpReply(status=404, headers={}, body=b"not here"),
            ],
            failed=[
                *(_reply(400, {"code": code, "status": 400}) for code in (21610, 21211, 21614, 21612, 21408)),
                _reply(403, {"code": 21408}),
                _reply(201, {"sid": "SM1", "status": "failed", "error_code": 30003}),
            ],
            account_failed=[
                _reply(401, {"code": 20003, "message": "Authenticate", "status": 401}),
                HttpReply(status=401, headers={}, body=b""),
                HttpReply(status=403, headers={}, body=b""),
                _reply(404, {"code": 20404}),
                _reply(400, {"code": 21606}),
            ],
        )

    def message(self, *said: Said, **others: str) -> Webhook:
        (one,) = said or (Said(),)
        return self.over(urlencode(fields_of(one, **others)).encode())

    def status(
        self, word: str, *, provider_id: str = "sent-1", outbox_id: str = "out-1", error: str = ""
    ) -> Webhook:
        fields = {
            "MessageSid": provider_id,
            "SmsSid": provider_id,
            "MessageStatus": word,
            "SmsStatus": word,
            "From": NUMBER,
            "To": PERSON,
            "AccountSid": SID,
            **({"ErrorCode": error} if error else {}),
        }
        query = urlencode({"outbox_id": outbox_id}) if outbox_id else ""
        return self.over(urlencode(fields).encode(), path="status", query=query)

    def unknown(self) -> Sequence[Webhook]:
        body = json.dumps({"specversion": "1.0", "type": "com.twilio.something.new"}).encode()
        query = f"bodySHA256={hashlib.sha256(body).hexdigest()}"
        return (
            self.over(b"AccountSid=AC1&EventType=onSomethingNew"),
            self.over(b""),
            self.over(body, query=query, unsigned_body=True),
        )

    def strange(self) -> Sequence[Webhook]:
        return (self.over(b"Body"), self.over(b"NumMedia=1&MediaUrl0=https%3A%2F%2Felsewhere.example"))

    def spoiled(self, *said: Said) -> Webhook:
        raise NotImplementedError("one message at a time")

    def over(
        self, body: bytes, *, path: str = "", query: str = "", unsigned_body: bool = False, url: str = ""
    ) -> Webhook:
        address = url or self.account.public_url + (f"/{path}" if path else "") + (
            f"?{query}" if query else ""
        )
        signed = signature(self.account.secret, address, b"" if unsigned_body else body)
        return webhook_of(body, {"x-twilio-signature": signed}, path=path, query=query)


def webhook_of(body: bytes, headers: Mapping[str, str], *, path: str = "", query: str = "") -> Webhook:
    return Webhook(
        method="POST",
        path=path,
        query=query,
        headers={"content-type": "application/x-www-form-urlencoded; charset=UTF-8", **headers},
        body=body,
        received_at_ms=1_000,
    )


def _reply(status: int, told: dict[str, object]) -> HttpReply:
    return HttpReply(status=status, headers={}, body=json.dumps(told).encode())
