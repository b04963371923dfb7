"""The SIP user agent: who may call, which call a message belongs to, what is answered without one. No I/O.

Bytes and where they came from go in by `receive`, bytes leave by the function it was given, time is that of
its timers. Who is not one of our trunks gets no answer at all: a scanner learns nothing, and is counted.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

from router.channels.sdp import SDP_TYPE
from router.channels.sip_asking import proof_for
from router.channels.sip_auth import Credentials
from router.channels.sip_call import SipCall
from router.channels.sip_caller import Caller, caller_of, clean
from router.channels.sip_dialog import MAX_FORWARDS
from router.channels.sip_header import SIP_PORT, number_of, uri_of
from router.channels.sip_incoming import Incoming
from router.channels.sip_message import NotSip, SipMessage, read_message, what_lacks
from router.channels.sip_outgoing import Dialled, Outgoing
from router.channels.sip_session import ALLOW, METHODS, OPTION_TAGS, SUPPORTED, Session
from router.channels.sip_timers import Timers
from router.channels.sip_transaction import Flow, Send, ServerTransaction, Transactions

CALLS_MAX: Final = 5_000
"""More at once are not listened to: a trunk repeats its INVITE, and tries another way when it gives up."""

AGAIN_MS: Final = 5_000
"""Who was told what we cannot do calls again without it, within this time; if not, the call is handed up."""

_log = logging.getLogger("muster.sip")
_NAMED: Final = frozenset(METHODS.lower().split(", "))
_KNOWN: Final = _NAMED | {"register", "subscribe", "publish", "refer"}
_ACCEPT: Final = ("accept", SDP_TYPE)


class UserAgent:
    """One user agent, on one port."""

    def __init__(
        self,
        timers: Timers,
        send: Send,
        *,
        token: Callable[[], str],
        host: str,
        port: int,
        may_call: Callable[[str], str],
        on_call: Callable[[SipCall], None],
        on_options: Callable[[], int] = lambda: 200,
        calls_max: int = CALLS_MAX,
    ) -> None:
        """token draws what nobody can guess; host and port are where others reach us."""
        self.timers = timers
        self.counts: Counter[str] = Counter()
        self._draw, self._mark = token, f"mu{token()[:8]}"
        self._marked = self._mark.encode()
        self._place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._host = host
        self.transactions = Transactions(timers, send, token=self.token, sent_by=lambda _: self._place)
        self._may_call, self._on_call, self._on_options = may_call, on_call, on_options
        self._sessions: dict[tuple[str, str, str], Session] = {}
        self._calls: dict[tuple[str, str], SipCall] = {}
        self._begun: dict[tuple[str, str], int] = {}
        self._again: set[tuple[str, str]] = set()
        self._calls_max = calls_max

    # -- what comes ---------------------------------------------------------------------------------

    def receive(self, data: bytes, came: Flow) -> None:
        """One message. Never raises for anything that somebody sent."""
        account_id = self._may_call(came.host)
        if not account_id and self._marked not in data:
            self.counts["stranger"] += 1
            return
        if not data.strip(b"\r\n\0 "):
            return  # A keep-alive.
        try:
            message = read_message(data)
        except NotSip:
            self.counts["not_sip"] += 1
            return
        if message.is_request:
            self._asked(message, came, account_id, data)
        elif not self.transactions.answered(message):
            self.counts["stray_response"] += 1

    def _asked(self, request: SipMessage, came: Flow, account_id: str, data: bytes) -> None:
        if request.method == "ACK":
            self._acknowledged(request, came)
            return
        lack = what_lacks(request)
        session = self._session_of(request)
        if not account_id and session is None:
            self.counts["stranger"] += 1
            return
        new_call = request.method == "INVITE" and not request.to_tag
        if new_call and self._is_full and not self._is_known(request):
            self.counts["no_room"] += 1
            return
        transaction = self.transactions.received(request, came)
        if transaction is None:
            return
        try:
            if lack or request.version != "SIP/2.0":
                self._unanswerable(transaction, lack, account_id, data)
            elif session is not None and request.method != "CANCEL":
                session.receive(transaction)
            else:
                self._begins(transaction, account_id, data)
        except Exception as mistake:  # noqa: BLE001 - our own; it must cost no other call, and not this one
            _log.error("message not handled method=%s error=%s", request.method, type(mistake).__name__)
            self.counts["mistake"] += 1
            transaction.reply(500)
            if new_call:
                self._lost(request, account_id, data, "our own mistake", caller=Caller())

    def _begins(self, transaction: ServerTransaction, account_id: str, data: bytes) -> None:
        """A request that belongs to no call yet."""
        request = transaction.request
        if request.method == "CANCEL":
            self._cancel(transaction)
        elif request.to_tag:
            transaction.reply(481)
        elif request.method == "INVITE":
            self._invited(transaction, account_id, data)
        else:
            self._outside(transaction)

    @property
    def _is_full(self) -> bool:
        return len(self._calls) >= self._calls_max and self.living >= self._calls_max

    def _lives(self, name: str) -> bool:
        return any(call.call_id == name and not call.ended for call in self._calls.values())

    def _is_known(self, request: SipMessage) -> bool:
        """Whether this INVITE came already, by this way or another."""
        return self._begun.get((request.call_id, request.from_tag)) == request.cseq[0]

    def _acknowledged(self, ack: SipMessage, came: Flow) -> None:
        if self.transactions.is_acknowledgement(ack):
            self.transactions.received(ack, came)
        elif (session := self._session_of(ack)) is not None:
            session.acknowledged(ack)

    def _session_of(self, request: SipMessage) -> Session | None:
        return self._sessions.get((request.call_id, request.to_tag, request.from_tag))

    def _cancel(self, transaction: ServerTransaction) -> None:
        invite = self.transactions.cancelled_by(transaction.request)
        if invite is None:
            transaction.reply(481)
            return
        transaction.tag = invite.tag
        transaction.reply(200)
        invite.on_cancel()

    # -- calls that come ----------------------------------------------------------------------------

    def _invited(self, transaction: ServerTransaction, account_id: str, data: bytes) -> None:
        request = transaction.request
        key = request.call_id, request.from_tag
        if self._is_known(request):
            transaction.reply(482)  # The same call by another way (section 8.2.2.2): the first one goes on.
            return
        # Its trunk has given the first one up, or numbers carelessly: that one waits or talks here still, and
        # is not to be found under the name of another.
        besides = key in self._begun and key not in self._again and self._lives(_name_of(*key))
        self._begun[key] = request.cseq[0]
        self._again.discard(key)
        if (status := self._cannot(request)) != 0:
            self._ask_without(transaction, status, account_id, data)
            return
        call = self._call(request, account_id, data)
        if besides:
            call.call_id = _name_of(*key, str(request.cseq[0]))
        incoming = Incoming(self, transaction, call)
        call.came(incoming)
        self._calls[request.call_id, incoming.session.dialog.local_tag] = call
        self._hand_up(call)

    def _cannot(self, request: SipMessage) -> int:
        """What keeps us from this call unless they ask differently; 0: nothing."""
        if request.tokens("require") - OPTION_TAGS:
            return 420
        return 415 if request.tokens("content-encoding") - {"identity", ""} and request.body else 0

    def _ask_without(self, transaction: ServerTransaction, status: int, account_id: str, data: bytes) -> None:
        request = transaction.request
        unknown = ", ".join(sorted(request.tokens("require") - OPTION_TAGS))
        headers = {420: (("unsupported", unknown),), 415: (("accept-encoding", "identity"), _ACCEPT)}
        transaction.reply(status, headers=headers[status])
        key = request.call_id, request.from_tag
        self._again.add(key)

        def look() -> None:
            if key in self._again:
                self._again.discard(key)
                self._lost(request, account_id, data, f"refused with {status}")
            if self._begun.get(key) == request.cseq[0]:
                del self._begun[key]

        self.timers.after(AGAIN_MS, look)

    def _unanswerable(self, transaction: ServerTransaction, lack: str, account_id: str, data: bytes) -> None:
        request = transaction.request
        transaction.reply(400 if lack else 505, reason=lack)
        self.counts["malformed"] += 1
        if request.method == "INVITE" and not request.to_tag and account_id:
            self._lost(request, account_id, data, lack or f"version {clean(request.version)}")

    def _lost(
        self,
        request: SipMessage,
        account_id: str,
        data: bytes,
        problem: str,
        *,
        caller: Caller | None = None,
    ) -> None:
        """A call that cannot be: somebody must hear of it all the same."""
        call = self._call(request, account_id, data, caller)
        call.problem, call.ended = problem, "refused"
        self._hand_up(call)

    def _call(
        self, request: SipMessage, account_id: str, data: bytes, caller: Caller | None = None
    ) -> SipCall:
        named = (request.call_id, request.from_tag) if request.call_id else (data.hex(),)
        return SipCall(
            call_id=_name_of(*named),
            account_id=account_id,
            raw=data,
            invite=request,
            caller=caller or caller_of(request, trusted=bool(account_id)),
            problem=request.problem,
        )

    def _hand_up(self, call: SipCall) -> None:
        try:
            self._on_call(call)
        except Exception as mistake:  # noqa: BLE001 - our own mistake, above this; the caller still waits
            _log.error("call not taken call_id=%s error=%s", call.call_id, type(mistake).__name__)

    # -- what has nothing to do with a call ---------------------------------------------------------

    def _outside(self, transaction: ServerTransaction) -> None:
        method = transaction.request.method
        if method == "OPTIONS":
            status = self._on_options()
            later = () if status < 300 else (("retry-after", "5"),)
            transaction.reply(status, headers=(ALLOW, _ACCEPT, SUPPORTED, *later))
        elif method in ("BYE", "PRACK", "UPDATE", "INFO", "NOTIFY"):
            transaction.reply(481)
        else:
            transaction.reply(405 if method.lower() in _KNOWN else 501, headers=(ALLOW,))

    # -- what we begin ------------------------------------------------------------------------------

    def dial(self, dialled: Dialled, *, account_id: str = "") -> SipCall:
        """Call somebody; the INVITE is out. Raises ValueError where the address leads nowhere."""
        flow = self._first_hop(dialled.proxy or dialled.to_uri)
        call_id = f"{self.token()}@{self._host}"
        call = SipCall(
            call_id=_name_of(call_id),
            account_id=account_id,
            caller=Caller(
                number=clean(number_of(dialled.from_uri)), to_number=clean(number_of(dialled.to_uri))
            ),
        )
        outgoing = Outgoing(self, call, dialled, call_id=call_id, flow=flow)
        call.goes(outgoing)
        self._calls[call_id, outgoing.tag] = call
        return call

    def probe(
        self,
        uri: str,
        done: Callable[[int], None],
        *,
        proxy: str = "",
        credentials: Credentials | None = None,
    ) -> None:
        """OPTIONS: whether somebody answers there. Done gets the status, 408 when nobody did."""
        flow, call_id, tag = self._first_hop(proxy or uri), self.token(), self.token()
        me = f"<sip:muster@{self._place}>;tag={tag}"

        def ask(number: int, proof: tuple[tuple[str, str], ...]) -> None:
            request = SipMessage(
                method="OPTIONS",
                uri=uri,
                headers=(
                    MAX_FORWARDS, ("from", me), ("to", f"<{uri}>"), ("call-id", call_id),
                    ("cseq", f"{number} OPTIONS"), self.contact(flow), _ACCEPT, *proof,
                ),
            )  # fmt: skip

            def answered(response: SipMessage) -> None:
                if response.status < 200:
                    return
                known = proof_for(response, request, credentials, tries=number - 1, cnonce=self.token())
                if known:
                    ask(number + 1, known)
                else:
                    done(response.status)

            self.transactions.begin(request, flow, answered)

        ask(1, ())

    def close(self) -> None:
        """Say BYE to every call, and to those who wait that they should try elsewhere."""
        for call in list(self._calls.values()):
            call.leave(503)

    @property
    def calls(self) -> int:
        """Calls that live, or ended less than 32 s ago."""
        return len(self._calls)

    @property
    def living(self) -> int:
        """Calls that live."""
        return sum(not call.ended for call in self._calls.values())

    # -- what calls need of it (Board) --------------------------------------------------------------

    def token(self) -> str:
        """Something nobody can guess, by which we know our own again."""
        return self._mark + self._draw()

    def contact(self, flow: Flow) -> tuple[str, str]:
        """The header that says where we are."""
        transport = ";transport=tcp" if flow.reliable else ""
        return "contact", f"<sip:muster@{self._place}{transport}>"

    def way_to(self, uri: str, came: Flow) -> Flow:
        """How something gets there; back by the way it came where the address does not say."""
        found = uri_of(uri)
        if found is None or not found.is_sip:
            return came
        transport = found.parameters.get("transport", "").lower()
        if transport not in ("udp", "tcp"):
            transport = came.transport
        same = transport == came.transport
        return Flow(transport, found.host, found.port or SIP_PORT, came.connection if same else 0)

    def add(self, session: Session) -> None:
        """Requests in its dialog go to it from here on."""
        dialog = session.dialog
        self._sessions[dialog.call_id, dialog.local_tag, dialog.remote_tag] = session

    def drop(self, session: Session) -> None:
        """Its dialog is over."""
        dialog = session.dialog
        self._sessions.pop((dialog.call_id, dialog.local_tag, dialog.remote_tag), None)
        call = self._calls.get((dialog.call_id, dialog.local_tag))
        if call is not None and call.session is session:
            self.forget(dialog.call_id, dialog.local_tag)
            self._begun.pop((dialog.call_id, dialog.remote_tag), None)

    def forget(self, call_id: str, tag: str) -> None:
        """Nothing more will come of this call."""
        self._calls.pop((call_id, tag), None)

    def _first_hop(self, uri: str) -> Flow:
        found = uri_of(uri)
        if found is None or not found.is_sip:
            raise ValueError(f"{clean(uri)!r} is no address that can be reached")
        transport = "tcp" if found.parameters.get("transport", "").lower() == "tcp" else "udp"
        return Flow(transport, found.host, found.port or SIP_PORT)


def _name_of(*parts: str) -> str:
    """What we call a call: the same for its repeats, and harmless in the name of a file.

    A Call-ID alone is not enough: there are switchboards that use one twice.
    """
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]
