"""Requests of ours inside a SIP dialog: sent, answered, asked again with a password, acknowledged. No I/O."""

from collections.abc import Callable
from typing import Final, Protocol

from router.channels.sip_auth import Credentials, answer_to, is_stale
from router.channels.sip_dialog import Dialog
from router.channels.sip_message import SipMessage, written
from router.channels.sip_timers import Timers
from router.channels.sip_transaction import Flow, Transactions

PASSWORD_TRIES: Final = 2
"""A second challenge to the same password means that it is wrong, unless only its nonce was too old."""

Done = Callable[[SipMessage], None]
Headers = tuple[tuple[str, str], ...]


class Ways(Protocol):
    """What asking needs of the user agent."""

    timers: Timers
    transactions: Transactions

    def token(self) -> str:
        """Something nobody can guess."""
        ...

    def way_to(self, uri: str, came: Flow) -> Flow:
        """How something gets there; back by the way it came where the address does not say."""
        ...


class Asking:
    """One dialog's requests of ours."""

    def __init__(self, ways: Ways, dialog: Dialog, credentials: Credentials | None) -> None:
        self._ways, self._dialog, self._credentials = ways, dialog, credentials
        self._acknowledgements: dict[tuple[int, str], tuple[bytes, Flow]] = {}

    def ask(
        self,
        method: str,
        done: Done,
        *,
        headers: Headers = (),
        body: bytes = b"",
        proof: Headers = (),
        tries: int = 0,
    ) -> None:
        """Ask something; done gets the final response, once. Passwords and ACKs are seen to here."""
        request = self._dialog.request(method, (*headers, *proof), body)
        finished = False

        def answered(response: SipMessage) -> None:
            nonlocal finished
            if method == "INVITE" and 200 <= response.status < 300:
                self.acknowledge(request.cseq[0], response, proof)
            if response.status < 200 or finished:
                return
            finished = True
            known = proof_for(response, request, self._credentials, tries=tries, cnonce=self._ways.token())
            if known:
                self.ask(method, done, headers=headers, body=body, proof=known, tries=tries + 1)
            else:
                done(response)

        self._ways.transactions.begin(request, self._way(), answered)

    def acknowledge(self, number: int, response: SipMessage, proof: Headers = ()) -> None:
        """ACK a 2xx: the same bytes for each of its repeats (section 13.2.2.4)."""
        key = number, response.to_tag
        if key not in self._acknowledgements:
            self._dialog.retarget(response)
            flow = self._way()
            ack = self._dialog.request("ACK", proof, number=number)
            data = written(self._ways.transactions.with_via(ack, flow))
            self._acknowledgements = {key: (data, flow)}
        self._ways.transactions.send(*self._acknowledgements[key])

    def _way(self) -> Flow:
        return self._ways.way_to(self._dialog.next_hop, self._dialog.flow)


def proof_for(
    response: SipMessage,
    request: SipMessage,
    credentials: Credentials | None,
    *,
    tries: int,
    cnonce: str,
) -> Headers:
    """The headers with which to ask again; none: there is no sense in it."""
    if credentials is None or response.status not in (401, 407) or tries > PASSWORD_TRIES:
        return ()
    if tries and not is_stale(response):
        return ()
    return answer_to(response, request, credentials, cnonce=cnonce)


def nobody_waits(response: SipMessage) -> None:
    """For what changes nothing, whatever becomes of it."""
