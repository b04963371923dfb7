"""An INVITE of ours until it is answered or given up: passwords, early answers, forks, CANCEL. No I/O."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from router.channels.sdp import SDP_TYPE
from router.channels.sip_asking import Done, nobody_waits, proof_for
from router.channels.sip_auth import Credentials
from router.channels.sip_dialog import MAX_FORWARDS, Dialog
from router.channels.sip_message import SipMessage, body_of
from router.channels.sip_session import ALLOW, SDP_BODY, SUPPORTED, Board, Owner, Session
from router.channels.sip_timers import GIVE_UP_MS, Timer
from router.channels.sip_transaction import ClientTransaction, Flow

RING_MS: Final = 180_000
"""So long after the last word of the other side we wait for an answer (RFC 3261's timer C)."""

PASSED_ON: Final = re.compile(r"[A-Za-z0-9-]{1,60}")
"""Names of headers that whoever dials may add."""

_BUSY: Final = frozenset({486, 600})
_NO_ANSWER: Final = frozenset({408, 480, 487})
_REFUSED: Final = frozenset({403, 433, 603, 607, 608})


class Caller(Owner, Protocol):
    """What a call out is told besides."""

    def progressed(self, status: int, sdp: str) -> None:
        """They say something before they answer."""
        ...

    def picked_up(self, session: Session, sdp: str) -> None:
        """They answered."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """Whom to call, as whom, and what to say."""

    to_uri: str
    from_uri: str
    sdp: str
    headers: Sequence[tuple[str, str]] = ()
    credentials: Credentials | None = None
    proxy: str = ""


class Outgoing:
    """One call that we make."""

    def __init__(self, board: Board, owner: Caller, dialled: Dialled, *, call_id: str, flow: Flow) -> None:
        self._board, self._owner, self._dialled, self._flow = board, owner, dialled, flow
        self.call_id, self.tag = call_id, board.token()
        self._number, self._tries = 0, 0
        self._transaction: ClientTransaction | None = None
        self._rang = False
        self._ended = False
        self._why_cancelled = ""
        self._cancel_sent = False
        self._pracked: dict[str, int] = {}
        self._early: dict[str, Session] = {}
        self._early_sdp = ""
        self._patience: Timer | None = None
        self._gone: Done | None = None
        self.session: Session | None = None
        self._invite(())

    def hang_up(self, done: Done) -> None:
        """End it, whatever it is by now (section 9.1: a CANCEL waits for a first word of theirs)."""
        if self.session is not None:
            self.session.bye(done)
        elif self._ended:
            done(SipMessage(status=487))
        else:
            self._gone = done
            self._cancel("own")

    def _invite(self, proof: tuple[tuple[str, str], ...]) -> None:
        dialled, self._rang, self._cancel_sent = self._dialled, False, False
        self._number += 1
        sender, to_uri = dialled.from_uri, dialled.to_uri
        own = [(name, value) for name, value in dialled.headers if PASSED_ON.fullmatch(name)]
        request = SipMessage(
            method="INVITE",
            uri=to_uri,
            headers=(
                MAX_FORWARDS,
                ("from", f"{sender if '<' in sender else f'<{sender}>'};tag={self.tag}"),
                ("to", f"<{to_uri}>"),
                ("call-id", self.call_id),
                ("cseq", f"{self._number} INVITE"),
                self._board.contact(self._flow),
                ALLOW,
                SUPPORTED,
                *own,
                *proof,
                SDP_BODY,
            ),
            body=dialled.sdp.encode("utf-8", "replace"),
        )
        self._proof = proof
        self._transaction = self._board.transactions.begin(request, self._flow, self._answered)

    def _answered(self, response: SipMessage) -> None:
        if response.status < 200:
            self._provisional(response)
        elif response.status < 300:
            self._accepted(response)
        elif not self._ended and self.session is None:
            self._refused(response)

    def _provisional(self, response: SipMessage) -> None:
        self._rang = True
        if self._why_cancelled:
            self._cancel(self._why_cancelled)
            return
        self._wait()
        if response.status == 100:
            return
        if "100rel" in response.tokens("require"):
            self._prack(response)
        sdp = body_of(response, SDP_TYPE).decode("utf-8", "replace")
        self._early_sdp = sdp or self._early_sdp
        self._owner.progressed(response.status, sdp)

    def _prack(self, response: SipMessage) -> None:
        """Tell them that it came (RFC 3262 section 4); a repeat is told nothing new."""
        told, tag = response.first("rseq"), response.to_tag
        if not re.fullmatch(r"[0-9]{1,10}", told) or int(told) <= self._pracked.get(tag, 0):
            return
        self._pracked[tag] = int(told)
        session = self._early_session(response)
        session.asking.ask("PRACK", nobody_waits, headers=(("rack", f"{told} {self._number} INVITE"),))

    def _early_session(self, response: SipMessage) -> Session:
        tag = response.to_tag
        if tag not in self._early:
            invite = self._transaction.request if self._transaction is not None else response
            dialog = Dialog.calling(invite, response, self._flow)
            self._early[tag] = Session(
                self._board, dialog, self._owner, credentials=self._dialled.credentials
            )
            self._early[tag].local_sdp = self._dialled.sdp
        self._early[tag].noted(response)
        return self._early[tag]

    def _accepted(self, response: SipMessage) -> None:
        session = self._early_session(response)
        if response.first("record-route"):
            session.dialog.routes = tuple(reversed(response.every("record-route")))
        session.asking.acknowledge(self._number, response, self._proof)
        if session is self.session:
            return  # A repeat: our ACK was lost.
        if self.session is not None or self._ended:
            if not session.established:
                session.established = True
                session.bye(nobody_waits)  # Another phone answered as well (section 13.2.2.4).
            return
        self._stop()
        session.established = True
        if self._why_cancelled:
            self._board.forget(self.call_id, self.tag)
            session.bye(self._gone or nobody_waits)  # The answer crossed our CANCEL.
            self._tell("no_answer" if self._why_cancelled == "patience" else "")
            return
        self.session = session
        told = body_of(response, SDP_TYPE).decode("utf-8", "replace") or self._early_sdp
        session.remote_sdp = told
        session.refresh.answered_by_them(response)
        self._owner.picked_up(session, told)

    def _refused(self, response: SipMessage) -> None:
        proof = self._known(response)
        if proof:
            self._tries += 1
            self._invite(proof)
            return
        self._stop()
        for session in self._early.values():
            session.end()
        self._board.forget(self.call_id, self.tag)
        if self._why_cancelled == "own":
            if self._gone is not None:
                self._gone(response)
            return
        answered = response.reason != "No answer" or self._rang
        self._tell(why_of(response.status) if answered else "failed")

    def _known(self, response: SipMessage) -> tuple[tuple[str, str], ...]:
        if self._why_cancelled or self._transaction is None:
            return ()
        return proof_for(
            response,
            self._transaction.request,
            self._dialled.credentials,
            tries=self._tries,
            cnonce=self._board.token(),
        )

    def _wait(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._patience = self._board.timers.after(RING_MS, lambda: self._cancel("patience"))

    def _cancel(self, why: str) -> None:
        self._why_cancelled = self._why_cancelled or why
        transaction = self._transaction
        if transaction is None or not self._rang or self._cancel_sent:
            return
        self._cancel_sent = True
        self._board.transactions.cancel(transaction)
        # Somebody who never ends the INVITE must not keep the call for ever (section 9.1).
        self._board.timers.after(GIVE_UP_MS, lambda: transaction.fail(487))

    def _tell(self, why: str) -> None:
        if why:
            self._owner.over(why)

    def _stop(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._ended = self.session is None


def why_of(status: int) -> str:
    """Why a call out ended, in the words of the journal."""
    if status in _BUSY:
        return "busy"
    if status in _NO_ANSWER:
        return "no_answer"
    return "refused" if status in _REFUSED else "failed"
