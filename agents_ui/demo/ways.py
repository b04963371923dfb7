"""How demo people reach a centre besides its chat page: telephones that text, and mailboxes.

The demo plays the provider of the plan's first text account and the mail server of its first mailbox, on the
loopback addresses that MUSTER_ENDPOINTS names for them (stage.py chooses those). Without, people only chat.
It needs the accounts' secrets, which only a demo has lying about.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Final
from urllib.parse import urlsplit

from agents_ui.demo.correspondent import Post
from agents_ui.demo.double import DoubleServer, ProviderDouble
from agents_ui.demo.double_answers import DoubleAccount
from agents_ui.demo.inbox import Inbox
from agents_ui.demo.mailing import Mailboxes, MailPost
from agents_ui.demo.people import Person
from agents_ui.demo.texting import TextingAccount, TextPost
from config.plan_file import PlanWrong, parse_plan
from config.settings import Settings
from router.channels.accounts import load_accounts
from router.channels.port import Account

SHARES: Final = {"chat": 6, "sms": 3, "mail": 2}
"""How people write, in proportion, where all three are there."""


VOUCHED_FOR: Final = 0.8
"""Share of mails whose sender the mail exchanger vouches for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What is open. `inbox` is where everybody's answers arrive."""

    inbox: Inbox
    sms: TextingAccount | None = None
    mail: tuple[str, str, int] | None = None
    """The centre's address, and host and port of its listener."""
    exchanger: str = ""
    """Whom the centre believes about senders of mail."""
    mailboxes: Mailboxes | None = None

    def channels(self) -> Sequence[str]:
        """The channels that people may choose, as often as they should."""
        there = {"chat": True, "sms": self.sms is not None, "mail": self.mail is not None}
        return [name for name, share in SHARES.items() if there[name] for _ in range(share)]

    def post(self, channel: str, person: Person, random: Random) -> tuple[Post, str]:
        """How this person writes on this channel, and the address at which the answer arrives."""
        if channel == "sms" and self.sms is not None:
            return TextPost(account=self.sms, number=person.number, random=random), person.number
        if channel == "mail" and self.mail is not None and self.mailboxes is not None:
            to, host, port = self.mail
            post = MailPost(
                person=person,
                to=to,
                host=host,
                port=port,
                mailboxes=self.mailboxes,
                random=random,
                # Now and then nobody vouches: that person only claims to be who they say.
                exchanger=self.exchanger if random.random() < VOUCHED_FOR else "",
            )
            return post, person.mail
        raise LookupError(f"no way to write by {channel}")


@asynccontextmanager
async def open_ways(settings: Settings) -> AsyncIterator[Ways]:
    """Play provider and mail server while the context lasts."""
    accounts = _accounts(settings)
    inbox = Inbox()
    async with AsyncExitStack() as stack:
        sms = accounts.get("sms")
        mail = accounts.get("mail") if settings.smtp_port > 0 else None
        mailboxes = Mailboxes(inbox=inbox)
        if mail is not None:
            parts = urlsplit(mail.endpoint)
            server = await mailboxes.listen(parts.hostname or "127.0.0.1", parts.port or 25)
            stack.callback(server.close)
        yield Ways(
            inbox=inbox,
            sms=_play_provider(sms, inbox, stack) if sms is not None else None,
            mail=(mail.address, settings.host, settings.smtp_port) if mail is not None else None,
            exchanger=str(mail.options.get("trusted_authserv", "")) if mail is not None else "",
            mailboxes=mailboxes if mail is not None else None,
        )


def _play_provider(account: Account, inbox: Inbox, stack: AsyncExitStack) -> TextingAccount:
    """Takes what the centre sends, in a thread of its own; what customers hear arrives in the inbox."""
    loop = asyncio.get_running_loop()

    async def heard(number: str, text: str) -> None:
        asyncio.run_coroutine_threadsafe(inbox.put(number, text), loop)

    sid = str(account.options["account_sid"])
    spoken = DoubleAccount(account_sid=sid, token=account.secret.decode(), number=account.address)
    server = DoubleServer(ProviderDouble(spoken, heard=heard), port=urlsplit(account.endpoint).port or 0)
    server.start()
    stack.callback(server.stop)
    return TextingAccount(
        number=account.address, account_sid=sid, token=account.secret, hook=account.public_url
    )


def _accounts(settings: Settings) -> dict[str, Account]:
    """The first account of each channel that the demo may play: those whose endpoint was replaced."""
    try:
        plan = parse_plan(settings.plan_file.read_text(encoding="utf-8"), file_name=str(settings.plan_file))
    except (OSError, UnicodeDecodeError, PlanWrong):
        return {}  # The centre says what is wrong with its plan; the demo only has less to play.
    found: dict[str, Account] = {}
    for account in load_accounts(plan, settings).values():
        if account.account_id in settings.endpoints:
            found.setdefault(account.channel, account)
    return found
