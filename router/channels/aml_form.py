"""Advanced Mobile Location over HTTPS: a telephone's report of where it is, in an emergency call. No words.

Source: Android's emergency location service, HTTPS form: every field is optional, and the answer is 2xx also
        where the report is discarded. `&hmac=` at the end is the HMAC-SHA1 of what stands before it, in
        hexadecimal digits. Without it nobody vouches for the report: only a plan's option takes it then.
"""

import hashlib
import hmac
from typing import Final

from router.channels import webhook_json
from router.channels.port import (
    Account,
    Capabilities,
    Contact,
    HttpRequest,
    NotAuthentic,
    Received,
    Shown,
    Webhook,
)
from router.channels.text import shown as text_of
from router.places.aml import read_form
from router.places.written import decimal

can = Capabilities(
    channel="partner",
    joins_by="address",
    connections=False,
    attachments=False,
    receipts=False,
    answers_need_endpoint=True,
)
media_type = "application/x-www-form-urlencoded; of=aml"
media_from: tuple[str, ...] = ()

_SIGNED: Final = b"&hmac="
_DISCARDED: Final = 200

request_of = webhook_json.request_of
outcome_of = webhook_json.outcome_of
"""A telephone takes no answer. Where the plan names an endpoint, one goes there as to any partner."""


def receive(webhook: Webhook, account: Account) -> Received:
    """One report. Raises NotAuthentic, with an answer that does not make the telephone try again."""
    if webhook.method != "POST":
        raise NotAuthentic("send a POST")
    _authenticate(webhook.body, account)
    number = read_form(webhook.body).number
    report = Contact(
        channel=account.channel,
        account=account.account_id,
        provider_id=hashlib.sha256(webhook.body).hexdigest(),
        verified=is_signed(webhook.body),
        address_kind="phone",
        address=number,
        linked=bool(number) and number not in account.unlinked,
        media_type=media_type,
        body=webhook.body,
        received_at_ms=webhook.received_at_ms,
    )
    return Received(sightings=(report,))


def is_signed(body: bytes) -> bool:
    """Whether somebody vouches for a report that was taken: with a wrong signature none is."""
    return _SIGNED in body


def shown(body: bytes) -> Shown:
    """The report as a few lines. Never raises."""
    aml = read_form(body)
    place = aml.place
    where = "found no place" if place is None else decimal(place.lat_e7, place.lon_e7)
    exact = f" (within {place.radius_m} m)" if place is not None and place.radius_m else ""
    lines = [f"{aml.number or 'A telephone'}: {where}{exact}"]
    lines += [f"dialled {aml.dialled}"] if aml.dialled else []
    lines += [f"languages {aml.languages}"] if aml.languages else []
    return Shown(
        text=text_of("\n".join(lines).encode()),
        notice="A telephone's own report during an emergency call that has not arrived here (AML).",
        things=1,
        places=() if place is None else (place,),
    )


def media_request(address: str, account: Account) -> HttpRequest | None:
    """None: a report points to nothing."""
    return None


def _authenticate(body: bytes, account: Account) -> None:
    """Raises NotAuthentic."""
    signed, mark, given = body.rpartition(_SIGNED)
    if not mark:
        if account.options.get("unsigned") is True:
            return
        raise NotAuthentic("there is no hmac", status=_DISCARDED)
    right = hmac.new(account.secret, signed, "sha1").hexdigest().encode()
    if not hmac.compare_digest(right, given):
        raise NotAuthentic("the hmac is of another body or secret", status=_DISCARDED)
