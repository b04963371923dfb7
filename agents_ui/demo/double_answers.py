"""What the provider of text messages answers to the centre's requests, as its documentation has it. Pure.

Source: twilio.com/docs, messaging/api/message-resource, usage/api (authentication, errors), api/errors.
"""

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final

BODY_MAX: Final = 1_600
OPTED_OUT: Final = 21610
BUSY: Final = 20429

ERRORS: Final = {
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "Internal Server Error"),
    20503: (503, "Service Unavailable"),
    21211: (400, "Invalid 'To' Phone Number"),
    21408: (
        400,
        "Permission to send an SMS has not been enabled for the region indicated by the 'To' number",
    ),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number provided is not a valid, message-capable number of this account"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
}
"""By the provider's own number: the status of the answer, and what it says."""

_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubleAccount:
    """The one account that this provider has: its id, its secret and its number."""

    account_sid: str
    token: str
    number: str


def problem_of(
    account: DoubleAccount, *, sid: str, authorization: str, fields: Mapping[str, str]
) -> int | None:
    """The number of what is wrong with a request to send, or None."""
    right = base64.b64encode(f"{account.account_sid}:{account.token}".encode())
    given = authorization.removeprefix("Basic ").encode("utf-8", "replace")
    if not hmac.compare_digest(right, given):
        return 20003
    if sid != account.account_sid:
        return 20404
    if not fields.get("To"):
        return 21604
    if _NUMBER.fullmatch(fields["To"]) is None:
        return 21211
    if not fields.get("Body"):
        return 21602
    if len(fields["Body"]) > BODY_MAX:
        return 21617
    if not fields.get("From") and not fields.get("MessagingServiceSid"):
        return 21603
    if fields.get("From", account.number) != account.number:
        return 21606
    return None


def refusal(code: int) -> tuple[int, dict[str, object]]:
    """Status and body of an answer that refuses."""
    status, message = ERRORS.get(code, (400, "Bad Request"))
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    return status, {"code": code, "message": message, "more_info": more_info, "status": status}


def resource(account: DoubleAccount, *, sid: str, fields: Mapping[str, str]) -> dict[str, object]:
    """The Message resource of one that was taken."""
    uri = f"/2010-04-01/Accounts/{account.account_sid}/Messages/{sid}"
    now = formatdate(usegmt=False)
    service = fields.get("MessagingServiceSid")
    return {
        "account_sid": account.account_sid,
        "api_version": "2010-04-01",
        "body": fields["Body"],
        "date_created": now,
        "date_sent": None,
        "date_updated": now,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": None if service else fields["From"],
        "messaging_service_sid": service,
        "num_media": "0",
        "num_segments": "0" if service else str(_segments(fields["Body"])),
        "price": None,
        "price_unit": None,
        "sid": sid,
        "status": "accepted" if service else "queued",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": fields["To"],
        "uri": f"{uri}.json",
    }


def told(
    account: DoubleAccount, *, sid: str, to: str, status: str, error_code: int | None = None
) -> dict[str, str]:
    """The fields of a status callback."""
    fields = {
        "SmsSid": sid,
        "SmsStatus": status,
        "MessageStatus": status,
        "To": to,
        "MessageSid": sid,
        "AccountSid": account.account_sid,
        "From": account.number,
        "ApiVersion": "2010-04-01",
    }
    return fields if error_code is None else {**fields, "ErrorCode": str(error_code)}


def _segments(text: str) -> int:
    """As UCS-2 where a sign needs it (70 each, 67 of several), else as 7-bit text (160, 153)."""
    alone, together = (160, 153) if text.isascii() else (70, 67)
    length = len(text.encode("utf-16-le")) // 2
    return 1 if length <= alone else -(-length // together)
