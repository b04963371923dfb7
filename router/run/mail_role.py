"""The role `mail`: listens for mail, looks into mailboxes, keeps what comes. A process of its own: a flood of
mail slows no desk.

Reading what was kept is intake's work, in a web process. Several may run, each with its own port.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Mapping
from typing import Final

from config.networks import LOOPBACK, Network, networks_of
from config.plan import Plan
from config.settings import Settings
from router.channels.accounts import load_accounts
from router.channels.ids import interaction_id_of
from router.channels.ingest import Keeper, NotKept, There, keep
from router.channels.mail_contact import (
    Answered,
    Envelope,
    answered_ref,
    contact_of,
    provider_id_of,
    thread_of_mail,
)
from router.channels.mail_head import head_of
from router.channels.mail_token import TokenKey
from router.channels.port import Account, Contact
from router.channels.probes import HEADER, as_probe, is_expected
from router.channels.smtp_in import Limits, MailSession, MailTaker
from router.journal.committer import Committer
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Connection, Database
from router.run.mailboxes import IMAP, Mailboxes
from router.run.plan_activation import plan_in_force
from router.sites.second_copy import Copies, NoSecondCopy

SMTP: Final = "smtp"
RENEW_S: Final = 2.0
"""How soon a changed plan counts here."""

DEFAULT_MAIL_BYTES: Final = 26_214_400
BACKLOG: Final = 200

_log = logging.getLogger("muster.mail")


class MailRole:
    """One listener, from a bound socket, on a database that is open."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        committer: Committer,
        plan: Plan,
        *,
        limits: Limits | None = None,
        second: Copies | None = None,
        there: There | None = None,
    ) -> None:
        """there: as Keeper.there."""
        self._settings = settings
        self._database = database
        self._committer = committer
        self._second = second or NoSecondCopy()
        self._there = there
        self._accounts: Mapping[str, Account] = {}
        self._by_address: dict[str, str] = {}
        self._upstream: dict[str, tuple[Network, ...]] = {}
        self._version = 0
        self.mailboxes = Mailboxes(database, committer, self.keep)
        self.use(plan)
        self.taker = MailTaker(
            accounts=lambda: self._by_address,
            keep=self.keep,
            limits=limits or Limits(mail_bytes=_mail_bytes(plan)),
            upstream=lambda account_id: self._upstream.get(account_id, ()),
        )

    def use(self, plan: Plan) -> None:
        """Take mail for the accounts of this plan from here on."""
        self._plan = plan
        ready = load_accounts(plan, self._settings)
        self._accounts = {
            each.account_id: ready.get(each.account_id)
            or Account(
                # Without its secret nothing is signed or believed, but mail is taken all the same.
                account_id=each.account_id,
                channel=each.channel,
                provider=each.provider,
                address=each.address,
                secret=b"",
                endpoint="",
                public_url="",
                options=dict(each.options),
                unlinked=frozenset(each.shared),
            )
            for each in plan.accounts
            if each.provider == SMTP
        }
        self._by_address = {each.address.lower(): each.account_id for each in self._accounts.values()}
        self._upstream = {
            each.account_id: networks_of(str(each.options.get("upstream", "")) or LOOPBACK)
            for each in self._accounts.values()
        }
        boxes = {each.account_id: each for each in ready.values() if each.provider == IMAP}
        self._accounts = {**self._accounts, **boxes}
        self.mailboxes.use(boxes.values(), mail_bytes=_mail_bytes(plan))

    def plan(self) -> Plan:
        """The plan in force here."""
        return self._plan

    async def serve(self, listener: socket.socket) -> None:
        """Take mail until cancelled."""
        tls = tls_of(self._settings)
        hostname = self._hostname()
        server = await asyncio.get_running_loop().create_server(
            lambda: MailSession(self.taker, hostname=hostname, tls=tls), sock=listener, backlog=BACKLOG
        )
        try:
            async with server:
                _log.info("listening port=%d accounts=%d", listener.getsockname()[1], len(self._accounts))
                self.mailboxes.begin()
                await self._follow_plan()
        finally:
            await self.mailboxes.end()

    async def keep(self, account_id: str, envelope: Envelope) -> bool:
        """Whether the mail is on disk, as a contact that joins what it answers or begins an interaction.

        Who is told so (250, or a mailbox in which it may be marked) is told once the other site has it too.
        """
        account = self._accounts.get(account_id)
        if account is None:
            return False
        try:
            contact = await asyncio.to_thread(self._contact, account, envelope)
            within_ms = self._plan.limits.read_within_ms
            keeper = Keeper(
                web_id="", read_within_ms=within_ms, copied=self._second.copied, there=self._there
            )
            await keep(self._committer, contact, keeper)
        except (NotKept, DatabaseGone, DatabaseBusy) as reason:
            _log.warning("mail not kept account=%s reason=%s", account_id, type(reason).__name__)
            return False
        return True

    def _contact(self, account: Account, envelope: Envelope) -> Contact:
        interaction_id = interaction_id_of(account.channel, account.account_id, provider_id_of(envelope.body))
        ref = answered_ref(envelope, TokenKey.of(account.secret))
        probe = head_of(envelope.body).first(HEADER).decode("ascii", "replace")
        answered = None
        if ref or probe:
            with self._database.reading() as db:
                answered = answered_by(db, ref, account) if ref else None
                if probe and is_expected(db, probe, account.account_id, envelope.received_at_ms):
                    return as_probe(contact_of(envelope, account, interaction_id=interaction_id), probe)
        return contact_of(envelope, account, interaction_id=interaction_id, answered=answered)

    async def _follow_plan(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                plan = await asyncio.to_thread(self._newer_plan)
            except (DatabaseGone, DatabaseBusy) as reason:
                _log.info("plan not looked at reason=%s", reason)
                continue
            if plan is not None:
                self.use(plan)

    def _newer_plan(self) -> Plan | None:
        with self._database.reading() as db:
            found = db.row("SELECT max(version) FROM plan")
            if not found or found[0] == self._version:
                return None
            in_force = plan_in_force(db)
        self._version = found[0]
        return in_force[1] if in_force else None

    def _hostname(self) -> str:
        address = next(iter(self._by_address), "")
        domain = address.rpartition("@")[2] or socket.gethostname()
        return domain.encode("idna").decode("ascii")


def answered_by(db: Connection, interaction_id: str, account: Account) -> Answered:
    """What joins the interaction behind one of our tokens, and whom we write to there.

    Its thread, not its id: once it has ended, an answer begins the next one of the same thread, and the
    answers to either find it. An interaction that this site does not have (yet) has the thread it began with.
    """
    row = db.row(
        "SELECT i.thread, a.address, coalesce(n.verified, 0) FROM interaction i"
        " LEFT JOIN address a ON a.address_hash = i.address_hash AND i.address_hash <> ''"
        " LEFT JOIN identity n ON n.identity_id = i.identity_id"
        " WHERE i.interaction_id = :id AND i.channel = :channel AND i.account = :account",
        id=interaction_id,
        channel=account.channel,
        account=account.account_id,
    )
    thread, address, verified = row or ("", "", 0)
    return Answered(
        thread=thread or thread_of_mail(interaction_id), address=address or "", verified=bool(verified)
    )


def has_mailbox(plan: Plan) -> bool:
    """Whether there is anything to listen for."""
    return any(each.provider in (SMTP, IMAP) for each in plan.accounts)


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """STARTTLS with the certificate of the site, if it has one."""
    if not settings.tls_certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    return context


def _mail_bytes(plan: Plan) -> int:
    """The limit of the channel that mail is of."""
    channels = {each.channel for each in plan.accounts if each.provider in (SMTP, IMAP)}
    limits = [each.body_bytes_max for each in plan.channels if each.channel_id in channels]
    return max(limits, default=DEFAULT_MAIL_BYTES)
