"""What we ask of Twilio about calls that it holds: which, connect one, end one, look at it. Translation only.

Source: twilio.com/docs, voice/api/call-resource (update, fetch), api/errors/21220. A new document replaces
        the one that a call is in, so an order that is given twice does no harm.
"""

from typing import Final
from urllib.parse import urlencode

from router.channels import twiml
from router.channels.port import Account, HttpReply, HttpRequest, LiveCalls
from router.channels.twilio_account import api_of, basic_of, code_of, json_of, sid_of

OVER: Final = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
"""CallStatus of a call that has ended."""

LIVE: Final = ("in-progress", "ringing", "queued")
"""CallStatus of a call that goes on."""

LIVE_PAGE: Final = 200
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


def redirect_request(provider_id: str, account: Account) -> HttpRequest:
    """Let it ask our webhook what to do, as if it had just arrived: whoever held it before has gone."""
    return _order(provider_id, {"Url": account.public_url, "Method": "POST"}, account)


def live_request(account: Account, status: str, page: str = "") -> HttpRequest:
    """Which calls to our number are in this state. page: the rest of the list, as live_in named it."""
    query = urlencode({"To": account.address, "Status": status, "PageSize": LIVE_PAGE})
    url = f"{api_of(account)}{page}" if page else f"{api_of(account)}{_list(account)}?{query}"
    return HttpRequest(method="GET", url=url, headers={"authorization": basic_of(account)}, body=b"")


def live_in(reply: HttpReply, account: Account) -> LiveCalls | None:
    """The calls of one page; None where it is no answer to that. What we have dialled is not among them."""
    said = json_of(reply.body)
    calls, following = said.get("calls"), said.get("next_page_uri")
    if not 200 <= reply.status < 300 or not isinstance(calls, list):
        return None
    ids = (each.get("sid") for each in calls if isinstance(each, dict) and each.get("direction") == "inbound")
    page = following if isinstance(following, str) and following.startswith(f"{_list(account)}?") else ""
    return LiveCalls(provider_ids=tuple(each for each in ids if isinstance(each, str)), page=page)


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


def _list(account: Account) -> str:
    return f"/2010-04-01/Accounts/{sid_of(account)}/Calls.json"


def _url(provider_id: str, account: Account) -> str:
    # Whatever a caller's network wrote: it must not lead to another resource.
    name = "".join(sign for sign in provider_id if sign.isascii() and sign.isalnum())
    return f"{api_of(account)}/2010-04-01/Accounts/{sid_of(account)}/Calls/{name}.json"
