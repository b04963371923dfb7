"""Signing in and out, passwords, sessions and tickets, as a browser meets them."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from agents_ui.access.people import AddPeople, ChangePerson, EndSessions, NewPerson, SetPassword
from agents_ui.access.sessions import cookie_name, hash_of
from config.settings import read_settings
from router.journal.committer import Committer, wall_ms
from router.records import fact
from tests.desk.small_site import PASSWORD, PASSWORDS, Site, running_site
from tests.desk.wire import Reply

FRESH = "a better horse battery"


async def sign_in(site: Site, agent_id: str = "ana", password: str = PASSWORD, **options: str) -> Reply:
    return await site.ask("POST", "/api/sign-in", {"agent_id": agent_id, "password": password}, **options)


async def test_the_right_password_begins_a_session_kept_out_of_reach_of_scripts(site: Site) -> None:
    """The cookie is all that makes somebody an agent: no script and no other site may use it."""
    reply = await sign_in(site)
    assert reply.status == 200
    assert reply.json == {"ok": True, "agent_id": "ana", "name": "Ana", "role": "agent", "must_change": False}
    cookie = reply.cookie["muster"]
    assert cookie["httponly"] and cookie["samesite"] == "strict" and cookie["path"] == "/"
    assert (await site.ask("POST", "/api/ticket", {}, token=cookie.value)).status == 200
    assert [ref for ref, _ in site.rows("session_begun")] == [hash_of(cookie.value)]


async def test_over_https_the_cookie_belongs_to_this_host_alone(site: Site) -> None:
    """`__Host-` keeps a sub-domain or plain http from planting a session."""
    settings = read_settings({"MUSTER_PUBLIC_URL": "https://muster.test"})
    assert cookie_name(settings) == "__Host-muster"


async def test_sign_in_declares_presence_so_that_nobody_is_offered_work_unasked(site: Site) -> None:
    """A call must not ring at a desk whose agent has not said that she is there."""
    await sign_in(site)
    [(ref, data)] = site.rows("presence_declared")
    declared = msgspec.json.decode(data)
    assert (ref, declared["available"], declared["reason"]) == ("ana", False, "signed in")


async def test_a_second_window_does_not_make_an_agent_unavailable(site: Site) -> None:
    """Signing in on the second screen, in the middle of a shift, must not stop the work on the first."""
    await site.desk("ana")
    before = len(site.rows("presence_declared"))
    await sign_in(site)
    assert len(site.rows("presence_declared")) == before


async def test_wrong_password_unknown_name_and_former_colleague_get_one_answer(site: Site) -> None:
    """Whoever guesses must not learn which names exist."""
    await site.committer.append(ChangePerson(agent_id="ben", active=False))
    replies = [
        await sign_in(site, "ana", "wrong"),
        await sign_in(site, "nobody", "wrong"),
        await sign_in(site, "ben"),
    ]
    assert {(reply.status, reply.body) for reply in replies} == {(401, replies[0].body)}
    assert all("set-cookie" not in reply.headers for reply in replies)


async def test_an_unknown_name_costs_as_much_hashing_as_a_known_one(site: Site) -> None:
    """The time of an answer must not tell which names exist: both go through one comparison."""
    compared: list[str] = []
    real = PASSWORDS._verify

    def noting(password_hash: str, password: str) -> bool:
        compared.append(password_hash)
        return real(password_hash, password)

    PASSWORDS._verify = noting  # type: ignore[method-assign]
    try:
        await sign_in(site, "ana", "wrong")
        await sign_in(site, "nobody", "wrong")
    finally:
        del PASSWORDS._verify  # type: ignore[method-assign]
    assert len(compared) == 2
    assert [each.split("$")[3] for each in compared] == ["m=64,t=1,p=1"] * 2


async def test_guessing_slows_down_for_the_guesser_only(site: Site) -> None:
    """Five wrong passwords from one place cost that place a wait; the agent herself, elsewhere, signs in."""
    for _ in range(5):
        assert (await sign_in(site, "ana", "wrong", client="203.0.113.9")).status == 401
    blocked = await sign_in(site, "ana", client="203.0.113.9")
    assert (blocked.status, blocked.json["code"]) == (429, "slow_down")
    assert 1 <= blocked.json["retry_after_s"] <= 60
    assert (await sign_in(site, "ana", client="203.0.113.10")).status == 200
    assert (await sign_in(site, "ben", client="203.0.113.9")).status == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"agent_id": "ana", "password": PASSWORD, "role": "admin"}, 422),
        ({"agent_id": "ana"}, 422),
        ({"agent_id": "ana", "password": 7}, 422),
        (b"[" * 5_000, 422),
        (b'{"agent_id":"ana","password":"\\ud800"}', 422),
        ({"agent_id": "ana", "password": "x" * 1_025}, 422),
        ({"agent_id": "ana", "password": "x" * 1_000_000}, 413),
    ],
)
async def test_a_body_that_is_not_a_sign_in_is_refused_before_any_hashing(
    site: Site, body: object, status: int
) -> None:
    """A megabyte of password must not buy a megabyte of our processor (B-79, B-80)."""
    reply = await site.ask("POST", "/api/sign-in", body)
    assert reply.status == status


async def test_a_long_password_in_any_script_works_exactly_as_typed(site: Site) -> None:
    """A passphrase of 100 signs is a good password; é typed another way is another password (B-80)."""
    phrase = "пароль-é-" * 11
    change = SetPassword(agent_id="ana", password_hash=PASSWORDS.hash(phrase), must_change=False)
    await site.committer.append(change)
    assert (await sign_in(site, "ana", phrase)).status == 200
    assert (await sign_in(site, "ana", phrase.replace("é", "e\u0301"))).status == 401


async def test_a_one_time_password_opens_the_desk_only_after_it_was_changed(site: Site) -> None:
    """The paper with the first password may have been read by anybody."""
    once = PASSWORDS.hash("k3fm-9xwa-ptq7-hz2c")
    new = NewPerson(agent_id="dia", name="Dia", role="agent", password_hash=once)
    await site.committer.append(AddPeople(people=(new,)))
    reply = await sign_in(site, "dia", "k3fm-9xwa-ptq7-hz2c")
    assert reply.json["must_change"] is True
    token = reply.cookie["muster"].value
    assert (await site.ask("POST", "/api/ticket", {}, token=token)).json["code"] == "must_change"
    changed = await site.ask(
        "POST", "/api/password", {"old": "k3fm-9xwa-ptq7-hz2c", "new": FRESH}, token=token
    )
    assert (changed.status, changed.json) == (200, {"ok": True})
    assert (await site.ask("POST", "/api/ticket", {}, token=token)).status == 200
    assert (await sign_in(site, "dia", "k3fm-9xwa-ptq7-hz2c")).status == 401
    assert (await sign_in(site, "dia", FRESH)).json["must_change"] is False


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("wrong", FRESH, "wrong"),
        (PASSWORD, PASSWORD, "same"),
        (PASSWORD, "short", "too_short"),
        (PASSWORD, "aaaaaaaaaaaaaa", "too_simple"),
        (PASSWORD, "i am ana herself", "too_simple"),
        (PASSWORD, "x1y2z" * 300, "too_long"),
    ],
)
async def test_a_new_password_has_to_be_one(site: Site, old: str, new: str, code: str) -> None:
    """Nobody takes over a desk left open, and nobody guards 911 with twelve times the letter a."""
    token = await site.session("ana")
    reply = await site.ask("POST", "/api/password", {"old": old, "new": new}, token=token)
    assert (reply.status, reply.json["code"]) == (400, code)


async def test_a_change_of_password_ends_the_other_sessions(site: Site) -> None:
    """Whoever changes a password because somebody else knows it wants that somebody out."""
    mine, other = await site.session("ana"), await site.session("ana")
    await site.ask("POST", "/api/password", {"old": PASSWORD, "new": FRESH}, token=mine)
    assert (await site.ask("POST", "/api/ticket", {}, token=mine)).status == 200
    assert (await site.ask("POST", "/api/ticket", {}, token=other)).status == 401


async def test_sign_out_ends_the_session_on_the_server(site: Site) -> None:
    """A token copied out of the browser before is worth nothing afterwards."""
    token = await site.session("ana")
    reply = await site.ask("POST", "/api/sign-out", {}, token=token)
    assert reply.status == 200 and reply.cookie["muster"]["max-age"] == "0"
    assert (await site.ask("POST", "/api/ticket", {}, token=token)).json["code"] == "signed_out"
    declared = [msgspec.json.decode(data) for _, data in site.rows("presence_declared")]
    assert (declared[-1]["available"], declared[-1]["reason"]) == (False, "signed out")
    assert (await site.ask("POST", "/api/sign-out", {}, token=token)).status == 200


async def test_an_ended_session_closes_its_desks_within_five_seconds(site: Site) -> None:
    """A stolen laptop must stop showing callers the moment somebody ends its session (B-43)."""
    page = await site.desk("ana")
    async with asyncio.timeout(5):
        await site.committer.append(EndSessions(agent_id="ana"))
        await page.until(lambda: page.code == 4401)


async def test_a_session_that_ends_while_its_desk_opens_does_not_open_it(site: Site) -> None:
    """The end may be read from the journal before the desk is known: then nobody would close it."""
    token = await site.session("ana")
    page = site.page()
    await page.open()
    ticket = await site.ticket(token)
    await page.say({"kind": "hello", "ticket": ticket})
    await site.committer.append(EndSessions(agent_id="ana"))
    await page.until(lambda: page.code is not None)
    assert page.code in (4401, 4403)


async def test_another_role_ends_the_sessions_of_the_old_one(site: Site) -> None:
    """A supervisor who became an agent must not go on lowering urgencies in an open window."""
    page = await site.desk("sue")
    await site.committer.append(ChangePerson(agent_id="sue", role="agent"))
    await page.until(lambda: page.code == 4401)


async def test_a_ticket_opens_one_desk_once(site: Site) -> None:
    """A ticket seen in a log or over a shoulder is used up (B-42)."""
    token = await site.session("ana")
    ticket = await site.ticket(token)
    first, second = site.page(), site.page()
    await first.open()
    await second.open()
    await first.say({"kind": "hello", "ticket": ticket})
    await first.until(lambda: first.snapshots == 1)
    await second.say({"kind": "hello", "ticket": ticket})
    await second.until(lambda: second.code == 4403)


def test_to_compare_with_nobodys_password_costs_what_it_costs_with_anybodys() -> None:
    """Otherwise the time of an answer would tell who works here: the same work, and never a match."""
    nobodys = PASSWORDS._nobody
    assert extract_parameters(nobodys) == extract_parameters(PASSWORDS.hash(PASSWORD))
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(nobodys, PASSWORD)


async def test_a_ticket_lasts_thirty_seconds(site: Site) -> None:
    """A forgotten ticket opens nothing."""
    ticket = await site.ticket(await site.session("ana"))
    with site.database.writing() as db:
        db.run("UPDATE ticket SET expires_at_ms = expires_at_ms - 30001")
    page = site.page()
    await page.open()
    await page.say({"kind": "hello", "ticket": ticket})
    await page.until(lambda: page.code == 4403)


@pytest.mark.parametrize("hello", ["{}", "hello", '{"kind":"hello"}', b"\0", '{"kind":"hello","ticket":7}'])
async def test_a_socket_that_does_not_say_hello_is_closed(site: Site, hello: str | bytes) -> None:
    """Anybody may connect; without a ticket nobody gets further."""
    page = site.page()
    await page.open()
    await page.say(hello)
    await page.until(lambda: page.code == 1008)


async def test_guesses_at_many_names_from_one_network_keep_no_agent_out(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new name for every guess escapes the delays; each costs us a hash, for which the next shift waits."""
    monkeypatch.setattr("agents_ui.access.sign_in.ATTEMPTS_BURST", 5)
    async with running_site(data_dir) as site:
        guesses = [await sign_in(site, f"nobody-{n}", "wrong", client="192.0.2.1") for n in range(8)]
        assert [each.status for each in guesses[:5]] == [401] * 5
        assert {(each.status, each.json["code"]) for each in guesses[6:]} == {(429, "slow_down")}
        assert (await sign_in(site, client="198.51.100.1")).status == 200


async def test_sessions_and_their_ends_survive_a_restart(data_dir: Path) -> None:
    """Who was signed out before a restart is signed out after it; who was signed in stays so."""
    async with running_site(data_dir) as site:
        kept, ended = await site.session("ana"), await site.session("ben")
        await site.ask("POST", "/api/sign-out", {}, token=ended)
    async with running_site(data_dir) as site:
        assert (await site.ask("POST", "/api/ticket", {}, token=ended)).status == 401
        assert (await site.ask("POST", "/api/ticket", {}, token=kept)).status == 200


async def test_a_machine_whose_clock_was_set_back_still_lets_agents_in(site: Site) -> None:
    """The journal's time never goes back, so from then on it is ahead of the time of day, for ever."""
    ahead = Committer(site.database, clock=lambda: wall_ms() + 24 * 3_600_000)
    await ahead.append_facts(fact("viewed", "nobody", agent_id="ana", what="history"))
    ahead.close()
    token = (await sign_in(site)).cookie["muster"].value
    page = await site.desk("ana", token)
    answer = await page.command("presence", command_id="a" * 8, available=False, reason="no such reason")
    assert answer["code"] == "unknown_reason", "the session holds"
