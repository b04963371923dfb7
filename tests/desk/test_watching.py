"""What a desk sees besides its own conversations: lines, alarms, typing marks, attachments, plans."""

import asyncio
import uuid

import msgspec
import pytest
from msgspec.structs import replace

from agents_ui.access.people import EndSessions
from agents_ui.desk import fan
from agents_ui.desk.figures import queue_figures
from agents_ui.typing_marks import AGENT, CUSTOMER
from config.plan import Plan
from router.channels.chat import contact_of
from router.channels.ingest import KeepContact
from router.decisions import NoteDesks, RaiseAlarm, SetPresence
from router.journal.committer import Committer, wall_ms
from router.journal.database import Connection, DatabaseGone
from router.records import fact
from router.sites.copy_gaps import LAGGING, MarkMissed, TendGaps
from tests.desk.small_site import Site, queued
from tests.desk.wire import Reply


async def alarm(site: Site, code: str = "unattended") -> str:
    [row] = await site.decide(RaiseAlarm(at_ms=wall_ms(), code=code, ref="somebody"))
    return f"{row.site}/{row.seq}"


async def attached(site: Site, session: str, body: bytes, name: str) -> None:
    """A customer of this chat sends a file."""
    contact = contact_of(
        session=session,
        client_id=str(uuid.uuid4()),
        body=body,
        received_at_ms=wall_ms(),
        media_type="text/html",
        file_name=name,
    )
    await site.committer.append(KeepContact(contact))


async def test_lines_show_how_many_wait_by_urgency_and_since_when(site: Site) -> None:
    """An agent who decides whether to take a break must see that two people wait."""
    page = await site.desk("ana")
    assert page.entities["queue"]["first"]["waiting"] == [0, 0, 0, 0, 0]
    waiting = [await site.arrives("help"), await site.arrives("help too")]
    await site.decide(*(queued(site.plan, each, urgency=n + 1) for n, each in enumerate(waiting)))
    await page.until(lambda: page.entities["queue"]["first"]["waiting"] == [1, 1, 0, 0, 0])
    with site.database.reading() as db:
        oldest = db.row("SELECT min(accepted_at_ms) FROM interaction")
    assert oldest is not None and page.entities["queue"]["first"]["oldest_at_ms"] == oldest[0]
    assert page.entities["queue"]["second"]["waiting"] == [0, 0, 0, 0, 0]


async def test_who_waits_in_a_line_that_the_plan_dropped_is_counted_where_they_are_served(site: Site) -> None:
    """They wait for a supervisor now, and no supervisor must overlook them."""
    manual, dropped = await site.arrives("help"), await site.arrives("help too")
    await site.decide(
        *(
            replace(queued(site.plan, each), queue_id=name)
            for each, name in ((manual, "manual"), (dropped, "gone"))
        )
    )
    with site.database.reading() as db:
        figures = queue_figures(db, site.plan)
    assert figures["manual"]["waiting"] == [0, 2, 0, 0, 0]
    assert "gone" not in figures


async def test_lines_change_at_most_twice_a_second(site: Site) -> None:
    """A hundred arrivals a second must not be a hundred messages to five hundred desks."""
    page = await site.desk("ana")
    interactions = [await site.arrives(f"help {n}") for n in range(40)]
    for each in interactions:
        await site.decide(queued(site.plan, each))
    await page.until(lambda: sum(page.entities["queue"]["first"]["waiting"]) == 40)
    told = [
        change
        for message in page.heard
        for change in message.get("changes", ())
        if change.get("put") == "queue"
    ]
    assert 1 <= len(told) <= 4


async def test_a_desk_that_opens_after_a_quiet_time_sees_the_lines_of_now(site: Site) -> None:
    """While no desk was open nobody counted."""
    await (await site.desk("ana")).leave()
    await site.decide(queued(site.plan, await site.arrives("help")))
    page = await site.desk("ana")
    assert page.entities["queue"]["first"]["waiting"] == [0, 1, 0, 0, 0]


async def test_an_alarm_about_the_other_site_says_when_it_is_over(site: Site) -> None:
    """Contacts were at this site only: whoever watches hears of it, once, and reads that it has ended."""
    sue = await site.desk("sue")
    await site.committer.append(MarkMissed(2**40, LAGGING))
    await site.committer.append(MarkMissed(2**40 + 1, LAGGING))
    await sue.until(lambda: bool(sue.entities["alarm"]))
    ((alarm_id, shown),) = sue.entities["alarm"].items()
    assert (shown["code"], shown["detail"]) == ("single_copy", "copy_lagging")
    with site.database.writing() as db:
        db.run("INSERT INTO position (reader, read_through, now_ms) VALUES ('peer', :n, 0)", n=2**41)
    await site.committer.append(TendGaps(settled=True))
    await sue.until(lambda: sue.entities["alarm"][alarm_id]["detail"] == "copy_healed")


async def test_alarms_reach_those_who_watch_until_somebody_says_seen(site: Site) -> None:
    """An alarm everybody sees and nobody owns is nobody's; agents have callers to look after."""
    before = await alarm(site)
    sue, ana = await site.desk("sue"), await site.desk("ana")
    assert list(sue.entities["alarm"]) == [before] and ana.entities["alarm"] == {}
    after = await alarm(site, "line_long")
    await sue.until(lambda: after in sue.entities["alarm"])
    assert sue.entities["alarm"][after]["code"] == "line_long"
    for _ in range(2):
        answer = await sue.command("alarm_seen", command_id=str(uuid.uuid4()), alarm_id=before)
        assert answer["ok"]
    await sue.until(lambda: list(sue.entities["alarm"]) == [after])
    assert len(site.rows("alarm_seen")) == 1
    refused = await ana.command("alarm_seen", command_id=str(uuid.uuid4()), alarm_id=after)
    assert refused["code"] == "not_allowed" and ana.entities["alarm"] == {}


async def test_typing_goes_both_ways_between_the_holder_and_the_customer_only(site: Site) -> None:
    """Three dots tell somebody in need that help is at the other end; at a stranger's desk they are noise."""
    interaction_id = await site.held("ana")
    ana, ben = await site.desk("ana"), await site.desk("ben")
    marks: list[tuple[str, str]] = []
    site.services.typing.subscribe(lambda interaction, who: marks.append((interaction, who)))
    for page in (ben, ana):
        await page.say({"kind": "typing", "interaction_id": interaction_id})
    async with asyncio.timeout(5):
        while not marks:
            await asyncio.sleep(0)
    assert marks == [(interaction_id, AGENT)]
    site.services.typing.publish(interaction_id, CUSTOMER)
    await ana.until(lambda: {"kind": "typing", "interaction_id": interaction_id} in ana.heard)
    assert not any(message["kind"] == "typing" for message in ben.heard)


async def test_an_attachment_is_a_download_and_each_look_is_on_record(site: Site) -> None:
    """A file from outside must never run in the page of somebody who is signed in."""
    await site.held("ana", session="s")
    page = await site.desk("ana")
    await attached(site, "s", b"<script>alert(1)</script>", "пожар/../x.html")
    await page.until(lambda: len(page.entities["message"]) == 2)
    file = next(m["file"] for m in page.entities["message"].values() if m["kind"] == "attachment")
    assert file["bytes"] == 25
    reply: Reply = await site.ask("GET", file["url"], token=await site.session("ana"))
    assert (reply.status, reply.body) == (200, b"<script>alert(1)</script>")
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["content-disposition"].startswith('attachment; filename="x.html"')
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in reply.headers["content-security-policy"]
    looks = [msgspec.json.decode(data) for _, data in site.rows("viewed")]
    assert {"agent_id": "ana", "what": "attachment"} in looks


async def test_somebody_elses_attachment_is_not_found(site: Site) -> None:
    """The address of a file must not be the key to it (B-51, B-78)."""
    mine = await site.held("ana", session="s")
    other = await site.held("ben", session="t")
    await attached(site, "s", b"x", "x")
    with site.database.reading() as db:
        row = db.row("SELECT content_id FROM message WHERE kind = 'attachment'")
    assert row is not None
    token = await site.session("ben")
    for url in (
        f"/api/attachment/{row[0]}?of={mine}",
        f"/api/attachment/{row[0]}?of={other}",
        f"/api/attachment/{row[0]}",
        "/api/attachment/none?of=none",
    ):
        assert (await site.ask("GET", url, token=token)).status == 404, url
    assert (await site.ask("GET", f"/api/attachment/{row[0]}?of={mine}")).status == 401
    for watcher in ("sue", "olga"):
        reply = await site.ask(
            "GET", f"/api/attachment/{row[0]}?of={mine}", token=await site.session(watcher)
        )
        assert reply.status == 200


async def test_a_new_plan_gives_every_desk_a_new_snapshot(site: Site) -> None:
    """Names of queues and outcomes on the screen must be those in force."""
    page = await site.desk("ana")
    activated = fact("plan_activated", "digest", version=2, text=site.plan.text, by="ada")
    await site.committer.append_facts(activated)
    await page.until(lambda: page.code == 1012)


async def test_desks_of_one_agent_are_counted(site: Site) -> None:
    """An agent sees that another window is still open somewhere."""
    page = await site.desk("ana")
    await site.decide(NoteDesks(at_ms=wall_ms(), agent_id="ana", desk_ids=("a", "b"), grace_until_ms=0))
    await page.until(lambda: page.entities["me"]["ana"]["desks"] == 2)


async def test_what_concerns_one_agent_is_told_to_that_agent_only(site: Site) -> None:
    """Five hundred desks must not hear what one agent does, nor may they know."""
    ana, ben = await site.desk("ana"), await site.desk("ben")
    heard = len(ben.heard)
    await site.held("ana", "only for ana")
    await ana.until(lambda: len(ana.entities["conversation"]) == 1)
    await site.decide(SetPresence(at_ms=wall_ms(), agent_id="ana", available=True, reason=""))
    await ana.until(lambda: ana.entities["me"]["ana"]["available"])
    kinds = {change.get("put") for message in ben.heard[heard:] for change in message.get("changes", ())}
    assert kinds <= {"queue"}


async def test_a_database_that_is_away_for_a_moment_costs_no_desk(site: Site) -> None:
    """Desks wait for the database; only then the change comes."""
    page = await site.desk("ana")
    real, failures = type(site.database).reading, iter(range(2))

    def failing(database: object) -> object:
        if next(failures, None) is not None:
            raise DatabaseGone("away")
        return real(database)  # type: ignore[arg-type]

    site.database.reading = failing.__get__(site.database)  # type: ignore[method-assign]
    await site.decide(SetPresence(at_ms=wall_ms(), agent_id="ana", available=True, reason=""))
    await page.until(lambda: page.entities["me"]["ana"]["available"])
    assert page.snapshots == 1 and page.code is None


async def test_figures_that_cannot_be_counted_for_a_moment_cost_no_desk(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that is not counted is no reason to send everybody's page away in the middle of a call."""
    page = await site.desk("ana")
    count, failures = fan.queue_figures, iter(range(2))

    def failing(db: Connection, plan: Plan) -> object:
        if next(failures, None) is not None:
            raise DatabaseGone("away")
        return count(db, plan)

    monkeypatch.setattr(fan, "queue_figures", failing)
    interaction_id = await site.arrives("hello")
    await site.decide(queued(site.plan, interaction_id))
    await page.until(lambda: any(sum(each["waiting"]) for each in page.entities["queue"].values()))
    assert page.snapshots == 1 and page.code is None


async def test_the_end_of_one_session_leaves_the_agents_other_desk_open(site: Site) -> None:
    """Signing out at home must not end the shift at the centre."""
    here, there = await site.session("ana"), await site.session("ana")
    stays, goes = await site.desk("ana", here), await site.desk("ana", there)
    await site.ask("POST", "/api/sign-out", {}, token=there)
    await goes.until(lambda: goes.code == 4401)
    assert stays.code is None
    await site.committer.append(EndSessions(agent_id="ana"))
    await stays.until(lambda: stays.code == 4401)


async def test_a_desk_that_the_router_gave_up_comes_back_by_itself(site: Site) -> None:
    """After we stood still for three seconds the router counts our desks as gone: no offer would come."""
    page, other = await site.desk("ana"), await site.desk("ana")
    desk_id = page.heard[0]["desk_id"]
    await site.committer.append_facts(fact("desk_left", "ana", desk_id=desk_id, web_id="web-1"))
    await page.until(lambda: page.code == 1012)
    assert other.code is None


async def test_the_time_on_a_desk_is_the_journals(site: Site) -> None:
    """Deadlines are in it: on a machine set back by an hour an offer would seem to ring for an hour."""
    page = await site.desk("ana")
    ahead = Committer(site.database, clock=lambda: wall_ms() + 3_600_000)
    [row] = await ahead.append_facts(fact("viewed", "nobody", agent_id="ana", what="history"))
    ahead.close()
    async with asyncio.timeout(5):
        await page.until(
            lambda: any(each["kind"] == "beat" and each["server_ms"] >= row.at_ms for each in page.heard)
        )
    later = await site.desk("ana")
    assert later.heard[0]["server_ms"] >= row.at_ms
