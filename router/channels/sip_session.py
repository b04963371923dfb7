"""What happens inside one SIP dialog: hold, hang-up, transfer, keys, refreshes; both ways. No I/O.

How a dialog begins is sip_incoming.py (they call) and sip_outgoing.py (we call). What a call is to the rest
of Muster is sip_call.py, which is the `Owner` here.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from router.channels.sdp import SDP_TYPE
from router.channels.sip_auth import Credentials, answer_to, is_stale
from router.channels.sip_dialog import Dialog
from router.channels.sip_message import SipMessage, body_of, response_to, written
from router.channels.sip_refresh import Refresh
from router.channels.sip_timers import GIVE_UP_MS, T1_MS, Repeater, Timers
from router.channels.sip_transaction import Flow, ServerTransaction, Transactions

METHODS: Final = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, NOTIFY, MESSAGE"
ALLOW: Final = ("allow", METHODS)
SUPPORTED: Final = ("supported", "100rel, timer")
OPTION_TAGS: Final = frozenset({"100rel", "timer"})
SDP_BODY: Final = ("content-type", SDP_TYPE)
PASSWORD_TRIES: Final = 2
"""A second challenge to the same password means that it is wrong, unless only its nonce was too old."""

REFER_WAIT_MS: Final = 60_000
"""Who has accepted a transfer and says nothing for so long has not done it."""

_SIPFRAG: Final = re.compile(rb"SIP/2\.0\s+([1-6][0-9]{2})")

Done = Callable[[SipMessage], None]


class Board(Protocol):
    """What a call needs of the user agent that it belongs to."""

    timers: Timers
    transactions: Transactions

    def token(self) -> str:
        """Something nobody can guess."""
        ...

    def contact(self, flow: Flow) -> tuple[str, str]:
        """The header that says where we are."""
        ...

    def way_to(self, uri: str, came: Flow) -> Flow:
        """How something gets there; back by the way it came where the address does not say."""
        ...

    def add(self, session: "Session") -> None:
        """Requests in its dialog go to it from here on."""
        ...

    def drop(self, session: "Session") -> None:
        """Its dialog is over."""
        ...

    def forget(self, call_id: str, tag: str) -> None:
        """Nothing more will come of this call, which has no dialog."""
        ...


class Owner(Protocol):
    """What a session tells the call that it belongs to."""

    def reoffered(self, sdp: str) -> str:
        """They changed the session: our answer; empty: we cannot."""
        ...

    def told_answer(self, sdp: str) -> None:
        """The answer to an offer that we made in a 2xx."""
        ...

    def told(self, media_type: str, body: bytes) -> None:
        """INFO or MESSAGE."""
        ...

    def over(self, why: str) -> None:
        """The other side, or the network, has ended the call."""
        ...


class Session:
    """One dialog in use. remote_sdp and local_sdp are the descriptions that are in force."""

    def __init__(
        self, board: Board, dialog: Dialog, owner: Owner, *, credentials: Credentials | None = None
    ) -> None:
        self.dialog, self.remote_sdp, self.local_sdp = dialog, "", ""
        self.established = False
        self.refresh = Refresh(board.timers, self._refresh)
        self.on_prack: Callable[[ServerTransaction], None] | None = None
        self._board, self._owner, self._credentials = board, owner, credentials
        self._ended = False
        self._unacknowledged: dict[int, tuple[Repeater, Callable[[SipMessage], None]]] = {}
        self._acknowledgements: dict[tuple[int, str], tuple[bytes, Flow]] = {}
        self._inviting = False
        self._offering = False
        self._their_methods: frozenset[str] = frozenset()
        self._transferred: Callable[[bool], None] | None = None
        self._transfer_taken = False
        board.add(self)

    # -- what they ask ------------------------------------------------------------------------------

    def receive(self, transaction: ServerTransaction) -> None:
        """A request of theirs inside the dialog."""
        request = transaction.request
        if not self.dialog.is_in_order(request):
            transaction.reply(500, reason="Out of order")
            return
        unknown = request.tokens("require") - OPTION_TAGS
        if unknown and request.method != "BYE":
            transaction.reply(420, headers=(("unsupported", ", ".join(sorted(unknown))),))
            return
        handle = {
            "BYE": self._bye,
            "INVITE": self._reinvite,
            "UPDATE": self._update,
            "INFO": self._info,
            "MESSAGE": self._info,
            "NOTIFY": self._notify,
            "OPTIONS": self._options,
            "PRACK": self._prack,
        }.get(request.method, self._unknown)
        handle(transaction)

    def acknowledged(self, ack: SipMessage) -> None:
        """The ACK to a 2xx of ours."""
        waiting = self._unacknowledged.pop(ack.cseq[0], None)
        if waiting is not None:
            waiting[0].stop()
            waiting[1](ack)

    def noted(self, message: SipMessage) -> None:
        """What a message says of its sender's abilities."""
        self._their_methods = message.tokens("allow") or self._their_methods

    # -- what we answer -----------------------------------------------------------------------------

    def accept(
        self,
        transaction: ServerTransaction,
        sdp: str,
        *,
        acknowledged: Callable[[SipMessage], None],
        unheard: Callable[[], None],
    ) -> None:
        """200 to an INVITE, again and again until its ACK (section 13.3.1.4)."""
        request = transaction.request
        response = self.response(request, 200, sdp, self.refresh.answered_by_us(request))
        transaction.respond(response)
        data, number = written(response), request.cseq[0]

        def again() -> None:
            self._board.transactions.send(data, transaction.flow)

        def gave_up() -> None:
            self._unacknowledged.pop(number, None)
            unheard()

        repeater = Repeater(self._board.timers, again, give_up=gave_up)
        self._unacknowledged[number] = (repeater, acknowledged)
        self.local_sdp = sdp

    def response(
        self, request: SipMessage, status: int, sdp: str = "", headers: Iterable[tuple[str, str]] = ()
    ) -> SipMessage:
        """A response to INVITE or UPDATE from inside the dialog."""
        routes = [(name, value) for name, value in request.headers if name == "record-route"]
        told = [*routes, self._board.contact(self.dialog.flow), ALLOW, SUPPORTED, *headers]
        if sdp:
            told.append(SDP_BODY)
        return response_to(
            request, status, tag=self.dialog.local_tag, headers=told, body=sdp.encode("utf-8", "replace")
        )

    # -- what we ask --------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        done: Done,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
        proof: tuple[tuple[str, str], ...] = (),
        tries: int = 0,
    ) -> None:
        """Ask something inside the dialog; done gets the final response, once. Passwords are seen to here."""
        request = self.dialog.request(method, (*headers, *proof), body)
        flow = self._board.way_to(self.dialog.next_hop, self.dialog.flow)
        finished = False

        def answered(response: SipMessage) -> None:
            nonlocal finished
            if response.status >= 200 and method == "INVITE" and response.status < 300:
                self.acknowledge(request.cseq[0], response, proof)
            if response.status < 200 or finished:
                return
            finished = True
            known = self._proof(response, request, tries)
            if known:
                self.request(method, done, headers=headers, body=body, proof=known, tries=tries + 1)
            else:
                done(response)

        self._board.transactions.begin(request, flow, answered)

    def acknowledge(self, number: int, response: SipMessage, proof: tuple[tuple[str, str], ...] = ()) -> None:
        """ACK a 2xx: the same bytes for each of its repeats (section 13.2.2.4)."""
        key = number, response.to_tag
        if key not in self._acknowledgements:
            self.dialog.retarget(response)
            flow = self._board.way_to(self.dialog.next_hop, self.dialog.flow)
            ack = self.dialog.request("ACK", proof, number=number)
            data = written(self._board.transactions.with_via(ack, flow))
            self._acknowledgements = {key: (data, flow)}
        self._board.transactions.send(*self._acknowledgements[key])

    def reinvite(self, sdp: str, done: Done) -> None:
        """Offer another session; done gets the final response. While one is out, the next one waits."""
        if self._offering:
            self._board.timers.after(T1_MS, lambda: self.reinvite(sdp, done))
            return
        self._offering = True

        def answered(response: SipMessage) -> None:
            self._inviting = False
            if response.status == 491 and not self._ended:
                self._board.timers.after(self._glare_ms(), again)  # Until then it is their turn.
                return
            self._offering = False
            if 200 <= response.status < 300:
                self.local_sdp = sdp
                self.remote_sdp = _sdp_in(response) or self.remote_sdp
                self.refresh.answered_by_them(response)
            self._end_if_unknown(response)
            done(response)

        def again() -> None:
            headers = (
                self._board.contact(self.dialog.flow),
                ALLOW,
                SUPPORTED,
                *self.refresh.headers,
                SDP_BODY,
            )
            if self._ended:
                answered(SipMessage(status=481))
            else:
                self._inviting = True
                self.request("INVITE", answered, headers=headers, body=sdp.encode("utf-8", "replace"))

        again()

    def refer(self, to_uri: str, done: Callable[[bool], None]) -> None:
        """Ask them to call somebody else instead (RFC 3515). Done: whether they have."""
        finished = False

        def once(moved: bool) -> None:
            nonlocal finished
            if not finished:
                finished = True
                self._transferred = None
                done(moved)

        def answered(response: SipMessage) -> None:
            if 200 <= response.status < 300:
                self._transfer_taken = True
                self._board.timers.after(REFER_WAIT_MS, lambda: once(False))
            else:
                once(False)

        self._transferred, self._transfer_taken = once, False
        target = re.sub(r"[<>\s]", "", to_uri)
        by = re.sub(r";tag=[^;]*", "", self.dialog.local)
        contact = self._board.contact(self.dialog.flow)
        headers = (contact, ("refer-to", f"<{target}>"), ("referred-by", by))
        self.request("REFER", answered, headers=headers)

    def bye(self, done: Done, *, why: str = "") -> None:
        """End it. Nothing of theirs is listened to any more, save that it is answered."""
        headers = (("reason", why),) if why else ()
        self._stop()
        self.request("BYE", done, headers=headers)
        self._board.timers.after(GIVE_UP_MS, lambda: self._board.drop(self))

    def end(self) -> None:
        """It is over without a BYE of ours. Late requests are still known for a while."""
        self._stop()
        self._board.timers.after(GIVE_UP_MS, lambda: self._board.drop(self))

    # -- each of their requests ---------------------------------------------------------------------

    def _bye(self, transaction: ServerTransaction) -> None:
        transaction.respond(response_to(transaction.request, 200))
        if self._transferred is not None and self._transfer_taken:
            self._transferred(True)  # They left: the other call is theirs now.
        if not self._ended:
            self.end()
            self._owner.over("caller_hung_up")

    def _reinvite(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        if self._ended:
            transaction.reply(481)
        elif self._inviting:
            transaction.reply(491)
        elif not self.established:
            transaction.reply(500, headers=(("retry-after", "2"),))
        else:
            offer = _sdp_in(request)
            answer = self._answer(offer)
            if not answer:
                transaction.reply(488)
                return
            self.dialog.retarget(request)
            self.remote_sdp = offer or self.remote_sdp

            def acknowledged(ack: SipMessage) -> None:
                if not offer and (told := _sdp_in(ack)):
                    self.remote_sdp = told
                    self._owner.told_answer(told)

            self.accept(transaction, answer, acknowledged=acknowledged, unheard=self._unheard)

    def _update(self, transaction: ServerTransaction) -> None:
        request, answer = transaction.request, ""
        offer = _sdp_in(request)
        if self._ended:
            transaction.reply(481)
            return
        if offer and (self._inviting or not self.established):
            transaction.reply(491 if self._inviting else 500, headers=(("retry-after", "2"),))
            return
        if offer:
            answer = self._answer(offer)
            if not answer:
                transaction.reply(488)
                return
            self.remote_sdp, self.local_sdp = offer, answer
        self.dialog.retarget(request)
        transaction.respond(self.response(request, 200, answer, self.refresh.answered_by_us(request)))

    def _info(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        transaction.respond(response_to(request, 200))
        kind = request.first("content-type").split(";")[0].strip().lower()
        if request.body and not self._ended:
            self._owner.told(kind, request.body)

    def _notify(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        if request.first("event").split(";")[0].strip().lower() != "refer":
            transaction.reply(489)
            return
        transaction.respond(response_to(request, 200))
        found = _SIPFRAG.search(request.body)
        status = int(found[1]) if found else 0
        ended = request.first("subscription-state").lower().startswith("terminated")
        if self._transferred is not None and (status >= 200 or ended):
            self._transferred(200 <= status < 300)

    def _options(self, transaction: ServerTransaction) -> None:
        accept = ("accept", SDP_TYPE)
        transaction.respond(response_to(transaction.request, 200, headers=(ALLOW, accept, SUPPORTED)))

    def _prack(self, transaction: ServerTransaction) -> None:
        if self.on_prack is None:
            transaction.reply(481)
        else:
            self.on_prack(transaction)

    def _unknown(self, transaction: ServerTransaction) -> None:
        status = {"REFER": 603, "SUBSCRIBE": 489}.get(transaction.request.method, 501)
        transaction.reply(status, headers=(ALLOW,))

    # -- smaller things -----------------------------------------------------------------------------

    def _answer(self, offer: str) -> str:
        """Our side of their offer. One that only keeps the session alive changes nothing."""
        if offer and offer == self.remote_sdp and self.local_sdp:
            return self.local_sdp
        return self._owner.reoffered(offer)

    def _proof(self, response: SipMessage, request: SipMessage, tries: int) -> tuple[tuple[str, str], ...]:
        return proof_for(response, request, self._credentials, tries=tries, cnonce=self._board.token())

    def _glare_ms(self) -> int:
        """How long to wait when both changed the session at once (section 14.1)."""
        lot = int.from_bytes(self._board.token()[-6:].encode(), "big")
        return 2_100 + lot % 1_900 if self.dialog.caller else lot % 2_000

    def _refresh(self) -> None:
        def answered(response: SipMessage) -> None:
            if response.status in (408, 481, 503):
                self._unheard()
            elif 200 <= response.status < 300:
                self.refresh.answered_by_them(response)
            else:
                self.refresh.again()

        if self._ended or self._offering:
            return
        if "update" in self._their_methods:
            contact = self._board.contact(self.dialog.flow)
            self.request("UPDATE", answered, headers=(contact, SUPPORTED, *self.refresh.headers))
        else:
            self.reinvite(self.local_sdp, answered)

    def _unheard(self) -> None:
        """Nobody is there any more."""
        if not self._ended:
            self.bye(_nobody_waits)
            self._owner.over("failed")

    def _end_if_unknown(self, response: SipMessage) -> None:
        """They say that there is no such call (RFC 5057 section 5.1)."""
        if response.status == 481 and not self._ended:
            self.end()
            self._owner.over("failed")

    def _stop(self) -> None:
        self._ended = True
        self.refresh.stop()
        for repeater, _ in self._unacknowledged.values():
            repeater.stop()
        self._unacknowledged.clear()


def proof_for(
    response: SipMessage,
    request: SipMessage,
    credentials: Credentials | None,
    *,
    tries: int,
    cnonce: str,
) -> tuple[tuple[str, str], ...]:
    """The headers with which to ask again; none: there is no sense in it."""
    if credentials is None or response.status not in (401, 407) or tries > PASSWORD_TRIES:
        return ()
    if tries and not is_stale(response):
        return ()
    return answer_to(response, request, credentials, cnonce=cnonce)


def _sdp_in(message: SipMessage) -> str:
    return body_of(message, SDP_TYPE).decode("utf-8", "replace")


def _nobody_waits(response: SipMessage) -> None:
    """What becomes of it changes nothing."""
