"""What the second copy adds to a webhook: the other site has each contact before its provider has its answer.

Two whole sites of a pair on this machine, and a third that is alone, every role of theirs running. Fifty
requests a second come to one of the pair for some seconds, then to the one alone, in turn. Requests come at
random moments, counted from the last byte sent until the whole answer is there. What is added is the
difference of the two: it pays for two processes that hash, compress and sign, for one more commit with its
fsync on the same disk, and for a busier machine.
"""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final  # Any: what another process says, as JSON

from benchmarks.centre import Site, running_site
from benchmarks.parts import Part
from benchmarks.webhook_requests import every_sender
from benchmarks.webhooks import p99, plan_of, secrets_of
from router.journal.database import open_database
from router.sites.copy_gaps import acked_through

PER_S: Final = 50
WARM_S: Final = 5.0
TURN_S: Final = 6.0
TURNS: Final = 3

PROVIDER: Final = "twilio"
"""Texts, and now and then what became of one: of all of them the provider is told when both sites have it."""

SETTLE_S: Final = 3.0
"""After "ready" those who would take over load themselves."""

PATIENCE_S: Final = 30.0
AGENTS: Final = 20

PAIR: Final = """
[pair]

[[pair.sites]]
id = "a"
name = "Alder House"
url = "http://127.0.0.1:8400"
peer = "http://127.0.0.1:8403"

[[pair.sites]]
id = "b"
name = "Birch House"
url = "http://127.0.0.1:8410"
peer = "http://127.0.0.1:8413"
"""


@dataclass(slots=True)
class Side:
    """One site with its provider. took_ms has every answer that was measured."""

    site: Site
    provider: Part
    took_ms: list[float] = field(default_factory=list)
    messages: int = 0

    def say(self, seconds: float) -> list[float]:
        """Post for so long; how long the answers took. Raises RuntimeError where one was refused."""
        seen: dict[str, Any] = self.provider.ask("say", seconds=seconds, per_s=PER_S, only=PROVIDER)
        if seen["refused"]:
            raise RuntimeError(f"{seen['refused']} webhooks were refused: no figure is worth anything")
        self.messages += len(seen["messages"])
        return list(seen["took_ms"][PROVIDER])


def second_copy() -> dict[str, float]:
    """`sync_extra_p50_ms`, `sync_extra_p99_ms`, and what they are made of."""
    with _sides() as (pair, alone):
        time.sleep(SETTLE_S)
        for side in (pair, alone):
            side.say(WARM_S)
        for _ in range(TURNS):
            for side in (alone, pair):
                side.took_ms += side.say(TURN_S)
        _all_copied(pair)
    found = {
        "sync_pair_p50_ms": median(pair.took_ms),
        "sync_pair_p99_ms": p99(pair.took_ms),
        "sync_alone_p50_ms": median(alone.took_ms),
        "sync_alone_p99_ms": p99(alone.took_ms),
    }
    return {
        "sync_extra_p50_ms": max(0.0, found["sync_pair_p50_ms"] - found["sync_alone_p50_ms"]),
        "sync_extra_p99_ms": max(0.0, found["sync_pair_p99_ms"] - found["sync_alone_p99_ms"]),
        **found,
    }


@contextmanager
def _sides() -> Iterator[tuple[Side, Side]]:
    senders = [each for each in every_sender("http://127.0.0.1") if each.account.provider == PROVIDER]
    plan, secrets = plan_of(senders) + PAIR, secrets_of(senders)
    ports = {"a": _free_port(), "b": _free_port()}
    peers = ",".join(f"{site}=http://127.0.0.1:{port}" for site, port in ports.items())
    with ExitStack() as stack:

        def started(more: Mapping[str, str]) -> Site:
            return stack.enter_context(
                running_site(agents=AGENTS, plan_more=plan, environ={**secrets, **more})
            )

        shared = {"MUSTER_PEERS": peers, "MUSTER_SECRET_PEER_KEY": "benchmark" * 4}
        for site in "ba":
            own = {"MUSTER_SITE": site, "MUSTER_PEER_PORT": str(ports[site]), **shared}
            last = started(own)
        sites = last, started({})
        parts = [stack.enter_context(Part("benchmarks.webhook_senders", each.url)) for each in sites]
        yield Side(sites[0], parts[0]), Side(sites[1], parts[1])


def _all_copied(pair: Side) -> None:
    """Raises RuntimeError: contacts were acknowledged without a second copy, or have none in the end."""
    database = open_database(f"sqlite:///{pair.site.data_dir}/muster.db", unsafe=True)
    try:
        give_up = time.monotonic() + PATIENCE_S
        while True:
            with database.reading() as db:
                newest = db.row("SELECT max(seq), count(*) FROM message WHERE direction = 'in'") or (0, 0)
                missed = db.row("SELECT count(*) FROM copy_gap")
                acked = acked_through(db)
            if newest[1] >= pair.messages and acked >= newest[0]:
                break
            if time.monotonic() > give_up:
                raise RuntimeError(f"{pair.messages} were acknowledged, {newest} kept, {acked} copied")
            time.sleep(0.1)
    finally:
        database.close()
    if missed and missed[0]:
        print(f"  {missed[0]} gaps in the second copy: the machine was too busy for this figure", flush=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
