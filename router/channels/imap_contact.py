"""A mail out of a mailbox as if it had been handed over: what its server wrote on it takes the place of the
envelope. Pure.
"""

from typing import Final

from router.channels.mail_contact import Envelope
from router.channels.mail_head import Head, head_of, mailbox_of, sender_of
from router.channels.mail_token import untagged
from router.channels.port import Account

ADDRESSED: Final = ("delivered-to", "x-original-to", "to", "cc")
"""Where an address of ours with a reply token may stand: that is signed, whoever wrote it there."""

ADDRESSES_MAX: Final = 100

NOBODY: Final = "nobody@mailbox.invalid"
"""Whoever wrote a mail that names nobody: a person, perhaps, and no program that says so."""


def envelope_of(
    body: bytes | None, account: Account, *, validity: int, uid: int, whole: int, received_at_ms: int
) -> Envelope:
    """The mail, or, where it cannot be fetched, words of ours in its place: somebody has to look at it.

    Shape: whole is its size where body is only its beginning, else 0.
    """
    if body is None:
        body = _in_its_place(account, validity, uid)
    head = head_of(body)
    return Envelope(
        sender=_sender(head),
        recipients=_recipients(head, account.address),
        upstream=True,  # Nobody writes into that mailbox but the server that the plan names.
        body=body,
        received_at_ms=received_at_ms,
        cut=whole,
    )


def _sender(head: Head) -> str:
    """Whom its server says it came from; empty only where that says so: then a program wrote it."""
    if head.has("return-path"):
        return mailbox_of(head.first("return-path")).address
    return sender_of(head).address or NOBODY


def _recipients(head: Head, address: str) -> tuple[str, ...]:
    """Our address as they wrote it, with its tags."""
    ours, found = untagged(address), dict[str, None]()
    for name in ADDRESSED:
        for value in head.every(name)[:ADDRESSES_MAX]:
            for part in value.decode("utf-8", "replace").split(",")[:ADDRESSES_MAX]:
                written = mailbox_of(part.encode()).address
                if written and untagged(written) == ours:
                    found[written] = None
    return tuple(found) or (address,)


def _in_its_place(account: Account, validity: int, uid: int) -> bytes:
    """The same bytes for the same mail, so that a repeat is known."""
    return (
        f"Subject: A mail that its server does not hand over\r\n"
        f"Message-ID: <{validity}.{uid}.{account.account_id}@mailbox.invalid>\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\n"
        f"In the mailbox of {account.address} there is a mail (number {uid}) that cannot be fetched.\r\n"
        "Please open it with another mail program: somebody may need help.\r\n"
    ).encode()
