"""A mail that arrived, by SMTP or in a mailbox, as a contact: ids, whom it is from, what it answers. Pure.

What is kept is what arrived, byte for byte, below three lines of our own: the envelope is nowhere else. They
say nothing about when or from where, so that a mail which is delivered twice is the same twice.
"""

import hashlib
from dataclasses import dataclass

from router.channels.mail_head import (
    Head,
    Sender,
    head_of,
    mailbox_of,
    message_id_of_head,
    sender_of,
)
from router.channels.mail_kind import (
    CUT,
    DIRECT,
    FAIL,
    PASS,
    TRACE,
    UNLINKED,
    UPSTREAM,
    kind_of,
    return_path_of,
    verdict_of,
)
from router.channels.mail_token import REPLY, TokenKey
from router.channels.port import Account, Contact

MEDIA_TYPE = "message/rfc822"
ADDRESS_KIND = "mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """How a mail was handed over.

    Shape: recipients are addresses of one of our accounts, with their tags; cut is the size of the whole
           where only its beginning was taken, else 0.
    """

    sender: str
    recipients: tuple[str, ...]
    upstream: bool
    body: bytes
    received_at_ms: int
    cut: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The interaction whose token a mail carries: what joins it, and whom we wrote to."""

    thread: str
    address: str
    verified: bool


def kept_body(envelope: Envelope) -> bytes:
    """The mail as it is kept: our three lines, then what arrived."""
    recipients = ", ".join(sorted(envelope.recipients))
    lines = (
        f"Return-Path: <{envelope.sender}>",
        f"Delivered-To: {recipients}",
        f"{TRACE.title()}: {UPSTREAM if envelope.upstream else DIRECT}"
        + (f"; {CUT}{envelope.cut}" if envelope.cut else ""),
    )
    return "".join(f"{_one_line(line)}\r\n" for line in lines).encode() + envelope.body


def answered_ref(envelope: Envelope, key: TokenKey) -> str:
    """The interaction this mail answers by one of our tokens: in its address, else in what it refers to."""
    head = head_of(envelope.body)
    referred = [value.decode("utf-8", "replace") for value in head.every("in-reply-to")[:3]]
    for value in head.every("references")[:3]:
        referred += reversed(value.decode("utf-8", "replace").split())
    return key.first_ref(REPLY, [*envelope.recipients, *referred])


def contact_of(
    envelope: Envelope, account: Account, *, interaction_id: str, answered: Answered | None = None
) -> Contact:
    """The contact. interaction_id is the one it begins if it joins none: later mail finds it by that.

    Repeats are recognised by every byte that arrived, never by the Message-ID alone: anybody could send one
    in advance, and the mail that it belongs to would be taken for a repeat.
    """
    body = kept_body(envelope)
    head = head_of(body)
    verdict = verdict_of(head, str(account.options.get("trusted_authserv", "")))
    kind = kind_of(head, verdict=verdict, key=TokenKey.of(account.secret), own=account.address)
    writer, named_by = writer_of(head)
    verified = verdict == PASS and named_by == "from"
    if answered is not None and writer.address and writer.address == answered.address:
        # Mails are passed on, and their tokens with them: not for who is known to be somebody else.
        verified = verified or (answered.verified and named_by == "from" and verdict != FAIL)
    own = any(writer.address == each.lower() for each in (account.address, *account.unlinked))
    return Contact(
        channel=account.channel,
        account=account.account_id,
        provider_id=provider_id_of(envelope.body),
        thread=answered.thread if answered is not None else thread_of_mail(interaction_id),
        address_kind=ADDRESS_KIND if writer.address else "",
        address=writer.address,
        verified=verified,
        linked=bool(writer.address) and named_by != "return-path" and not own and kind not in UNLINKED,
        media_type=MEDIA_TYPE,
        file_name="mail.eml",
        body=body,
        received_at_ms=envelope.received_at_ms,
    )


def provider_id_of(body: bytes) -> str:
    """By what a mail that is delivered again is recognised."""
    return f"{message_id_of_head(head_of(body))}/{hashlib.sha256(body).hexdigest()}"


def thread_of_mail(interaction_id: str) -> str:
    """What answers to this interaction join by."""
    return f"mail/{interaction_id}"


def writer_of(head: Head) -> tuple[Sender, str]:
    """(whom an answer goes to, which field says so: from, reply-to, or return-path).

    A Reply-To is where answers are wanted: a form on a web page has the citizen there. Where From names
    nobody that could be written to, the sender of the envelope is better than no answer at all.
    """
    sender = sender_of(head)
    replies = head.every("reply-to")
    wanted = mailbox_of(replies[0]) if len(replies) == 1 else Sender()
    if wanted.address and wanted.address != sender.address:
        return wanted, "reply-to"
    if sender.address:
        return sender, "from"
    back = mailbox_of((return_path_of(head) or "").encode())
    return Sender(name=sender.name, address=back.address), "return-path"


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text.encode("utf-8", "replace").decode())
