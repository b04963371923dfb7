"""A SIP dialog (RFC 3261 section 12): what two sides agreed to call each other, and by which way.

Makes the requests inside it. Sending them is sip_transaction.py, what they mean is sip_session.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from router.channels.sip_header import name_address, uri_of
from router.channels.sip_message import SipMessage
from router.channels.sip_transaction import Flow

MAX_FORWARDS = ("max-forwards", "70")


@dataclass(slots=True, kw_only=True)
class Dialog:
    """One dialog. local and remote are the whole values of From and To as we write them.

    Shape: target is their Contact, empty where they gave none: then `flow`, by which they came, is all we
           have. routes are as they stand in Record-Route, ours first. caller: we made the call.
    """

    call_id: str
    local: str
    remote: str
    local_tag: str
    remote_tag: str
    target: str
    routes: tuple[str, ...]
    flow: Flow
    caller: bool
    local_number: int = 0
    remote_number: int = -1

    @classmethod
    def called(cls, invite: SipMessage, tag: str, flow: Flow) -> "Dialog":
        """The dialog that their INVITE begins, with the tag that we give it."""
        return cls(
            call_id=invite.call_id,
            local=f"{invite.first('to')};tag={tag}",
            remote=invite.first("from"),
            local_tag=tag,
            remote_tag=invite.from_tag,
            target=contact_of(invite),
            routes=tuple(invite.every("record-route")),
            flow=flow,
            caller=False,
            remote_number=invite.cseq[0],
        )

    @classmethod
    def calling(cls, invite: SipMessage, response: SipMessage, flow: Flow) -> "Dialog":
        """The dialog that their response to our INVITE begins."""
        return cls(
            call_id=invite.call_id,
            local=invite.first("from"),
            remote=response.first("to"),
            local_tag=invite.from_tag,
            remote_tag=response.to_tag,
            target=contact_of(response),
            routes=tuple(reversed(response.every("record-route"))),
            flow=flow,
            caller=True,
            local_number=invite.cseq[0],
        )

    @property
    def next_hop(self) -> str:
        """The address that a request goes to first; empty: back by the way they came."""
        return name_address(self.routes[0]).uri if self.routes else self.target

    def request(
        self,
        method: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        number: int = 0,
    ) -> SipMessage:
        """A request inside the dialog; number 0: the next one (an ACK has the one of its INVITE)."""
        if not number:
            self.local_number += 1
            number = self.local_number
        uri, routes = self._way()
        return SipMessage(
            method=method,
            uri=uri,
            headers=(
                *(("route", each) for each in routes),
                MAX_FORWARDS,
                ("from", self.local),
                ("to", self.remote),
                ("call-id", self.call_id),
                ("cseq", f"{number} {method}"),
                *headers,
            ),
            body=body,
        )

    def is_in_order(self, request: SipMessage) -> bool:
        """Whether a request of theirs is newer than the last one; notes it (section 12.2.2)."""
        number = request.cseq[0]
        if number < self.remote_number:
            return False
        self.remote_number = number
        return True

    def retarget(self, message: SipMessage) -> None:
        """INVITE and UPDATE, and their 2xx, may say that the other side is somewhere else now."""
        self.target = contact_of(message) or self.target

    def _way(self) -> tuple[str, tuple[str, ...]]:
        """Request address and Route headers (section 12.2.1.1, strict routers at its end)."""
        target = self.target or name_address(self.remote).uri
        if not self.routes:
            return target, ()
        first = uri_of(name_address(self.routes[0]).uri)
        if first is None or "lr" in first.parameters:
            return target, self.routes
        return name_address(self.routes[0]).uri, (*self.routes[1:], f"<{target}>")


def contact_of(message: SipMessage) -> str:
    """The address in Contact, when something can be sent there; else empty."""
    value = next(iter(message.every("contact")), "")
    address = name_address(value).uri
    found = uri_of(address)
    return address if found is not None and found.is_sip else ""
