"""What a provider is asked when traffic moves: an action of the plan as requests or as a program. Pure.

Source: twilio.com/docs, phone-numbers/api/incomingphonenumber-resource (VoiceUrl, SmsUrl and their fallbacks)
        and messaging/api/service-resource (InboundRequestUrl): a number that belongs to a messaging service
        takes its address from there.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from config.plan import ActionPlan, Pair
from router.channels.accounts import HOOKS
from router.channels.port import Account, HttpReply, HttpRequest
from router.channels.twilio_account import api_of, basic_of, code_of, json_of, sid_of

SIGNATURE: Final = "x-muster-signature"
"""Value `t=<seconds>,v1=<hex>`: HMAC-SHA256 of `<seconds>.<body>` with the action's secret."""

DONE, LATER = "done", "later"

MESSAGING: Final = "https://messaging.twilio.com"

_FILLED: Final = re.compile(r"\{(site|to|url|number)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Whose traffic goes where: what stands for {site}, {to} and {url}, and where the other site is."""

    site: str
    to: str
    url: str
    fallback_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one try. detail is for people: a status, a code, never a secret or a customer's word."""

    outcome: str
    detail: str


def move_of(pair: Pair, *, domain: str, owner: str, urls: Mapping[str, str]) -> Move:
    """The traffic of this domain goes to this site; urls are addresses in the place of the plan's."""
    there = {site.site_id: urls.get(site.site_id, site.url).rstrip("/") for site in pair.sites}
    return Move(site=domain, to=owner, url=there[owner], fallback_url=there[pair.other(owner).site_id])


def filled(text: str, move: Move, *, number: str = "") -> str:
    """The text with what stands in braces filled in; other braces (a JSON body has them) stay."""
    values = {"site": move.site, "to": move.to, "url": move.url, "number": number}
    return _FILLED.sub(lambda found: values[found[1]], text)


def http_request(action: ActionPlan, move: Move, *, secret: bytes, now_s: int) -> HttpRequest:
    """An action of kind http, signed as the plan says. Again does no harm: it sets an address."""
    body = filled(action.body, move).encode()
    headers = {name.lower(): filled(str(value), move) for name, value in action.headers}
    if body:
        headers.setdefault("content-type", "application/json")
    if action.sign == "hmac":
        headers[SIGNATURE] = signature(secret, body, now_s)
    elif action.sign == "bearer":
        headers["authorization"] = "Bearer " + secret.decode("utf-8", "replace")
    elif action.sign == "basic":
        headers["authorization"] = "Basic " + base64.b64encode(secret).decode()
    return HttpRequest(method=action.method, url=filled(action.url, move), headers=headers, body=body)


def signature(secret: bytes, body: bytes, now_s: int) -> str:
    """What SIGNATURE says of a body at this time."""
    signed = hmac.new(secret, b"%d." % now_s + body, hashlib.sha256).hexdigest()
    return f"t={now_s},v1={signed}"


def argv(action: ActionPlan, move: Move) -> tuple[str, ...]:
    """An action of kind command: no shell reads it, so nothing in it can mean something else."""
    return tuple(filled(each, move) for each in action.command)


def http_outcome(reply: HttpReply) -> Outcome:
    """Anything but a success is tried again: a provider in trouble answers all sorts of things."""
    said = f"status {reply.status}"
    return Outcome(outcome=DONE if 200 <= reply.status < 300 else LATER, detail=said)


def number_request(account: Account) -> HttpRequest:
    """Which of the account's numbers is ours: Twilio changes a number by its own id."""
    query = urlencode({"PhoneNumber": account.address, "PageSize": 20})
    url = f"{api_of(account)}/2010-04-01/Accounts/{sid_of(account)}/IncomingPhoneNumbers.json?{query}"
    return _asked("GET", url, account)


def number_sid(reply: HttpReply, account: Account) -> str:
    """Twilio's id of the number; empty where it is not there."""
    found = json_of(reply.body).get("incoming_phone_numbers")
    for each in found if isinstance(found, list) else ():
        if isinstance(each, dict) and each.get("phone_number") == account.address:
            return _plain(str(each.get("sid", "")))
    return ""


def webhook_request(account: Account, move: Move, *, sid: str, url: str = "") -> HttpRequest:
    """Set the webhook of a number; `url` stands in for the address of the site that serves."""
    hook, fallback = hook_of(account, url or move.url), hook_of(account, move.fallback_url)
    if account.provider == "twilio-voice":
        form = {
            "VoiceUrl": hook,
            "VoiceMethod": "POST",
            "VoiceFallbackUrl": fallback,
            "VoiceFallbackMethod": "POST",
            "StatusCallback": f"{hook}/status",
            "StatusCallbackMethod": "POST",
        }
    else:
        form = {
            "SmsUrl": hook,
            "SmsMethod": "POST",
            "SmsFallbackUrl": fallback,
            "SmsFallbackMethod": "POST",
        }
    path = f"/2010-04-01/Accounts/{sid_of(account)}/IncomingPhoneNumbers/{_plain(sid)}.json"
    return _asked("POST", api_of(account) + path, account, form)


def service_request(account: Account, move: Move, *, url: str = "") -> HttpRequest:
    """The same of a messaging service, which decides for all of its numbers."""
    service = _plain(str(account.options.get("messaging_service_sid", "")))
    form = {
        "InboundRequestUrl": hook_of(account, url or move.url),
        "InboundMethod": "POST",
        "FallbackUrl": hook_of(account, move.fallback_url),
        "FallbackMethod": "POST",
    }
    api = (account.endpoint or MESSAGING).rstrip("/")
    return _asked("POST", f"{api}/v1/Services/{service}", account, form)


def webhook_outcome(reply: HttpReply, wanted: HttpRequest, field: str) -> Outcome:
    """Done only where Twilio says that it now has this address: 200 alone was not always that."""
    said = json_of(reply.body)
    code = code_of(said.get("code"))
    detail = f"status {reply.status}" + (f", Twilio {code}" if code else "")
    if not 200 <= reply.status < 300:
        return Outcome(outcome=LATER, detail=detail)
    now = said.get(field)
    if not isinstance(now, str) or urlencode({"": now})[1:].encode() not in wanted.body:
        return Outcome(outcome=LATER, detail=f"{detail}, but it names another address")
    return Outcome(outcome=DONE, detail=f"{field} is {now}")


def answer_field(account: Account) -> str:
    """In which field of Twilio's answer the address stands that we set."""
    if account.provider == "twilio-voice":
        return "voice_url"
    return "inbound_request_url" if account.options.get("messaging_service_sid") else "sms_url"


def hook_of(account: Account, site_url: str) -> str:
    """The account's webhook at the site with this address; a whole address of a hook stays as it is."""
    if f"{HOOKS}/" in site_url:
        return site_url
    return f"{site_url.rstrip('/')}{HOOKS}/{account.account_id}"


def _asked(method: str, url: str, account: Account, form: Mapping[str, str] | None = None) -> HttpRequest:
    headers = {"authorization": basic_of(account), "accept": "application/json"}
    if form is not None:
        headers["content-type"] = "application/x-www-form-urlencoded"
    return HttpRequest(method=method, url=url, headers=headers, body=urlencode(form or {}).encode())


def _plain(sid: str) -> str:
    """Letters and digits: an id must not lead to another resource."""
    return "".join(sign for sign in sid if sign.isascii() and sign.isalnum())
