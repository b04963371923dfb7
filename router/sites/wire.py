"""The bytes in which batches and pieces travel: msgpack, compressed, with hard limits on both sides of that.

What arrives is typed before anything looks at it. Who may send it is auth.py.
"""

import zlib
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from router.journal.connection import Value
from router.journal.hashed_content import Hashed
from router.records import Row
from router.sites.copied_content import Entry
from router.sites.copies import ADDRESS, CONTENT, CREDENTIAL, SENDING, Batch, Piece

PACKED_MAX: Final = 24 << 20
"""Bytes of a body. A batch is cut at a sixth of this before it is compressed (copies.BYTES_MAX); only a row
that is larger by itself goes alone, and none is larger than stream.DATA_MAX."""

UNPACKED_MAX: Final = 64 << 20
"""A body that grows beyond this is none of ours: a few kilobytes can be made to fill any memory."""

ROWS_MAX: Final = 10_000
ENTRIES_MAX: Final = 100_000
LEVEL: Final = 1
"""zlib's fastest: a third of the bytes for a tenth of the time; the line is seldom what is slow."""

_FORM: Final = 1
_Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
_Hash = Annotated[bytes, msgspec.Meta(max_length=64)]
_Row = tuple[str, str, _Count, _Count, str, str, str, _Hash]
_Content = tuple[str, str, str, bytes, bytes, _Count]
_Address = tuple[str, str, str, bytes]
_Sending = tuple[str, str, str]
_Credential = tuple[str, str, _Count]
_ABOUT: Final = ("content_id", "media_type", "file_name", "salt", "at_ms")


class WireWrong(Exception):
    """These bytes are no batch, or more than one may be. The message says which."""


class _Batch(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    form: int
    site: str
    incarnation: str
    head_seq: _Count
    rows: Annotated[list[_Row], msgspec.Meta(max_length=ROWS_MAX)]
    content: Annotated[list[_Content], msgspec.Meta(max_length=ENTRIES_MAX)]
    addresses: Annotated[list[_Address], msgspec.Meta(max_length=ENTRIES_MAX)]
    sendings: Annotated[list[_Sending], msgspec.Meta(max_length=ENTRIES_MAX)]
    credentials: Annotated[list[_Credential], msgspec.Meta(max_length=ENTRIES_MAX)]
    large: Annotated[list[str], msgspec.Meta(max_length=ENTRIES_MAX)]


class _Piece(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    form: int
    about: tuple[str, str, str, bytes, _Count]
    size: _Count
    offset: _Count
    body: bytes


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    content_id: str
    content_hash: str
    seq: _Count


_ENCODER: Final = msgspec.msgpack.Encoder()
_BATCH: Final = msgspec.msgpack.Decoder(_Batch)
_PIECE: Final = msgspec.msgpack.Decoder(_Piece)
_WANTED: Final = msgspec.json.Decoder(Annotated[list[_Wanted], msgspec.Meta(max_length=ENTRIES_MAX)])


def pack_batch(batch: Batch) -> bytes:
    """The body of a batch."""
    values = (
        _FORM,
        batch.site,
        batch.incarnation,
        batch.head_seq,
        [(r.site, r.incarnation, r.seq, r.at_ms, r.kind, r.ref, r.data, r.hash) for r in batch.rows],
        _listed(batch.content, CONTENT),
        _listed(batch.addresses, ADDRESS),
        _listed(batch.sendings, SENDING),
        _listed(batch.credentials, CREDENTIAL),
        batch.large,
    )
    return zlib.compress(_ENCODER.encode(values), LEVEL)


def unpack_batch(body: bytes) -> Batch:
    """The batch in a body. Raises WireWrong."""
    try:
        found = _BATCH.decode(_unpacked(body))
    except msgspec.MsgspecError as wrong:
        raise WireWrong(f"this is no batch: {wrong}") from None
    _check_form(found.form)
    return Batch(
        site=found.site,
        incarnation=found.incarnation,
        head_seq=found.head_seq,
        rows=[_row(each) for each in found.rows],
        content=_named(found.content, CONTENT),
        addresses=_named(found.addresses, ADDRESS),
        sendings=_named(found.sendings, SENDING),
        credentials=_named(found.credentials, CREDENTIAL),
        large=found.large,
    )


def pack_piece(piece: Piece) -> bytes:
    """The body of a piece."""
    about = [piece.about[name] for name in _ABOUT]
    return zlib.compress(_ENCODER.encode((_FORM, about, piece.size, piece.offset, piece.body)), LEVEL)


def unpack_piece(body: bytes) -> Piece:
    """The piece in a body. Raises WireWrong."""
    try:
        found = _PIECE.decode(_unpacked(body))
    except msgspec.MsgspecError as wrong:
        raise WireWrong(f"this is no piece: {wrong}") from None
    _check_form(found.form)
    about: Entry = dict(zip(_ABOUT, found.about, strict=True))
    return Piece(about=about, size=found.size, offset=found.offset, body=found.body)


def pack_wanted(wanted: Sequence[Hashed]) -> bytes:
    """Which content a copy has not got as its rows say."""
    return msgspec.json.encode(
        [_Wanted(content_id=each.content_id, content_hash=each.content_hash, seq=each.seq) for each in wanted]
    )


def unpack_wanted(body: bytes) -> list[Hashed]:
    """The same from the bytes of an answer. Raises WireWrong."""
    try:
        found = _WANTED.decode(body)
    except msgspec.MsgspecError as wrong:
        raise WireWrong(f"this is no list of content: {wrong}") from None
    return [
        Hashed(content_id=each.content_id, content_hash=each.content_hash, seq=each.seq) for each in found
    ]


def _unpacked(body: bytes) -> bytes:
    if len(body) > PACKED_MAX:
        raise WireWrong(f"a body of {len(body)} bytes is more than {PACKED_MAX}")
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(body, UNPACKED_MAX + 1)
    except zlib.error as wrong:
        raise WireWrong(f"this is not compressed as agreed: {wrong}") from None
    if len(found) > UNPACKED_MAX:
        raise WireWrong(f"this is more than {UNPACKED_MAX} bytes when it is unpacked")
    if not unpacking.eof or unpacking.unused_data:
        raise WireWrong("this ends too early, or goes on after its end")
    return found


def _check_form(form: int) -> None:
    if form != _FORM:
        raise WireWrong(f"form {form} is of another release: this one reads form {_FORM}")


def _row(values: _Row) -> Row:
    site, incarnation, seq, at_ms, kind, ref, data, seal = values
    return Row(
        site=site, incarnation=incarnation, seq=seq, at_ms=at_ms, kind=kind, ref=ref, data=data, hash=seal
    )


def _listed(entries: Sequence[Entry], columns: Sequence[str]) -> list[list[Value]]:
    return [[each[column] for column in columns] for each in entries]


def _named(entries: Sequence[tuple[Value, ...]], columns: Sequence[str]) -> list[Entry]:
    return [dict(zip(columns, each, strict=True)) for each in entries]
