"""What we ask of Twilio about a call that it holds: connect it, end it, look at it. Translation only.

Source: twilio.com/docs, voice/api/call-resource (update, fetch), api/errors/21220. A new document replaces
        the one that a call is in, so an order that is given twice does no harm.
"""

from typing import Final
from urllib.parse import urlencode

from router.channels import twiml
from router.channels.port import Account, HttpReply, HttpRequest
from router.channels.twilio_account import api_of, basic_of, code_of, json_of, sid_of

OVER: Final = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
"""CallStatus of a call that has ended."""

NOT_IN_PROGRESS: Final = 21220
"""Its caller has hung up."""


def connect_request(provider_id: str, uri: str, account: Account) -> HttpRequest:
    """Send the caller to this SIP address of ours. Again: the newest counts."""
    return _order(provider_id, {"Twiml": twiml.dial(uri, account.public_url)}, account)


def hang_up_request(provider_id: str, account: Account) -> HttpRequest:
    """End the call."""
    return _order(provider_id, {"Status": "completed"}, account)


def look_request(provider_id: str, account: Account) -> HttpRequest:
    """Whether it still goes on."""
    return HttpRequest(
        method="GET", url=_url(provider_id, account), headers={"authorization": basic_of(account)}, body=b""
    )


def order_outcome(reply: HttpReply) -> str:
    """done, gone (its caller has hung up), refused (not so), unsure. Never raises."""
    said = json_of(reply.body)
    if 200 <= reply.status < 300:
        status = said.get("status")
        if not isinstance(status, str):
            return "unsure"
        return "gone" if status in OVER else "done"
    if code_of(said.get("code")) == NOT_IN_PROGRESS:
        return "gone"
    return "refused" if 400 <= reply.status < 500 else "unsure"


def _order(provider_id: str, form: dict[str, str], account: Account) -> HttpRequest:
    headers = {
        "authorization": basic_of(account),
        "content-type": "application/x-www-form-urlencoded",
        "accept": "application/json",
    }
    url, body = _url(provider_id, account), urlencode(form).encode("ascii")
    return HttpRequest(method="POST", url=url, headers=headers, body=body)


def _url(provider_id: str, account: Account) -> str:
    # Whatever a caller's network wrote: it must not lead to another resource.
    name = "".join(sign for sign in provider_id if sign.isascii() and sign.isalnum())
    return f"{api_of(account)}/2010-04-01/Accounts/{sid_of(account)}/Calls/{name}.json"
