"""A line of 1,000 that drains, one that just waits, and contacts that meet a free agent.

One round on one centre: 100 desks and 1,000 customers connect; (once) nothing happens for a while; then all
agents become available and each holds what it accepts for a second; then 100 contacts a second meet free
agents.
"""

import json
import time
from statistics import median, quantiles
from typing import Any  # Any: what a part answers

from benchmarks.centre import Site, running_site
from benchmarks.parts import Part

AGENTS = 100
WAITING = 1_000
HOLD_S = 1.0
IDEAL_S = (WAITING / AGENTS - 1) * HOLD_S
"""To the last accept, if freeing, offering and accepting took no time at all."""

RATE_PER_S = 100
CONTACTS = 1_000
FREE_HOLD_S = 0.5
"""Half of the agents are busy at any moment, so that somebody is always free."""


def round_of_lines(*, idle_s: float = 0.0) -> dict[str, float]:
    """One round; waiting_cpu_pct is in it when idle_s is not 0."""
    with running_site(agents=AGENTS) as site:
        cookies = site.data_dir / "cookies.json"
        cookies.write_text(json.dumps(dict(site.cookies)))
        with (
            Part("benchmarks.desks", site.url, str(cookies)) as desks,
            Part("benchmarks.chats", site.url) as chats,
        ):
            desks.ask("open")
            chats.ask("open", count=WAITING)
            chats.ask("say_all")
            _expect(desks.ask("until_waiting", count=WAITING), WAITING, "waiting")
            found = {"waiting_cpu_pct": _idle_cpu(site, idle_s)} if idle_s else {}
            found |= _drain(desks)
            found |= _meet_free_agents(desks, chats)
            return found


def _idle_cpu(site: Site, seconds: float) -> float:
    """Percent of one core that all processes use while 1,000 wait, 100 desks look on and nothing happens."""
    time.sleep(3)  # what the arrivals left to do is not idling
    before, began = site.cpu_s(), time.monotonic()
    time.sleep(seconds)
    return 100 * (site.cpu_s() - before) / (time.monotonic() - began)


def _drain(desks: Part) -> dict[str, float]:
    desks.ask("look")
    began = desks.ask("available", hold_s=HOLD_S)
    _expect(desks.ask("until_accepted", count=WAITING), WAITING, "accepted")
    seen = desks.ask("look")
    drain_s = max(seen["accepted_at"]) - began
    times = seen["freed_to_offer_ms"]
    return {
        "free_to_offer_p50_ms": median(times),
        "free_to_offer_p99_ms": _p99(times),
        "drain_s": drain_s,
        "drain_excess_pct": 100 * (drain_s - IDEAL_S) / IDEAL_S,
        "refused": sum(seen["refused"].values()),
    }


def _meet_free_agents(desks: Part, chats: Part) -> dict[str, float]:
    chats.ask("open", count=CONTACTS)
    desks.ask("hold", hold_s=FREE_HOLD_S)
    time.sleep(HOLD_S)
    desks.ask("look")
    sent = chats.ask("say_at_rate", per_s=RATE_PER_S, count=CONTACTS)
    _expect(desks.ask("until_offered", count=CONTACTS), CONTACTS, "offered")
    offers: list[Any] = desks.ask("look")["offers"]
    times = [(at - sent[number]) * 1000 for number, at in offers if number in sent]
    _expect(len(times), CONTACTS, "offers of known contacts")
    return {"offer_p50_ms": median(times), "offer_p99_ms": _p99(times)}


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[98]


def _expect(found: int, wanted: int, what: str) -> None:
    if found < wanted:
        raise RuntimeError(
            f"{found} of {wanted} {what}: something was lost or is stuck, no figure is worth anything"
        )
