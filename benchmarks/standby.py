"""How long nobody decides when the active router is killed: until the one that stood by makes an offer.

A whole centre with free agents and 20 contacts a second; `kill -9` of the router that decides, and again each
time another one stands by. The clock runs from the kill until a desk has the offer of a contact that came
after it: an offer that was on its way when the router died says nothing. On SQLite (a lock of the kernel) and
on PostgreSQL (a row with a time, and a lock of the session). Every contact has to be offered once.
"""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from statistics import median
from typing import Final

from benchmarks.centre import Site, running_site
from benchmarks.parts import Part
from router.journal.database import Database, open_database
from tests.system.postgres import start_postgres

ROUNDS: Final = 3
AGENTS: Final = 20
PER_S: Final = 20
CONTACTS: Final = 40
"""Of one round: two seconds of them."""

BEFORE_S: Final = 0.5
"""So long they are served as ever."""

AT_ONCE: Final = 50
"""Agents keep what they accept: one who ended it while nobody decides would only be told to try again."""

STANDS_BY_S: Final = 60.0
_STANDS_BY: Final = "SELECT 1 FROM lease WHERE name LIKE 'standby/%' AND until_ms > :now_ms"
LATE_S: Final = 30.0


def standby() -> dict[str, float]:
    """Medians on each database, the slower of the two, and the longest of all rounds."""
    found = {"sqlite": _rounds({}, "")}
    for server in start_postgres():
        url = server.new_database()
        found["postgresql"] = _rounds({"DATABASE_URL": url}, url)
    medians = {f"standby_{name}_s": median(times) for name, times in found.items()}
    worst = max(max(times) for times in found.values())
    return {**medians, "standby_s": max(medians.values()), "standby_worst_s": worst}


def _rounds(environ: Mapping[str, str], url: str) -> list[float]:
    with running_site(agents=AGENTS, at_once=AT_ONCE, environ=environ) as site:
        cookies = site.data_dir / "cookies.json"
        cookies.write_text(json.dumps(dict(site.cookies)))
        with (
            closing(open_database(url or f"sqlite:///{site.data_dir}/muster.db")) as database,
            Part("benchmarks.desks", site.url, str(cookies)) as desks,
            Part("benchmarks.chats", site.url) as chats,
        ):
            desks.ask("open")
            desks.ask("available", keep=True)
            times = []
            for _ in range(ROUNDS):
                _wait_for_another(database)
                times.append(_one(site, database, desks, chats))
            return times


def _one(site: Site, database: Database, desks: Part, chats: Part) -> float:
    """One kill amid contacts; seconds until the first offer of one that came after it."""
    chats.ask("open", count=CONTACTS)
    desks.ask("look")
    chats.begin("say_at_rate", per_s=PER_S, count=CONTACTS)
    time.sleep(BEFORE_S)
    os.kill(_active(database), signal.SIGKILL)
    killed_at = time.monotonic()
    sent: dict[str, float] = chats.end()
    desks.ask("until_offered", count=CONTACTS)
    offers = desks.ask("look")["offers"]
    times = Counter(number for number, _ in offers)
    if sorted(times) != sorted(sent) or max(times.values()) > 1:
        raise RuntimeError(f"{len(sent)} contacts, {len(times)} offered, {sum(times.values())} offers")
    after: list[float] = [at - killed_at for number, at in offers if sent[number] > killed_at]
    if not after or min(after) > LATE_S:
        raise RuntimeError("nobody took over")
    return min(after)


def _active(database: Database) -> int:
    """Process id of the router that decides."""
    with database.reading() as db:
        found = db.row("SELECT owner FROM lease WHERE name = 'router'")
    if found is None:
        raise RuntimeError("no router decides")
    return int(found[0].rpartition("/")[2])


def _wait_for_another(database: Database) -> None:
    """Wait until a router stands by: the one that did before, where one just started was quicker than it."""
    give_up = time.monotonic() + STANDS_BY_S
    while time.monotonic() < give_up:
        with database.reading() as db:
            if db.row(_STANDS_BY, now_ms=time.time_ns() // 1_000_000):
                return
        time.sleep(0.05)
    raise RuntimeError("no router stands by")
