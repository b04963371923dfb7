"""Calls on the wall: seen as calls, and heard by a supervisor whom nobody hears."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from config.plan import Plan
from tests.browser.calling import HEARS
from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre, Json, now_ms
from tests.browser.seeing import low_contrasts, unnamed_controls
from tests.browser.test_desk_call import ALL_CLOSED, NEAR_HERTZ, hears, until
from tests.browser.wall_stage import agent, hold, set_wall

pytestmark = pytest.mark.system


def _call(interaction_id: str, **changes: object) -> Json:
    return {
        "interaction_id": interaction_id,
        "agent_id": "ana",
        "direction": "in",
        "state": "connected",
        "since_ms": now_ms() - 60_000,
        "connected_ms": now_ms() - 60_000,
        "recording": True,
        "silent": False,
    } | changes


def test_a_supervisor_listens_in_and_is_silent(
    centre: FakeCentre, open_page: Open, plan: Plan, pictures: Path
):
    """To step in at the right moment somebody must hear; to be heard would be one voice too many."""
    set_wall(centre, plan)
    held = hold(77, "voice", 1, "engaged", 1)
    name = held["interaction_id"]
    centre.wall_entities["agent"]["ana"] = agent("ana", "Ana Rivera", "engaged", 1, held)
    centre.wall_entities["call"] = {name: _call(name, silent=True)}
    page = open_page(centre.url + "/wall", script=HEARS)
    mark = page.locator(".call-mark")
    expect(mark).to_have_attribute("aria-label", "call, talking, recorded, the caller says nothing")
    page.get_by_role("button", name="Ana Rivera").click()
    page.locator(".holds button").click()
    page.get_by_role("button", name="Listen in").click()
    expect(page.locator(".listen")).to_contain_text("You are listening. Nobody hears you.")
    until(page, lambda: abs(hears(page) - centre.voice.hertz) < NEAR_HERTZ)
    (asked,) = [each for each in centre.commands if each["kind"] == "call_listen"]
    assert asked["interaction_id"] == name
    assert "a=recvonly" in str(asked["sdp"])
    page.screenshot(path=pictures / "wall-listen.png")
    assert low_contrasts(page) == []
    assert unnamed_controls(page) == []
    page.keyboard.press("Escape")
    until(page, lambda: bool(page.evaluate(ALL_CLOSED)))


@pytest.mark.long
def test_nothing_is_heard_of_a_call_that_ends_or_is_refused(centre: FakeCentre, open_page: Open, plan: Plan):
    """A supervisor who hears nothing must not believe that it is quiet."""
    set_wall(centre, plan)
    held = hold(77, "voice", 1, "engaged", 1)
    name = held["interaction_id"]
    centre.wall_entities["agent"]["ana"] = agent("ana", "Ana Rivera", "engaged", 1, held)
    centre.wall_entities["call"] = {name: _call(name)}
    centre.answers["call_listen"] = {"ok": False, "code": "no_call", "text": "This call is over."}
    page = open_page(centre.url + "/wall", script=HEARS)
    page.get_by_role("button", name="Ana Rivera").click()
    page.locator(".holds button").click()
    page.get_by_role("button", name="Listen in").click()
    expect(page.locator(".toasts, .toast").first).to_contain_text("This call is over.")
    expect(page.get_by_role("button", name="Listen in")).to_be_visible()
    centre.wall_drop("call", name)
    expect(page.get_by_role("button", name="Listen in")).to_have_count(0)
