"""The admin page: everything by keyboard, nothing that cannot be taken back by one press, no news said so."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from config.plan import Plan
from tests.browser.admin_stage import FakeAdmin, copy, health
from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre
from tests.browser.seeing import low_contrasts, unnamed_controls, wider_than_screen

pytestmark = pytest.mark.system

PARTS = ("health", "sites", "texts", "plan", "people", "sessions", "audit")
HOSTILE = '<img src=x onerror="document.title=1"> \u202e {name}'


@pytest.fixture
def admin(plan: Plan) -> FakeAdmin:
    """The routes, answered in the browser."""
    return FakeAdmin(plan)


def _open(centre: FakeCentre, open_page: Open, admin: FakeAdmin, part: str = "health", **how: object) -> Page:
    page = open_page("about:blank", **how)
    admin.serve(page)
    page.goto(f"{centre.url}/admin#{part}")
    expect(page.locator(".admin section").first).to_be_visible()
    return page


def _asked(admin: FakeAdmin, path: str) -> list[dict[str, Any]]:
    return [body for asked, body in admin.asked if asked == path]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("look", ["light", "dark-narrow"])
def test_every_part_can_be_read(
    centre: FakeCentre, open_page: Open, admin: FakeAdmin, pictures: Path, part: str, look: str
):
    """Wide and light, narrow and dark: no faint text, no nameless control, no page wider than the screen."""
    narrow = look == "dark-narrow"
    page = _open(centre, open_page, admin, part, width=390 if narrow else 1280, height=844, dark=narrow)
    if part == "audit":
        page.get_by_role("button", name="Search").click()
        expect(page.locator(".audit tbody tr")).to_have_count(7)
        page.mouse.move(0, 0)
    page.screenshot(path=pictures / f"admin-{part}-{look}.png", full_page=True)
    assert not low_contrasts(page)
    assert not unnamed_controls(page)
    assert not wider_than_screen(page)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ["12472 rows behind, by 10:0", "5210 rows a second", "341 contacts"]),
        (
            {"behind_rows": 2, "behind_ms": 20, "single_copies": 0, "oldest": [], "since_ms": 0},
            ["it has everything, less than a second later", "no contact"],
        ),
        (
            {"problem": "no_answer", "detail": "Connection refused"},
            ["it does not answer", "Connection refused"],
        ),
        ({"runs": False}, ["the peer role does not run"]),
    ],
)
def test_how_far_the_other_site_is_is_said_in_words(
    centre: FakeCentre, open_page: Open, admin: FakeAdmin, changes: dict[str, Any], said: list[str]
):
    """Whoever is about to stop this site reads here what would be lost with it."""
    admin.answers["health"] = (200, health(admin.plan, copy=copy(**changes)))
    page = _open(centre, open_page, admin)
    part = page.locator("section", has=page.get_by_role("heading", name="Second copy"))
    for words in said:
        expect(part).to_contain_text(words)
    expect(part).to_contain_text("here 1284402 9f2c71aa04be")
    expect(part).to_contain_text("there 1271930 41be09d2c7f3")
    if changes.get("single_copies", 1):
        part.locator("summary").press("Enter")
        expect(part.locator("li")).to_have_count(20)
        expect(part).to_contain_text("muster journal single-copies")


def test_what_is_wrong_is_said_in_words(centre: FakeCentre, open_page: Open, admin: FakeAdmin):
    """A missing secret, an account whose answers wait, Redis gone: each with what to do or what it means."""
    page = _open(centre, open_page, admin)
    expect(page.locator("main")).to_contain_text("put it in MUSTER_SECRET_COUNTY_MAIL or")
    expect(page.locator("main")).to_contain_text("trying again")
    expect(page.locator("main")).to_contain_text("The provider does not answer.")
    expect(page.locator("main")).to_contain_text("cannot be reached: everything goes on, a little slower")


def test_a_page_without_answers_says_since_when(
    centre: FakeCentre, open_page: Open, admin: FakeAdmin, plan: Plan
):
    """A picture of health from ten minutes ago must not look like one of now."""
    page = _open(centre, open_page, admin)
    admin.away = True
    page.evaluate("location.hash = 'people'")
    expect(page.locator(".link-banner")).to_contain_text("No answer from the centre since")
    admin.away = False
    page.evaluate("location.hash = 'health'")
    expect(page.locator(".link-banner")).to_have_count(0)
    gone = health(plan)
    for key in ("roles", "journal", "plan", "connections", "accounts"):
        del gone[key]
    admin.answers["health"] = (
        200,
        gone | {"database": {"dialect": "sqlite", "reachable": False, "took_ms": 5000}},
    )
    page.reload()
    expect(page.locator("main")).to_contain_text("cannot be reached")


def test_a_plan_is_checked_compared_and_put_in_force_by_keyboard(
    centre: FakeCentre, open_page: Open, admin: FakeAdmin, pictures: Path, plan: Plan, tmp_path: Path
):
    """First every problem with its line; then what would change; then a question; then it is in force."""
    page = _open(centre, open_page, admin, "plan")
    file = tmp_path / "new.toml"
    file.write_text("[site]\n")
    problems = [{"line": 3, "text": HOSTILE}, {"line": 0, "text": "it has no queues"}]
    admin.answers["plan/check"] = (200, {"fine": False, "problems": problems, "digest": "", "difference": []})
    page.locator("input[type=file]").set_input_files(file)
    expect(page.locator(".problems li")).to_have_count(2)
    expect(page.locator(".problems")).to_contain_text('<img src=x onerror="document.title=1">')
    assert page.get_by_role("button", name="Put it in force").count() == 0
    difference = ["--- in force", "+++ new", "@@ -1 +1 @@", '-name = "Lowen"', '+name = "Other"']
    fine = {"fine": True, "problems": [], "digest": "abc" * 20, "difference": difference}
    admin.answers["plan/check"] = (200, fine)
    file.write_text("[site]\n# better\n")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Put it in force").press("Enter")
    expect(page.get_by_role("button", name="No", exact=True)).to_be_focused()
    page.screenshot(path=pictures / "admin-plan-compared.png")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".toasts")).to_contain_text("The plan is in force.")
    assert _asked(admin, "plan")[-1] == {} and {
        "text": "[site]\n# better\n",
        "against": plan.digest,
    } in _asked(admin, "plan")


def test_a_one_time_password_is_shown_until_it_is_handed_over(
    centre: FakeCentre, open_page: Open, admin: FakeAdmin, pictures: Path
):
    """Once, large enough to copy by hand; after that nobody can show it again."""
    page = _open(centre, open_page, admin, "people")
    once = {
        "ok": True,
        "agent_id": "ben",
        "name": "Ben Carter",
        "role": "agent",
        "password": "k3fm-9xwa-ptq7-hz2c",
    }
    admin.answers["people/password"] = (200, once)
    row = page.locator("tr", has_text="Ben Carter")
    row.get_by_role("button", name="New password").click()
    assert _asked(admin, "people/password") == []
    row.locator(".sure .strong").click()
    expect(page.locator(".password")).to_have_text("k3fm-9xwa-ptq7-hz2c")
    page.screenshot(path=pictures / "admin-once.png")
    page.get_by_role("button", name="I have handed it over").click()
    assert "k3fm" not in page.content()


def test_nobody_deactivates_themselves_and_a_refusal_is_seen(
    centre: FakeCentre, open_page: Open, admin: FakeAdmin
):
    """The page does not offer it; and what the server refuses is said in its words."""
    page = _open(centre, open_page, admin, "people")
    own = page.locator("tr", has_text="Ada Brandt")
    expect(own.get_by_role("button", name="Deactivate")).to_be_disabled()
    admin.answers["people/change"] = (409, {"ok": False, "code": "last_admin", "text": "Nobody else is one."})
    row = page.locator("tr", has_text="Ben Carter")
    row.get_by_role("button", name="Deactivate").click()
    row.locator(".sure .strong").click()
    expect(page.locator(".toasts [data-tone=alarm]")).to_contain_text("Nobody else is one.")


def test_a_session_ends_after_a_question(centre: FakeCentre, open_page: Open, admin: FakeAdmin):
    """One of somebody's, named by its sign."""
    page = _open(centre, open_page, admin, "sessions")
    row = page.locator("tr", has_text="Ana Rivera")
    row.get_by_role("button", name="End", exact=True).click()
    row.locator(".sure .strong").click()
    expect(page.locator(".toasts")).to_contain_text("Ended.")
    assert _asked(admin, "sessions/end") == [{"session": f"{1:016x}"}]


def test_the_audit_goes_on_where_it_stopped(centre: FakeCentre, open_page: Open, admin: FakeAdmin):
    """A long record comes in parts; each search says what it asks for."""
    page = _open(centre, open_page, admin, "audit")
    page.get_by_label("Customer").fill("customer-7")
    page.keyboard.press("Enter")
    expect(page.locator(".audit tbody tr")).to_have_count(7)
    expect(page.locator(".audit")).to_contain_text("looked at earlier contacts")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".audit tbody tr")).to_have_count(14)
    asked = _asked(admin, "audit")
    assert [each["before_seq"] for each in asked] == [0, 4711]
    assert {each["customer"] for each in asked} == {"customer-7"}


def test_an_auditor_sees_the_audit_and_the_sites_and_nothing_else(
    centre: FakeCentre, open_page: Open, admin: FakeAdmin
):
    """What the server would refuse is not offered, and not asked for."""
    admin.role = "auditor"
    page = _open(centre, open_page, admin, "people")
    expect(page.locator("nav a")).to_have_text(["Audit", "Sites"])
    assert {path for path, _ in admin.asked} == {"me"}


@pytest.mark.parametrize(
    ("role", "wanted", "arrives"),
    [
        ("auditor", "", "/admin"),
        ("supervisor", "/wall", "/wall"),
        ("agent", "/wall", "/desk"),
        ("admin", "//evil.example/", "/desk"),
        ("admin", "/admin", "/admin"),
    ],
)
def test_signing_in_leads_to_the_page_that_was_asked_for(
    centre: FakeCentre, open_page: Open, role: str, wanted: str, arrives: str
):
    """To where somebody wanted to go, if it is one of ours and theirs; never to another site."""
    page = open_page("about:blank")
    me = json.dumps({"ok": True, "agent_id": "x", "name": "X", "role": role, "must_change": False})
    page.route(
        "**/api/sign-in", lambda route: route.fulfill(status=200, body=me, content_type="application/json")
    )
    page.route("**/api/admin/**", lambda route: route.abort())
    page.goto(f"{centre.url}/sign-in?next={wanted}")
    page.get_by_label("Name").fill("x")
    page.get_by_label("Password").fill("right")
    page.keyboard.press("Enter")
    page.wait_for_url(centre.url + arrives)


def test_texts_are_switched_off_with_a_reason_by_keys_alone(
    centre: FakeCentre, open_page: Open, admin: FakeAdmin
):
    """It asks once more, and what it asks says what happens; without a reason there is nothing to press."""
    admin.role = "supervisor"
    page = _open(centre, open_page, admin, "texts")
    expect(page.locator(".admin-head nav a")).to_have_text(["Texts", "Sites"])
    off = page.get_by_role("row", name="county-texts")
    expect(off).to_contain_text("by Sofia Lindgren: The provider is down. · 31 people were told")
    row = page.get_by_role("row", name="county-whatsapp")
    expect(row.get_by_role("button", name="Switch off")).to_be_disabled()
    row.get_by_role("textbox").focus()
    page.keyboard.type("Flood of texts.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(row.get_by_role("button", name="No")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".toasts")).to_contain_text("texts are switched off")
    [asked] = [each for each in _asked(admin, "texts") if each]
    assert (asked["scope"], asked["id"], asked["off"], asked["reason"]) == (
        "account",
        "county-whatsapp",
        True,
        "Flood of texts.",
    )


def test_what_was_refused_can_be_looked_at_once_more(centre: FakeCentre, open_page: Open, admin: FakeAdmin):
    """By the keyboard, after a question, and what came of it is said in numbers."""
    admin.answers["quarantine/replay"] = (200, {"ok": True, "genuine": 40, "refused": 1, "left": 0})
    page = _open(centre, open_page, admin)
    row = page.locator("tr", has_text="county-texts").first
    expect(row).to_contain_text("41")
    button = row.get_by_role("button", name="Look at them once more")
    button.focus()
    page.keyboard.press("Enter")
    expect(row.get_by_role("button", name="No")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".toasts")).to_contain_text("40 were genuine")
    assert _asked(admin, "quarantine/replay") == [{"account": "county-texts"}]


def test_each_trouble_says_what_to_do(centre: FakeCentre, open_page: Open, admin: FakeAdmin):
    """Whoever is called in the night has to know where to begin."""
    from agents_ui.watch.judgement import CODES
    from tests.browser.admin_stage import watch

    troubles = [{"code": code, "ref": "worker", "detail": "no_connection"} for code in CODES]
    admin.answers["health"] = (200, health(admin.plan, watch=watch(troubles=troubles)))
    page = _open(centre, open_page, admin)
    items = page.locator(".troubles li")
    expect(items).to_have_count(len(CODES))
    for text in items.all_inner_texts():
        assert "watch_" not in text and "todo_" not in text and "problem_" not in text, text
        assert len(text.splitlines()[-1]) > 40, text
