"""What was found, beside what was promised: a table for people, one flat object for machines."""

import json
import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
MACHINES: Final = HERE / "results.json"
PEOPLE: Final = HERE / "RESULTS.md"

MET: Final = "met"

TARGETS: Final[Mapping[str, tuple[str, float, str]]] = {
    "free_to_offer_p50_ms": (
        "at most",
        25,
        "agent frees until the next offer is there; 1,000 wait, 100 agents",
    ),
    "drain_excess_pct": ("at most", 5, "time to drain those 1,000 over the ideal, each is held for 1 s"),
    "offer_p99_ms": ("at most", 100, "last byte of a contact until its offer is there; 100/s, agents free"),
    "reply_p99_ms": ("at most", 500, "agent sends a text message until its provider has it; 20/s"),
    "ingest_over_floor": ("at least", 0.2, "durable texts a second over a bare route; 64 connections"),
    "ingest_per_s": ("at least", 1_000, "texts a second for a minute, each on disk before its answer"),
    "webhook_p99_ms": (
        "at most",
        250,
        "last byte of a webhook until it is answered, all of it on disk; 100/s of every provider",
    ),
    "waiting_cpu_pct": ("at most", 5, "of one core, everything; 1,000 wait, 100 desks, nothing happens"),
    "core_over_floor_1k": ("at least", 0.1, "decisions a second over bare heaps, 1,000 waiting"),
    "core_over_floor_1m": ("at least", 0.2, "the same with 1,000,000 waiting"),
    "rebuild_100k_s": ("at most", 5, "start of a router to its first offer, 100,000 wait, slower database"),
    "sync_extra_p50_ms": (
        "at most",
        10,
        "what the other site's copy adds to a webhook, both sites on this machine; 50/s, median",
    ),
    "sync_extra_p99_ms": ("at most", 50, "the same, of one webhook in a hundred"),
    "takeover_10k_s": ("at most", 10, "muster site take-over until 10,000 of the other site wait here"),
    "catchup_rows_per_s": (
        "at least",
        5_000,
        "rows with content that a site gets which was away: hashed, folded, on disk",
    ),
    "mouth_to_ear_ms": (
        "at most",
        250,
        "a word of a caller by RTP until a browser's end has it; median, loopback",
    ),
    "bridged_calls": ("at least", 20, "recorded calls of RTP and WebRTC at once before frames are late"),
    "standby_s": (
        "at most",
        5,
        "kill -9 of the router until the next offer by the one that stood by; 20/s, slower database",
    ),
    "desktop_kb": ("at most", 100, "memory of the web for a quiet desk with 3 conversations, 500 desks"),
}

FLOORS: Final[Mapping[str, tuple[str, float]]] = {
    "core_over_floor_1k": ("core_floor_light_1k_per_s", 528_000),
    "core_over_floor_1m": ("core_floor_light_1k_per_s", 528_000),
}
"""A share of a floor is void when the floor itself does less than this: 80 % of what others published."""

PAGE: Final = """\
# Results

Written by `make bench` on {machine}. Medians of {rounds} rounds, floors and product in turn; everything,
the clients too, ran on this one machine. When it began, {load:.1f} other processes wanted to run there:
more than 0.3 spoils the figures. Figures of other machines differ: compare within one run.

{table}

Also seen:

| what | median | least to most |
|---|---|---|
{others}

The floor of `core_over_floor` is bare heaps: an arrival and the search for the best, nothing else. Published
for the same idea are 458,000 to 660,000 decisions a second with 1,000 waiting, with a load in which three of
ten freed agents find nothing and most heaps are empty; with such a load ours does
`core_floor_light_1k_per_s`, and below 528,000 (80 %) the shares would be void. Here both sides get a harder
load, staffed as demanded: whoever is freed finds somebody, and exactly 1,000 keep waiting.

The floor of `ingest_over_floor` is a bare Starlette route and one insert, committed in groups on the same
disk, with the same texts and the same client. The product checks signatures, knows people and repeats,
journals and folds each text, reads it and routes it, on the same two cores. `ingest_per_s` is offered at most
1,250 a second.

`webhook_p99_ms` is a whole centre with an account of every provider that has webhooks: requests come at
random moments, half of the people are new, one in four of those that tell statuses is one, and one in four
of those that batch brings five people. `webhook_slowest_provider_p99_ms` is of the one provider that waited
longest. What was acknowledged was looked for in the database afterwards, each by its id.

`sync_extra_p50_ms` is a pair of sites and one alone, texts to either in turn: what is added is the other
site's commit with its fsync, the way there and back, and that one machine runs all three.

How each is measured is the first lines of its module here. Not measured: several web processes, sites on
machines of their own, hours of load.
"""


def remove() -> None:
    """Nothing is left of an earlier run."""
    MACHINES.unlink(missing_ok=True)


def write(found: Mapping[str, float], samples: Mapping[str, Sequence[float]], *, rounds: int) -> None:
    """Both files. `load_before` is in found: how busy the machine was with other things."""
    flat = {name: _rounded(value) for name, value in sorted(found.items())}
    MACHINES.write_text(json.dumps(flat, indent=1) + "\n")
    others = "\n".join(
        f"| `{name}` | {_rounded(found[name])} | {_spread(samples[name])} |"
        for name in sorted(samples)
        if name not in TARGETS
    )
    PEOPLE.write_text(
        PAGE.format(
            machine=_machine(),
            rounds=rounds,
            load=found["load_before"],
            table=table(found, samples),
            others=others,
        )
    )


def table(found: Mapping[str, float], samples: Mapping[str, Sequence[float]] | None = None) -> str:
    """What was promised and what was found, as Markdown."""
    lines = ["| figure | found | promised | | least to most | what it is |", "|---|---|---|---|---|---|"]
    for name, (word, limit, meaning) in TARGETS.items():
        value = found.get(name)
        if value is None:
            continue
        spread = _spread(samples[name]) if samples else ""
        cells = (f"`{name}`", _rounded(value), f"{word} {limit:g}", _verdict(name, found), spread, meaning)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def all_met(found: Mapping[str, float]) -> bool:
    """Whether every figure that was measured is as promised."""
    return all(_verdict(name, found) == MET for name in TARGETS if name in found)


def _verdict(name: str, found: Mapping[str, float]) -> str:
    word, limit, _ = TARGETS[name]
    floor, least = FLOORS.get(name, ("", 0.0))
    if found.get(floor, least) < least:
        return "**void**: its floor is too slow"
    kept = found[name] <= limit if word == "at most" else found[name] >= limit
    return MET if kept else "**missed**"


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _spread(values: Sequence[float]) -> str:
    return f"{_rounded(min(values))} to {_rounded(max(values))}" if len(values) > 1 else ""


def _machine() -> str:
    python = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {python}"
