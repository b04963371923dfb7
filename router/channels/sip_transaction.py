"""SIP transactions (RFC 3261 section 17, with RFC 6026 and RFC 3581): repeats, time-outs, who answers whom.

Bytes come in through `Transactions`, bytes leave through the function that it was given, time through its
timers. What a request means is above this.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from router.channels.sip_header import SIP_PORT, Via, via_of
from router.channels.sip_message import SipMessage, response_to, written
from router.channels.sip_timers import GIVE_UP_MS, T2_MS, T4_MS, Repeater, Timers

COOKIE: Final = "z9hG4bK"
TRANSACTIONS_MAX: Final = 20_000
"""More at once, and new requests are dropped: their senders repeat them, and by then there may be room."""

Respond = Callable[[SipMessage], None]


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a message came from or goes to. connection: the TCP connection that it came by; 0: none."""

    transport: str
    host: str
    port: int
    connection: int = 0

    @property
    def reliable(self) -> bool:
        """Whether the network repeats what is lost."""
        return self.transport != "udp"


Send = Callable[[bytes, Flow], None]


def answer_flow(request: SipMessage, came: Flow) -> Flow:
    """Where the responses to a request go (section 18.2.2, RFC 3581 section 4)."""
    via = via_of(next(iter(request.every("via")), ""))
    if via is None or ("rport" in via.parameters and not came.reliable):
        return came
    return replace(came, port=via.port or SIP_PORT)


def with_received(request: SipMessage, came: Flow) -> SipMessage:
    """The request with `received` and `rport` in its topmost Via: where it really came from."""
    for index, (name, value) in enumerate(request.headers):
        if name != "via":
            continue
        first, comma, rest = _first_listed(value)
        via = via_of(first)
        if via is None:
            return request
        said = _noted(first, via, came)
        return replace(
            request,
            headers=(
                *request.headers[:index],
                ("via", f"{said}{comma}{rest}"),
                *request.headers[index + 1 :],
            ),
        )
    return request


class ServerTransaction:
    """One request of theirs and what we answered."""

    def __init__(self, table: "Transactions", key: tuple[str, ...], request: SipMessage, came: Flow) -> None:
        self.request, self.came = request, came
        self.flow = answer_flow(request, came)
        self._table, self._key = table, key
        self._last = b""
        self._repeater: Repeater | None = None
        self.final = 0
        """The status of the final response; 0: none yet."""

        self.on_cancel: Callable[[], None] = _nothing
        self.tag = ""
        """Of To in our responses, where the request has none."""

    def respond(self, response: SipMessage) -> None:
        """Answer. After a final response nothing more is sent."""
        if self.final:
            return
        self._last = written(response)
        self._table.send(self._last, self.flow)
        if response.status < 200:
            return
        self.final = response.status
        if self.request.method == "INVITE" and self.final >= 300:
            self._repeater = Repeater(
                self._table.timers, self.repeat, give_up=self.forget, repeats=not self.flow.reliable
            )
        else:
            wait_ms = 0 if self.flow.reliable and self.request.method != "INVITE" else GIVE_UP_MS
            self._table.timers.after(wait_ms, self.forget)

    def reply(self, status: int, *, reason: str = "", headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Answer with nothing but a status, from nobody's dialog."""
        tag = (self.tag or self._table.token()) if status > 100 else ""
        self.respond(response_to(self.request, status, reason=reason, headers=headers, tag=tag))

    def repeat(self) -> None:
        """They asked again: the same answer again. A 2xx is repeated by its call, which waits for the ACK."""
        if self._last and not (self.request.method == "INVITE" and 200 <= self.final < 300):
            self._table.send(self._last, self.flow)

    def acknowledged(self) -> None:
        """The ACK to a refusal came (timer I)."""
        if self._repeater is not None:
            self._repeater.stop()
            self._repeater = None
            self._table.timers.after(0 if self.flow.reliable else T4_MS, self.forget)

    def forget(self) -> None:
        """What comes under this branch from now on is new."""
        self._table.drop_server(self._key)


class ClientTransaction:
    """One request of ours: repeated until answered. on_response gets provisional and final responses.

    A time-out is a response 408, a network that refuses it a 503, neither of them sent by anybody.
    """

    def __init__(self, table: "Transactions", request: SipMessage, flow: Flow, on_response: Respond) -> None:
        self.request, self.flow = request, flow
        self._table, self._on_response = table, on_response
        self._bytes = written(request)
        self._ended = False
        self.final = 0
        """The status of the final response; 0: none yet."""

        self._acknowledgement = b""
        invite = request.method == "INVITE"
        self._repeater = Repeater(
            table.timers,
            lambda: table.send(self._bytes, flow),
            give_up=lambda: self.fail(408),
            most_ms=0 if invite else T2_MS,
            repeats=not flow.reliable,
        )

    @property
    def branch(self) -> str:
        """By which its responses are known."""
        return branch_of(self.request)

    def send(self) -> None:
        """Send it for the first time; the rest happens by itself."""
        self._table.send(self._bytes, self.flow)

    def receive(self, response: SipMessage) -> None:
        """A response to it came."""
        if self._ended:
            return
        invite = self.request.method == "INVITE"
        if response.status < 200:
            if not self.final:
                self._proceed(invite=invite)
                self._on_response(response)
        elif not invite:
            if not self.final:
                self._finish(response, 0 if self.flow.reliable else T4_MS)
        elif response.status >= 300:
            if not self.final:
                self._acknowledgement = written(self._ack(response))
            self._table.send(self._acknowledgement, self.flow)
            if not self.final:
                self._finish(response, 0 if self.flow.reliable else GIVE_UP_MS)
        elif not self.final:
            self._finish(response, GIVE_UP_MS)
        elif self.final < 300:
            self._on_response(response)  # A repeat, or the answer of another branch (RFC 6026).

    def fail(self, status: int) -> None:
        """It will not be answered any more."""
        if self._ended or self.final:
            return
        self._finish(response_to(self.request, status, reason="No answer"), 0)

    def give_up(self) -> None:
        """Nobody wants to know any more; no response is passed on from here."""
        self._on_response = _unheard
        self.fail(408)

    def _proceed(self, *, invite: bool) -> None:
        if invite:
            self._repeater.stop()  # Timers A and B: from here on their user decides.
        else:
            self._repeater.slow_down()

    def _finish(self, response: SipMessage, linger_ms: int) -> None:
        self.final = response.status
        self._repeater.stop()
        self._table.timers.after(linger_ms, self._end)
        self._on_response(response)

    def _end(self) -> None:
        self._ended = True
        self._table.drop_client(self)

    def _ack(self, response: SipMessage) -> SipMessage:
        """The ACK to a refusal: part of the transaction (section 17.1.1.3)."""
        kept = [("via", self.request.first("via"))]
        kept += [(name, value) for name, value in self.request.headers if name == "route"]
        kept += [("from", self.request.first("from")), ("to", response.first("to"))]
        kept += [("call-id", self.request.call_id), ("cseq", f"{self.request.cseq[0]} ACK")]
        return SipMessage(method="ACK", uri=self.request.uri, headers=(*kept, ("max-forwards", "70")))


class Transactions:
    """All transactions of one user agent, both ways, in tables that have an end."""

    def __init__(
        self,
        timers: Timers,
        send: Send,
        *,
        token: Callable[[], str],
        sent_by: Callable[[str], str],
        most: int = TRANSACTIONS_MAX,
    ) -> None:
        """sent_by gives host:port of a transport, for Via."""
        self.timers, self.send, self.token, self._sent_by = timers, send, token, sent_by
        self._servers: dict[tuple[str, ...], ServerTransaction] = {}
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._most = most
        self.counts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._servers) + len(self._clients)

    @property
    def unanswered(self) -> int:
        """Requests of ours that wait for a final response."""
        return sum(not client.final for client in self._clients.values())

    def received(self, request: SipMessage, came: Flow) -> ServerTransaction | None:
        """The transaction that this request begins; None where it belongs to one that we know (or no room).

        An ACK begins none: that of a refusal ends here, that of a 2xx is its call's.
        """
        key = server_key(request)
        known = self._servers.get(key)
        if request.method == "ACK":
            if known is not None:
                known.acknowledged()
            return None
        if known is not None:
            known.repeat()
            return None
        if len(self._servers) >= self._most:
            self.counts["no_room"] += 1
            return None
        transaction = ServerTransaction(self, key, with_received(request, came), came)
        self._servers[key] = transaction
        if request.method == "INVITE":
            transaction.reply(100)  # At once: whoever has it stops repeating.
        return transaction

    def is_acknowledgement(self, request: SipMessage) -> bool:
        """Whether an ACK belongs to a refusal, and so ends here."""
        known = self._servers.get(server_key(request))
        return known is not None and known.final >= 300

    def cancelled_by(self, cancel: SipMessage) -> ServerTransaction | None:
        """The INVITE that a CANCEL means."""
        return self._servers.get(server_key(replace(cancel, method="INVITE")))

    def answered(self, response: SipMessage) -> bool:
        """Give a response to the request it belongs to; False where there is none."""
        client = self._clients.get((branch_of(response), response.cseq[1]))
        if client is None:
            return False
        client.receive(response)
        return True

    def begin(self, request: SipMessage, flow: Flow, on_response: Respond) -> ClientTransaction:
        """Send a request of ours and see to its answer. Its Via is added here."""
        return self._start(self.with_via(request, flow), flow, on_response)

    def cancel(self, invite: ClientTransaction, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """CANCEL an INVITE of ours (section 9.1); what comes of it is the INVITE's response."""
        kept = [(n, v) for n, v in invite.request.headers if n in ("via", "route", "from", "to", "call-id")]
        number = ("cseq", f"{invite.request.cseq[0]} CANCEL")
        request = SipMessage(
            method="CANCEL",
            uri=invite.request.uri,
            headers=(*kept, number, ("max-forwards", "70"), *headers),
        )
        self._start(request, invite.flow, _unheard)

    def with_via(self, request: SipMessage, flow: Flow) -> SipMessage:
        """The request as it leaves by this transport, with a branch of its own."""
        branch = COOKIE + self.token()
        via = f"SIP/2.0/{flow.transport.upper()} {self._sent_by(flow.transport)};branch={branch};rport"
        return replace(request, headers=(("via", via), *request.headers))

    def undelivered(self, flow: Flow) -> None:
        """The network says that nothing gets there: who waits for an answer from it need not wait."""
        for client in [each for each in self._clients.values() if each.flow == flow]:
            client.fail(503)

    def drop_server(self, key: tuple[str, ...]) -> None:
        """Forget one of theirs."""
        self._servers.pop(key, None)

    def drop_client(self, client: ClientTransaction) -> None:
        """Forget one of ours."""
        self._clients.pop((client.branch, client.request.method), None)

    def _start(self, request: SipMessage, flow: Flow, on_response: Respond) -> ClientTransaction:
        client = ClientTransaction(self, request, flow, on_response)
        self._clients[client.branch, request.method] = client
        client.send()
        return client


def branch_of(message: SipMessage) -> str:
    """The branch of the topmost Via."""
    via = via_of(next(iter(message.every("via")), ""))
    return via.parameters.get("branch", "") if via is not None else ""


def server_key(request: SipMessage) -> tuple[str, ...]:
    """What the repeats of a request, its CANCEL and its ACK have in common (section 17.2.3)."""
    method = "INVITE" if request.method == "ACK" else request.method
    via = via_of(next(iter(request.every("via")), ""))
    branch = via.parameters.get("branch", "") if via is not None else ""
    if via is not None and branch.startswith(COOKIE) and len(branch) > len(COOKIE):
        return method, branch, via.host.lower(), str(via.port)
    # Somebody older than RFC 3261: everything that is the same in all of them.
    to_tag = "" if method == "INVITE" else request.to_tag
    place = f"{via.host}:{via.port};{branch}" if via is not None else ""
    return method, request.uri, to_tag, request.from_tag, request.call_id, str(request.cseq[0]), place


def _noted(value: str, via: Via, came: Flow) -> str:
    said = value
    if "rport" in via.parameters and not via.parameters["rport"]:
        said = _replace_rport(said, came.port)
    if "rport" in via.parameters or via.host.lower() != came.host.lower():
        said = f"{said};received={came.host}" if "received" not in via.parameters else said
    return said


def _replace_rport(value: str, port: int) -> str:
    parts = value.split(";")
    return ";".join(
        f"rport={port}" if each.strip().lower() in ("rport", "rport=") else each for each in parts
    )


def _first_listed(value: str) -> tuple[str, str, str]:
    """The first of several Vias in one line; a comma in quotes does not occur in what we need of it."""
    first, comma, rest = value.partition(",")
    return first, comma, rest


def _nothing() -> None:
    """A request that cannot be cancelled any more."""


def _unheard(response: SipMessage) -> None:
    """Nobody waits for this one."""
