"""A whole web process on a fresh database, in a thread. Tests play the router, see playing.py."""

import json
import socket
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from agents_ui.web_role import Parts, WebRole
from config.plan import Plan
from config.plan_file import parse_plan
from router.decisions import Decision
from router.journal.committer import Committer
from router.journal.database import open_database
from router.records import Fact, Row, fact_of
from router.run.plan_activation import ActivatePlan
from tests.web.fronts import settings_for
from tests.web.threads import LoopThread

WITHIN_S = 10.0


class Site:
    """One or more web processes (threads here) of one site."""

    def __init__(self, data_dir: Path, database_url: str = "") -> None:
        self.data_dir = data_dir
        self.url = database_url or f"sqlite:///{data_dir}/muster.db"
        self.plan = default_plan()
        self.database = open_database(self.url, unsafe=True)
        self.database.create_tables(site=self.plan.site.site_id)
        self.committer = Committer(self.database)
        self.committer.submit(ActivatePlan(plan=self.plan, by="test")).result()
        self.webs: list[Web] = []
        self.add_web()

    @property
    def port(self) -> int:
        return self.webs[0].port

    def add_web(self) -> "Web":
        web = Web(self.data_dir, self.url)
        self.webs.append(web)
        return web

    def stop(self) -> None:
        for web in self.webs:
            web.stop()
        self.committer.close()
        self.database.close()

    def append(self, *facts: Fact) -> None:
        for each in facts:
            self.committer.submit(_Just(each)).result(10)

    def decide(self, *decisions: Decision) -> None:
        self.append(*map(fact_of, decisions))

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.database.reading() as db:
            return db.rows(sql, **values)

    def eventually(self, look: Callable[[], Any], what: str = "") -> Any:
        """The first true result of look()."""
        until = time.monotonic() + WITHIN_S
        while True:
            found = look()
            if found:
                return found
            assert time.monotonic() < until, f"not within {WITHIN_S} s: {what or look}"
            time.sleep(0.01)

    def kinds(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT kind FROM journal ORDER BY seq")]


class Web:
    """One web process in a thread."""

    def __init__(self, data_dir: Path, database_url: str) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = listener.getsockname()[1]
        self.role = WebRole(settings_for(data_dir, database_url=database_url, port=self.port), listener)
        self._thread = LoopThread(lambda: self.role.run(signals=False))
        until = time.monotonic() + WITHIN_S
        while not self.role.ready:
            assert time.monotonic() < until, self._thread.problem or "not ready"
            time.sleep(0.01)

    def stop(self) -> None:
        self._thread.soon(self.role.stop)
        self._thread.join()

    def join(self) -> None:
        """Wait for it to end by itself; raises what ended it."""
        self._thread.join()

    @property
    def parts(self) -> Parts:
        assert self.role.parts is not None
        return self.role.parts

    def soon(self, callback: Callable[[], object]) -> None:
        """Call this in the process's event loop."""
        self._thread.soon(callback)

    def get(self, path: str, cookie: str = "") -> tuple[int, dict[str, str], bytes]:
        return self._ask("GET", path, cookie, None)

    def post(self, path: str, body: bytes, cookie: str = "") -> tuple[int, dict[str, str], bytes]:
        return self._ask("POST", path, cookie, body)

    def _ask(
        self, method: str, path: str, cookie: str, body: bytes | None
    ) -> tuple[int, dict[str, str], bytes]:
        headers = {"Cookie": cookie, "X-Muster": "1", "Origin": f"http://127.0.0.1:{self.port}"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=body, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:
                return answer.status, _lower(answer.headers), answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, _lower(refused.headers), refused.read()

    def cookie(self) -> str:
        """A fresh chat session."""
        return self.get("/chat")[1]["set-cookie"].partition(";")[0]


class Page:
    """A customer's page: a chat socket that remembers what it was told."""

    def __init__(self, web: Web, cookie: str, *, origin: str = "") -> None:
        own = f"http://127.0.0.1:{web.port}"
        self._open = ExitStack()
        asked = connect(
            f"ws://127.0.0.1:{web.port}/chat/socket",
            origin=Origin(origin or own),
            additional_headers={"Cookie": cookie},
            compression=None,
            open_timeout=WITHIN_S,
            max_size=None,
            proxy=None,
        )
        self.socket: ClientConnection = self._open.enter_context(asked)
        self.messages: dict[str, dict[str, Any]] = {}
        self.conversation: dict[str, Any] = {}
        self.kept: dict[str, str] = {}
        self.refused: list[dict[str, Any]] = []
        self.typing = 0
        self.beats = 0
        self.n = 0

    def say(self, text: str, client_id: str = "") -> str:
        client_id = client_id or str(uuid4())
        self.send(kind="say", client_id=client_id, text=text)
        return client_id

    def send(self, **values: Any) -> None:
        self.socket.send(json.dumps(values))

    def until(self, look: Callable[["Page"], Any]) -> Any:
        """Read until look(page) is true; its result."""
        until = time.monotonic() + WITHIN_S
        while True:
            found = look(self)
            if found:
                return found
            left = until - time.monotonic()
            assert left > 0, f"not within {WITHIN_S} s; {self.conversation} {self.refused} {self.texts()}"
            self._take(json.loads(self.socket.recv(timeout=left)))

    def close_code(self) -> int:
        """Read until the server closes."""
        try:
            while True:
                self._take(json.loads(self.socket.recv(timeout=WITHIN_S)))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    def set_cookie(self) -> str:
        """The cookie that the handshake gave us."""
        assert self.socket.response is not None
        return self.socket.response.headers["Set-Cookie"].partition(";")[0]

    def texts(self) -> list[str]:
        return [each["text"] for each in sorted(self.messages.values(), key=lambda each: int(each["seq"]))]

    def close(self) -> None:
        self._open.close()

    def __enter__(self) -> "Page":
        self.until(lambda page: page.n)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, message: dict[str, Any]) -> None:
        if "n" in message:
            assert message["n"] == self.n + 1, "a gap in the numbers"
            self.n = message["n"]
        kind = message["kind"]
        if kind == "snapshot":
            self.conversation = message["conversation"]
            self.messages = {each["message_id"]: each for each in message["messages"]}
        elif kind == "change":
            for put in message["puts"]:
                if put["what"] == "message":
                    self.messages[put["value"]["message_id"]] = put["value"]
                else:
                    self.conversation = put["value"]
        elif kind == "kept":
            self.kept[message["client_id"]] = message["message_id"]
        elif kind == "refused":
            self.refused.append(message)
        elif kind == "typing":
            self.typing += 1
        elif kind == "beat":
            self.beats += 1


class _Just:
    def __init__(self, fact: Fact) -> None:
        self._fact = fact

    def write_content(self, db: Any) -> None:
        """Nothing."""

    def facts(self, db: Any, at_ms: int) -> list[Fact]:
        return [self._fact]


def default_plan() -> Plan:
    path = Path(__file__).parents[2] / "config" / "default.toml"
    return parse_plan(path.read_text(encoding="utf-8"))


def rows_of(site: Site) -> list[Row]:
    """Every row of the journal."""
    from router.journal.stream import read_rows

    with site.database.reading() as db:
        return read_rows(db, after_seq=0, limit=100_000)


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
