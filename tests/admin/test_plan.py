"""The plan over HTTP: checked whole, compared with what is in force, and never put in force unseen."""

import pytest

from tests.desk import plans
from tests.desk.small_site import Site

OTHER = plans.plan().text.replace('name = "Second"', 'name = "Another second"')
WRONG = OTHER.replace('queue_id = "first"', 'queue_id = "no such"').replace("load = 30", "load = 0")


async def _token(site: Site) -> str:
    return await site.session("ada")


async def test_every_problem_is_listed_with_its_line_and_nothing_changes(site: Site) -> None:
    """One problem at a time would take an evening."""
    reply = await site.ask("POST", "/api/admin/plan/check", {"text": WRONG}, token=await _token(site))
    assert (reply.status, reply.json["fine"]) == (200, False)
    assert len(reply.json["problems"]) >= 2 and all(each["line"] for each in reply.json["problems"])
    assert len(site.rows("plan_activated")) == 1


@pytest.mark.parametrize("text", ["", "[[[", "\x00", "a" * 500_000, "[site]\n" * 3])
async def test_what_is_no_plan_is_a_list_of_problems(site: Site, text: str) -> None:
    """Somebody takes the wrong file: that is an answer, not an error."""
    reply = await site.ask("POST", "/api/admin/plan/check", {"text": text}, token=await _token(site))
    assert (reply.status, reply.json["fine"]) == (200, False)
    assert reply.json["problems"]
    reply = await site.ask("POST", "/api/admin/plan", {"text": text}, token=await _token(site))
    assert (reply.status, reply.json["code"]) == (400, "plan_wrong")


async def test_a_plan_is_compared_put_in_force_and_on_record(site: Site) -> None:
    """What changes is seen before; who did it, after."""
    token = await _token(site)
    checked = (await site.ask("POST", "/api/admin/plan/check", {"text": OTHER}, token=token)).json
    assert [line for line in checked["difference"] if line[0] in "+-"][2:] == [
        '-name = "Second"',
        '+name = "Another second"',
    ]
    against = (await site.ask("GET", "/api/admin/plan", token=token)).json["digest"]
    body = {"text": OTHER, "against": against}
    reply = await site.ask("POST", "/api/admin/plan", body, token=token)
    assert (reply.status, reply.json["changed"]) == (200, True)
    now = (await site.ask("GET", "/api/admin/plan", token=token)).json
    assert (now["version"], now["by"], now["digest"]) == (2, "ada", checked["digest"])
    assert now["text"] == OTHER
    again = await site.ask("POST", "/api/admin/plan", body, token=token)
    assert (again.status, again.json["changed"]) == (200, False)


async def test_a_plan_that_was_compared_with_another_is_not_put_in_force(site: Site) -> None:
    """Two administrators at once: the second would undo the first without having seen it."""
    token = await _token(site)
    against = (await site.ask("GET", "/api/admin/plan", token=token)).json["digest"]
    await site.ask("POST", "/api/admin/plan", {"text": OTHER, "against": against}, token=token)
    third = OTHER.replace("Another second", "A third")
    reply = await site.ask("POST", "/api/admin/plan", {"text": third, "against": against}, token=token)
    assert (reply.status, reply.json["code"]) == (409, "replaced")
    assert len(site.rows("plan_activated")) == 2
