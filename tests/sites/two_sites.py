"""Two whole sites on one machine, `muster up` each, lines between them that may be slow, and texters."""

import asyncio
import http.client
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from router.journal.database import open_database
from router.journal.stream import read_rows
from router.sites.copy_gaps import acked_through, open_gaps, single_copies
from tests.contracts.plays import Said
from tests.contracts.twilio import TOKEN, Twilio, fields_of
from tests.roles.centre import Centre, running
from tests.web.texts import ACCOUNTS

GUARD_S = 60.0
READY_S = 120.0
KEY = "0123456789abcdef0123456789abcdef"
PAIR = """
[pair]
take_over = "manual"

[[pair.sites]]
id = "a"
name = "Alder House"
url = "http://127.0.0.1:9"
peer = "http://127.0.0.1:10"

[[pair.sites]]
id = "b"
name = "Birch House"
url = "http://127.0.0.1:11"
peer = "http://127.0.0.1:12"
"""


class SlowLine:
    """A TCP line to a port on this machine. `delay_s` each way; `cut` ends what is open and takes nothing."""

    def __init__(self, port: int) -> None:
        self.delay_s = 0.0
        self._to = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._cut = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self, cut: bool) -> None:
        """Cut, or mend."""
        self._loop.call_soon_threadsafe(self._set_cut, cut)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _set_cut(self, cut: bool) -> None:
        self._cut = cut
        if cut:
            for writer in self._writers:
                writer.transport.abort()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        server = await asyncio.start_server(self._serve, sock=self._listener)
        await self._stop.wait()
        server.close()
        self._set_cut(True)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait_for(asyncio.gather(*others, return_exceptions=True), 5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        try:
            await asyncio.gather(self._carry(reader, back), self._carry(there, writer))
        finally:
            self._writers -= {writer, back}

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Everything in order, each piece `delay_s` after it came."""
        with suppress(OSError):
            while piece := await reader.read(1 << 16):
                self._loop.call_later(self.delay_s, _write, writer, piece)
        self._loop.call_later(self.delay_s, writer.close)


def _write(writer: asyncio.StreamWriter, piece: bytes) -> None:
    if not writer.is_closing():
        writer.write(piece)


@dataclass
class OneSite:
    """A site, as seen from outside. line: the way on which the other one reaches it."""

    site: str
    centre: Centre
    line: SlowLine
    environ: dict[str, str]

    @contextmanager
    def again(self) -> Iterator["OneSite"]:
        """Started once more in its folder, after it was killed."""
        with running(self.centre.data_dir, **self.environ) as centre:
            yield OneSite(self.site, centre, self.line, self.environ)

    @property
    def url(self) -> str:
        return str(self.centre.ports()["web"]["url"])

    def ask(self, question):
        database = open_database(self.centre.environ["DATABASE_URL"], unsafe=True)
        try:
            with database.reading() as db:
                return question(db)
        finally:
            database.close()

    def single(self) -> int:
        return len(self.ask(lambda db: single_copies(db, limit=100_000)))

    def gaps(self) -> list[tuple[int, int]]:
        return [(each.from_seq, each.through_seq) for each in self.ask(open_gaps)]

    def acked(self) -> int:
        return self.ask(acked_through)

    def kinds(self, *kinds: str) -> list[str]:
        return [
            row.kind
            for row in self.ask(lambda db: read_rows(db, after_seq=0, limit=10**6))
            if row.kind in kinds
        ]

    def alarms(self) -> list[str]:
        return [
            row[0]
            for row in self.ask(
                lambda db: db.rows("SELECT detail FROM alarm WHERE code = 'single_copy' ORDER BY at_ms")
            )
        ]

    def messages(self) -> set[str]:
        """The ids of everything that customers said."""
        return {
            row[0]
            for row in self.ask(lambda db: db.rows("SELECT message_id FROM message WHERE direction = 'in'"))
        }

    def metrics(self) -> dict[str, float]:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return {line.split(" ")[0]: float(line.split(" ")[1]) for line in lines if not line.startswith("#")}


@contextmanager
def two_sites(
    folder: Path, *, urls: dict[str, str] | None = None, **environ: str
) -> Iterator[tuple[OneSite, OneSite]]:
    """Both, serving. urls: DATABASE_URL of each site, where it is not SQLite."""
    plan = folder / "plan.toml"
    plan.write_text(Path("config/default.toml").read_text(encoding="utf-8") + PAIR + ACCOUNTS)
    ports = {site: _free_port() for site in "ab"}
    with ExitStack() as stack:
        lines = {site: SlowLine(ports[site]) for site in "ab"}
        for line in lines.values():
            stack.callback(line.close)
        peers = ",".join(f"{site}=http://127.0.0.1:{lines[site].port}" for site in "ab")
        sites = []
        for site in "ab":
            own = folder / site
            own.mkdir()
            more = {
                "MUSTER_SITE": site,
                "MUSTER_PEERS": peers,
                "MUSTER_PEER_PORT": str(ports[site]),
                "MUSTER_SECRET_PEER_KEY": KEY,
                "MUSTER_SECRET_LINE_TOKEN": TOKEN.decode(),
                "MUSTER_PLAN": str(plan),
                **({"DATABASE_URL": urls[site]} if urls else {}),
                **environ,
            }
            sites.append(
                OneSite(site, stack.enter_context(running(own, wait=False, **more)), lines[site], more)
            )
        for each in sites:  # together: a router asks the other site before it serves
            until(lambda each=each: each.centre.ready, f"{each.site} is ready", within_s=READY_S)
        yield sites[0], sites[1]


@dataclass
class Texters:
    """People who text one site, each message at its moment whatever became of the others."""

    url: str
    kept: list[tuple[str, float]] = field(default_factory=list)
    """(provider id, how long the answer took)."""

    refused: list[float] = field(default_factory=list)
    _number: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def texts(self, count: int, *, per_s: float, name: str = "SM") -> None:
        """So many, at this pace; returns when all are answered."""
        began = time.monotonic()
        threads = []
        for number in range(count):
            time.sleep(max(0.0, began + number / per_s - time.monotonic()))
            with self._lock:
                self._number += 1
                provider_id = f"{name}{self._number}"
            thread = threading.Thread(target=self.text, args=(provider_id,))
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join(GUARD_S)

    def text(self, provider_id: str) -> int:
        """One of them; the status."""
        body, headers = signed(self.url, provider_id)
        began = time.monotonic()
        status = post(self.url, body, headers)
        took = time.monotonic() - began
        with self._lock:
            if 200 <= status < 300:
                self.kept.append((provider_id, took))
            else:
                self.refused.append(took)
        return status


def signed(url: str, provider_id: str) -> tuple[bytes, dict[str, str]]:
    """A text of somebody new, as its provider signs it for this site."""
    plays = Twilio("line", f"{url}/hooks/line")
    number = f"+1555{abs(hash(provider_id)) % 10**7:07}"
    webhook = plays.over(
        urlencode(fields_of(Said(provider_id=provider_id, sender=number, text="help"))).encode()
    )
    return webhook.body, dict(webhook.headers)


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """The status; 599 where there was no answer."""
    host = url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=GUARD_S)
    try:
        connection.request("POST", "/hooks/line", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return 599
    finally:
        connection.close()


def until(condition, what: str, *, within_s: float = GUARD_S) -> None:
    """Wait for it; the time is a guard."""
    give_up = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up, f"not in {within_s} s: {what}"
        time.sleep(0.1)


def share(values: list[float], of: float) -> float:
    """The quantile."""
    return sorted(values)[min(len(values) - 1, int(of * len(values)))]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
