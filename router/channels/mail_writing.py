"""An answer as a mail: its head, with our signed names in it, and its words. Reads the clock for Date only.

Lines stay short (quoted-printable), every field is one clean line whatever was in the mail that is answered,
and the Message-ID follows from the outbox row: the same mail tried again has the same one.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from router.channels.mail_head import Head, head_of, message_id_of_head, subject_of
from router.channels.mail_token import REPLY, SENT, TokenKey, tagged
from router.channels.port import Account, Outgoing

REFERENCES_MAX: Final = 20
"""The newest; the first one is kept too, as mail programs do, because conversations are shown under it."""

SUBJECT_CHARACTERS_MAX: Final = 200
NO_SUBJECT: Final = "your message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A mail ready to be handed over. smtputf8: an address cannot be written otherwise (RFC 6531)."""

    sender: str
    recipient: str
    message_id: str
    body: bytes
    smtputf8: bool


def write_mail(outgoing: Outgoing, account: Account) -> Written | None:
    """The mail; None where the address cannot be written to."""
    key = TokenKey.of(account.secret)
    recipient = _on_the_wire(outgoing.to_address)
    own = _on_the_wire(account.address)
    if not recipient or not own:
        return None
    sender = tagged(own, key.token(REPLY, outgoing.interaction_id))
    message_id = message_id_for(outgoing, key, own)
    smtputf8 = not (recipient + sender).isascii()
    mail = EmailMessage(policy=policy.SMTPUTF8 if smtputf8 else policy.SMTP)
    head = head_of(outgoing.answers)
    try:
        mail["From"] = _mailbox(own, str(account.options.get("from_name", "")))
        mail["To"] = _mailbox(recipient)
        if sender != own:
            mail["Reply-To"] = _mailbox(sender)
        _fill(mail, outgoing, head, message_id)
        mail.set_content(outgoing.text, cte="quoted-printable")
        if outgoing.file is not None:
            kind, _, detail = outgoing.file.media_type.partition("/")
            mail.add_attachment(
                outgoing.file.body,
                maintype=kind or "application",
                subtype=detail or "octet-stream",
                filename=outgoing.file.name,
            )
        body = mail.as_bytes()
    except (ValueError, IndexError, LookupError, UnicodeError):
        return None  # What the library refuses to write as an address.
    return Written(sender=sender, recipient=recipient, message_id=message_id, body=body, smtputf8=smtputf8)


def message_id_for(outgoing: Outgoing, key: TokenKey, own: str) -> str:
    """The Message-ID of every try: the outbox row and the interaction, both signed where there is a key."""
    names = [key.token(SENT, outgoing.outbox_id), key.token(REPLY, outgoing.interaction_id)]
    if not names[0]:
        names[0] = hashlib.sha256(outgoing.outbox_id.encode()).hexdigest()[:40]
    return f"<{'.'.join(filter(None, names))}@{own.rpartition('@')[2]}>"


def _fill(mail: EmailMessage, outgoing: Outgoing, head: Head, message_id: str) -> None:
    mail["Subject"] = _subject(outgoing.subject or subject_of(head))
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = message_id
    answered = message_id_of_head(head)
    if answered and answered.isascii():
        mail["In-Reply-To"] = f"<{answered}>"
        mail["References"] = " ".join(f"<{each}>" for each in _references(head, answered))
    if outgoing.automatic:
        mail["Auto-Submitted"] = "auto-replied"


def _mailbox(address: str, name: str = "") -> Address:
    local, _, domain = address.rpartition("@")
    return Address(name, username=local, domain=domain)


def _subject(subject: str) -> str:
    """One line: what is answered, with one Re: before it."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in subject).split())
    line = line[:SUBJECT_CHARACTERS_MAX] or NO_SUBJECT
    return line if line.lower().startswith("re:") else f"Re: {line}"


def _references(head: Head, answered: str) -> list[str]:
    words = head.first("references").decode("ascii", "replace").split()
    ids = [each[1:-1] for each in words if each[:1] == "<" and each[-1:] == ">" and len(each) < 260]
    ids = [each for each in ids if each.isascii() and each.isprintable() and not {"<", ">"} & set(each)]
    kept = [*ids[:1], *ids[1:][-(REFERENCES_MAX - 2) :]] if len(ids) > REFERENCES_MAX else ids
    return [*(each for each in kept if each != answered), answered]


def _on_the_wire(address: str) -> str:
    """The address with its domain in ASCII; empty where it is none."""
    local, at, domain = address.strip().rpartition("@")
    try:
        wire = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    clean = local.isprintable() and not set(local) & set(' <>()[]:;,\\"')
    return f"{local}@{wire}" if at and local and wire and clean else ""
