"""Walls open, end and fall behind as desks do; and cost nothing when nobody looks."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import SQLModel

from agents_ui.wall.fan import WallFan
from agents_ui.wall.news import news_after
from agents_ui.wall.standing import Standing, seeded
from config.plan import Plan
from config.plan_file import parse_plan
from router.journal.committer import wall_ms
from router.journal.database import Connection, Database, DatabaseGone, open_database
from router.journal.tables import AgentRow, InteractionRow, PersonRow
from router.records import fact
from router.run.plan_activation import ActivatePlan
from tests.desk import plans
from tests.desk.small_site import Site, queued
from tests.desk.wire import Page

AGENTS = 1_000
WAITING = 100_000
SEED_S = 8.0
"""Generous, for a machine that does other things: about one second on a quiet one."""


async def test_every_wall_is_told_the_same(site: Site) -> None:
    """Two screens in one room that disagree are worse than none."""
    one = await site.wall("sue")
    for number in range(5):
        interaction_id = await site.arrives(f"help {number}")
        await site.decide(queued(site.plan, interaction_id, urgency=1 + number % 3))
    two = await site.wall("ada")
    await one.until(lambda: sum(one.entities["queue"]["first"]["waiting"]) == 5)
    await two.until(lambda: two.entities == one.entities)
    last = await site.arrives("last")
    await site.decide(queued(site.plan, last, urgency=1))
    for wall in (one, two):
        await wall.until(lambda wall=wall: last in wall.entities["urgent"])  # type: ignore[misc]
    assert one.entities == two.entities


async def test_at_most_two_changes_a_second_however_much_happens(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A screen that flickers is not read; a hundred contacts are one change."""
    monkeypatch.setattr("agents_ui.wall.fan.TELL_S", 0.5)
    wall = await site.wall("sue")
    began_s, before = time.monotonic(), wall.n
    for number in range(100):
        interaction_id = await site.arrives(f"help {number}")
        await site.decide(queued(site.plan, interaction_id, urgency=4))
    await wall.until(lambda: wall.entities["queue"]["first"]["waiting"][3] == 100)
    assert wall.n - before <= 2 + (time.monotonic() - began_s) / 0.5


async def test_a_wall_ends_with_its_session_and_begins_anew_with_another_plan(site: Site) -> None:
    """4401: sign in again. 1012: come back, names and targets are others now."""
    token = await site.session("sue")
    wall, other = await site.wall("sue", token), await site.wall("ada")
    await site.ask("POST", "/api/sign-out", {}, token=token)
    await wall.until(lambda: wall.code == 4401)
    assert other.code is None
    await site.committer.append(ActivatePlan(plan=_other_plan(site), by="test"))
    await other.until(lambda: other.code == 1012)


def _other_plan(site: Site) -> Plan:
    return parse_plan(site.plan.text.replace('name = "Second"', 'name = "Other"'))


@pytest.mark.parametrize("who", ["ana", "ben"])
async def test_an_agents_ticket_opens_no_wall(site: Site, who: str) -> None:
    """The whole room is for those who watch it."""
    page = site.page("/wall/socket")
    await page.open()
    await page.say({"kind": "hello", "ticket": await site.ticket(await site.session(who))})
    await page.until(lambda: page.code == 4403)
    assert page.snapshots == 0


async def test_a_ticket_is_good_for_one_wall(site: Site) -> None:
    """Who reads it over a shoulder comes too late."""
    ticket = await site.ticket(await site.session("sue"))
    first, second = site.page("/wall/socket"), site.page("/wall/socket")
    await first.open()
    await first.say({"kind": "hello", "ticket": ticket})
    await first.until(lambda: first.snapshots == 1)
    await second.open()
    await second.say({"kind": "hello", "ticket": ticket})
    await second.until(lambda: second.code == 4403)


async def test_a_slow_wall_is_cut_off_and_the_others_go_on(site: Site) -> None:
    """More than 256 KiB unsent is no wall any more: it comes back and gets a snapshot."""
    slow, quick = await site.wall("sue"), await site.wall("ada")
    slow.reading.clear()
    number = 0
    while slow.code is None and number < 400:
        number += 1
        interaction_id = await site.arrives(f"help {number}")
        await site.decide(queued(site.plan, interaction_id, urgency=1))
        await _told(quick, number)
    assert slow.code == 1013
    assert quick.code is None and quick.snapshots == 1


async def _told(wall: Page, urgent: int) -> None:
    await wall.until(lambda: wall.entities["site"]["here"]["urgent"] == urgent)


async def test_what_is_no_command_is_answered_and_ten_of_it_end_the_wall(site: Site) -> None:
    """As at a desk (B-47)."""
    wall = await site.wall("sue")
    await wall.say('{"kind":"accept","command_id":"12345678","offer_id":"o"}')
    await wall.until(lambda: wall.answers.get("12345678", {}).get("code") == "unknown_command")
    await wall.say('{"kind":"move","command_id":"87654321","interaction_id":7}')
    await wall.until(lambda: wall.answers.get("87654321", {}).get("code") == "malformed")
    for _ in range(10):
        await wall.say("nonsense")
    await wall.until(lambda: wall.code == 1008)


async def test_without_a_wall_nothing_is_read_and_nothing_runs(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most of the day nobody looks: then the wall costs nothing at all."""
    fans: list[WallFan] = []
    real = WallFan.join

    async def join(self: WallFan, wall: Any) -> None:
        fans.append(self)
        await real(self, wall)

    monkeypatch.setattr(WallFan, "join", join)
    wall = await site.wall("sue")
    [fan] = fans
    assert fan._standing is not None and fan._running
    await wall.leave()
    assert fan._standing is None and not fan._running and not fan._walls
    reads = _count_reads(monkeypatch)
    interaction_id = await site.arrives("help")
    await site.decide(queued(site.plan, interaction_id, urgency=1))
    assert fan._standing is None
    assert reads() == 0
    again = await site.wall("sue")
    assert interaction_id in again.entities["urgent"]


def _count_reads(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    calls: list[int] = []
    monkeypatch.setattr("agents_ui.wall.fan.seeded", lambda *a: calls.append(1) or seeded(*a))
    return lambda: len(calls)


async def test_a_database_that_is_away_is_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall stays open, beats, and shows everything when it is back."""
    monkeypatch.setattr("agents_ui.wall.fan.RETRY_S", 0.01)
    wall = await site.wall("sue")
    real, away = Database.reading, True

    def reading(self: Database) -> Any:
        if away and threading.current_thread().name.startswith("wall"):
            raise DatabaseGone("away")
        return real(self)

    monkeypatch.setattr(Database, "reading", reading)
    interaction_id = await site.arrives("help")
    await site.decide(queued(site.plan, interaction_id, urgency=1))
    await asyncio.sleep(0.05)
    assert interaction_id not in wall.entities["urgent"]
    away = False
    await wall.until(lambda: interaction_id in wall.entities["urgent"])
    assert wall.snapshots == 1 and wall.code is None


async def test_a_mistake_of_ours_ends_the_walls_and_not_the_worker(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No wall may go on showing what is perhaps not so; they come back to a standing that is read anew."""
    wall = await site.wall("sue")
    real = Standing.move
    failed: list[int] = []

    def move(self: Standing, *args: Any) -> Any:
        if not failed:
            failed.append(1)
            raise RuntimeError("planted")
        return real(self, *args)

    monkeypatch.setattr(Standing, "move", move)
    await site.committer.append_facts(fact("viewed", "nobody", agent_id="sue", what="x"))
    await wall.until(lambda: wall.code == 1012)
    again = await site.wall("sue")
    assert again.entities["site"]


async def test_a_new_day_begins_at_nought_for_walls_that_are_open(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At midnight the figures go back to nothing by themselves; nobody has to reload."""
    await site.held("ana")
    wall = await site.wall("sue")
    assert wall.entities["site"]["here"]["answered"] == 1
    tomorrow_ms = wall_ms() + 26 * 3_600_000
    monkeypatch.setattr("router.journal.clock.SteadyClock.__call__", lambda self: tomorrow_ms)
    await site.committer.append_facts(fact("viewed", "nobody", agent_id="sue", what="x"))
    await wall.until(lambda: wall.entities["site"]["here"]["answered"] == 0)
    assert wall.snapshots == 1 and wall.code is None


def test_a_hundred_thousand_waiting_and_a_thousand_agents_cost_little(data_dir: Any) -> None:
    """Seeded in seconds; after that a change costs what it touches, not what waits."""
    plan = plans.plan()
    database = open_database(f"sqlite:///{data_dir}/muster.db", unsafe=True)
    database.create_tables()
    _crowd(database)
    with database.reading() as db:
        began_s = time.monotonic()
        standing = seeded(db, plan, wall_ms())
        took_s = time.monotonic() - began_s
    assert took_s < SEED_S
    [site] = standing.entities["site"].values()
    assert site["contacts"]["waiting"] == WAITING and len(standing.entities["agent"]) == AGENTS
    assert site["urgent"] == WAITING // 5 and len(standing.entities["urgent"]) == 60
    with database.reading() as db:
        began_s = time.monotonic()
        for _ in range(20):
            news = news_after(db, plan, standing.seq, standing.holder_of)
            assert news is not None and standing.move(news, wall_ms()) == []
        quiet_s = (time.monotonic() - began_s) / 20
    database.close()
    assert quiet_s < 0.05, f"a quiet turn takes {quiet_s * 1000:.1f} ms"


def _crowd(database: Database) -> None:
    """A crowd straight into the tables: what counts is reading it."""
    start_ms = wall_ms()
    usual = {"channel": "chat", "traffic": "real", "reading": "read", "queue_id": "first", "state": "waiting"}
    with database.writing() as db:
        for number in range(WAITING):
            at_ms = start_ms - number * 7 % 1_000_000
            about = {
                "interaction_id": f"{number:036d}",
                "urgency": min(2 + number % 5, 5),
                "accepted_at_ms": at_ms,
            }
            _insert(db, InteractionRow, usual | about)
        for number in range(AGENTS):
            name = f"agent-{number}"
            _insert(db, PersonRow, {"agent_id": name, "name": name, "role": "agent", "active": 1})
            _insert(db, AgentRow, {"agent_id": name, "available": 1, "desk_ids": '["d"]'})


def _insert(db: Connection, table: type[SQLModel], values: dict[str, Any]) -> None:
    """A row with these values; texts are else empty, numbers nought, and lists and objects empty as JSON."""
    columns = SQLModel.metadata.tables[str(table.__tablename__)].columns
    json = {"connection_ids": "[]", "requirement": "{}"}
    empty = {each.name: "" if each.type.python_type is str else 0 for each in columns}
    row = {**empty, **{name: text for name, text in json.items() if name in empty}, **values}
    names = ", ".join(row)
    db.run(f"INSERT INTO {table.__tablename__} ({names}) VALUES ({', '.join(f':{n}' for n in row)})", **row)
