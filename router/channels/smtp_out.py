"""Mail going out: one answer as one mail, handed to the account's mail server over a connection of its own.

What is written is mail_writing.py. Here is how it is handed over and what came of that: a mail is never sent
in the clear where the plan asks for encryption. A connection that is lost after the words were sent leaves
open whether it arrived (`certain` is False); the next try has the same Message-ID.
"""

import asyncio
import logging
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from router.channels.mail_writing import Written, write_mail
from router.channels.port import Account, Outcome, Outgoing

STEP_S: Final = 8.0
"""For each step. Delivery bounds the whole try; RFC 5321 has minutes, for queues that nobody looks at."""

QUIT_S: Final = 0.5
"""The mail is taken; saying good-bye is a courtesy."""

PORTS: Final = {"smtp": 25, "smtps": 465}

REQUIRED: Final = "required"
OPPORTUNISTIC: Final = "opportunistic"
NO_TLS: Final = "none"
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")

_log = logging.getLogger("muster.smtp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where an account's mail leaves. tls: none, opportunistic, required, or from the first byte (smtps)."""

    host: str
    port: int
    tls: str


async def send(outgoing: Outgoing, account: Account) -> Outcome:
    """Hand one mail over. Never raises for what the other side does."""
    server = server_of(account)
    if server is None:
        return Outcome(kind="account_failed", detail="no_endpoint")
    written = write_mail(outgoing, account)
    if written is None:
        return Outcome(kind="failed", detail="bad_address")
    smtp = SMTP(
        hostname=server.host,
        port=server.port,
        timeout=STEP_S,
        use_tls=server.tls == "smtps",
        start_tls=False,
        local_hostname=account.address.rpartition("@")[2].encode("idna").decode("ascii"),
        tls_context=_context(verify=server.tls != OPPORTUNISTIC),
    )
    try:
        refused = await _open(smtp, server, account)
        return refused if refused is not None else await _hand_over(smtp, written)
    finally:
        smtp.close()


def server_of(account: Account) -> Server | None:
    """The server of the account's endpoint; None where it has none. STARTTLS is required unless the plan says
    otherwise; to this very machine there is no way that somebody could listen on."""
    # The endpoint of a mailbox is where its mail is read; where answers leave is said beside it.
    parts = urlsplit(str(account.options.get("answers_by", account.endpoint)))
    if parts.scheme not in PORTS or not parts.hostname:
        return None
    tls = "smtps" if parts.scheme == "smtps" else str(account.options.get("starttls", ""))
    nearby = parts.hostname in LOOPBACK
    if not tls:
        tls = OPPORTUNISTIC if nearby else REQUIRED
    if account.options.get("user") and not nearby and tls != "smtps":
        tls = REQUIRED  # The password also signs reply tokens: it leaves encrypted, or not at all.
    return Server(host=parts.hostname, port=parts.port or PORTS[parts.scheme], tls=tls)


async def _open(smtp: SMTP, server: Server, account: Account) -> Outcome | None:
    """Connect, encrypt, sign in. None when all is well; nothing has been sent otherwise."""
    try:
        await smtp.connect()
        await smtp.ehlo()
        if server.tls in (REQUIRED, OPPORTUNISTIC):
            if smtp.supports_extension("starttls"):
                await smtp.starttls(server_hostname=server.host)
                await smtp.ehlo()
            elif server.tls == REQUIRED:
                return Outcome(kind="account_failed", detail="tls_not_offered")
        user = str(account.options.get("user", ""))
        if user:
            await smtp.login(user, account.secret.decode("utf-8", "surrogateescape"))
    except SMTPAuthenticationError as refused:
        kind = "later" if refused.code < 500 else "account_failed"
        return Outcome(kind=kind, detail=f"smtp_{refused.code}")
    except SMTPException as problem:
        return _before(problem)
    except (ssl.SSLError, ssl.CertificateError):
        return Outcome(kind="account_failed", detail="tls_refused")
    except (OSError, UnicodeError):
        return Outcome(kind="later", detail="no_connection")
    return None


def _before(problem: SMTPException) -> Outcome:
    """What a failure means before anything was handed over."""
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return Outcome(kind="account_failed", detail="tls_refused")
        cause = cause.__cause__ or cause.__context__
    if isinstance(problem, SMTPResponseException):
        # Of a server that does not want us now, or that we do not understand: the mail waits.
        return Outcome(kind="later", detail=_code(problem))
    if isinstance(problem, SMTPTimeoutError):
        return Outcome(kind="later", detail="timeout")
    if isinstance(problem, ConnectionError):
        return Outcome(kind="later", detail="no_connection")
    return Outcome(
        kind="account_failed", detail="not_offered"
    )  # STARTTLS or no way of signing in that we have.


async def _hand_over(smtp: SMTP, written: Written) -> Outcome:
    """Sender, recipient, words."""
    sending = False
    try:
        options = ["SMTPUTF8", "BODY=8BITMIME"] if written.smtputf8 else []
        encoding = "utf-8" if written.smtputf8 else "ascii"
        if written.smtputf8 and not smtp.supports_extension("smtputf8"):
            return Outcome(kind="failed", detail="smtputf8_not_offered")
        await smtp.mail(written.sender, options=options, encoding=encoding)
        await smtp.rcpt(written.recipient, encoding=encoding)
        sending = True
        await smtp.data(written.body)
    except SMTPRecipientsRefused as refused:
        return _refused(refused.recipients[0])
    except SMTPResponseException as refused:
        return _refused(refused, certain=not (sending and refused.code < 200))
    except SMTPNotSupported:
        return Outcome(kind="failed", detail="not_offered")
    except (SMTPServerDisconnected, SMTPTimeoutError, OSError) as lost:
        detail = "timeout" if isinstance(lost, TimeoutError) else "connection_lost"
        return Outcome(kind="later", detail=detail, certain=not sending)
    except ValueError:
        return Outcome(kind="failed", detail="bad_address")  # One that cannot be written in a command.
    with suppress(SMTPException, OSError, TimeoutError):
        async with asyncio.timeout(QUIT_S):
            await smtp.quit()
    return Outcome(kind="sent", provider_id=written.message_id)


def _refused(refused: SMTPResponseException, *, certain: bool = True) -> Outcome:
    """4xx: later. 5xx: this mail never; but who wants us to sign in or to encrypt wants it of all mail.

    Other than 421 (the server closes) a 4xx here is about this mail: its mailbox is busy or full, or a server
    greylists. The account is well, and other mail goes on.
    """
    if refused.code in (530, 538):
        return Outcome(kind="account_failed", detail=_code(refused))
    if 500 <= refused.code < 600:
        return Outcome(kind="failed", detail=_code(refused))
    of_account = not 422 <= refused.code < 500
    return Outcome(kind="later", detail=_code(refused), certain=certain, of_account=of_account)


def _code(refused: SMTPResponseException) -> str:
    return f"smtp_{refused.code}" if 200 <= refused.code < 600 else "garbage"


def _context(*, verify: bool) -> ssl.SSLContext:
    """Encryption whose other end is known; or, where the plan is content with less, at least encryption."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
