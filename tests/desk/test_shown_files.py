"""Pictures, sound and video at the desk: shown where nothing can run, in pieces, each look on record."""

import struct
import uuid
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents_ui.shown_files import PIECE_BYTES_MAX, Piece, may_be_shown, piece_of, shown_type, shows
from router.channels.chat import contact_of
from router.channels.ingest import KeepContact
from router.journal.committer import wall_ms
from tests.desk.small_site import Site
from tests.desk.wire import Reply


def png(width: int = 2, height: int = 2) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def jpeg(width: int, height: int, *, before: bytes = b"") -> bytes:
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\0"
    return b"\xff\xd8" + before + frame + b"\xff\xd9"


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
OGG = b"OggS\0" + bytes(range(256)) * 40
EXIF = b"\xff\xe1" + struct.pack(">H", 20_000) + bytes(19_998)


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (png(), "image/png"),
        (jpeg(4_000, 3_000), "image/jpeg"),
        (jpeg(4_000, 3_000, before=EXIF), "image/jpeg"),
        (b"GIF89a\x10\0\x10\0", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x0f\0\0\x0f\0\0", "image/webp"),
        (OGG, "audio/ogg"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"ID3\x04\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\0\0\0\x20ftypM4A \0\0", "audio/mp4"),
        (b"\0\0\0\x20ftypisom\0\0", "video/mp4"),
        (b"\0\0\0\x20ftyp3gp4\0\0", "video/3gpp"),
        (b"\x1aE\xdf\xa3\x01", "video/webm"),
        # Nothing in these is shown: they run, they unpack to too much, or nobody can show them.
        *(
            (body, "")
            for body in (SVG, b"<html><script>", b"%PDF-1.7", b"", b"MZ\x90", b"PK\x03\x04", b"\xff\xd8")
        ),
        *((png(width, height), "") for width, height in ((60_000, 60_000), (2**31, 1), (0, 5), (5, 0))),
        *((jpeg(width, height), "") for width, height in ((65_535, 65_535), (0, 0))),
        (b"\0\0\0\x20ftypheic\0\0", ""),
        (b"\0\0\0\x20ftypavif\0\0", ""),
        (b"\x89PNG\r\n\x1a\n<svg", ""),
        (b"RIFF\0\0\0\0AVI LIST", ""),
    ],
)
def test_what_is_shown_is_what_its_bytes_say(head: bytes, media_type: str) -> None:
    """Never what somebody called it; and a picture that says how large it is, and is not too large."""
    assert may_be_shown(head) == media_type


@given(st.binary(max_size=300))
def test_no_file_is_too_strange(body: bytes) -> None:
    """Whatever it begins like, looking at it ends."""
    for head in (body, b"\xff\xd8" + body, b"\xff\xd8\xff" + body, b"RIFF\0\0\0\0WEBP" + body):
        assert may_be_shown(head) in ("", shown_type(head))


@pytest.mark.parametrize(
    ("header", "piece"),
    [
        ("", None),
        ("bytes=0-", Piece(0, 1000)),
        ("bytes=10-19", Piece(10, 10)),
        ("bytes=990-5000", Piece(990, 10)),
        ("bytes=-10", Piece(990, 10)),
        ("bytes=-5000", Piece(0, 1000)),
        ("bytes=0-0,5-6", None),
        ("bytes=-", None),
        ("lines=1-2", None),
        ("bytes=a-b", None),
        ("bytes=" + "1" * 40 + "-", None),
    ],
)
def test_a_range_is_one_piece_or_the_whole(header: str, piece: Piece | None) -> None:
    """Players ask for one; who asks for thousands wants to hurt (B-12)."""
    assert piece_of(header, 1000) == piece


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=5-4", "bytes=-0", "bytes=2000-3000"])
def test_a_range_that_is_not_there_is_said_to_be_none(header: str) -> None:
    """416, with the size: a player then knows where it ends."""
    with pytest.raises(ValueError):
        piece_of(header, 1000)


@given(st.text(max_size=40), st.integers(0, 10**9))
def test_a_piece_is_always_inside_the_file(header: str, size: int) -> None:
    """Nothing beyond it, and never more at once than we want to hold."""
    for text in (header, f"bytes={header}"):
        try:
            piece = piece_of(text, size)
        except ValueError:
            continue
        if piece is not None:
            assert 0 <= piece.start < piece.start + piece.length <= size


def test_a_player_that_asks_without_an_end_gets_a_piece() -> None:
    """A video of 100 MB is not read into memory for somebody who looks at its first second."""
    assert piece_of("bytes=0-", 10**8) == Piece(0, PIECE_BYTES_MAX)


def test_only_kinds_in_which_nothing_runs_are_called_shown() -> None:
    """What a page does not even try."""
    for media_type in ("image/svg+xml", "text/html", "application/pdf", "text/plain", "", "image/heic"):
        assert shows(media_type) == ""
    assert shows("audio/ogg; codecs=opus") == "audio"


async def _attached(site: Site, body: bytes, media_type: str, name: str = "file") -> str:
    """A customer of ana's sends this; the file's address."""
    session = uuid.uuid4().hex
    interaction_id = await site.held("ana", session=session)
    contact = contact_of(
        session=session,
        client_id=str(uuid.uuid4()),
        body=body,
        received_at_ms=wall_ms(),
        media_type=media_type,
        file_name=name,
    )
    await site.committer.append(KeepContact(contact))
    page = await site.desk("ana")
    await page.until(lambda: any(each["file"] for each in page.entities["message"].values()))
    (url,) = (each["file"]["url"] for each in page.entities["message"].values() if each["file"])
    assert interaction_id in url
    return str(url)


async def _asked(site: Site, url: str, agent_id: str = "ana", **headers: str) -> Reply:
    token = await site.session(agent_id)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await site.ask("GET", url, token=token, headers=named)


async def test_a_voice_note_is_played_in_pieces_and_is_one_look(site: Site) -> None:
    """Who looked is on record once, however often a player comes for the next second."""
    url = await _attached(site, OGG, "audio/ogg", "note.ogg") + "&show=1"
    token = await site.session("ana")
    before = len([1 for _, data in site.rows("viewed") if '"attachment"' in data])
    for start in (0, 100, 9_000):
        reply = await site.ask("GET", url, token=token, headers={"range": f"bytes={start}-{start + 99}"})
        assert (reply.status, reply.body) == (206, OGG[start : start + 100])
        assert reply.headers["content-range"] == f"bytes {start}-{start + 99}/{len(OGG)}"
    assert reply.headers["content-type"] == "audio/ogg"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert reply.headers["content-disposition"].startswith('inline; filename="note.ogg"')
    assert len([1 for _, data in site.rows("viewed") if '"attachment"' in data]) == before + 1
    beyond = await site.ask("GET", url, token=token, headers={"range": "bytes=99999-"})
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{len(OGG)}")
    whole = await site.ask("GET", url, token=token)
    assert (whole.status, whole.body) == (200, OGG)


@pytest.mark.parametrize("claimed", ["image/png", "image/svg+xml", "text/html", "video/mp4"])
async def test_a_page_in_disguise_is_never_shown(site: Site, claimed: str) -> None:
    """B-38: on our own address it could do whatever the agent can. It can be saved."""
    url = await _attached(site, SVG, claimed, "holiday.png")
    shown = await _asked(site, url + "&show=1")
    assert (shown.status, shown.json["code"]) == (415, "not_shown")
    saved = await _asked(site, url)
    assert (saved.status, saved.body) == (200, SVG)
    assert saved.headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize("opened_as", ["document", "iframe", "object", "embed", "script"])
async def test_whoever_opens_the_address_itself_saves_the_file(site: Site, opened_as: str) -> None:
    """Shown is what stands in a page of ours, and nothing else."""
    url = await _attached(site, png(), "image/png")
    reply = await _asked(site, url + "&show=1", sec_fetch_dest=opened_as)
    assert reply.headers["content-disposition"].startswith("attachment;")


async def test_files_of_others_are_not_shown(site: Site) -> None:
    """The same right as for saving: the answer does not even tell that there is one."""
    url = await _attached(site, png(), "image/png")
    assert (await _asked(site, url + "&show=1", agent_id="ben")).status == 404
    assert (await _asked(site, url + "&show=1")).status == 200
