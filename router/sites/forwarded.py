"""Contacts that the other site took in, kept here: all of them while its database is gone; while it lives,
those that join what was moved here.

What travels is what that site's channel made of the request, not the request: providers sign the address that
they called, which is the other site's. Nothing is lost by it, the body of a contact is what arrived. Ids are
made of channel, account and the provider's id, so whatever that site did keep after all is the same contact.
Hashes are not: each site draws its own salts, so what a contact joins is found here by its address.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final

import msgspec

from config.plan import Plan
from router.channels.ids import message_id_of
from router.channels.ingest import Keeper, Kept, NothingToJoin, NotKept, keep, until_copied
from router.channels.port import Contact, Receipt
from router.channels.receipts import KeepReceipts
from router.channels.sighting import KeepSighting
from router.journal.appends import storable
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.sites.peer_server import Answered, Asked, BadRequest, PeerRoute, answered
from router.sites.wire import WireWrong

PATH: Final = "/peer/contact"
JOIN_PATH: Final = "/peer/join"
RECEIPTS_PATH: Final = "/peer/receipts"

BODY_BYTES_MAX: Final = 64 << 20
"""More than the largest body that any channel takes."""

_OPEN_OF: Final = """
    SELECT i.interaction_id FROM address a JOIN identity d ON d.address_hash = a.address_hash
    JOIN interaction i ON i.identity_id = d.identity_id
    WHERE a.kind = :kind AND a.address = :address AND i.closed_seq = 0
    ORDER BY i.arrived_seq DESC, i.interaction_id LIMIT 1
"""

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


class _Reported(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    form: int
    account_id: str
    receipts: Annotated[list[Receipt], msgspec.Meta(max_length=CONTACTS_MAX)]


_REPORTED: Final = msgspec.msgpack.Decoder(_Reported)


def pack_receipts(account_id: str, receipts: Sequence[Receipt]) -> bytes:
    """The body of POST /peer/receipts."""
    return _ENCODER.encode(_Reported(_FORM, account_id, list(receipts)))


class _Joined(msgspec.Struct, forbid_unknown_fields=True):
    interaction_id: str
    message_id: str
    repeated: bool


class _Answer(msgspec.Struct):
    joined: _Joined | None


def joined_by(body: bytes) -> Kept | None:
    """What such an answer says; None: it joins nothing there. Raises WireWrong."""
    try:
        said = msgspec.json.decode(body, type=_Answer).joined
    except msgspec.MsgspecError as wrong:
        raise WireWrong(f"this is no answer: {wrong}") from None
    if said is None:
        return None
    return Kept(
        interaction_id=said.interaction_id,
        message_id=said.message_id,
        began=False,
        repeated=said.repeated,
        elsewhere=True,
    )


class KeepForwarded:
    """Keeps them in this site's journal, as any web process would.

    Shape: mark(seq) says that a row is at this site only (SecondCopy.kept_for_the_other): a site without a
           database takes no copy, so nobody waits for one. copied(seq) waits for the copy of one that lives.
    """

    def __init__(
        self,
        database: Database,
        committer: Committer,
        plan: Callable[[], Plan],
        mark: Callable[[int], Awaitable[object]],
        copied: Callable[[int], Awaitable[object]],
    ) -> None:
        self._database = database
        self._committer = committer
        self._plan = plan
        self._mark = mark
        self._copied = copied

    def routes(self) -> tuple[PeerRoute, ...]:
        """Where the other site asks it."""
        return (
            PeerRoute(method="POST", path=PATH, handle=self._answer, body_max=BODY_BYTES_MAX),
            PeerRoute(method="POST", path=JOIN_PATH, handle=self._answer_join, body_max=BODY_BYTES_MAX),
            PeerRoute(method="POST", path=RECEIPTS_PATH, handle=self._answer_receipts),
        )

    async def _answer(self, asked: Asked) -> Answered:
        try:
            return answered(await self.take(asked.body))
        except WireWrong as wrong:
            raise BadRequest(str(wrong)) from None
        except NotKept:
            return answered({"code": "not_kept"}, 503)

    async def _answer_join(self, asked: Asked) -> Answered:
        try:
            return answered(await self.join(asked.body))
        except WireWrong as wrong:
            raise BadRequest(str(wrong)) from None
        except NotKept:
            return answered({"code": "not_kept"}, 503)

    async def _answer_receipts(self, asked: Asked) -> Answered:
        try:
            said = _REPORTED.decode(asked.body)
        except msgspec.MsgspecError as wrong:
            raise BadRequest(f"these are no receipts: {wrong}") from None
        if said.form != _FORM:
            raise BadRequest(f"form {said.form} is of another release: this one reads form {_FORM}")
        append = KeepReceipts(account_id=said.account_id, receipts=tuple(said.receipts))
        try:
            rows = await self._committer.append(append)
        except (CommitUnknown, DatabaseBusy, DatabaseGone):
            return answered({"code": "not_kept"}, 503)
        return answered({"kept": len(rows)})

    async def join(self, body: bytes) -> dict[str, dict[str, str | bool] | None]:
        """The answer: what the one contact joined, once it is kept.

        Nothing is written where it joins nothing. Raises WireWrong, NotKept.
        """
        brought = unpack(body)
        if len(brought.contacts) + len(brought.sightings) != 1:
            raise WireWrong("one at a time: each is decided by itself")
        if brought.sightings:
            return {"joined": await self._join_sighting(brought.sightings[0])}
        keeper = replace(self._keeper(self._copied), only_joins=True)
        try:
            kept = await keep(self._committer, brought.contacts[0], keeper)
        except NothingToJoin:
            return {"joined": None}
        said = {"interaction_id": kept.interaction_id, "message_id": kept.message_id}
        return {"joined": {**said, "repeated": kept.repeated}}

    def _keeper(self, copied: Callable[[int], Awaitable[object]]) -> Keeper:
        limits = self._plan().limits
        return Keeper(
            web_id="",  # no web process has it yet: the next one that looks reads it
            read_within_ms=limits.read_within_ms,
            text_off_window_ms=limits.text_off_window_ms,
            copied=copied,
        )

    async def take(self, body: bytes) -> dict[str, int]:
        """The answer: how many are kept, once all of them are. Raises WireWrong, NotKept."""
        brought = unpack(body)
        keeper = self._keeper(self._mark)
        done = await asyncio.gather(
            *(keep(self._committer, each, keeper) for each in brought.contacts),
            *(self._keep_sighting(each, self._mark) for each in brought.sightings),
            return_exceptions=True,
        )
        for each in done:
            if isinstance(each, BaseException):
                raise each
        return {"kept": len(done)}

    async def _join_sighting(self, report: Contact) -> dict[str, str | bool] | None:
        """Whose it is, is decided by run/sightings.py; here only, whether there is anybody."""
        try:
            found = await asyncio.to_thread(self._open_of, report)
        except (DatabaseBusy, DatabaseGone) as problem:
            raise NotKept(str(problem)) from problem
        if not found:
            return None
        repeated = not await self._keep_sighting(report, self._copied)
        sighting_id = message_id_of(report.channel, report.account, report.provider_id)
        return {"interaction_id": found, "message_id": sighting_id, "repeated": repeated}

    def _open_of(self, report: Contact) -> str:
        with self._database.reading() as db:
            found = db.row(_OPEN_OF, kind=report.address_kind, address=storable(report.address))
        return str(found[0]) if found else ""

    async def _keep_sighting(self, report: Contact, copied: Callable[[int], Awaitable[object]]) -> bool:
        """Whether it was new. Raises NotKept."""
        try:
            rows = await self._committer.append(KeepSighting(report))
        except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
            raise NotKept(str(problem)) from problem
        if rows:
            await until_copied(copied, rows[-1].seq)
        return bool(rows)
