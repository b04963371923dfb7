"""What happens inside one SIP dialog: hold, hang-up, transfer, keys, refreshes; both ways. No I/O.

How a dialog begins is sip_incoming.py (they call) and sip_outgoing.py (we call). What a call is to the rest
of Muster is sip_call.py, which is the `Owner` here.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from router.channels.sdp import SDP_TYPE
from router.channels.sip_asking import Asking, Done, Ways, nobody_waits
from router.channels.sip_auth import Credentials
from router.channels.sip_dialog import Dialog
from router.channels.sip_message import SipMessage, body_of, response_to, written
from router.channels.sip_refresh import Refresh
from router.channels.sip_timers import GIVE_UP_MS, T1_MS, Repeater
from router.channels.sip_transaction import Flow, ServerTransaction
from router.channels.sip_transfer import Transfer, refer_headers

METHODS: Final = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, NOTIFY, MESSAGE"
ALLOW: Final = ("allow", METHODS)
SUPPORTED: Final = ("supported", "100rel, timer")
OPTION_TAGS: Final = frozenset({"100rel", "timer"})
SDP_BODY: Final = ("content-type", SDP_TYPE)


class Board(Ways, Protocol):
    """What a call needs of the user agent that it belongs to."""

    def contact(self, flow: Flow) -> tuple[str, str]:
        """The header that says where we are."""
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
        self.asking = Asking(board, dialog, credentials)
        self._board, self._owner = board, owner
        self._ended = False
        self._unacknowledged: dict[int, tuple[Repeater, Callable[[SipMessage], None]]] = {}
        self._inviting = False
        self._offering = False
        self._their_methods: frozenset[str] = frozenset()
        self._transfer: Transfer | None = None
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
                self.asking.ask("INVITE", answered, headers=headers, body=sdp.encode("utf-8", "replace"))

        again()

    def refer(self, to_uri: str, done: Callable[[bool], None]) -> None:
        """Ask them to call somebody else instead. Done: whether they have."""
        self._transfer = Transfer(self._board.timers, done)
        contact = self._board.contact(self.dialog.flow)
        self._transfer.ask(self.asking, (contact, *refer_headers(to_uri, self.dialog.local)))

    def bye(self, done: Done) -> None:
        """End it. Nothing of theirs is listened to any more, save that it is answered."""
        self._stop()
        self.asking.ask("BYE", done)
        self._board.timers.after(GIVE_UP_MS, lambda: self._board.drop(self))

    def end(self) -> None:
        """It is over without a BYE of ours. Late requests are still known for a while."""
        self._stop()
        self._board.timers.after(GIVE_UP_MS, lambda: self._board.drop(self))

    # -- each of their requests ---------------------------------------------------------------------

    def _bye(self, transaction: ServerTransaction) -> None:
        transaction.respond(response_to(transaction.request, 200))
        if self._transfer is not None:
            self._transfer.left()
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
        if self._transfer is not None:
            self._transfer.told(request)

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
            self.asking.ask("UPDATE", answered, headers=(contact, SUPPORTED, *self.refresh.headers))
        else:
            self.reinvite(self.local_sdp, answered)

    def _unheard(self) -> None:
        """Nobody is there any more."""
        if not self._ended:
            self.bye(nobody_waits)
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


def _sdp_in(message: SipMessage) -> str:
    return body_of(message, SDP_TYPE).decode("utf-8", "replace")
