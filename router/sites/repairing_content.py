"""Puts damaged and lost content back as the other site has it, where it is what its row says.

Nobody has to believe the other site: the journal has the hash of what was said, and nothing else is taken.
What is gone at both sites was erased. Whoever erases somebody does it at both, or it comes back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from router.journal import stream
from router.journal.database import Database
from router.journal.hashed_content import ABSENT, Finding, findings, is_sound, named_in
from router.sites.copies import Piece, put_right
from router.sites.recovering import PeerRows

PAGE: Final = 1_000

ITS_OWN_IS_DAMAGED: Final = "the other site's is not what was written either"
NOT_THERE: Final = "the other site does not have it"
CUT: Final = "the other site's ends too early"


@dataclass(slots=True, kw_only=True)
class RepairedContent:
    """What was found. Shape: left are pairs (what is damaged still, why); absent is gone at both sites."""

    checked: int = 0
    absent: int = 0
    back: list[str] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)


def repair_content(
    database: Database, peer: PeerRows, say: Callable[[str, int], None] = lambda what, seq: None
) -> RepairedContent:
    """Reads all content that rows have a hash of, and mends it. Safe while the site runs, and when repeated.
    Raises PeerGone."""
    done, seq = RepairedContent(), 0
    while True:
        with database.reading() as db:
            page = stream.read_rows(db, after_seq=seq, limit=PAGE)
            named, _ = named_in(page)
            found = [each for each in findings(db, named) if not each.hashed.passing]
        if not page:
            return done
        done.checked += len(named)
        for each in found:
            say("putting back content of row", each.hashed.seq)
            _mend(database, peer, each, done)
        seq = page[-1].seq
        say("checking content of row", seq)


def _mend(database: Database, peer: PeerRows, found: Finding, done: RepairedContent) -> None:
    why = _put_back(database, peer, found)
    if not why:
        done.back.append(found.text)
    elif found.what == ABSENT and why == NOT_THERE:
        done.absent += 1
    else:
        done.left.append((found.text, why))


def _put_back(database: Database, peer: PeerRows, found: Finding) -> str:
    """Why it cannot be; empty when it was. First from its copy of this site, then from what it has itself."""
    whys = []
    for piece in (peer.piece, peer.original):
        why = _taken(database, piece, found)
        if not why:
            return ""
        whys.append(why)
    return next((why for why in whys if why != NOT_THERE), NOT_THERE)


def _taken(database: Database, piece: Callable[[str, int], Piece | None], found: Finding) -> str:
    body = bytearray()
    while True:
        part = piece(found.hashed.content_id, len(body))
        if part is None:
            return NOT_THERE
        body += part.body
        if len(body) >= part.size:
            break
        if not part.body:
            return CUT
    with database.writing() as db:
        if is_sound(db, found.hashed):
            return ""  # somebody else mended it meanwhile
        return "" if put_right(db, {**part.about, "body": bytes(body)}, found.hashed) else ITS_OWN_IS_DAMAGED
