"""What desks show of a mail beside its words: subject, whom it is from and who says so, what kind it is.

Read from the head of the raw mail each time, and from what reading found out (its part `about`).
"""

from typing import Any, Final  # Any: message values are JSON objects

import msgspec

from router.channels.mail_contact import MEDIA_TYPE, writer_of
from router.channels.mail_head import head_of, sender_of, subject_of
from router.channels.mail_kind import PASS, PERSON
from router.run.mail_intake import UNREADABLE, About

HEAD_BYTES: Final = 32_768
"""Of a raw mail, for a desk: the whole may have 25 MB."""

TEXT_CHARACTERS_MAX: Final = 30_000
"""Of words in a page; the file of the raw mail has all."""

CUT: Final = "cut"


def mail_of(media_type: str | None, body: bytes, about: bytes | None) -> dict[str, Any] | None:
    """The value `mail` of a message; None for what is no mail."""
    if media_type != MEDIA_TYPE:
        return None
    head = head_of(body)
    sender, (writer, _) = sender_of(head), writer_of(head)
    found = _about(about)
    return {
        "subject": subject_of(head),
        "from_name": sender.name,
        "from_address": sender.address,
        "answers_to": writer.address if writer.address != sender.address else "",
        "verified": found.verdict == PASS,
        "kind": found.kind,
        "notes": [
            note for note in found.notes if note != UNREADABLE
        ],  # The message itself says that it is raw.
    }


def _about(body: bytes | None) -> About:
    try:
        return msgspec.json.decode(body or b"", type=About)
    except msgspec.MsgspecError:
        return About(kind=PERSON)
