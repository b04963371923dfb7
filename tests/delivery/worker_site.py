"""A site with nothing but its journal, Redis, real worker processes, and doubles of two providers."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agents_ui.demo.double import DoubleServer, ProviderDouble
from agents_ui.demo.double_answers import DoubleAccount
from config.plan_file import parse_plan
from router.journal.committer import Committer
from router.journal.database import Database, open_database
from router.journal.verify import verify
from router.run.delivery_orders import DeliveryOrders
from router.run.plan_activation import ActivatePlan
from tests.config.plans import SMALL
from tests.delivery.office import Said
from tests.roles.redis_process import RedisProcess, wait_until

TOKEN = "0123456789abcdef"
NUMBERS = {"line": "+15550100100", "other": "+15550100101"}
CHANNEL = SMALL[SMALL.index("[[channels]]") : SMALL.index("[[queues]]")].replace('"chat"', '"sms"')
CHANNEL = CHANNEL.replace("message_characters_max = 4_000", "message_characters_max = 1_600")
ACCOUNT = """
[[accounts]]
id = "{id}"
channel = "sms"
provider = "twilio"
address = "{number}"
secret = "sms-{id}"
options = {{ account_sid = "AC-{id}" }}
"""
PLAN = SMALL + CHANNEL + "".join(ACCOUNT.format(id=each, number=number) for each, number in NUMBERS.items())
"""Two accounts at two providers: what befalls one must not touch the other."""


@dataclass
class Site:
    """Everything that is alive while a test runs."""

    data_dir: Path
    database_url: str
    database: Database
    committer: Committer
    doubles: dict[str, DoubleServer]
    redis: RedisProcess
    orders: DeliveryOrders
    said: list[str] = field(default_factory=list)
    workers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def double(self, account: str = "line") -> ProviderDouble:
        return self.doubles[account].double

    def start_worker(self) -> "subprocess.Popen[bytes]":
        """A `muster worker` with these settings."""
        log = (self.data_dir / f"worker-{len(self.workers)}.log").open("wb")
        endpoints = ",".join(f"{each}={server.url}" for each, server in self.doubles.items())
        secrets = {f"MUSTER_SECRET_SMS_{each.upper()}": TOKEN for each in self.doubles}
        worker = subprocess.Popen(
            [sys.executable, "-m", "agents_ui.cli", "worker"],
            env={
                **os.environ,
                "MUSTER_DATA": str(self.data_dir),
                "DATABASE_URL": self.database_url,
                "REDIS_URL": self.redis.url,
                "MUSTER_UNSAFE": "1",
                "MUSTER_ENDPOINTS": endpoints,
                **secrets,
            },
            stdout=log,
            stderr=log,
        )
        log.close()
        self.workers.append(worker)
        return worker

    def kill_worker(self) -> None:
        """kill -9, at whatever it does."""
        self.workers[-1].kill()
        self.workers[-1].wait()

    async def says(self, text: str, *, to: str = "+15550000001", account: str = "line") -> str:
        """An agent's answer, ordered as a web does it; the message's id."""
        said = Said(number=len(self.said) + 1, text=text, to=to, account=account)
        await self.committer.append(said)
        self.said.append(said.message_id)
        self.orders.order()
        return said.message_id

    def say(self, text: str, *, to: str = "+15550000001", account: str = "line") -> str:
        return asyncio.run(self.says(text, to=to, account=account))

    def outbox(self) -> dict[str, tuple[str, str]]:
        """(status, trouble) by message."""
        with self.database.reading() as db:
            rows = db.rows(
                "SELECT o.message_id, o.status, m.trouble FROM outbox o JOIN message m"
                " ON m.message_id = o.message_id ORDER BY o.seq"
            )
        return {row[0]: (row[1], row[2]) for row in rows}

    def alarms(self) -> list[tuple[str, str, str]]:
        with self.database.reading() as db:
            return db.rows("SELECT code, ref, detail FROM alarm ORDER BY at_ms, alarm_id")

    def until_sent(self, *messages: str, within_s: float = 10.0) -> float:
        """Wait until these (or all) are recorded as sent; how long it took."""
        wanted = messages or tuple(self.said)

        def all_sent() -> bool:
            outbox = self.outbox()
            return all(outbox[each][0] == "sent" for each in wanted)

        return wait_until(all_sent, f"{len(wanted)} answers have left", within_s=within_s)

    def arrivals(self, account: str = "line") -> Counter[str]:
        """How often each message reached its customer, by its stable id."""
        taken = self.double(account).taken()
        return Counter(each.status_url.partition("outbox_id=")[2] for each in taken)

    def check(self) -> None:
        """Every answer arrived; one that arrived twice says so; the tables follow from the journal."""
        arrived = self.arrivals("line") + self.arrivals("other")
        outbox = self.outbox()
        assert set(arrived) == set(self.said), sorted(set(self.said) - set(arrived))
        twice = [each for each, times in arrived.items() if times > 1]
        assert [each for each in twice if outbox[each][1] != "maybe_twice"] == []
        with self.database.reading() as db:
            assert not verify(db).problems

    def logs(self) -> str:
        """What the workers printed."""
        return "".join(path.read_text()[-3000:] for path in sorted(self.data_dir.glob("worker-*.log")))


@contextmanager
def running_site(data_dir: Path, database_url: str) -> Iterator[Site]:
    """A site with one worker; everything ends with it."""
    database = open_database(database_url, unsafe=True)
    database.create_tables()
    committer = Committer(database)
    committer.submit(ActivatePlan(plan=parse_plan(PLAN), by="test")).result(10)
    redis = RedisProcess(folder=data_dir)
    redis.start()
    doubles = {each: _double(each) for each in NUMBERS}
    orders = DeliveryOrders(redis.url)
    site = Site(
        data_dir=data_dir,
        database_url=database_url,
        database=database,
        committer=committer,
        doubles=doubles,
        redis=redis,
        orders=orders,
    )
    try:
        yield site
    finally:
        for worker in site.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.kill()
                worker.wait()
        orders.close()
        for server in doubles.values():
            server.stop()
        redis.kill()
        committer.close()
        database.close()


def wait_for_worker(site: Site) -> None:
    """Until a worker has sent something."""
    site.until_sent(site.say("first"), within_s=20)


def _double(account: str) -> DoubleServer:
    sid, number = f"AC-{account}", NUMBERS[account]
    server = DoubleServer(ProviderDouble(DoubleAccount(account_sid=sid, token=TOKEN, number=number)))
    server.start()
    return server
