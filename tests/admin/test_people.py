"""People and sessions as an administrator changes them: at once, everywhere, on record, never into a trap."""

import pytest

from agents_ui.access.people import SetPassword
from router.records import fact
from tests.desk.small_site import PASSWORD, Site


async def _ask(site: Site, path: str, body: object, *, who: str = "ada") -> tuple[int, dict[str, object]]:
    reply = await site.ask("POST", f"/api/admin/{path}", body, token=await site.session(who))
    return reply.status, reply.json


async def test_a_deactivated_person_is_out_everywhere_and_it_is_on_record(site: Site) -> None:
    """Somebody who was dismissed must not finish the shift at an open desk."""
    desk = await site.desk("ana")
    assert (await _ask(site, "people/change", {"agent_id": "ana", "active": False}))[0] == 200
    await desk.until(lambda: desk.code == 4401)
    reply = await site.ask("POST", "/api/sign-in", {"agent_id": "ana", "password": PASSWORD})
    assert reply.status == 401
    assert '"by":"ada"' in site.rows("person_changed")[-1][1]


async def test_a_one_time_password_is_shown_once_and_opens_nothing_but_a_choice(site: Site) -> None:
    """Whoever reads it over a shoulder later finds it used; and nobody but its owner keeps it."""
    status, once = await _ask(site, "people/password", {"agent_id": "ben"})
    assert status == 200
    assert str(once["password"]) not in str(site.rows("person_changed"))
    reply = await site.ask("POST", "/api/sign-in", {"agent_id": "ben", "password": once["password"]})
    assert (reply.status, reply.json["must_change"]) == (200, True)


@pytest.mark.parametrize("change", [{"active": False}, {"role": "agent"}])
async def test_the_last_administrator_cannot_be_lost(site: Site, change: dict[str, object]) -> None:
    """Nobody would be left who can undo it."""
    status, answer = await _ask(site, "people/change", {"agent_id": "ada", **change})
    assert (status, answer["code"]) == (409, "last_admin")
    assert await _ask(site, "people/change", {"agent_id": "sue", "role": "admin"})
    assert (await _ask(site, "people/change", {"agent_id": "ada", **change}))[0] == 200


async def test_a_refused_reset_leaves_the_password_as_it_was(site: Site) -> None:
    """The new hash is written before the right is asked again: a refusal must take it back."""
    token = await site.session("ada")
    with site.database.reading() as db:
        before = db.rows("SELECT agent_id, password_hash FROM credential ORDER BY agent_id")
    await site.committer.append_facts(
        fact("person_changed", "ada", name="Ada", role="agent", active=True, credential_digest="x")
    )
    reply = await site.ask("POST", "/api/admin/people/password", {"agent_id": "ben"}, token=token)
    assert reply.status == 403
    with site.database.reading() as db:
        assert db.rows("SELECT agent_id, password_hash FROM credential ORDER BY agent_id") == before


async def test_one_session_ends_and_the_others_hold(site: Site) -> None:
    """A telephone left on a bus; the person goes on at the desk."""
    kept, lost = await site.desk("ana"), await site.desk("ana")
    token = await site.session("ada")
    sessions = (await site.ask("GET", "/api/admin/sessions", token=token)).json["sessions"]
    of_ana = [each for each in sessions if each["agent_id"] == "ana"]
    assert len(of_ana) == 2 and sum(each["own"] for each in sessions) == 1
    body = {"session": of_ana[0]["session"]}
    assert (await site.ask("POST", "/api/admin/sessions/end", body, token=token)).json["ended"] == 1
    await lost.until(lambda: lost.code == 4401)
    assert kept.code is None
    assert (await site.ask("POST", "/api/admin/sessions/end", body, token=token)).json["ended"] == 0


async def test_all_sessions_of_a_person_end(site: Site) -> None:
    """By name, without having to find each."""
    desks = [await site.desk("ben"), await site.desk("ben")]
    status, answer = await _ask(site, "sessions/end", {"agent_id": "ben"})
    assert (status, answer["ended"]) == (200, 2)
    for desk in desks:
        await desk.until(lambda desk=desk: desk.code == 4401)  # type: ignore[misc]


@pytest.mark.parametrize("body", [{}, {"session": "a" * 16, "agent_id": "ben"}, {"session": "a"}])
async def test_an_unclear_end_ends_nothing(site: Site, body: dict[str, str]) -> None:
    """A short sign would fit many sessions; none fits all."""
    desk = await site.desk("ben")
    status, answer = await _ask(site, "sessions/end", body)
    assert status == 400 or answer["ended"] == 0
    assert desk.code is None


async def test_nobody_of_that_name_is_said_so(site: Site) -> None:
    """A typing mistake must not look like a success."""
    for path, body in (
        ("people/change", {"agent_id": "nobody", "active": False}),
        ("people/password", {"agent_id": "nobody"}),
        ("sessions/end", {"agent_id": "nobody"}),
    ):
        assert (await _ask(site, path, body))[0] == 404, path
    assert (await _ask(site, "people/change", {"agent_id": "ana", "role": "queen"}))[1]["code"] == "no_role"


async def test_everybody_is_listed_as_they_are(site: Site) -> None:
    """Role, whether they may sign in, whether they are, and whether a one-time password is still out."""
    await site.committer.append(SetPassword(agent_id="cai", password_hash="x", must_change=True))
    await site.desk("ana")
    reply = await site.ask("GET", "/api/admin/people", token=await site.session("ada"))
    people = {each["agent_id"]: each for each in reply.json["people"]}
    assert (people["ana"]["sessions"], people["ana"]["desks"], people["ana"]["role"]) == (1, 1, "agent")
    assert people["cai"]["must_change"] and not people["ana"]["must_change"]
    assert "password_hash" not in str(reply.body)
