"""Plays the provider of text messages towards a centre: hands over what demo people text, signed.

What a webhook looks like, and how it is signed, is written from the provider's documentation
(X-Twilio-Signature: base64 of HMAC-SHA1 under the account's token, over the address and the sorted fields).
The other direction, what the centre sends, is the double's.
"""

import asyncio
import base64
import hashlib
import hmac
import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final
from urllib.parse import urlencode, urlsplit

PATIENCE_S: Final = 15
"""So long the provider waits for an answer to a webhook."""

AGAIN_S: Final = 2.0
"""Until a text that was not taken is handed over again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextingAccount:
    """The centre's account as its provider knows it. hook is the address that webhooks are signed for."""

    number: str
    account_sid: str
    token: bytes
    hook: str


@dataclass(slots=True, kw_only=True)
class TextPost:
    """One person's telephone, for texting."""

    account: TextingAccount
    number: str
    random: Random

    async def say(self, text: str) -> None:
        """Hand over one text, again and again with the same id until the centre has taken it."""
        fields = self._fields(text)
        while True:
            if await asyncio.to_thread(_posted, self.account, fields) == 200:
                return
            await asyncio.sleep(AGAIN_S)

    def _fields(self, text: str) -> dict[str, str]:
        message_sid = f"SM{self.random.getrandbits(128):032x}"
        return {
            "ToCountry": "US",
            "SmsMessageSid": message_sid,
            "NumMedia": "0",
            "SmsSid": message_sid,
            "SmsStatus": "received",
            "Body": text,
            "To": self.account.number,
            "NumSegments": str(1 + len(text) // 153),
            "MessageSid": message_sid,
            "AccountSid": self.account.account_sid,
            "From": self.number,
            "ApiVersion": "2010-04-01",
        }


def signature(token: bytes, url: str, fields: Mapping[str, str]) -> str:
    """What the provider puts into X-Twilio-Signature."""
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(token, signed.encode(), hashlib.sha1).digest()).decode()


def _posted(account: TextingAccount, fields: Mapping[str, str]) -> int:
    """The status of the answer; 0 when there was none."""
    parts = urlsplit(account.hook)
    secure = parts.scheme == "https"
    connection: http.client.HTTPConnection = (
        http.client.HTTPSConnection(parts.netloc, timeout=PATIENCE_S, context=ssl.create_default_context())
        if secure
        else http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_S)
    )
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "X-Twilio-Signature": signature(account.token, account.hook, fields),
        "User-Agent": "TwilioProxy/1.1",
    }
    try:
        connection.request("POST", parts.path, body=urlencode(fields).encode(), headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
