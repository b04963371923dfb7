"""Texts that are durable when their provider has its answer: how many a second, and what share of the floor.

One round of `ingest_over_floor`: the floor for some seconds, then one web process for as long, with the same
texts over the same 64 connections, as fast as they are answered; it also reads them meanwhile. Then the same
with a whole centre, whose other processes want the same two cores. `ingest_per_s` is a centre on its own,
for a minute, with every role running: while texts come in they are read, routed and wait.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.centre import Site, running_site, running_web
from benchmarks.parts import Part
from benchmarks.texters import ACCOUNT_SID, NUMBER, SECRET
from router.journal.database import open_database

RUSH_S: Final = 4.0
FLOOR_TEXTS: Final = 80_000
TEXTS: Final = 24_000
"""Made before: more than can be said in a rush."""

MINUTE_S: Final = 60.0
MINUTE_PER_S: Final = 1_250
"""Offered in that minute; at most as many are said."""

SETTLE_S: Final = 3.0
"""After "ready" those who would take over load themselves: a router and a web that then wait."""

AGENTS: Final = 20

PLAN: Final = f"""
[[channels]]
id = "sms"
name = "Text message"
queue_id = "line"
urgency = 3
load = 30
max_at_once = 3
offer_ms_urgent = 15_000
offer_ms = 30_000
body_bytes_max = 65_536
message_characters_max = 1_600
attachment_bytes_max = 5_242_880
abandoned_after_ms = 86_400_000

[[accounts]]
id = "line"
channel = "sms"
provider = "twilio"
address = "{NUMBER}"
secret = "bench-token"
options = {{ account_sid = "{ACCOUNT_SID}" }}
"""

ENVIRON: Final = {"MUSTER_SECRET_BENCH_TOKEN": SECRET.decode()}


def round_of_ingest() -> dict[str, float]:
    """One round of floor and product."""
    floor = _floor()
    with running_web(plan_more=PLAN, environ=ENVIRON) as web:
        alone = _rush(web)
    with _centre() as site:
        seen = _rush(site)
    return {
        "ingest_floor_per_s": floor["per_s"],
        "ingest_web_per_s": alone["per_s"],
        "ingest_rush_per_s": seen["per_s"],
        "ingest_rush_p99_ms": seen["p99_ms"],
        "ingest_over_floor": alone["per_s"] / floor["per_s"],
    }


def _rush(site: Site) -> dict[str, float]:
    with Part("benchmarks.texters", f"{site.url}/hooks/line") as texters:
        texters.ask("make", count=TEXTS)
        time.sleep(SETTLE_S)
        seen: dict[str, float] = texters.ask("say", seconds=RUSH_S)
        _all_kept(site, seen)
    return seen


def minute_of_ingest(seconds: float = MINUTE_S) -> dict[str, float]:
    """A whole minute; every text is in the database afterwards, or this raises."""
    with _centre() as site, Part("benchmarks.texters", f"{site.url}/hooks/line") as texters:
        texters.ask("make", count=int(seconds * MINUTE_PER_S))
        time.sleep(SETTLE_S)
        seen = texters.ask("say", seconds=seconds, per_s=MINUTE_PER_S)
        _all_kept(site, seen)
    return {
        "ingest_per_s": seen["per_s"],
        "ingest_p50_ms": seen["p50_ms"],
        "ingest_p99_ms": seen["p99_ms"],
    }


def _floor() -> dict[str, float]:
    folder = Path(tempfile.mkdtemp(prefix="muster-floor-"))
    command = [sys.executable, "-m", "benchmarks.ingest_floor", str(folder / "floor.db")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with Part("benchmarks.texters", f"http://127.0.0.1:{port}/hooks/line") as texters:
            texters.ask("make", count=FLOOR_TEXTS)
            seen: dict[str, float] = texters.ask("say", seconds=RUSH_S)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    return seen


@contextmanager
def _centre() -> Iterator[Site]:
    with running_site(agents=AGENTS, plan_more=PLAN, environ=ENVIRON) as site:
        yield site


def _all_kept(site: Site, seen: dict[str, float]) -> None:
    """Raises RuntimeError: an answer that was no acknowledgement, or one whose text is not there."""
    if seen["refused"]:
        raise RuntimeError(f"{seen['refused']:.0f} texts were refused: no figure is worth anything")
    database = open_database(f"sqlite:///{site.data_dir}/muster.db", unsafe=True)
    with database.reading() as db:
        found = db.row("SELECT count(*) FROM message WHERE direction = 'in'")
    database.close()
    if found is None or found[0] < seen["answered"]:
        raise RuntimeError(f"{seen['answered']:.0f} texts were acknowledged, {found} are kept")
