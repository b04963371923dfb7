"""Pages and static files as bytes on the wire: what is served, how long it may be kept, and what is not."""

import gzip
import http.client
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents_ui.static_files import FOLDER, StaticTree
from agents_ui.vendor_renew import differences
from tests.browser.fake import FakeCentre

PAGES = ("/", "/chat", "/sign-in", "/desk", "/wall", "/admin")


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def _get(centre: FakeCentre, path: str, **headers: str) -> Reply:
    """A request with exactly this path: nothing on the way cleans it."""
    connection = http.client.HTTPConnection("127.0.0.1", centre.port, timeout=10)
    connection.request(
        "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    answer = connection.getresponse()
    reply = Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    connection.close()
    return reply


def _addresses(text: str) -> Iterator[str]:
    yield from re.findall(r'(?:src|href)="(/static/[^"]+)"', text)
    yield from json.loads(re.findall(r'importmap">(.*?)</script>', text)[0])["imports"].values()


@pytest.mark.parametrize("page", PAGES)
def test_everything_a_page_names_exists_and_may_be_kept_for_ever(page: str, centre: FakeCentre):
    """One missing module is a blank page; a module asked for again on each visit is a slow one."""
    addresses = list(_addresses(_get(centre, page).text))
    assert len(addresses) > 5
    for address in addresses:
        reply = _get(centre, address)
        assert reply.status == 200, address
        assert "immutable" in reply.headers["cache-control"], address


@pytest.mark.parametrize("page", PAGES)
def test_a_page_allows_itself_only_what_it_needs(page: str, centre: FakeCentre):
    """No script but ours, no frame around us, nothing from elsewhere, and the page itself always fresh."""
    headers = _get(centre, page).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "*" not in policy and "http" not in policy
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static",
        "/static/../pages.py",
        "/static/..%2fpages.py",
        "/static/%2e%2e/%2e%2e/pyproject.toml",
        "/static//etc/passwd",
        "/static/README.md",
        "/static/vendor/",
        "/static/vendor/preact.mjs%00.css",
        "/static/\\..\\pages.py",
        "/static/0123456789abcdef/../../pages.py",
    ],
)
def test_nothing_but_the_listed_files_is_served(path: str, centre: FakeCentre):
    """No folder, no file from elsewhere, however the path is written."""
    reply = _get(centre, path)
    assert reply.status in (307, 400, 404)
    assert b"def " not in reply.body and b"root:" not in reply.body


def test_scripts_and_styles_have_their_types(centre: FakeCentre):
    """A browser refuses a module of another type."""
    kinds = {
        "vendor/preact.mjs": "text/javascript",
        "styles/desk.css": "text/css",
        "styles/icon.svg": "image/svg+xml",
    }
    for name, kind in kinds.items():
        assert _get(centre, f"/static/{name}").headers["content-type"].startswith(kind)


def test_a_file_without_its_release_is_asked_again_and_not_sent_twice(centre: FakeCentre):
    """By its ETag; and compressed for those who can."""
    plain = _get(centre, "/static/vendor/preact.mjs")
    assert plain.headers["cache-control"] == "no-cache"
    again = _get(centre, "/static/vendor/preact.mjs", If_None_Match=plain.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    zipped = _get(centre, "/static/vendor/preact.mjs", Accept_Encoding="gzip, br")
    assert gzip.decompress(zipped.body) == plain.body
    assert len(zipped.body) < len(plain.body) / 2


def test_the_desk_is_there_after_a_hundred_kilobytes(centre: FakeCentre):
    """In a disaster agents work from home, over a telephone: what is rare is fetched when it is needed."""
    page = _get(centre, "/desk").body.decode()
    linked = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
    assert any(path.endswith("/desk/main.js") for path in linked) and len(linked) > 60
    sizes = {path: len(_get(centre, path, Accept_Encoding="gzip").body) for path in linked}
    assert sum(sizes.values()) <= 100_000, sorted(sizes.items(), key=lambda each: -each[1])[:10]
    assert not [path for path in linked if path.endswith("types.js")], "they are for readers alone"


def test_a_page_of_another_release_still_gets_its_modules(centre: FakeCentre):
    """While several web processes are upgraded one after another, no page stays blank."""
    reply = _get(centre, "/static/0123456789abcdef/chat/main.js")
    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-cache"


def test_a_changed_file_changes_the_release(tmp_path: Path):
    """What may be kept for ever must never change under its address."""
    (tmp_path / "a.js").write_text("1")
    before = StaticTree(tmp_path).release
    (tmp_path / "a.js").write_text("2")
    assert StaticTree(tmp_path).release != before


def test_vendored_files_are_those_of_the_manifest(tmp_path: Path):
    """What others wrote is unchanged; and the check would notice a change."""
    assert differences() == []
    for path in (FOLDER / "vendor").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "htm.mjs").write_text("something else")
    (tmp_path / "added.mjs").write_text("")
    (tmp_path / "hooks.mjs").unlink()
    assert len(differences(tmp_path)) == 3
