"""From one site's journal to the other's copy: the real sender, a real connection, the real door."""

import http.client
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.lives import fill
from router.journal import stream
from router.journal.appends import put_content
from router.journal.clock import wall_ms
from router.journal.committer import Committer
from router.journal.database import Database, open_database
from router.journal.verify import verify
from router.records import fact
from router.sites.auth import SIGNATURE, Door, sign
from router.sites.copies import PIECE_BYTES
from router.sites.copy_keeper import CopyKeeper
from router.sites.credentials import PeerAccess, TlsFiles
from router.sites.peer_client import PeerClient, PeerUnreachable
from router.sites.peer_server import peer_app, peer_server
from router.sites.sender import ROWS, Sender
from router.sites.site_keys import make_keys
from router.sites.wire import PACKED_MAX
from tests.journal.writing import append

GUARD_S = 30
KEY = os.urandom(32)
LIVES = 5


class Other:
    """Site b, as far as a's sender knows it: its door, which can be closed and opened, and the copy."""

    def __init__(self, folder: Path, *, key: bytes = KEY, tls: TlsFiles | None = None) -> None:
        self.copy = open_database(f"sqlite:///{folder}/peer.db", unsafe=True)
        self.copy.create_tables(site="a")
        self.port = 0
        self._key, self._tls = key, tls
        self._server = None
        self.open()

    def open(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._keeper = CopyKeeper(self.copy, grew=lambda: None)
        access = PeerAccess(site="b", peer="a", url="", key=self._key, tls=None)
        app = peer_app(
            Door(self._key, access.incoming, clock_ms=wall_ms), self._keeper.routes(), clock_ms=wall_ms
        )
        self._server = peer_server(app, self._tls)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """As when its process ends: connections are cut, what is under way is whole or undone."""
        assert self._server is not None
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(GUARD_S)
        self._keeper.close()

    def access(self, *, key: bytes = KEY, tls: TlsFiles | None = None, site: str = "a") -> PeerAccess:
        scheme = "http" if self._tls is None else "https"
        return PeerAccess(site=site, peer="b", url=f"{scheme}://127.0.0.1:{self.port}", key=key, tls=tls)

    def seq(self) -> int:
        with self.copy.reading() as db:
            return stream.last_seq(db)


class Sending:
    """A sender at work."""

    def __init__(self, own: Database, access: PeerAccess) -> None:
        self.acked: list[int] = []
        self.sender = Sender(own, PeerClient(access, clock_ms=wall_ms), acked=self.acked.append)
        self._thread = threading.Thread(target=self.sender.run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.sender.stop()
        self._thread.join(GUARD_S)
        assert not self._thread.is_alive()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Database]:
    """The database of site a, with some lives in it."""
    database = open_database(f"sqlite:///{tmp_path}/muster.db", unsafe=True)
    database.create_tables(site="a")
    committer = Committer(database)
    fill(committer, LIVES)
    committer.close()
    yield database
    database.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Other]:
    other = Other(tmp_path)
    yield other
    other.close()
    other.copy.close()


@pytest.fixture
def sending(own: Database, other: Other) -> Iterator[Sending]:
    sending = Sending(own, other.access())
    yield sending
    sending.stop()


def until(true: Callable[[], object]) -> None:
    """Wait until it is so; the time is only a guard."""
    deadline = time.monotonic() + GUARD_S
    while not true():
        assert time.monotonic() < deadline, "it never became so"
        time.sleep(0.01)


def last(own: Database) -> int:
    with own.reading() as db:
        return stream.last_seq(db)


def more(own: Database, lives: int, first: int) -> None:
    committer = Committer(own)
    fill(committer, lives, first=first)
    committer.close()


def raw(other: Other, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> int:
    """The status that some program gets which speaks HTTP."""
    line = http.client.HTTPConnection("127.0.0.1", other.port, timeout=GUARD_S)
    try:
        line.request(method, path, body=body, headers=headers)
        return line.getresponse().status
    finally:
        line.close()


def test_everything_arrives_and_what_is_new_follows(own: Database, other: Other, sending: Sending) -> None:
    """The second copy is there, whole, and stays so."""
    until(lambda: other.seq() == last(own))
    more(own, 3, first=LIVES)
    sending.sender.wake()
    until(lambda: sending.sender.state.acked_through == last(own))
    with other.copy.reading() as db:
        assert verify(db).problem_count == 0
        words = db.row("SELECT count(*) FROM content")
    with own.reading() as db:
        assert db.row("SELECT count(*) FROM content") == words
    assert sending.acked == sorted(sending.acked)
    assert (sending.sender.state.problem, sending.sender.state.behind) == ("", 0)


def test_a_door_that_closes_in_the_middle_costs_nothing(own: Database, other: Other) -> None:
    """The other site's process dies and comes back, several times, while rows are on their way."""
    sending = Sending(own, other.access())
    for round_ in range(1, 4):
        other.close()
        more(own, 20, first=LIVES + 20 * round_)
        sending.sender.wake()
        until(lambda: sending.sender.state.problem == "no_answer")
        other.open()
        until(lambda: other.seq() == last(own))
    sending.stop()
    with other.copy.reading() as db:
        assert verify(db).problem_count == 0


def test_large_content_arrives_before_the_row_that_names_it(
    own: Database, other: Other, sending: Sending
) -> None:
    """Attachments and recordings, whatever their size."""
    body = os.urandom(3 * PIECE_BYTES + 5)
    with own.writing() as db:
        put_content(db, content_id="big", media_type="audio/ogg", body=body, at_ms=1)
    committer = Committer(own)
    append(committer, fact("part_added", "m-1", number=1, part_kind="file", content_id="big"))
    committer.close()
    until(lambda: other.seq() == last(own))
    with other.copy.reading() as db:
        found = db.row("SELECT body FROM content WHERE content_id = 'big'")
        left = db.rows("SELECT content_id FROM content WHERE content_id LIKE 'big#%'")
    assert found is not None and bytes(found[0]) == body
    assert left == []


def test_a_damaged_row_is_named_and_nothing_after_it_is_taken(own: Database, other: Other) -> None:
    """A flipped bit in this site's journal must not reach the copy, from which it will be repaired."""
    with own.writing() as db:
        db.run("UPDATE journal SET data = replace(data, 'dispatched', 'dispotched') WHERE seq > 100")
        damaged = db.row("SELECT min(seq) FROM journal WHERE data LIKE '%dispotched%'")
    assert damaged is not None
    sending = Sending(own, other.access())
    until(lambda: sending.sender.state.problem == "hash")
    assert sending.sender.state.at_seq == damaged[0]
    assert other.seq() == 0
    sending.stop()


def test_a_journal_with_a_missing_row_is_not_taken(own: Database, other: Other) -> None:
    """A deleted row is a gap, wherever it is."""
    with own.writing() as db:
        db.run("DELETE FROM journal WHERE seq = 120")
    sending = Sending(own, other.access())
    until(lambda: sending.sender.state.problem)
    assert other.seq() < 120
    sending.stop()


def test_another_journal_than_the_one_that_was_copied_is_not_mixed_with_it(
    own: Database, other: Other, tmp_path: Path
) -> None:
    """Somebody started this site on an empty database: its first rows would be rows of two lives."""
    first = Sending(own, other.access())
    until(lambda: other.seq() == last(own))
    first.stop()
    copied = other.seq()
    for name, lives, problem in (("less", 1, "behind"), ("more", LIVES + 9, "divergence")):
        stranger = open_database(f"sqlite:///{tmp_path}/{name}.db", unsafe=True)
        stranger.create_tables(site="a")
        more(stranger, lives, first=0)
        sending = Sending(stranger, other.access())
        until(lambda problem=problem, sending=sending: sending.sender.state.problem == problem)
        sending.stop()
        stranger.close()
    assert other.seq() == copied


def test_who_has_another_key_is_refused_and_leaves_nothing(own: Database, other: Other) -> None:
    """Neither rows nor anything else of a stranger is looked at; and a stranger's answer is not believed."""
    sending = Sending(own, other.access(key=bytes(32)))
    until(lambda: sending.sender.state.problem == "refused")
    assert sending.acked == []
    sending.stop()
    assert raw(other, "POST", ROWS, {}, b"rows") == 403
    assert raw(other, "GET", f"{ROWS}?after=0&site=a", {}) == 403
    assert raw(other, "GET", "/anything", {}) == 404
    assert other.seq() == 0


def test_a_body_of_100_megabytes_is_not_read(other: Other) -> None:
    """With a wrong signature, and with a right one: nobody decides how much memory this site uses."""
    signed = sign(
        KEY, other.access().outgoing, method="POST", target=ROWS, body=b"", time_ms=wall_ms(), nonce="n-1"
    )
    for headers in ({}, signed):
        with socket.create_connection(("127.0.0.1", other.port), GUARD_S) as line:
            said = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            line.sendall(
                f"POST {ROWS} HTTP/1.1\r\nHost: b\r\n{said}Content-Length: 100000000\r\n\r\n".encode()
            )
            status = line.recv(100).split()[1]
        assert status == (b"413" if headers else b"403")
    line = PeerClient(other.access(), clock_ms=wall_ms)
    try:
        assert line.ask("POST", ROWS, bytes(PACKED_MAX + 1)).status == 413
    except PeerUnreachable as cut:  # before the answer could be read
        assert cut.code == "no_answer"
    line.close()
    assert other.seq() == 0


def test_an_answer_that_is_not_signed_is_not_believed(own: Database) -> None:
    """Whatever sits on the other site's address: an acknowledgement of a stranger would be a lost contact."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]

        def answer() -> None:
            with stranger.accept()[0] as line:
                line.recv(1 << 20)
                body = b'{"acked_through":9999,"head_hash":"00"}'
                head = f"HTTP/1.1 200 OK\r\n{SIGNATURE}: {'0' * 64}\r\nContent-Length: {len(body)}\r\n\r\n"
                line.sendall(head.encode() + body)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        access = PeerAccess(site="a", peer="b", url=f"http://127.0.0.1:{port}", key=KEY, tls=None)
        line = PeerClient(access, clock_ms=wall_ms)
        with pytest.raises(PeerUnreachable) as refused:
            line.ask("POST", ROWS, b"")
        line.close()
        thread.join(GUARD_S)
    assert refused.value.code == "not_genuine"


def test_clocks_that_differ_by_hours_still_talk(own: Database, other: Other) -> None:
    """A time server that is gone must not cost the second copy: the other site's own time is learned."""
    for apart_ms in (-7_200_000, 7_200_000):
        line = PeerClient(other.access(), clock_ms=lambda apart_ms=apart_ms: wall_ms() + apart_ms)
        assert line.ask("GET", f"{ROWS}?after=0&site=a").status == 200
        line.close()


def test_only_a_certificate_of_the_pair_comes_in(tmp_path: Path) -> None:
    """Encrypted and known by both ends, whatever address they are reached at."""
    ours, strange = make_keys(tmp_path / "ours", ("a", "b")), make_keys(tmp_path / "strange", ("a", "b"))
    a, b = tls_of(ours[0]), tls_of(ours[1])
    (tmp_path / "copy").mkdir()
    other = Other(tmp_path / "copy", tls=b)
    try:
        assert asked(other.access(tls=a)) == "200"
        assert asked(other.access(tls=tls_of(strange[0]))) == "certificate"
        assert asked(replace(other.access(tls=a), peer="c")) == "certificate"  # it is b, whoever asks for c
        plain = replace(other.access(), url=other.access().url.replace("https", "http"))
        assert asked(plain) == "no_answer"
        nobody = TlsFiles(
            ca=a.ca, certificate=tls_of(strange[0]).certificate, private_key=tls_of(strange[0]).private_key
        )
        assert asked(other.access(tls=nobody)) in ("certificate", "no_answer")
    finally:
        other.close()
        other.copy.close()


def tls_of(folder: Path) -> TlsFiles:
    peer = folder / "peer"
    return TlsFiles(
        ca=peer / "ca.pem", certificate=peer / "certificate.pem", private_key=peer / "private-key.pem"
    )


def asked(access: PeerAccess) -> str:
    """The status of an answer, or why there is none."""
    line = PeerClient(access, clock_ms=wall_ms)
    try:
        return str(line.ask("GET", f"{ROWS}?after=0&site=a").status)
    except PeerUnreachable as problem:
        return problem.code
    finally:
        line.close()
