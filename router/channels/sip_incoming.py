"""An INVITE of theirs until it is answered, refused or given up; told of its place in the queue. No I/O."""

from collections.abc import Callable
from typing import Final

from router.channels.sdp import SDP_TYPE
from router.channels.sip_asking import Done, nobody_waits
from router.channels.sip_dialog import Dialog
from router.channels.sip_message import SipMessage, body_of, written
from router.channels.sip_session import Board, Owner, Session
from router.channels.sip_timers import Repeater, Timer
from router.channels.sip_transaction import ServerTransaction

REMIND_MS: Final = 50_000
"""A proxy gives a call up that it heard nothing of for three minutes (timer C), so we say where it stands.
RFC 3261 section 13.3.1.1 asks for once a minute."""

Result = Callable[[str], None]


class Incoming:
    """One call that came. `session` is its dialog, which begins with the first thing that we say."""

    def __init__(self, board: Board, transaction: ServerTransaction, owner: Owner) -> None:
        self._board, self._transaction, self._owner = board, transaction, owner
        request = transaction.request
        self.offer = body_of(request, SDP_TYPE).decode("utf-8", "replace")
        self.session = Session(board, Dialog.called(request, board.token(), transaction.came), owner)
        self.session.remote_sdp = self.offer
        self.session.noted(request)
        self.session.on_prack = self._pracked
        self.accepted = False
        self._state = "waiting"
        self._unwanted = False
        self._leaving: Done | None = None
        self._said: tuple[int, tuple[tuple[str, str], ...]] | None = None
        self._reminder: Timer | None = None
        self._reliably = "100rel" in request.tokens("require") and bool(self.offer)
        self._number = 1 + int.from_bytes(board.token()[-3:].encode(), "big")
        self._unconfirmed: Repeater | None = None
        self._not_yet_said = False
        transaction.tag, transaction.on_cancel = self.session.dialog.local_tag, self._cancelled

    @property
    def waits(self) -> bool:
        """Whether it is neither answered nor over."""
        return self._state == "waiting"

    def say(self, status: int, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """A provisional response, now and again as long as it waits."""
        if not self.waits or self._said == (status, headers):
            return
        self._said = (status, headers)
        self._say_again()

    def accept(self, sdp: str, done: Result) -> None:
        """Answer it; done gets "" once they have acknowledged, or why it is over."""
        self._settle("accepted")

        def acknowledged(ack: SipMessage) -> None:
            self.accepted = True
            if not self.offer:
                told = body_of(ack, SDP_TYPE).decode("utf-8", "replace")
                self.session.remote_sdp = told
                self._owner.told_answer(told)
            if self._unwanted:
                self._give_back("cancelled", done)
                return
            done("")
            if self._leaving is not None:
                self.session.bye(self._leaving)

        self.session.established = True
        self.session.accept(
            self._transaction,
            sdp,
            acknowledged=acknowledged,
            unheard=lambda: self._give_back("failed", done),
        )

    def refuse(self, status: int, reason: str = "", headers: tuple[tuple[str, str], ...] = ()) -> None:
        """A final no."""
        if not self.waits:
            return
        self._settle("refused")
        response = self.session.response(self._transaction.request, status, headers=headers)
        self._transaction.respond(
            SipMessage(status=status, reason=reason, headers=response.headers, body=b"")
        )
        self.session.end()

    def hang_up(self, done: Done) -> None:
        """End it, whatever it is. A BYE may not leave before they have acknowledged (section 15)."""
        if self.waits:
            self.refuse(480)
            done(SipMessage(status=480))
        elif self.accepted:
            self.session.bye(done)
        else:
            self._leaving = done

    def left(self) -> None:
        """They said BYE before there was an answer: the INVITE still has to get one."""
        if self.waits:
            self._settle("left")
            self._transaction.respond(self.session.response(self._transaction.request, 487))

    def _cancelled(self) -> None:
        """CANCEL. When it crossed our 200, they have to be told once they know of it (section 9.2)."""
        if self.waits:
            self._settle("cancelled")
            self._transaction.respond(self.session.response(self._transaction.request, 487))
            self.session.end()
            self._owner.over("cancelled")
        else:
            self._unwanted = True

    def _give_back(self, why: str, done: Result) -> None:
        self.session.bye(nobody_waits)
        self._owner.over(why)
        done(why)

    def _settle(self, state: str) -> None:
        self._state = state
        if self._reminder is not None:
            self._reminder.cancel()
        if self._unconfirmed is not None:
            self._unconfirmed.stop()

    # -- provisional responses ----------------------------------------------------------------------

    def _say_again(self) -> None:
        if self._said is None or not self.waits:
            return
        if self._reminder is not None:
            self._reminder.cancel()
        self._reminder = self._board.timers.after(REMIND_MS, self._say_again)
        status, headers = self._said
        if self._reliably:
            self._say_reliably(status, headers)
        else:
            self._transaction.respond(self._provisional(status, headers))

    def _say_reliably(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        """With a number, until PRACK says that it came; one at a time (RFC 3262 section 3)."""
        if self._unconfirmed is not None:
            self._not_yet_said = True
            return
        self._number += 1
        marks = (("require", "100rel"), ("rseq", str(self._number)))
        response = self._provisional(status, (*headers, *marks))
        self._transaction.respond(response)
        data = written(response)
        self._unconfirmed = Repeater(
            self._board.timers,
            lambda: self._board.transactions.send(data, self._transaction.flow),
            give_up=self._confirmed,  # The RFC would refuse the call now. We go on: somebody is waiting.
            most_ms=0,
        )

    def _pracked(self, transaction: ServerTransaction) -> None:
        told = transaction.request.first("rack").split()
        number = str(self._transaction.request.cseq[0])
        if self._unconfirmed is None or told[:2] != [str(self._number), number]:
            transaction.reply(481)
            return
        transaction.respond(self.session.response(transaction.request, 200))
        self._confirmed()

    def _confirmed(self) -> None:
        if self._unconfirmed is not None:
            self._unconfirmed.stop()
            self._unconfirmed = None
        if self._not_yet_said:
            self._not_yet_said = False
            self._say_again()

    def _provisional(self, status: int, headers: tuple[tuple[str, str], ...]) -> SipMessage:
        return self.session.response(self._transaction.request, status, headers=headers)


def queue_headers(position: int) -> tuple[tuple[str, str], ...]:
    """What 182 says besides (RFC 3326)."""
    return (("reason", f'SIP;cause=182;text="position {position}"'),)
