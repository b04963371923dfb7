"""A mail role on a fresh database, in a thread, and what it kept. Senders are plain sockets."""

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from config.plan import Plan
from config.plan_file import parse_plan
from router.channels.ingest import There
from router.channels.mail_token import REPLY, SENT, TokenKey
from router.channels.smtp_in import Limits
from router.journal.committer import Committer
from router.journal.database import open_database
from router.records import Fact, fact
from router.run.mail_role import MailRole
from router.run.plan_activation import ActivatePlan
from router.sites.second_copy import Copies
from tests.web.fronts import settings_for

WITHIN_S: Final = 40.0
SECRET: Final = "kept-in-a-safe"
FOREIGN_SECRET: Final = "another-mailbox"
OURS: Final = "help@lowen.example"
INFO: Final = "info@lowen.example"

ACCOUNTS: Final = f"""
[[accounts]]
id = "help-mail"
channel = "mail"
provider = "smtp"
address = "{OURS}"
secret = "help-mail"
[accounts.options]
trusted_authserv = "mx.lowen.example"
upstream = "127.0.0.1,::1"

[[accounts]]
id = "info-mail"
channel = "mail"
provider = "smtp"
address = "{INFO}"
secret = "info-mail"
"""


def plan_with_mailboxes(accounts: str = ACCOUNTS, *, mail_bytes: str = "26_214_400") -> Plan:
    """The default plan with two mailboxes."""
    path = Path(__file__).parents[2] / "config" / "default.toml"
    lines = path.read_text(encoding="utf-8").split("[[accounts]]")[0]
    return parse_plan(
        lines.replace("body_bytes_max = 26_214_400", f"body_bytes_max = {mail_bytes}") + accounts
    )


def settings_of(data_dir: Path, **changes: Any) -> Any:
    """Settings under which both secrets are known."""
    known = {"MUSTER_SECRET_HELP_MAIL": SECRET, "MUSTER_SECRET_INFO_MAIL": FOREIGN_SECRET}
    return settings_for(data_dir, **{"secrets": known, **changes})


class Mailbox:
    """The listener, its database, and eyes on what it kept."""

    def __init__(
        self,
        data_dir: Path,
        *,
        limits: Limits | None = None,
        url: str = "",
        accounts: str = ACCOUNTS,
        mail_bytes: str = "26_214_400",
        second: Copies | None = None,
        there: There | None = None,
        **settings: Any,
    ) -> None:
        self.plan = plan_with_mailboxes(accounts, mail_bytes=mail_bytes)
        self.settings = settings_of(data_dir, **settings)
        self.url = url or f"sqlite:///{data_dir}/muster.db"
        self.database = open_database(self.url, unsafe=True)
        self.database.create_tables(site=self.plan.site.site_id)
        self.committer = Committer(self.database)
        self.committer.submit(ActivatePlan(plan=self.plan, by="test")).result()
        self.role = MailRole(
            self.settings, self.database, self.committer, self.plan, limits=limits, second=second, there=there
        )
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        self.port: int = listener.getsockname()[1]
        self._thread = _Thread(self.role.serve(listener))
        self.key = TokenKey.of(SECRET.encode())

    def stop(self) -> None:
        self._thread.stop()
        self.committer.close()
        self.database.close()

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.database.reading() as db:
            return db.rows(sql, **values)

    def append(self, *facts: Fact) -> None:
        for each in facts:
            self.committer.submit(_Just(each)).result(10)

    def interactions(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT interaction_id FROM interaction ORDER BY arrived_seq")]

    def messages(self) -> list[tuple[Any, ...]]:
        """(interaction, raw body) of everything kept, in order."""
        return self.rows(
            "SELECT m.interaction_id, c.body FROM message m JOIN content c ON c.content_id = m.content_id"
            " WHERE m.direction = 'in' ORDER BY m.seq"
        )

    def identity(self) -> list[tuple[Any, ...]]:
        """(address, verified) of who wrote, in order of appearance."""
        return self.rows(
            "SELECT a.address, i.verified FROM identity i JOIN address a ON a.address_hash = i.address_hash"
            " ORDER BY i.at_ms, i.identity_id"
        )

    def close(self, interaction_id: str) -> None:
        """As the router does when it is over, however it came to that."""
        self.append(
            fact(
                "closed",
                interaction_id,
                at_ms=time.time_ns() // 1_000_000,
                agent_id="hannah",
                disposition="answered",
                why="abandoned",
            )
        )

    def reply_token(self, interaction_id: str) -> str:
        return self.key.token(REPLY, interaction_id)

    def sent_token(self, outbox_id: str) -> str:
        return self.key.token(SENT, outbox_id)

    def eventually(self, look: Callable[[], Any], what: str = "") -> Any:
        until = time.monotonic() + WITHIN_S
        while not (found := look()):
            assert time.monotonic() < until, f"not within {WITHIN_S} s: {what}"
            time.sleep(0.01)
        return found

    def smtp(self) -> "Talk":
        return Talk(self.port)

    def send(self, raw: bytes, *to: str, sender: str = "citizen@example.org") -> str:
        """Hand over one mail as a decent server does; the answer to its end."""
        with self.smtp() as talk:
            talk.hello()
            talk.ask(f"MAIL FROM:<{sender}>")
            for each in to or (OURS,):
                talk.ask(f"RCPT TO:<{each}>")
            return talk.data(raw)


class Talk:
    """One SMTP connection, byte by byte."""

    def __init__(self, port: int, *, greeted: bool = True) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S)
        self._buffer = b""
        if greeted:
            self.greeting = self.answer()

    def hello(self) -> str:
        return self.ask("EHLO sender.example.org")

    def ask(self, line: str) -> str:
        """The answer to one command; empty when the other side has closed."""
        try:
            self.put(line.encode("utf-8", "surrogateescape") + b"\r\n")
        except OSError:
            return ""
        return self.answer()

    def data(self, raw: bytes) -> str:
        """DATA and one mail, its dots doubled."""
        began = self.ask("DATA")
        if not began.startswith("354"):
            return began
        lines = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
        self.put((b"\r\n" + lines).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n")
        return self.answer()

    def put(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> str:
        """One answer, all its lines; empty when the other side has closed."""
        lines: list[str] = []
        while True:
            line = self._line()
            lines.append(line)
            if not line or line[3:4] != "-":
                return "\n".join(lines)

    def closed(self) -> bool:
        """Whether nothing more comes."""
        while self._line():
            continue
        return True

    def _line(self) -> str:
        while b"\r\n" not in self._buffer:
            try:
                more = self.socket.recv(65_536)
            except ConnectionResetError:
                more = b""
            if not more:
                return ""
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line.decode("utf-8", "replace")

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


class _Thread:
    """Runs one coroutine in a loop of its own: the ordinary one of asyncio, as the role has it."""

    def __init__(self, main: Any) -> None:
        import threading

        self._main = main
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._started.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            self._task = asyncio.ensure_future(self._main)
            self._started.set()
            try:
                await self._task
            except asyncio.CancelledError:
                return

        asyncio.run(main())


class _Just:
    def __init__(self, fact: Fact) -> None:
        self._fact = fact

    def write_content(self, db: Any) -> None:
        """Nothing."""

    def facts(self, db: Any, at_ms: int) -> list[Fact]:
        return [self._fact]
