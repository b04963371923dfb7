"""Pictures of texts: fetched from their provider and nowhere else, bounded, tried again, or openly lost."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from config.plan_file import parse_plan
from router.channels import twilio_sms
from router.channels.ingest import KeepContact
from router.channels.port import Contact
from router.journal.committer import Committer
from router.journal.database import Database, open_database
from router.journal.verify import verify
from router.run import media_fetch, wanted_media
from router.run.intake import ReadMessages, Unread, default_reading
from router.run.media_fetch import request_after
from router.run.plan_activation import ActivatePlan
from router.run.wanted_media import Media, file_name_of
from skills.triage import Contact as Read
from tests.contracts.twilio import NUMBER, SID, TOKEN, Twilio
from tests.web.fronts import settings_for

PLAN = Path("config/default.toml").read_text(encoding="utf-8")
LIMIT = 5_242_880


class Store:
    """The provider's store of media, on this machine. `answers` says what each try of a path gets."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.answers: dict[str, list[Callable[[BaseHTTPRequestHandler], None]]] = {}
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                store.asked.append((self.path, self.headers.get("Authorization", "")))
                answers = store.answers[self.path.rsplit("/", 1)[-1]]
                (answers.pop(0) if len(answers) > 1 else answers[0])(self)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the test says what happened."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def address(self, name: str) -> str:
        return f"{self.url}/2010-04-01/Accounts/{SID}/Messages/MM1/Media/{name}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def gives(body: bytes = b"", status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            if value:
                request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        try:
            request.wfile.write(body)
        except OSError:
            return  # They hung up: it was too much for them.

    return answer


class Desk:
    """A site with one text that points to media, and one worker that fetches them."""

    def __init__(self, data_dir: Path, store: Store) -> None:
        account = (
            f'[[accounts]]\nid = "line"\nchannel = "sms"\nprovider = "twilio"\naddress = "{NUMBER}"\n'
            f'secret = "token"\nendpoint = "{store.url}"\noptions = {{ account_sid = "{SID}" }}\n'
        )
        self.plan = parse_plan(PLAN + account)
        self.database: Database = open_database(f"sqlite:///{data_dir}/muster.db", unsafe=True)
        self.database.create_tables(site="centre")
        self.committer = Committer(self.database)
        self.committer.submit(ActivatePlan(plan=self.plan, by="test")).result(10)
        settings = settings_for(data_dir, secrets={"MUSTER_SECRET_TOKEN": TOKEN.decode()})
        self.media = Media(self.database, self.committer, settings)

    def says(self, *addresses: str, provider_id: str = "MM1") -> str:
        """A text that points to these; its message_id."""
        keep = KeepContact(
            Contact(
                channel="sms",
                account="line",
                provider_id=provider_id,
                media_type=twilio_sms.media_type,
                body=b"Body=look",
                received_at_ms=1,
            )
        )
        self.committer.submit(keep).result(10)
        assert keep.kept is not None
        unread = Unread(
            message_id=keep.kept.message_id,
            interaction_id=keep.kept.interaction_id,
            contact=Read(channel="sms", text="look", at_ms=1),
            readable=True,
            wanted=tuple((each, "image/jpeg") for each in addresses),
        )
        reading = default_reading(self.plan, "sms")
        self.committer.submit(ReadMessages(readings=((unread, reading, "read"),))).result(10)
        return keep.kept.message_id

    def fetch(self) -> int:
        return asyncio.run(self._fetch())

    async def _fetch(self) -> int:
        try:
            return await self.media.fetch_due()
        finally:
            await self.media._client.close()

    def parts(self) -> list[tuple[str, str, bytes]]:
        """(kind, file name, content) of every part, in order."""
        with self.database.reading() as db:
            rows = db.rows(
                "SELECT p.kind, c.file_name, c.body FROM part p LEFT JOIN content c"
                " ON c.content_id = p.content_id ORDER BY p.message_id, p.number"
            )
            assert verify(db).problems == []
        return [(kind, name, bytes(body or b"")) for kind, name, body in rows]

    def may_try_again(self) -> None:
        with self.database.writing() as db:
            db.run("UPDATE claim SET until_ms = 0")

    def stop(self) -> None:
        self.committer.close()
        self.database.close()


@pytest.fixture
def store() -> Iterator[Store]:
    running = Store()
    yield running
    running.stop()


@pytest.fixture
def desk(data_dir: Path, store: Store) -> Iterator[Desk]:
    running = Desk(data_dir, store)
    yield running
    running.stop()


def test_a_wanted_picture_becomes_a_file(desk: Desk, store: Store) -> None:
    """With our credentials, as the provider asks for them; and once it is here nobody asks again."""
    store.answers["ME1"] = [gives(b"\xff\xd8\xff picture", Content_Type="image/jpeg; charset=binary")]
    desk.says(store.address("ME1"))
    assert desk.fetch() == 1
    assert desk.parts() == [("file", "image-1.jpg", b"\xff\xd8\xff picture")]
    ((_, credentials),) = store.asked
    assert credentials.startswith("Basic ")
    assert desk.fetch() == 0
    assert len(store.asked) == 1


def test_a_picture_that_is_not_there_yet_is_asked_for_again(desk: Desk, store: Store) -> None:
    """A message may announce a picture before the provider has it, or while it is down."""
    store.answers["ME1"] = [gives(b"", 404), gives(b"", 503), gives(b"here", Content_Type="image/png")]
    desk.says(store.address("ME1"))
    for _ in range(2):
        assert desk.fetch() == 1
        assert [kind for kind, _, _ in desk.parts()] == ["wanted"]
        assert desk.fetch() == 0, "it waits before it asks again"
        desk.may_try_again()
    assert desk.fetch() == 1
    assert desk.parts() == [("file", "image-1.png", b"here")]


@pytest.mark.parametrize(
    "answer",
    [
        gives(b"x" * (LIMIT + 1)),
        gives(b"x" * (LIMIT + 1), Content_Length=""),
        gives(b"", 302, Location="https://evil.example/2010-04-01/x"),
        gives(b"", 302, Location="http://169.254.169.254/latest/meta-data"),
        gives(b"gone", 410),
        gives(b"\x1f\x8b", Content_Encoding="gzip"),
    ],
)
def test_what_cannot_be_had_is_lost_and_people_see_that(
    desk: Desk, store: Store, answer: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    """Too large, gone, packed so that it could burst, or kept by somebody who is not the provider."""
    store.answers["ME1"] = [answer]
    desk.says(store.address("ME1"))
    assert desk.fetch() == 1
    assert [kind for kind, _, _ in desk.parts()] == ["lost"]
    desk.may_try_again()
    assert desk.fetch() == 0


def test_an_address_that_is_not_the_providers_is_not_asked(desk: Desk, store: Store) -> None:
    """Whoever writes an address into a message must not make us call it."""
    desk.says(f"{store.url}/admin", "http://169.254.169.254/", "file:///etc/passwd", "")
    assert desk.fetch() == 4
    assert {kind for kind, _, _ in desk.parts()} == {"lost"}
    assert store.asked == []


def test_one_that_hangs_holds_up_no_other(desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that sends a byte a second is given up for now; the other picture is here."""
    monkeypatch.setattr(media_fetch, "FETCH_S", 0.5)
    stop = threading.Event()

    def hangs(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        stop.wait(20)

    store.answers["ME1"] = [hangs]
    store.answers["ME2"] = [gives(b"here")]
    desk.says(store.address("ME1"), store.address("ME2"))
    began = time.monotonic()
    assert desk.fetch() == 2
    assert time.monotonic() - began < 5
    stop.set()
    assert [kind for kind, _, _ in desk.parts()] == ["wanted", "file"]


def test_after_hours_it_is_given_up(desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then people read that a picture was lost, instead of waiting for it for ever."""
    monkeypatch.setattr(wanted_media, "GIVE_UP_MS", 0)
    store.answers["ME1"] = [gives(b"", 503)]
    desk.says(store.address("ME1"))
    assert desk.fetch() == 1
    assert [kind for kind, _, _ in desk.parts()] == ["lost"]


def test_an_account_without_its_secret_waits(data_dir: Path, store: Store) -> None:
    """The picture is there when the secret is: nothing is lost by a start without it."""
    desk = Desk(data_dir, store)
    desk.media = Media(desk.database, desk.committer, settings_for(data_dir))
    desk.says(store.address("ME1"))
    assert desk.fetch() == 1
    assert [kind for kind, _, _ in desk.parts()] == ["wanted"]
    desk.stop()


def test_two_workers_keep_one_file(desk: Desk, store: Store, data_dir: Path) -> None:
    """One that was slow finds the work done, and leaves nothing behind."""
    store.answers["ME1"] = [gives(b"here")]
    desk.says(store.address("ME1"))
    settings = settings_for(data_dir, secrets={"MUSTER_SECRET_TOKEN": TOKEN.decode()})
    slow = Media(desk.database, desk.committer, settings)
    (taken,) = slow._claim()
    desk.may_try_again()
    assert desk.fetch() == 1

    async def late() -> None:
        await slow._fetch(taken)
        await slow._client.close()

    asyncio.run(late())
    assert [kind for kind, _, _ in desk.parts()] == ["file"]
    with desk.database.reading() as db:
        assert db.rows("SELECT count(*) FROM content WHERE body = :b", b=b"here") == [(1,)]


@pytest.mark.parametrize(
    ("target", "followed", "with_credentials"),
    [
        ("https://mms.twiliocdn.com/AC1/ME1?Expires=1&Signature=x", True, False),
        ("https://s3-external-1.amazonaws.com/media.twiliocdn.com/AC1/x", True, False),
        (f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages/MM1/Media/ME2", True, True),
        ("https://s3-external-1.amazonaws.com/another-bucket/x", False, False),
        ("https://s3-external-1.amazonaws.com/media.twiliocdn.com/../another-bucket/x", False, False),
        ("https://s3-external-1.amazonaws.com/media.twiliocdn.com/%2e%2e/another-bucket/x", False, False),
        ("https://mms.twiliocdn.com.evil.example/x", False, False),
        ("https://mms.twiliocdn.com@evil.example/x", False, False),
        ("https://mms.twiliocdn.com/\\@evil.example", False, False),
        ("http://mms.twiliocdn.com/x", False, False),
        ("https://api.twilio.com/2010-04-01/Accounts.json", False, False),
        ("", False, False),
    ],
)
def test_redirects_lead_to_the_providers_store_and_nowhere_else(
    target: str, followed: bool, with_credentials: bool
) -> None:
    """And without our credentials, which the store does not need."""
    request = request_after(target, provider=twilio_sms, account=Twilio().account)
    assert (request is not None) == followed
    assert request is None or bool(request.headers) == with_credentials


@pytest.mark.parametrize(
    ("media_type", "name"),
    [("image/jpeg", "image-2.jpg"), ("application/pdf", "file-2.pdf"), ("x/y", "file-2"), ("", "file-2")],
)
def test_a_file_without_a_name_gets_one(media_type: str, name: str) -> None:
    """People save it under something that says what it is."""
    assert file_name_of(media_type, 2) == name
