"""What travels between two sites comes out as it went in, and nothing else comes in at all."""

import os
import zlib
from random import Random

import msgspec
import pytest

from router.records import Row
from router.sites.copies import Batch, Piece
from router.sites.wire import (
    PACKED_MAX,
    ROWS_MAX,
    UNPACKED_MAX,
    WireWrong,
    pack_batch,
    pack_piece,
    unpack_batch,
    unpack_piece,
)


def row(seq: int, **more: str) -> Row:
    """A row of site a."""
    values = {"kind": "viewed", "ref": "c-1", "data": '{"x":"é\u2028"}', **more}
    return Row(site="a", incarnation="i", seq=seq, at_ms=5, hash=bytes(32), **values)


def batch() -> Batch:
    """One with something of everything."""
    return Batch(
        site="a",
        incarnation="i",
        head_seq=9,
        rows=[row(1), row(2)],
        content=[
            {"content_id": "w", "media_type": "t", "file_name": "", "salt": b"s", "body": b"\0", "at_ms": 1}
        ],
        addresses=[{"kind": "phone", "address": "+1", "address_hash": "h", "salt": b"s"}],
        sendings=[{"account": "x", "provider_id": "p", "outbox_id": "o"}],
        credentials=[{"agent_id": "ana", "password_hash": "$argon2", "must_change": 1}],
        large=["big"],
    )


def test_a_batch_comes_out_as_it_went_in() -> None:
    """The copy must be the same, byte for byte."""
    assert unpack_batch(pack_batch(batch())) == batch()


def test_a_piece_comes_out_as_it_went_in() -> None:
    """Recordings and attachments travel so."""
    about = {"content_id": "w", "media_type": "t", "file_name": "f", "salt": b"s", "at_ms": 1}
    piece = Piece(about=about, size=9, offset=4, body=os.urandom(5))
    assert unpack_piece(pack_piece(piece)) == piece


def test_every_flipped_bit_of_a_body_is_noticed_or_harmless_to_read() -> None:
    """Damage never reaches the copy as an exception nobody expects. (Its signature is checked before.)"""
    body = pack_batch(batch())
    for position in range(len(body) * 8):
        damaged = bytearray(body)
        damaged[position // 8] ^= 1 << position % 8
        try:
            found = unpack_batch(bytes(damaged))
        except WireWrong:
            continue
        assert found == batch()  # a bit of zlib's header that says how it was compressed


def test_a_torn_body_is_refused() -> None:
    """A connection that breaks in the middle leaves half a batch."""
    body = pack_batch(batch())
    for length in range(len(body)):
        with pytest.raises(WireWrong):
            unpack_batch(body[:length])
    with pytest.raises(WireWrong, match="after its end"):
        unpack_batch(body + b"x")


def test_a_body_that_would_fill_the_memory_is_refused() -> None:
    """64 kilobytes can be made to unpack to 64 megabytes and more."""
    bomb = zlib.compress(bytes(UNPACKED_MAX + 1), 9)
    assert len(bomb) < 100_000
    with pytest.raises(WireWrong, match="when it is unpacked"):
        unpack_batch(bomb)
    with pytest.raises(WireWrong, match="is more than"):
        unpack_batch(bytes(PACKED_MAX + 1))


def test_more_rows_than_a_batch_may_have_are_refused() -> None:
    """Whoever holds the key still does not decide how much memory this site uses."""
    many = batch()
    many.rows = [row(n) for n in range(ROWS_MAX + 1)]
    with pytest.raises(WireWrong, match="is no batch"):
        unpack_batch(pack_batch(many))


def test_values_that_no_table_can_hold_are_refused() -> None:
    """A number beyond 63 bits would end the connection to the database and not the batch."""
    wrong = batch()
    wrong.head_seq = 1 << 63
    with pytest.raises(WireWrong):
        unpack_batch(pack_batch(wrong))
    for body in (b"", b"\x78\x9c", zlib.compress(msgspec.msgpack.encode(["a"])), zlib.compress(b"")):
        with pytest.raises(WireWrong):
            unpack_batch(body)


def test_another_form_is_refused_by_its_number() -> None:
    """Two releases that do not understand each other must say so, not guess."""
    values = msgspec.msgpack.decode(zlib.decompress(pack_batch(batch())))
    values[0] = 2
    with pytest.raises(WireWrong, match="form 2 is of another release"):
        unpack_batch(zlib.compress(msgspec.msgpack.encode(values)))


def test_random_bytes_are_refused_and_nothing_else_happens() -> None:
    """Seeds of whatever reaches an open port."""
    random = Random(1)
    for _ in range(300):
        junk = random.randbytes(random.randrange(200))
        for body in (junk, zlib.compress(junk)):
            with pytest.raises(WireWrong):
                unpack_batch(body)
