"""Contacts that the other site took in and cannot keep, because its database is gone: kept here instead.

What travels is what that site's channel made of the request, not the request: providers sign the address that
they called, which is the other site's. Nothing is lost by it, the body of a contact is what arrived. Ids are
made of channel, account and the provider's id, so whatever that site did keep after all is the same contact.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from config.plan import Plan
from router.channels.ingest import Keeper, NotKept, keep, until_copied
from router.channels.port import Contact
from router.channels.sighting import KeepSighting
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.sites.peer_server import Answered, Asked, BadRequest, PeerRoute, answered
from router.sites.wire import WireWrong

PATH: Final = "/peer/contact"

BODY_BYTES_MAX: Final = 64 << 20
"""More than the largest body that any channel takes."""

CONTACTS_MAX: Final = 1_000
"""Of one request of a provider; the largest batches have a hundred."""

_FORM: Final = 1
_Contacts = Annotated[list[Contact], msgspec.Meta(max_length=CONTACTS_MAX)]


class _Forwarded(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    form: int
    contacts: _Contacts
    sightings: _Contacts


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Forwarded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What one request brought. Shape: sightings as in port.Received."""

    contacts: tuple[Contact, ...]
    sightings: tuple[Contact, ...] = ()


def pack(brought: Brought) -> bytes:
    """The body of POST /peer/contact."""
    return _ENCODER.encode(_Forwarded(_FORM, list(brought.contacts), list(brought.sightings)))


def unpack(body: bytes) -> Brought:
    """What is in such a body. Raises WireWrong."""
    try:
        found = _DECODER.decode(body)
    except msgspec.MsgspecError as wrong:
        raise WireWrong(f"these are no contacts: {wrong}") from None
    if found.form != _FORM:
        raise WireWrong(f"form {found.form} is of another release: this one reads form {_FORM}")
    return Brought(contacts=tuple(found.contacts), sightings=tuple(found.sightings))


class KeepForwarded:
    """Keeps them in this site's journal, as any web process would.

    Shape: mark(seq) says that a row is at this site only (SecondCopy.kept_for_the_other): the other site can
           take no copy at present, so nobody waits for one.
    """

    def __init__(
        self, committer: Committer, plan: Callable[[], Plan], mark: Callable[[int], Awaitable[object]]
    ) -> None:
        self._committer = committer
        self._plan = plan
        self._mark = mark

    def route(self) -> PeerRoute:
        """Where the other site asks it."""
        return PeerRoute(method="POST", path=PATH, handle=self._answer, body_max=BODY_BYTES_MAX)

    async def _answer(self, asked: Asked) -> Answered:
        try:
            return answered(await self.take(asked.body))
        except WireWrong as wrong:
            raise BadRequest(str(wrong)) from None
        except NotKept:
            return answered({"code": "not_kept"}, 503)

    async def take(self, body: bytes) -> dict[str, int]:
        """The answer: how many are kept, once all of them are. Raises WireWrong, NotKept."""
        brought = unpack(body)
        limits = self._plan().limits
        keeper = Keeper(
            web_id="",  # no web process has it yet: the next one that looks reads it
            read_within_ms=limits.read_within_ms,
            text_off_window_ms=limits.text_off_window_ms,
            copied=self._mark,
        )
        done = await asyncio.gather(
            *(keep(self._committer, each, keeper) for each in brought.contacts),
            *(self._keep_sighting(each) for each in brought.sightings),
            return_exceptions=True,
        )
        for each in done:
            if isinstance(each, BaseException):
                raise each
        return {"kept": len(done)}

    async def _keep_sighting(self, report: Contact) -> None:
        try:
            rows = await self._committer.append(KeepSighting(report))
        except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
            raise NotKept(str(problem)) from problem
        if rows:
            await until_copied(self._mark, rows[-1].seq)
