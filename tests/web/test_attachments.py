"""Files of the chat: kept like words, typed by their bytes, given out to their own session only."""

import hashlib
import json
from uuid import uuid4

import pytest

from agents_ui.downloads import clean_name, media_type_of
from tests.web.playing import interactions
from tests.web.raw import Wire, get
from tests.web.sites import Page, Site

pytestmark = pytest.mark.system

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def attach(
    site: Site, cookie: str, body: bytes, name: str = "photo.png", client_id: str = ""
) -> tuple[int, dict[str, str]]:
    path = f"/chat/attachment?client_id={client_id or uuid4()}&name={name}"
    status, _, answer = site.webs[0].post(path, body, cookie)
    return status, json.loads(answer)


def test_a_file_arrives_once_and_comes_back_as_it_was(any_site: Site) -> None:
    """A photo may be all that somebody can send."""
    site = any_site
    cookie, client_id = site.webs[0].cookie(), str(uuid4())
    with Page(site.webs[0], cookie) as page:
        for _ in range(3):
            assert attach(site, cookie, PNG, client_id=client_id)[0] == 200
        message = page.until(lambda page: next(iter(page.messages.values()), None))
        assert message["kind"] == "attachment"
        file = message["file"]
        assert (file["name"], file["bytes"], file["media_type"]) == ("photo.png", len(PNG), "image/png")
        status, headers, body = site.webs[0].get(file["url"], cookie)
        assert (status, body) == (200, PNG)
        assert headers["content-disposition"].startswith("attachment;")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; sandbox"
        site.eventually(
            lambda: site.rows("SELECT count(*) FROM connection") == [(1,)], "the page belongs to it"
        )
    assert site.rows("SELECT count(*) FROM message") == [(1,)]
    assert len(interactions(site)) == 1
    salt, kept = site.rows("SELECT salt, body FROM content")[0]
    data = json.loads(site.rows("SELECT data FROM journal WHERE kind = 'arrived'")[0][0])
    assert data["content_hash"] == hashlib.sha256(bytes(salt) + bytes(kept)).hexdigest()


def test_a_page_in_disguise_is_given_out_as_bytes(site: Site) -> None:
    """B-38. Shown by a browser on our address, it could read the chat."""
    cookie = site.webs[0].cookie()
    assert attach(site, cookie, SVG, name="holiday.jpg")[0] == 200
    content_id = site.rows("SELECT content_id FROM content")[0][0]
    _, headers, _ = site.webs[0].get(f"/chat/attachment/{content_id}", cookie)
    assert headers["content-type"] == "application/octet-stream"


def test_files_of_others_do_not_exist(site: Site) -> None:
    """B-78. The answer must not even tell that there is one."""
    assert attach(site, site.webs[0].cookie(), PNG)[0] == 200
    content_id = site.rows("SELECT content_id FROM content")[0][0]
    assert site.webs[0].get(f"/chat/attachment/{content_id}", site.webs[0].cookie())[0] == 404
    assert site.webs[0].get(f"/chat/attachment/{content_id}")[0] == 404
    assert site.webs[0].get(f"/chat/attachment/{uuid4()}", site.webs[0].cookie())[0] == 404


@pytest.mark.parametrize("value", ["bytes=0-0," * 1_000 + "bytes=1-1", "bytes=0-10", "lines=1"])
def test_ranges_are_ignored(site: Site, value: str) -> None:
    """B-12. Ten thousand ranges cost a bare server its memory."""
    cookie = site.webs[0].cookie()
    assert attach(site, cookie, PNG)[0] == 200
    content_id = site.rows("SELECT content_id FROM content")[0][0]
    with Wire(site.port) as wire:
        wire.send(get(f"/chat/attachment/{content_id}", site.port, f"Cookie: {cookie}", f"Range: {value}"))
        answer = wire.answer()
    assert (answer.status, answer.body) == (200, PNG)


def test_what_cannot_be_taken_is_refused_with_words(site: Site) -> None:
    """The page says why, and whether trying again may help."""
    cookie = site.webs[0].cookie()
    assert attach(site, "", PNG)[0] == 403
    assert attach(site, cookie, b"")[1]["code"] == "empty_file"
    assert attach(site, cookie, PNG, client_id="x")[1]["code"] == "bad_message"
    limit = next(each for each in site.plan.channels if each.channel_id == "chat").attachment_bytes_max
    with Wire(site.port) as wire:
        path = f"/chat/attachment?client_id={uuid4()}&name=x"
        headers = [f"Cookie: {cookie}", "X-Muster: 1", f"Content-Length: {limit + 1}"]
        wire.send(get(path, site.port, *headers, method="POST"))
        assert wire.answer().status == 413
    assert interactions(site) == []


def test_a_request_without_our_header_is_refused(site: Site) -> None:
    """A foreign page can make a browser post a body, but not set this header."""
    with Wire(site.port) as wire:
        headers = [f"Cookie: {site.webs[0].cookie()}", "Content-Length: 1"]
        wire.send(
            get(f"/chat/attachment?client_id={uuid4()}&name=x", site.port, *headers, method="POST") + b"x"
        )
        assert wire.answer().status == 403


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("photo.png", "photo.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\plan.pdf", "plan.pdf"),
        ("a\0b\r\nSet-Cookie: x.txt", "abSet-Cookie x.txt"),
        ("\u202egnp.exe", "gnp.exe"),
        ("", "file"),
        ("...", "file"),
        ("\ud800", "file"),
        ("фото.jpg", "фото.jpg"),
    ],
)
def test_a_file_name_is_only_a_name(given: str, clean: str) -> None:
    """B-60. It is written into headers, shown to agents and saved by browsers."""
    assert clean_name(given).replace("?", "") in (clean, "file")


def test_a_very_long_name_keeps_its_ending() -> None:
    """File systems take 255 bytes, and people open a file by its ending."""
    name = clean_name("ж" * 5_000 + ".jpg")
    assert name.endswith(".jpg")
    assert len(name.encode()) <= 255


def test_types_come_from_the_bytes() -> None:
    """A claim costs nothing."""
    assert media_type_of(PNG) == "image/png"
    assert media_type_of(b"RIFF\x00\x00\x00\x00WEBPVP8 ") == "image/webp"
    assert media_type_of(SVG) == "application/octet-stream"
    assert media_type_of(b"") == "application/octet-stream"
