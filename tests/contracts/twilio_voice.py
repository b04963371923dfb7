"""Twilio's voice webhooks played from its documentation: what it posts about a call, and how it signs it."""

from collections.abc import Mapping
from urllib.parse import urlencode

from router.channels.port import Account, Webhook
from tests.contracts.twilio import SID, TOKEN, signature, webhook_of

NUMBER = "+15551230199"
PERSON = "+15557654321"
CALL = "CA" + "7" * 32
HOOK = "https://help.example.org/hooks/calls"


class TwilioVoice:
    """One account of calls. `over` signs anything."""

    name = "twilio-voice"

    def __init__(self, *, public_url: str = HOOK, endpoint: str = "", **options: str) -> None:
        self.account = Account(
            account_id="calls",
            channel="voice",
            provider="twilio-voice",
            address=NUMBER,
            secret=TOKEN,
            endpoint=endpoint,
            public_url=public_url,
            options={"account_sid": SID, "sip_account": "trunk", **options},
            unlinked=frozenset({NUMBER, "+15550000000"}),
        )

    def arrives(self, call: str = CALL, *, number: str = PERSON, **others: str) -> Webhook:
        return self.says("", call, number=number, CallStatus="ringing", **others)

    def asks(self, call: str = CALL, *, told: int = 0, turn: int = 0, number: str = PERSON) -> Webhook:
        """What the caller who waits is to hear now."""
        more = {"QueueSid": "QU1", "QueuePosition": "1", "QueueTime": "7", "CurrentQueueSize": "3"}
        query = urlencode({"told": told, "turn": turn}) if told or turn else ""
        return self.says("wait", call, query=query, number=number, CallStatus="in-progress", **more)

    def left(self, result: str, call: str = CALL, *, number: str = PERSON) -> Webhook:
        status = "completed" if result == "hangup" else "in-progress"
        more = {"QueueResult": result, "QueueSid": "QU1", "QueueTime": "9"}
        return self.says("queue-left", call, number=number, CallStatus=status, **more)

    def returned(
        self,
        dialled: str = "completed",
        call: str = CALL,
        *,
        status: str = "in-progress",
        number: str = PERSON,
    ) -> Webhook:
        more = {"DialCallStatus": dialled, "DialCallSid": "CA1"}
        return self.says("returned", call, number=number, CallStatus=status, **more)

    def status(self, status: str, call: str = CALL, *, number: str = PERSON, **more: str) -> Webhook:
        told = {"Timestamp": "Sat, 21 Nov 2026 10:00:00 +0000", "SequenceNumber": "0", **more}
        told = {"CallbackSource": "call-progress-events", "CallDuration": "4", **told}
        return self.says("status", call, number=number, CallStatus=status, **told)

    def says(self, path: str, call: str, *, number: str = PERSON, query: str = "", **others: str) -> Webhook:
        fields = {
            "ApiVersion": "2010-04-01",
            "AccountSid": SID,
            "CallSid": call,
            "Direction": "inbound",
            "From": number,
            "Caller": number,
            "To": NUMBER,
            "Called": NUMBER,
            "CallerCountry": "US",
            "FromCity": "",
            **others,
        }
        return self.over(urlencode(fields).encode(), path=path, query=query)

    def over(
        self, body: bytes, *, path: str = "", query: str = "", headers: Mapping[str, str] | None = None
    ) -> Webhook:
        address = self.account.public_url + (f"/{path}" if path else "") + (f"?{query}" if query else "")
        signed = signature(self.account.secret, address, body)
        more = {"x-twilio-signature": signed, **(headers or {})}
        return webhook_of(body, more, path=path, query=query)
