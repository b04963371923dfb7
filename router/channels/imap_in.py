"""Mail waiting in a mailbox somewhere else: one connection to it, by imap-tools. Blocking, for a thread.

It says which mails are there and fetches them, never more of one than it is told to. What a mailbox is read
for, in which order and how far, is run/mailbox_follower.py. A server may say anything: whatever is not
understood ends the connection as ImapGone, and the next one begins anew.
"""

import imaplib
import re
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from router.channels.port import Account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imap_tools import BaseMailBox

STEP_S: Final = 30.0
"""For each answer of the server. A slow one is waited for; a dead one is not waited for all night."""

LITERAL_BYTES_MAX: Final = 67_108_864
"""More in one piece no server was asked for: it has lost its place in the conversation, or means harm."""

UIDS_MAX: Final = 1_000_000
"""Mails that are listed at all; beyond that the rest is seen once these are done."""

PORTS: Final = {"imap": 143, "imaps": 993}
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")

KEEP: Final = "keep"
SEEN: Final = "seen"

_UID: Final = re.compile(rb"\bUID (\d{1,10})\b")
_SIZE: Final = re.compile(rb"\bRFC822\.SIZE (\d{1,12})\b")
_NO_BODY: Final = re.compile(rb"\bBODY\[\](?:<\d+>)? (?:NIL|\"((?:[^\"\\]|\\.)*)\")")
_ESCAPED: Final = re.compile(rb"\\(.)")


class ImapRefused(Exception):
    """The server does not let us in, or has no such folder. Trying again at once would not help."""


class ImapGone(Exception):
    """The connection is of no use any more; a new one may be."""


MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""As dates are written in a search (RFC 3501 §9, date-month)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the mail of an account waits, from its endpoint and options."""

    host: str
    port: int
    tls: str
    """imaps (from the first byte), starttls, or none: to this machine only."""
    user: str
    folder: str
    after: str
    """keep, seen, or the folder that mail is moved to once it is kept."""

    @property
    def name(self) -> str:
        """What tells this mailbox from every other."""
        return f"{self.user}@{self.host}:{self.port}/{self.folder}"


def place_of(account: Account) -> Place | None:
    """The mailbox of an account; None where its endpoint names none. In the clear to this machine only."""
    parts = urlsplit(account.endpoint)
    if parts.scheme not in PORTS or not parts.hostname:
        return None
    nearby = parts.hostname in LOOPBACK
    return Place(
        host=parts.hostname,
        port=parts.port or PORTS[parts.scheme],
        tls="imaps" if parts.scheme == "imaps" else "none" if nearby else "starttls",
        user=str(account.options.get("user", "")),
        folder=str(account.options.get("folder", "INBOX")),
        after=str(account.options.get("after", KEEP)),
    )


class ImapSession:
    """One connection, signed in, with its folder selected. Every method may raise ImapGone.

    Shape: validity is the folder's UIDVALIDITY: uids count for as long as it stays the same.
    """

    def __init__(self, place: Place, password: str, *, step_s: float = STEP_S) -> None:
        """Connect and sign in. Raises ImapRefused, ImapGone."""
        self._place = place
        self._step_s = step_s
        with _translated():
            self._box = _connected(place, step_s)
        try:
            self._sign_in(password)
            with _translated():
                self.validity = self._select()
                # Once more: what a server can it often says only to whom it knows.
                _, said = _ok(self._box.client.capability())
                self._can = {word for line in said if isinstance(line, bytes) for word in _words(line)}
        except BaseException:
            self.close()
            raise

    def uids_after(self, last_uid: int) -> list[int]:
        """What is in the folder above this number, in order."""
        with _translated():
            self._box.client.response("EXISTS")  # Forgotten: what is said from here on is news.
            _, found = _ok(self._box.client.uid("SEARCH", f"UID {last_uid + 1}:*"))
            # "n:*" always has the newest mail in it, also where that is below n (RFC 3501 §6.4.8).
            uids = {int(each) for line in found if isinstance(line, bytes) for each in line.split()}
        return sorted(uid for uid in uids if uid > last_uid)[:UIDS_MAX]

    def uids_since(self, at_ms: int) -> list[int]:
        """What came into the folder on the day of this time (by the server's clock) or later, in order."""
        day = datetime.fromtimestamp(at_ms / 1_000, UTC)
        since = f"{day.day}-{MONTHS[day.month - 1]}-{day.year}"  # in English whatever the machine speaks
        with _translated():
            _, found = _ok(self._box.client.uid("SEARCH", f"SINCE {since}"))
        return sorted(int(each) for line in found if isinstance(line, bytes) for each in line.split())

    def sizes(self, uids: Sequence[int]) -> Mapping[int, int]:
        """How large the server says each is; those that are gone are left out."""
        with _translated():
            lines = self._fetch(uids, "(UID RFC822.SIZE)")
        sizes = {}
        for line in lines:
            meta = line if isinstance(line, bytes) else b" ".join(line)
            uid, size = _UID.search(meta), _SIZE.search(meta)
            if uid and size:
                sizes[int(uid[1])] = int(size[1])
        return sizes

    def bodies(self, uids: Sequence[int], most: int) -> Mapping[int, bytes]:
        """The beginning of each, at most so many bytes, unseen as before; what is gone is left out."""
        with _translated():
            return _bodies(self._fetch(uids, f"(UID BODY.PEEK[]<0.{most}>)"), most)

    def settle(self, uids: Sequence[int]) -> None:
        """What the plan says is done with mail that is kept. Raises ImapRefused where that cannot be done."""
        after, every = self._place.after, _set_of(uids)
        if after == KEEP or not uids:
            return
        with _translated():
            if after == SEEN:
                self._told(self._box.client.uid("STORE", every, "+FLAGS.SILENT", r"(\Seen)"))
                return
            folder = _encoded(after)
            if "MOVE" in self._can:
                self._told(self._box.client.uid("MOVE", every, folder))
            elif "UIDPLUS" in self._can:
                self._told(self._box.client.uid("COPY", every, folder))
                self._told(self._box.client.uid("STORE", every, "+FLAGS.SILENT", r"(\Deleted)"))
                self._told(self._box.client.uid("EXPUNGE", every))
            else:  # A plain EXPUNGE would also delete what somebody else has marked.
                raise ImapRefused("the server can neither MOVE nor UID EXPUNGE")

    def wait(self, seconds: float) -> None:
        """Until something changes in the folder, or for so long: where the server can say so by itself."""
        if "IDLE" not in self._can:
            return
        with _translated():
            _, told = self._box.client.response("EXISTS")
            if told and told[-1] is not None:
                return  # Said along with another answer since the last look: it will not be said again.
            self._box.idle.wait(seconds)

    @property
    def idles(self) -> bool:
        """Whether the server says by itself that something came."""
        return "IDLE" in self._can

    def close(self) -> None:
        """Without a word: who waits in another thread for this connection wakes up."""
        with suppress(OSError):
            self._box.client.sock.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self._box.client.shutdown()

    def _sign_in(self, password: str) -> None:
        from imap_tools import MailboxLoginError

        try:
            with _translated():
                if (self._place.user + password).isascii():
                    self._box.login(self._place.user, password, None)
                else:
                    self._box.login_utf8(self._place.user, password, None)
        except ImapGone as gone:
            if isinstance(gone.__cause__, MailboxLoginError) or _is_no(gone.__cause__):
                raise ImapRefused("login refused") from gone
            raise

    def _select(self) -> int:
        from imap_tools import MailboxFolderSelectError

        try:
            self._box.folder.set(self._place.folder, readonly=self._place.after == KEEP)
        except MailboxFolderSelectError as no:
            raise ImapRefused(f"no folder {self._place.folder}") from no
        _, told = self._box.client.response("UIDVALIDITY")
        if not told or not isinstance(told[-1], bytes) or not told[-1].isdigit():
            raise ImapGone("the server gives its mails no lasting numbers (UIDVALIDITY)")
        return int(told[-1])

    def _fetch(self, uids: Sequence[int], what: str) -> list[bytes | tuple[bytes, bytes]]:
        _, found = _ok(self._box.client.uid("FETCH", _set_of(uids), what))
        return [each for each in found if isinstance(each, (bytes, tuple))]

    def _told(self, answer: tuple[str, Sequence[object]]) -> None:
        if answer[0] != "OK":
            raise ImapRefused(f"after = {self._place.after!r} refused")


def _connected(place: Place, step_s: float) -> "BaseMailBox":
    """Connect and encrypt. The client is ours, so that one that cannot be encrypted is closed."""
    from imap_tools import BaseMailBox

    context = ssl.create_default_context()
    client: imaplib.IMAP4
    if place.tls == "imaps":
        client = imaplib.IMAP4_SSL(place.host, place.port, ssl_context=context, timeout=step_s)
    else:
        client = imaplib.IMAP4(place.host, place.port, timeout=step_s)
    try:
        if place.tls == "starttls":
            client.starttls(ssl_context=context)
    except BaseException:
        with suppress(OSError):
            client.shutdown()
        raise
    _bound(client)

    class Box(BaseMailBox):
        """imap-tools around this client."""

        def _get_mailbox_client(self) -> imaplib.IMAP4:
            return client

    return Box()


def _bound(client: imaplib.IMAP4) -> None:
    """imaplib reads as much as a server announces; a broken one may announce what no memory holds."""
    read = client.read

    def bounded(size: int) -> bytes:
        if size > LITERAL_BYTES_MAX:
            raise imaplib.IMAP4.abort("a literal larger than anything asked for")
        return read(size)

    client.read = bounded  # type: ignore[method-assign]


@contextmanager
def _translated() -> "Iterator[None]":
    """Whatever the libraries raise about the other side, as ImapGone, without the server's words."""
    from imap_tools import ImapToolsError

    try:
        yield
    except (ImapRefused, ImapGone):
        raise
    except (OSError, EOFError, imaplib.IMAP4.error, ImapToolsError) as problem:
        raise ImapGone(type(problem).__name__) from problem
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as nonsense:
        # What imaplib makes of an answer that is no IMAP: never a reason to stop.
        raise ImapGone(f"not understood: {type(nonsense).__name__}") from nonsense


def _ok(answer: tuple[str, Sequence[object]]) -> tuple[str, Sequence[object]]:
    if answer[0] != "OK":
        raise ImapGone("the server refuses what it must be able to do")
    return answer


def _bodies(lines: Iterable[bytes | tuple[bytes, bytes]], most: int) -> Mapping[int, bytes]:
    """imaplib gives (what stood before, the bytes), then what stood behind; either may have the number."""
    bodies: dict[int, bytes] = {}
    body: bytes | None = None
    for line in lines:
        meta = line if isinstance(line, bytes) else line[0]
        if isinstance(line, tuple):
            body = bytes(line[1])
        elif (empty := _NO_BODY.search(meta)) is not None:
            body = _ESCAPED.sub(rb"\1", empty[1] or b"")
        uid = _UID.search(meta)
        if uid is not None and body is not None:
            bodies[int(uid[1])] = body[:most]
            body = None
    return bodies


def _words(line: bytes) -> list[str]:
    return line.decode("ascii", "replace").upper().split()


def _set_of(uids: Sequence[int]) -> str:
    return ",".join(str(uid) for uid in uids)


def _encoded(folder: str) -> str:
    from imap_tools.utils import encode_folder

    return encode_folder(folder).decode("ascii")


def _is_no(cause: BaseException | None) -> bool:
    """Whether imaplib says that the server answered NO: only such an answer is its last word."""
    return type(cause) is imaplib.IMAP4.error
