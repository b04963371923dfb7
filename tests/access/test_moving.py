"""Moving tickets: who is let in at the other site with one, and who is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents_ui.access.people import ChangePerson, EndSessions, SetPassword
from agents_ui.access.sessions import hash_of
from agents_ui.chat.session import cookie_name as chat_cookie_name
from config.plan import Pair, SitePlan
from config.settings import read_settings
from router.channels.chat import new_token, session_of
from router.channels.joining import open_interaction
from router.journal.committer import Committer, wall_ms
from router.journal.database import open_database
from router.records import fact
from router.sites.copies import copy_url, open_copy
from router.sites.moving import CHAT, DESK, TICKET_MS, Seal, Ticket, TicketRefused
from router.sites.ownership import claim
from tests.desk import plans
from tests.desk.small_site import Site, queued, running_site
from tests.desk.wire import Reply

KEY = b"a key that both sites share"
SEAL = Seal(KEY)
PAIR = Pair(
    sites=(
        SitePlan(site_id="east", name="East", url="https://east.test", peer="https://east.test:8003"),
        SitePlan(site_id="west", name="West", url="http://muster.test", peer="http://muster.test:8003"),
    )
)


@pytest.fixture
async def west(data_dir: Path) -> AsyncIterator[Site]:
    """The site that is left: west, of the pair east and west."""
    environ = {"MUSTER_DATA": str(data_dir), "MUSTER_SITE": "west", "MUSTER_SECRET_PEER_KEY": KEY.decode()}
    plan = replace(plans.plan(), pair=PAIR)
    async with running_site(data_dir, plan=plan, settings=read_settings(environ)) as running:
        yield running


def ticket_of(token: str, *, agent_id: str = "ana", seal: Seal = SEAL, **changes: Any) -> str:
    """A ticket as the other site issues it for this session."""
    now_ms = wall_ms()
    given = {
        "kind": DESK if agent_id else CHAT,
        "site": "east",
        "to_site": "west",
        "token": token,
        "agent_id": agent_id,
        "session_until_ms": now_ms + TICKET_MS,
        "issued_at_ms": now_ms,
        "expires_at_ms": now_ms + TICKET_MS,
    }
    return seal.close(Ticket(**(given | changes)))


async def arrives(site: Site, ticket: str, **more: Any) -> Reply:
    """The page of arrival hands the ticket in."""
    return await site.ask("POST", "/api/arrive", {"ticket": ticket, **more})


async def is_in(site: Site, token: str) -> bool:
    """Whether this token's session opens anything here."""
    return (await site.ask("POST", "/api/ticket", {}, token=token)).status == 200


async def test_a_session_goes_on_at_the_other_site(west: Site) -> None:
    """Learned before, so nothing begins: the same token is the cookie here, and the arrival is on record."""
    token = await west.session("ana")
    reply = await arrives(west, ticket_of(token))
    assert reply.status == 200, reply.body
    assert reply.cookie["muster"].value == token
    assert "HttpOnly" in reply.headers["set-cookie"] and "SameSite=strict" in reply.headers["set-cookie"]
    assert await is_in(west, token)
    assert len(west.rows("session_begun")) == 1
    assert [ref for ref, _ in west.rows("session_moved")] == [hash_of(token)]


async def test_a_session_that_was_not_learned_in_time_is_let_in_on_the_ticket_alone(west: Site) -> None:
    """She signed in while the line was cut, and then her site died: she is needed, and known here."""
    token = new_token()
    assert (await arrives(west, ticket_of(token))).status == 200
    assert await is_in(west, token)
    ((ref, data),) = west.rows("session_moved")
    assert ref == hash_of(token) and '"known":false' in data
    later = fact(
        "session_begun", hash_of(token), agent_id="ana", expires_at_ms=wall_ms() + 1, learned="east/7"
    )
    await west.committer.append_facts(later)
    assert await is_in(west, token), "learned later, it is the same session"


async def test_an_end_that_is_learned_ends_the_session_here(west: Site) -> None:
    """Revoked at the other site: nobody goes on with it here, by cookie or by ticket."""
    token = new_token()
    ticket = ticket_of(token)
    await arrives(west, ticket)
    await west.committer.append_facts(
        fact("session_ended", hash_of(token), agent_id="ana", learned="east/9"),
        fact("session_begun", hash_of(token), agent_id="ana", expires_at_ms=wall_ms() + TICKET_MS),
    )
    assert not await is_in(west, token)
    again = await arrives(west, ticket)
    assert (again.status, again.json["code"]) == (401, "signed_out")
    assert "set-cookie" not in again.headers


async def test_a_ticket_used_twice_opens_nothing_more_than_once(west: Site) -> None:
    """It must open again after a second failure, so it is no secret of one use: there is one session."""
    token = await west.session("ana")
    ticket = ticket_of(token)
    first, second = await arrives(west, ticket), await arrives(west, ticket)
    assert first.cookie["muster"].value == second.cookie["muster"].value == token
    with west.database.reading() as db:
        assert db.rows("SELECT token_hash FROM session") == [(hash_of(token),)]
    await west.committer.append(EndSessions(agent_id="ana"))
    assert (await arrives(west, ticket)).status == 401


@pytest.mark.parametrize("why", ["password", "inactive", "role", "unknown", "one-time"])
async def test_a_person_who_may_not_be_in_is_not_let_in(west: Site, why: str) -> None:
    """Whatever took the right away here counts, whenever the ticket was issued."""
    token = await west.session("ben")
    if why == "password":
        await west.committer.append(SetPassword(agent_id="ben", password_hash="other", must_change=False))
    elif why == "inactive":
        await west.committer.append(ChangePerson(agent_id="ben", active=False))
    elif why == "role":
        await west.committer.append(ChangePerson(agent_id="ben", role="supervisor"))
    elif why == "unknown":
        token = new_token()
    else:
        token = new_token()
        with west.database.writing() as db:
            db.run("UPDATE credential SET must_change = 1 WHERE agent_id = 'ben'")
    who = "nobody" if why == "unknown" else "ben"
    assert (await arrives(west, ticket_of(token, agent_id=who))).status == 401
    assert not west.rows("session_moved")


async def test_an_inactive_person_is_not_let_in_on_the_ticket_alone(west: Site) -> None:
    """A ticket of somebody whose sessions this site never saw, and who was removed here."""
    await west.committer.append(ChangePerson(agent_id="ben", active=False))
    assert (await arrives(west, ticket_of(new_token(), agent_id="ben"))).status == 401


async def test_a_ticket_opens_no_session_of_somebody_else(west: Site) -> None:
    """Its two halves are sealed together, and compared with what is known here all the same."""
    token = await west.session("ada")
    assert (await arrives(west, ticket_of(token, agent_id="ana"))).status == 401


@pytest.mark.parametrize(
    "ticket",
    [
        "",
        "m1.",
        "m1.AAAA",
        "m2.AAAA",
        "m1.é",
        "x" * 3_000,
        ticket_of("t", seal=Seal(b"another key")),
        ticket_of("t")[:-3],
        ticket_of("t")[:40] + "AAAA" + ticket_of("t")[44:],
        ticket_of("t", issued_at_ms=0, expires_at_ms=1_000),
        ticket_of("t", issued_at_ms=wall_ms() + 3_600_000),
        ticket_of("t", to_site="east"),
        ticket_of("t", site="west"),
        ticket_of("t", session_until_ms=1_000),
    ],
    ids=[
        *("nothing", "no seal", "a short seal", "another form", "no ASCII", "long", "another key", "cut"),
        *("changed", "over", "of tomorrow", "for the other site", "of this site", "of an ended session"),
    ],
)
async def test_a_ticket_that_is_not_right_opens_nothing(west: Site, ticket: str) -> None:
    """Forged, cut, changed, over, of a time to come, or for another site."""
    reply = await arrives(west, ticket)
    assert (reply.status, reply.json["code"]) == (401, "signed_out")
    assert "set-cookie" not in reply.headers and not west.rows("session_moved")


def test_any_changed_letter_breaks_the_seal() -> None:
    """Nobody makes another ticket out of one."""
    ticket = ticket_of("t")
    for place in range(len(ticket) - 1):  # the last letter carries bits that mean nothing
        other = ticket[:place] + ("B" if ticket[place] != "B" else "C") + ticket[place + 1 :]
        with pytest.raises(TicketRefused):
            SEAL.open(other, here="west", now_ms=wall_ms())


def test_a_ticket_says_nothing_to_its_page() -> None:
    """The token is out of reach of scripts; the ticket that has it must not give it away."""
    import base64

    token = new_token()
    ticket = ticket_of(token)
    opened = base64.urlsafe_b64decode(ticket[3:] + "==")
    assert token not in ticket and token.encode() not in opened and b"ana" not in opened


async def test_issued_tickets_are_for_the_other_site_only(west: Site) -> None:
    """What this site issues opens nothing here, and there no longer than the session."""
    token = await west.session("ana")
    reply = await west.ask("POST", "/api/moving", {}, token=token)
    assert reply.status == 200, reply.body
    ticket = SEAL.open(reply.json["ticket"], here="east", now_ms=wall_ms())
    assert (ticket.token, ticket.agent_id, ticket.kind) == (token, "ana", DESK)
    assert ticket.expires_at_ms <= ticket.session_until_ms
    assert (await arrives(west, reply.json["ticket"])).status == 401


async def test_presence_is_as_it_was_at_the_other_site(west: Site, data_dir: Path) -> None:
    """From the copy where there is one, else as the page last showed it; never over a desk that is open."""
    token = await west.session("ana")
    await arrives(west, ticket_of(token), available=True, reason="")
    assert '"available":true' in west.rows("presence_declared")[-1][1]
    copy = open_database(copy_url(west.services.settings.database_url), unsafe=True)
    copy.create_tables(site="east")
    with copy.writing() as db:
        db.run(
            "INSERT INTO agent (agent_id, available, reason, presence_since_ms, idle_since_ms, desk_ids,"
            " grace_until_ms) VALUES ('ana', 0, 'break', 1, 1, '[]', 0)"
        )
    copy.close()
    await arrives(west, ticket_of(token), available=True, reason="")
    assert '"reason":"break"' in west.rows("presence_declared")[-1][1]
    await west.desk("ana", token)
    before = len(west.rows("presence_declared"))
    await arrives(west, ticket_of(token), available=True, reason="")
    assert len(west.rows("presence_declared")) == before


async def test_an_auditor_has_no_presence(west: Site) -> None:
    """Who takes no contacts declares nothing."""
    token = await west.session("olga")
    assert (await arrives(west, ticket_of(token, agent_id="olga"), available=True)).status == 200
    assert not [ref for ref, _ in west.rows("presence_declared") if ref == "olga"]


async def test_a_chat_has_the_same_session_at_both_sites(west: Site) -> None:
    """So a message that is said again is the same message, and its open conversation is found."""
    token = new_token()
    reply = await arrives(west, ticket_of(token, agent_id=""))
    assert reply.status == 200 and reply.json["kind"] == CHAT
    name = chat_cookie_name(west.services.settings)
    assert session_of(reply.cookie[name].value) == session_of(token)
    assert not west.rows("session_moved") and not west.rows("session_begun")


async def test_a_chat_is_no_desk(west: Site) -> None:
    """A customer's ticket never becomes an agent's session."""
    token = await west.session("ada")
    reply = await arrives(west, ticket_of(token, agent_id="", kind=CHAT))
    assert "muster" not in reply.cookie


async def test_many_windows_arrive_at_once(west: Site) -> None:
    """A desk and a wall of one supervisor, at the same instant: one session, and both are in."""
    token = await west.session("sue")
    replies = await asyncio.gather(*(arrives(west, ticket_of(token, agent_id="sue")) for _ in range(8)))
    assert {reply.status for reply in replies} == {200}
    assert await is_in(west, token)


async def test_who_hammers_is_slowed_down(west: Site) -> None:
    """Guessing is hopeless, and is not let take the time of others."""
    replies = [await arrives(west, "m1.AAAA") for _ in range(1_100)]
    assert replies[0].status == 401 and replies[-1].status == 429


async def test_without_a_pair_nobody_moves(data_dir: Path) -> None:
    """One site alone: there is nowhere to go, and nobody comes."""
    async with running_site(data_dir) as site:
        token = await site.session("ana")
        assert (await site.ask("POST", "/api/moving", {}, token=token)).json["code"] == "no_pair"
        assert (await arrives(site, ticket_of(token))).json["code"] == "no_pair"
        said = (await site.ask("GET", "/api/site")).json
        assert (said["other"], said["serves"], said["moved"]) == (None, [], False)


@asynccontextmanager
async def east_as_copied(west: Site) -> AsyncIterator[Site]:
    """The other site, as this one's copy has it: what is appended there has been copied."""
    copy = open_copy(west.services.settings, "east")
    committer = Committer(copy)
    try:
        yield Site(
            database=copy, committer=committer, services=west.services, plan=west.plan, routes=west.routes
        )
    finally:
        committer.close()
        copy.close()


async def takes_over(west: Site) -> None:
    """West claims what east served; what agents hold is left with them."""
    claimed = claim(
        "east",
        n=1,
        owner="west",
        mode="take_over",
        agent_id="ada",
        why="",
        command_id="c",
        with_assigned=False,
        automatic=False,
    )
    await west.committer.append_facts(claimed)
    west.services.whereabouts.look()


async def test_what_an_agent_holds_comes_along(west: Site) -> None:
    """Whoever is here talks to nobody there: their own work is adopted, and nobody else's."""
    token = await west.session("ana")
    async with east_as_copied(west) as east:
        hers, his = await east.held("ana"), await east.held("ben")
        assert (await arrives(west, ticket_of(token))).json["along"] == 0, "east serves its own still"
        await takes_over(west)
        assert (await arrives(west, ticket_of(token))).json["along"] == 1
        assert [ref for ref, _ in west.rows("adopted")] == [hers] != [his]
        assert (await arrives(west, ticket_of(token))).json["along"] == 0, "once is enough"


async def test_the_open_conversation_of_a_customer_comes_along(west: Site) -> None:
    """Whoever holds it there cannot be reached by this customer; an ended one is not begun again."""
    token = new_token()
    async with east_as_copied(west) as east:
        await takes_over(west)
        ref = await east.held("ben", session=session_of(token))
        await east.arrives("somebody else")
        reply = await arrives(west, ticket_of(token, agent_id=""))
        assert reply.json["along"] == 1
        assert [each for each, _ in west.rows("adopted")] == [ref]
        await west.decide(queued(west.plan, ref))
        with west.database.reading() as db:
            assert open_interaction(db, session_of(token)) == ref, "what is said next joins it"
