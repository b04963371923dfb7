"""The second copy: what a batch of a site's rows is, reading it there, taking it into the copy here.

The copy is a database like any other, filled by the same fold, with the other site's stream as its own. Rows
go in as they were written, in order, without a gap, each checked against the hash of the one before it.
Nothing is repaired here: what does not follow is refused by name, and nothing of its batch is kept.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final  # Any: a column's value is whatever the table says
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from config.settings import Settings
from router.journal import fold, stream
from router.journal.connection import Connection, DatabaseDamaged, DatabaseGone, DatabaseUnsafe, Value
from router.journal.database import Database, open_database
from router.journal.fold_decisions import FoldRefused
from router.journal.hashed_content import (
    DAMAGED,
    Finding,
    Hashed,
    findings,
    hashed_by,
    is_that,
    unreadable_of,
)
from router.journal.many_rows import ManyRows, readable_in, rows_in
from router.records import Row
from router.sites import content_faults
from router.sites.copied_content import (
    Entry,
    compare,
    fits_its_row,
    is_that_address,
    removed,
    wrong_addresses,
)
from router.sites.named import Named, named_by

ROWS_MAX: Final = 2_000
BYTES_MAX: Final = 4 << 20

PIECE_BYTES: Final = 1 << 20
"""Larger content goes ahead of its rows in pieces of this size: a batch stays small (mail: 50 MB)."""

IDLE_MS: Final = 10_000
"""A writer of the copy that stops inside a transaction is ended by the server after this."""

CONTENT: Final = ("content_id", "media_type", "file_name", "salt", "body", "at_ms")
ADDRESS: Final = ("kind", "address", "address_hash", "salt")
SENDING: Final = ("account", "provider_id", "outbox_id")
CREDENTIAL: Final = ("agent_id", "password_hash", "must_change")


def _inserts(table: str, columns: Sequence[str], tail: str = "ON CONFLICT DO NOTHING") -> ManyRows:
    row = ", ".join(f":{column}" for column in columns)
    return ManyRows(f"INSERT INTO {table} ({', '.join(columns)}) VALUES", f"({row})", tail)


_PUT_CONTENT: Final = _inserts("content", CONTENT)
_PUT_ADDRESSES: Final = _inserts("address", ADDRESS)
_PUT_SENDINGS: Final = _inserts("sending", SENDING)
_PUT_CREDENTIAL: Final = f"""
    INSERT INTO credential ({", ".join(CREDENTIAL)}) VALUES (:agent_id, :password_hash, :must_change)
    ON CONFLICT (agent_id) DO UPDATE
    SET password_hash = excluded.password_hash, must_change = excluded.must_change
"""
_PIECE: Final = """
    SELECT media_type, file_name, salt, at_ms, length(body),
        substr(body, CAST(:start AS integer), CAST(:length AS integer))
    FROM content WHERE content_id = :content_id
"""
_OVERLAP: Final = (
    f"SELECT seq, hash FROM journal WHERE {stream.OWN_ROWS} AND seq BETWEEN :first AND :last ORDER BY seq"
)


@dataclass(slots=True, kw_only=True)
class Batch:
    """Rows of one site in their order, and all content they name.

    Shape: head_seq is where that site's stream ends now, incarnation its present one (each row has its own).
           large are ids of content that went ahead in pieces. damaged is content that rows name and that is
           not as they say where the batch was read: it is not in it, and does not travel.
    """

    site: str
    incarnation: str
    head_seq: int
    rows: list[Row] = field(default_factory=list)
    content: list[Entry] = field(default_factory=list)
    addresses: list[Entry] = field(default_factory=list)
    sendings: list[Entry] = field(default_factory=list)
    credentials: list[Entry] = field(default_factory=list)
    large: list[str] = field(default_factory=list)
    damaged: list[Finding] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Piece:
    """A part of one large content. Shape: body begins at offset of size; about is its row without body."""

    about: Entry
    size: int
    offset: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How far the copy has the other site's rows, after a batch. rows are those that were new."""

    acked_through: int
    head_hash: bytes
    rows: int


class Refused(Exception):
    """A batch does not follow: nothing of it was kept.

    Shape: code is one of REFUSALS; expected is the seq that the copy waits for; at_seq the row it is about.
    """

    def __init__(self, code: str, *, expected: int, at_seq: int = 0, detail: str = "") -> None:
        super().__init__(
            f"{code} at row {at_seq or expected}: {REFUSALS[code]}{f' ({detail})' * bool(detail)}"
        )
        self.code = code
        self.expected = expected
        self.at_seq = at_seq or expected
        self.detail = detail


REFUSALS: Final = {
    "gap": "rows before it are missing here",
    "hash": "it is not what was written, or not at its place",
    "time": "it is earlier than the row before it",
    "divergence": "another row is here under its number",
    "behind": "that site has fewer rows than its copy here: it was restored from an older state",
    "incarnation": "it was written in a life of its database that has ended, or not begun",
    "site": "it is of another site",
    "content": "large content that it names has not come yet",
    "content_hash": "content that it names came, and is not what it says",
    "fold": "this site cannot read it: it may need the newer release",
}


def copy_url(database_url: str, *, unsafe: bool = False) -> str:
    """Where the copy of the other site is kept: a file beside the site's own, or a schema beside it.

    Raises DatabaseGone, DatabaseUnsafe: a PostgreSQL server is asked for the schema in use.
    """
    if database_url.partition(":")[0] == "sqlite":
        own = Path(unquote(database_url.partition(":")[2][3:]))
        name = "peer.db" if own.stem == "muster" else f"{own.stem}-peer.db"
        return f"sqlite:///{quote(str(own.with_name(name)))}"
    return _in_schema(database_url, f"{_schema_of(database_url, unsafe=unsafe)}_peer")


def open_copy(settings: Settings, peer: str = "") -> Database:
    """The copy of the other site. With peer, its id, it is made where it is missing.

    Raises DatabaseGone, DatabaseUnsafe (also where it is the copy of another site).
    """
    url = copy_url(settings.database_url, unsafe=settings.unsafe)
    if not peer:
        return open_database(url, unsafe=settings.unsafe)
    if not url.startswith("sqlite:"):
        _make_schema(settings)
    copy = open_database(url, unsafe=settings.unsafe)
    copy.create_tables(site=peer)
    with copy.reading() as db:
        found = stream.read_head(db).site
    if found != peer:
        copy.close()
        raise DatabaseUnsafe(
            f"the copy in {url.rpartition('/')[2]} is of site {found!r}, not of {peer!r}: "
            "move it away, and start again"
        )
    return copy


def read_batch(
    db: Connection, *, after_seq: int, rows_max: int = ROWS_MAX, bytes_max: int = BYTES_MAX
) -> Batch:
    """The database's own rows after this seq, in order, with all content they name.

    Shape: at least one row where there is any, then as many as fit. Call it in one read transaction.
    """
    head = stream.read_head(db)
    batch = Batch(site=head.site, incarnation=head.incarnation, head_seq=head.seq)
    rows = stream.read_rows(db, after_seq=after_seq, limit=rows_max)
    named = named_by(rows)
    sizes = dict(readable_in(db, _SIZES, list(named.content))[0])
    fitting = _fitting(rows, sizes, bytes_max)
    batch.rows = rows[:fitting]
    if fitting < len(rows):
        named = named_by(batch.rows)
    room = bytes_max - sum(len(row.data) for row in batch.rows)
    batch.large = _ahead({each: sizes.get(each, 0) for each in named.content}, room)
    _leave_out_damaged(db, batch, _add_content(db, batch, named))
    return batch


def take_batch(db: Connection, batch: Batch, *, without: Collection[str] = ()) -> Taken:
    """Takes it into the copy, inside the caller's writing transaction, which commits. Raises Refused.

    without: ids of content (hashes of addresses) that came wrong again and again: the rows are taken without
    them, and what is missing is noted (content_faults.py).
    """
    if db.dialect == "postgresql":  # nobody waits for the copy, and a large batch computes between statements
        db.run(f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_MS}")
    head = stream.lock_head(db, 0)
    if batch.site != head.site:
        raise Refused("site", expected=head.seq + 1, detail=f"{batch.site}, not {head.site}")
    if batch.head_seq < head.seq:
        raise Refused("behind", expected=head.seq + 1, detail=f"{batch.head_seq} of {head.seq}")
    fresh = _fresh(db, head, batch.rows)
    if not fresh:
        return Taken(acked_through=head.seq, head_hash=head.hash, rows=0)
    _refuse_missing(db, [each for each in batch.large if each not in without], head.seq + 1)
    _check_chain(head, fresh)
    _put_content(db, batch, _checked(db, batch, head.seq + 1, without))
    stream.keep_rows(db, fresh)
    _move_head(db, head, fresh)
    _fold(db, fresh)
    return Taken(acked_through=fresh[-1].seq, head_hash=fresh[-1].hash, rows=len(fresh))


def read_piece(db: Connection, content_id: str, offset: int) -> Piece | None:
    """A part of a content, from offset on; None where it is not there (any more), or rotten."""
    try:
        found = db.row(_PIECE, start=offset + 1, length=PIECE_BYTES, content_id=content_id)
    except DatabaseDamaged:
        return None
    if found is None:
        return None
    media_type, file_name, salt, at_ms, size, body = found
    about: Entry = {"content_id": content_id, "media_type": media_type, "file_name": file_name}
    about |= {"salt": bytes(salt), "at_ms": at_ms}
    return Piece(about=about, size=size, offset=offset, body=bytes(body))


def take_piece(db: Connection, piece: Piece) -> int:
    """Adds it to what came before, inside the caller's writing transaction; how many bytes there are now.

    A piece that does not follow changes nothing: the sender goes on at the number it is given. Content is
    found under its id when it is whole, and not before. Of content that is noted as damaged or absent here
    the whole must be what its row says: else all of it is forgotten again, and there are 0 bytes.
    """
    content_id = str(piece.about["content_id"])
    fault = content_faults.noted_of(db, content_id)
    whole = db.row("SELECT length(body) FROM content WHERE content_id = :id", id=content_id)
    if whole is not None and fault is None:
        return piece.size
    part_id = f"{content_id}#part"
    found = db.row("SELECT body FROM content WHERE content_id = :id", id=part_id)
    there = bytes(found[0]) if found else b""
    if piece.offset != len(there):
        return len(there)
    there += piece.body
    db.run("DELETE FROM content WHERE content_id = :id", id=part_id)
    is_whole = len(there) >= piece.size
    entry: Entry = {**piece.about, "content_id": content_id if is_whole else part_id, "body": there}
    if is_whole and fault is not None:
        return len(there) if put_right(db, entry, fault) else 0
    _PUT_CONTENT.run(db, [entry])
    return len(there)


def put_right(db: Connection, entry: Entry, fault: Hashed) -> bool:
    """Content instead of what is damaged or absent here, if it is what its row says; whether it is."""
    if not fits_its_row(entry, {fault.content_id: fault}) or not removed(db, fault.content_id):
        return False
    _PUT_CONTENT.run(db, [entry])
    content_faults.mended(db, fault.content_id)
    return True


def forget_unfit(db: Connection, batch: Batch, content_id: str) -> None:
    """What came ahead in pieces and is not what its row says: so it can come again."""
    found = db.row("SELECT salt, body FROM content WHERE content_id = :id", id=content_id)
    named = hashed_by(batch.rows).get(content_id)
    if found and named and not is_that(named.content_hash, found[0], found[1]):
        removed(db, content_id)


_SIZES: Final = "SELECT content_id, length(body) FROM content WHERE content_id IN {wanted}"


def _fitting(rows: Sequence[Row], sizes: dict[str, int], bytes_max: int) -> int:
    """How many of the rows fit: one in any case."""
    total, counted = 0, set[str]()
    for n, row in enumerate(rows):
        total += len(row.data)
        for content_id in named_by([row]).content:
            size = sizes.get(content_id, 0)
            if content_id not in counted and size <= PIECE_BYTES:
                counted.add(content_id)
                total += size
        if total > bytes_max and n:
            return n
    return len(rows)


def _ahead(sizes: dict[str, int], room: int) -> list[str]:
    """What goes ahead in pieces: all that is large, and of the rest the largest until the others have room.

    One row may name thousands (a long conversation that is adopted): however small, they are too much for one
    batch, which would be refused for ever.
    """
    total = sum(size for size in sizes.values() if size <= PIECE_BYTES)
    ahead = set[str]()
    for content_id, size in sorted(sizes.items(), key=lambda each: -each[1]):
        if size > PIECE_BYTES:
            ahead.add(content_id)
        elif total > room and size:
            ahead.add(content_id)
            total -= size
    return [each for each in sizes if each in ahead]


def _add_content(db: Connection, batch: Batch, named: Named) -> list[str]:
    """Ids of content that the disk does not give any more."""
    large = set(batch.large)
    small = [each for each in named.content if each not in large]
    batch.content, rotten = _entries(db, "content", CONTENT, "content_id", small)
    batch.addresses, _ = _entries(db, "address", ADDRESS, "address_hash", list(named.addresses))
    batch.sendings, _ = _entries(db, "sending", SENDING, "outbox_id", list(named.sendings))
    batch.credentials, _ = _entries(db, "credential", CREDENTIAL, "agent_id", list(named.credentials))
    return rotten


def _leave_out_damaged(db: Connection, batch: Batch, rotten: Sequence[str]) -> None:
    """A disk may have spoiled it. Its row goes without it, as one whose content was erased does."""
    hashed = hashed_by(batch.rows)
    sound = {each["content_id"]: fits_its_row(each, hashed) for each in batch.content}
    batch.content = [each for each in batch.content if sound[each["content_id"]]]
    large = findings(db, {each: hashed[each] for each in batch.large if each in hashed})
    batch.damaged = [Finding(hashed=hashed[str(each)], what=DAMAGED) for each in sound if not sound[each]]
    batch.damaged += [Finding(hashed=hashed[each], what=DAMAGED) for each in rotten if each in hashed]
    batch.damaged += [each for each in large if each.what == DAMAGED]
    unsound = {each.hashed.content_id for each in batch.damaged}
    unsound.update(unreadable_of(db, (each for each in batch.large if each not in hashed)))
    batch.large = [each for each in batch.large if each not in unsound]
    batch.addresses = [each for each in batch.addresses if is_that_address(each)]


def _entries(
    db: Connection, table: str, columns: Sequence[str], key: str, wanted: Sequence[str]
) -> tuple[list[Entry], list[str]]:
    """These, and the keys of what is rotten on the disk."""
    sql = f"SELECT {', '.join(columns)} FROM {table} WHERE {key} IN {{wanted}}"
    found, rotten = readable_in(db, sql, wanted)
    return [dict(zip(columns, map(_plain, each), strict=True)) for each in found], rotten


def _plain(value: Any) -> Value:
    return bytes(value) if isinstance(value, memoryview) else value


def _fresh(db: Connection, head: stream.Head, rows: Sequence[Row]) -> list[Row]:
    """The rows that are not here yet; those that are must be the same. Raises Refused."""
    for before, row in pairwise(rows):
        if row.seq != before.seq + 1:
            raise Refused("gap", expected=head.seq + 1, at_seq=row.seq)
    if rows and rows[0].seq > head.seq + 1:
        raise Refused("gap", expected=head.seq + 1, at_seq=rows[0].seq)
    known = [row for row in rows if row.seq <= head.seq]
    if known:
        here = db.rows(_OVERLAP, first=known[0].seq, last=known[-1].seq)
        for row, (seq, seal) in zip(known, here, strict=False):
            if row.seq != seq or row.hash != bytes(seal):
                raise Refused("divergence", expected=head.seq + 1, at_seq=row.seq)
    return list(rows[len(known) :])


def _refuse_missing(db: Connection, large: Sequence[str], expected: int) -> None:
    there = rows_in(db, "SELECT content_id FROM content WHERE content_id IN {wanted}", large)
    if missing := sorted(set(large).difference(each for (each,) in there)):
        raise Refused("content", expected=expected, detail=missing[0])


def _check_chain(head: stream.Head, rows: Sequence[Row]) -> None:
    """Each row continues the one before it. Raises Refused."""
    seal, at_ms, incarnation = head.hash, head.at_ms, head.incarnation if head.seq else rows[0].incarnation
    for row in rows:
        problem = ""
        if row.site != head.site:
            problem = "site"
        elif stream.row_hash(seal, row) != row.hash:
            problem = "hash"
        elif row.incarnation != incarnation and row.kind != stream.BEGUN:
            problem = "incarnation"
        elif row.at_ms < at_ms:
            problem = "time"
        if problem:
            raise Refused(problem, expected=head.seq + 1, at_seq=row.seq)
        seal, at_ms, incarnation = row.hash, row.at_ms, row.incarnation


def _checked(
    db: Connection, batch: Batch, expected: int, without: Collection[str]
) -> tuple[list[Entry], list[Entry]]:
    """The content and the addresses to be kept: all are what the rows name. Raises Refused."""
    hashed = hashed_by(batch.rows)
    compared = compare(db, batch.content, set(batch.large), hashed)
    unfit = {each.content_id: each for each in compared.unfit}
    _refuse_unfit({key: each.seq for key, each in unfit.items()}, expected, without)
    _refuse_unfit(wrong_addresses(batch.addresses, batch.rows), expected, without)
    for content_id in compared.spoiled:
        if removed(db, content_id):
            content_faults.mended(db, content_id)
    content_faults.note(db, compared.faults)
    content_faults.note(db, (Finding(hashed=each, what=DAMAGED) for each in compared.unfit))
    content = [each for each in batch.content if each["content_id"] in compared.fitting]
    return content, [each for each in batch.addresses if is_that_address(each)]


def _refuse_unfit(wrong: Mapping[str, int], expected: int, without: Collection[str]) -> None:
    """wrong: the row that names each."""
    for each, seq in sorted(wrong.items(), key=lambda pair: pair[1]):
        if each not in without:
            raise Refused("content_hash", expected=expected, at_seq=seq, detail=each)


def _put_content(db: Connection, batch: Batch, checked: tuple[list[Entry], list[Entry]]) -> None:
    content, addresses = checked
    _PUT_CONTENT.run(db, content)
    _PUT_ADDRESSES.run(db, addresses)
    _PUT_SENDINGS.run(db, batch.sendings)
    for each in batch.credentials:
        db.run(_PUT_CREDENTIAL, **each)


def _move_head(db: Connection, head: stream.Head, rows: Sequence[Row]) -> None:
    """Where one life of the other site's database ends and the next begins is noted as it was there."""
    if head.seq == 0:  # nothing was here: the name that create_tables drew for its life means nothing
        head.incarnation = rows[0].incarnation
        db.run("UPDATE stream SET incarnation = :incarnation WHERE own = 1", incarnation=head.incarnation)
    for row in rows:
        if row.incarnation != head.incarnation:
            stream.save_head(db, head)
            head.incarnation = row.incarnation
            stream.follow_incarnation(db, head)
        head.seq, head.at_ms, head.hash = row.seq, row.at_ms, row.hash
    stream.save_head(db, head)


def _fold(db: Connection, rows: Sequence[Row]) -> None:
    try:
        fold.apply_all(db, rows)
    except (fold.UnknownKind, FoldRefused, LookupError, TypeError, ValueError) as problem:
        detail = f"{type(problem).__name__}: {problem}"
        raise Refused("fold", expected=rows[0].seq, at_seq=rows[0].seq, detail=detail[:200]) from problem


def _schema_of(database_url: str, *, unsafe: bool) -> str:
    own = open_database(database_url, unsafe=unsafe)
    try:
        with own.reading() as db:
            found = db.row("SELECT current_schema()")
    finally:
        own.close()
    return str(found[0]) if found and found[0] else "public"


def _make_schema(settings: Settings) -> None:
    name = f"{_schema_of(settings.database_url, unsafe=settings.unsafe)}_peer"
    own = open_database(settings.database_url, unsafe=settings.unsafe)
    try:
        with own.writing() as db:
            if db.row("SELECT 1 FROM information_schema.schemata WHERE schema_name = :n", n=name) is None:
                db.run(f'CREATE SCHEMA IF NOT EXISTS "{name}"')
    except DatabaseGone:
        raise
    except Exception as problem:
        raise DatabaseUnsafe(
            f"cannot make the schema {name} for the copy of the other site ({problem}): "
            f'type CREATE SCHEMA "{name}" AUTHORIZATION the user of DATABASE_URL'
        ) from problem
    finally:
        own.close()


def _in_schema(url: str, schema: str) -> str:
    """The same PostgreSQL database, in this schema."""
    parts = urlsplit(url)
    options: list[tuple[str, str]] = []
    said = f'-csearch_path="{schema}"'
    for name, value in parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True):
        if name == "options":
            said = f"{value} {said}"  # what is said last holds
        else:
            options.append((name, value))
    query = urlencode([*options, ("options", said)], quote_via=quote)
    return urlunsplit(parts._replace(query=query))
