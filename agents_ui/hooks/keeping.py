"""What one genuine webhook brought, on disk: contacts, sightings and receipts, each in an append of its own.

For requests as they come (hooks.py), and for those that were refused once and are looked at again
(replaying.py): both take this way, so that a repeat is known whichever way it came first.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agents_ui.hooks.wishes import KeepWishes
from router.channels.ingest import Keeper, Kept, NotKept, keep, until_copied
from router.channels.port import Account, Contact, Receipt, Received, Wish
from router.channels.receipts import KeepReceipts
from router.channels.sighting import KeepSighting
from router.journal.committer import Append, Committer, CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.records import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Keeps what webhooks bring.

    Shape: keeper() is who keeps, now; count(account, result, number) counts; reported(account, receipts) says
           at the other site what became of messages that may be its own (Forwarder.reported).
    """

    committer: Committer
    keeper: Callable[[], Keeper]
    count: Callable[[str, str, int], None]
    reported: Callable[[str, tuple[Receipt, ...]], Awaitable[object]] | None = None

    async def keep(self, account: Account, received: Received) -> None:
        """Everything on disk when this returns. Raises NotKept when anything is not."""
        others = received.receipts or received.sightings or received.wishes
        if len(received.contacts) == 1 and not others:
            self._note(account, await self._keep_contact(received.contacts[0]))
            return
        kept = await asyncio.gather(
            *(self._keep_contact(each) for each in received.contacts),
            *(self._keep_sighting(account, each) for each in received.sightings),
            self._keep_receipts(account, received.receipts),
            self._keep_wishes(account, received.wishes),
            return_exceptions=True,
        )
        for each in kept:
            if isinstance(each, Kept):
                self._note(account, each)
        for each in kept:
            if isinstance(each, BaseException):
                raise each

    def _note(self, account: Account, kept: Kept) -> None:
        result = "repeated" if kept.repeated else "forwarded" if kept.elsewhere else "kept"
        self.count(account.account_id, result, 1)

    async def _keep_contact(self, contact: Contact) -> Kept:
        return await keep(self.committer, contact, self.keeper())

    async def _keep_sighting(self, account: Account, report: Contact) -> None:
        """Raises NotKept."""
        rows = await self._append(KeepSighting(report))
        self.count(account.account_id, "kept" if rows else "repeated", 1)

    async def _keep_wishes(self, account: Account, wishes: tuple[Wish, ...]) -> None:
        """Raises NotKept."""
        if not wishes:
            return
        rows = await self._append(KeepWishes(account=account, wishes=wishes))
        self.count(account.account_id, "wish", len(rows))

    async def _keep_receipts(self, account: Account, receipts: tuple[Receipt, ...]) -> None:
        """Raises NotKept."""
        if not receipts:
            return
        append = KeepReceipts(account_id=account.account_id, receipts=receipts)
        rows = await self._append(append)
        self.count(account.account_id, "receipt", len(rows))
        if append.moved and self.reported is not None:
            # Told or not, the provider is done: it would repeat to a site that has it already.
            await self.reported(account.account_id, tuple(append.moved))

    async def _append(self, append: Append) -> tuple[Row, ...]:
        """Where the provider is told that it is here, the other site is to have it too. Raises NotKept."""
        try:
            rows = await self.committer.append(append)
        except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
            raise NotKept(str(problem)) from problem
        copied = self.keeper().copied
        if rows and copied is not None:
            await until_copied(copied, rows[-1].seq)
        return rows
