"""What a mail says: its words, its page as it was, its files; and what a bounce is about. Pure.

Runs in a limited child (run/limited_child.py), because whoever writes mail chooses every byte of it. Whom it
is from and what kind of mail it is needs the head only: mail_head.py, mail_kind.py.
"""

import re
import unicodedata
from typing import Final

import msgspec

from router.channels.mail_head import head_of, message_id_of_head, subject_of
from router.channels.mail_tree import Leaf, Tree
from router.channels.mail_words import HTML_CHARACTERS_MAX, text_of, text_of_html

TEXT_CHARACTERS_MAX: Final = 200_000
"""Of all words together; the raw mail has the rest."""

PAGE_BYTES_MAX: Final = 2_000_000
FILES_MAX: Final = 60
NAME_CHARACTERS_MAX: Final = 120
NO_NAME: Final = "file"

_SHORT: Final = 200
"""A text below this beside a much longer page says that the page cannot be shown, and not what it says."""

_REPORTS: Final = ("message/delivery-status", "message/global-delivery-status")
_RETURNED: Final = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
_UNREADABLE: Final = ("application/pkcs7-mime", "application/x-pkcs7-mime", "application/ms-tnef")
_ENCRYPTED: Final = ("application/pgp-encrypted", "-----BEGIN PGP MESSAGE-----")
_ENDINGS: Final = {
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/html": ".html",
    "text/csv": ".csv",
}


class MailFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that came with a mail. Archives are never looked into."""

    name: str
    media_type: str
    body: bytes


class Bounce(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery report says (RFC 3464). original_id: the Message-ID of what could not be delivered."""

    action: str = ""
    status: str = ""
    original_id: str = ""


class MailRead(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail says. notes are stable codes: decoded_lossy, parts_left_out, encrypted, no_text, cut."""

    text: str
    page: bytes = b""
    files: tuple[MailFile, ...] = ()
    notes: tuple[str, ...] = ()
    bounce: Bounce | None = None


def read_mail(raw: bytes) -> MailRead:
    """The words, page and files of this mail; of one that is only a head, or nothing at all, no words."""
    tree, reader = Tree(raw), _Reader()
    for leaf in tree.leaves():
        reader.take(leaf)
    return reader.read(left_out=tree.left_out)


class _Reader:
    """Collects what the leaves say."""

    def __init__(self) -> None:
        self._said: list[tuple[int, str]] = []
        """(group, words) of plain texts and pages that are not only another form of a text."""
        self._pages: list[tuple[int, str]] = []
        self._page = b""
        self._page_characters_left = HTML_CHARACTERS_MAX
        self._files: list[MailFile] = []
        self._notes: dict[str, None] = {}
        self._bounce: Bounce | None = None

    def take(self, leaf: Leaf) -> None:
        """Note one part."""
        if leaf.report and self._taken_as_report(leaf):
            return
        if leaf.media_type in _UNREADABLE or leaf.media_type in _ENCRYPTED:
            self._notes["encrypted"] = None
        words = leaf.media_type in ("text/plain", "text/html") and not leaf.attached
        if words and not (leaf.file_name and leaf.media_type == "text/html"):
            self._take_words(leaf)
        elif leaf.media_type == "message/rfc822":
            self._take_mail(leaf)
        elif leaf.nested <= 1:
            self._take_file(leaf)

    def read(self, *, left_out: bool) -> MailRead:
        """Everything that was noted."""
        text = "\n\n".join(words for words in self._words() if words.strip()).strip()
        if not text and not self._notes.get("encrypted"):
            self._notes["no_text"] = None
        if left_out:
            self._notes["parts_left_out"] = None
        if len(text) > TEXT_CHARACTERS_MAX:
            self._notes["cut"] = None
        return MailRead(
            text=text[:TEXT_CHARACTERS_MAX],
            page=self._page,
            files=tuple(self._files),
            notes=tuple(self._notes),
            bounce=self._bounce,
        )

    def _words(self) -> list[str]:
        """The texts in order; a page only where no text says the same, or one that says hardly anything."""
        texts: dict[int, int] = {}
        for group, words in self._said:
            texts[group] = texts.get(group, 0) + len(words.strip())
        said = [each for _, each in self._said]
        for group, page in self._pages:
            beside = texts.get(group, 0) if group else 0
            if not beside or (beside < _SHORT and len(page) > 4 * beside + _SHORT):
                said.append(page)
        return said

    def _take_words(self, leaf: Leaf) -> None:
        text, guessed = text_of(leaf.body[: 4 * TEXT_CHARACTERS_MAX + PAGE_BYTES_MAX], leaf.charset)
        if guessed:
            self._notes["decoded_lossy"] = None
        if _ENCRYPTED[1] in text[:4_000]:
            self._notes["encrypted"] = None
        if leaf.media_type == "text/plain":
            self._said.append((leaf.group, text[: TEXT_CHARACTERS_MAX + 1]))
            return
        if not self._page:
            self._page = leaf.body[:PAGE_BYTES_MAX]
        if len(text) > self._page_characters_left:
            self._notes["cut"] = None
        text = text[: self._page_characters_left]
        self._page_characters_left -= len(text)
        self._pages.append((leaf.group, text_of_html(text)[: TEXT_CHARACTERS_MAX + 1]))

    def _take_mail(self, leaf: Leaf) -> None:
        """A mail inside the mail is a file; its words are among the words: they may be the emergency."""
        subject = subject_of(head_of(leaf.body))
        if subject:
            self._said.append((0, f"[{subject}]"))
        if leaf.nested == 0:
            self._take_file(leaf, name=leaf.file_name or subject)

    def _take_file(self, leaf: Leaf, name: str = "") -> None:
        if len(self._files) >= FILES_MAX:
            self._notes["parts_left_out"] = None
            return
        self._files.append(
            MailFile(
                name=file_name_of(name or leaf.file_name, leaf.media_type),
                media_type=leaf.media_type,
                body=leaf.body,
            )
        )

    def _taken_as_report(self, leaf: Leaf) -> bool:
        """Whether this part of a delivery report was for us and not for people."""
        bounce = self._bounce or Bounce()
        if leaf.media_type in _REPORTS:
            words = text_of(leaf.body[:65_536], "")[0]
            self._bounce = Bounce(
                action=_field(words, "action"),
                status=_field(words, "status"),
                original_id=bounce.original_id,
            )
            return True
        if leaf.media_type not in _RETURNED:
            return leaf.nested > 0  # What was in the mail that came back: our own words.
        original_id = message_id_of_head(head_of(leaf.body[:65_536]))
        self._bounce = Bounce(action=bounce.action, status=bounce.status, original_id=original_id)
        return True


def file_name_of(name: str, media_type: str) -> str:
    """A name that is only a name: no path, nothing that is not seen, not too long, never empty."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    seen = "".join(
        sign for sign in last if unicodedata.category(sign)[0] != "C" and sign not in '<>:"|?*\u2400'
    )
    kept = " ".join(seen.split()).strip(". ")
    stem, dot, ending = kept.rpartition(".")
    if dot and 0 < len(ending) <= 16:
        kept = f"{stem[: NAME_CHARACTERS_MAX - 17]}.{ending}"
    else:
        kept = kept[:NAME_CHARACTERS_MAX] or NO_NAME
        kept += _ENDINGS.get(media_type, "")
    return kept.encode("utf-8", "replace").decode()


def _field(words: str, name: str) -> str:
    """A field of a delivery report, in small letters, as a short code."""
    found = re.search(rf"(?im)^{name}[ \t]{{0,9}}:[ \t]{{0,9}}([a-z0-9.]{{1,40}})", words)
    return "" if found is None else found[1].lower()
