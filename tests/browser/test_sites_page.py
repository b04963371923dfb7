"""The Sites part of the admin page: read at 3 a.m., by keyboard, and nothing done before it was shown."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from config.plan import Plan
from tests.browser.admin_stage import FakeAdmin
from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre, now_ms
from tests.browser.seeing import low_contrasts, unnamed_controls, wider_than_screen
from tests.browser.singing import password
from tests.browser.sites_stage import WHY, asked, dead, sites, taken
from tests.browser.two_centres import TwoCentres, until

pytestmark = pytest.mark.system

DEAD = "Alder House does not answer since"
REFUSAL = {
    "code": "peer_serves",
    "text": "Alder House answers, and says that it serves",
    "todo": "wait ten seconds",
}


@pytest.fixture
def admin(plan: Plan) -> FakeAdmin:
    """The routes, answered in the browser; Alder House is dead."""
    admin = FakeAdmin(plan)
    admin.answers["sites"] = (200, dead())
    admin.answers["sites/dry-run"] = (200, asked())
    return admin


@pytest.fixture
def opened(centre: FakeCentre, open_page: Open, admin: FakeAdmin) -> Callable[..., Page]:
    def open_it(**how: object) -> Page:
        page = open_page("about:blank", **how)
        admin.serve(page)
        page.goto(f"{centre.url}/admin#sites")
        expect(page.locator(".admin section").first).to_be_visible()
        return page

    return open_it


def _acts(admin: FakeAdmin) -> list[dict[str, Any]]:
    return [body for path, body in admin.asked if path == "sites/act"]


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 400)])
def test_damaged_words_and_files_are_said_where_the_line_is_shown(
    opened: Callable[..., Page], admin: FakeAdmin, pictures: Path, dark: bool, width: int
):
    """A disk that fails is seen by who looks at the page; while all is well it says how much was read."""
    admin.answers["sites"] = (200, sites())
    page = opened(dark=dark, width=width)
    row = page.locator(".facts-grid > div", has_text="Words and files")
    expect(row).to_contain_text("as they were written · 640 of ours and 3981 of theirs read again")
    damaged = {"own": {"checked": 640, "damaged": 2}, "copy": {"checked": 3_981, "damaged": 1}}
    admin.answers["sites"] = (200, {**sites(), "content": damaged})
    page.reload()
    expect(row).to_contain_text("3 are damaged: see Ready")
    assert not wider_than_screen(page)
    row.scroll_into_view_if_needed()
    page.screenshot(path=pictures / f"sites-damaged-{width}.png", full_page=True)


def test_a_dead_site_is_said_since_when_and_taken_over_by_keyboard_alone(
    opened: Callable[..., Page], admin: FakeAdmin, pictures: Path
):
    """From the first sentence to the act: what would happen, the name typed, done once."""
    page = opened()
    now = page.locator(".sites-now")
    expect(now).to_contain_text(DEAD)
    expect(now).to_contain_text("(4:0")
    expect(page.locator(".site-card").first).to_contain_text("4 free of 6 signed in when it was last heard")
    now.get_by_role("button", name="The other site is gone: take over").press("Enter")
    expect(page.locator("#choice-takeover")).to_be_focused()
    inside = page.locator(".choice-inside")
    expect(inside).to_contain_text("Birch House would serve what Alder House served until now.")
    expect(inside.get_by_role("button", name="Take over now")).to_be_disabled()
    page.screenshot(path=pictures / "sites-dead.png", full_page=True)
    for _ in range(3):  # past looking again, and what agents hold, to the reason
        page.keyboard.press("Tab")
    page.keyboard.type("no light there")
    page.keyboard.press("Tab")
    page.keyboard.type("a")
    page.keyboard.press("Enter")
    assert _acts(admin) == [], "that is the other site's name"
    page.keyboard.press("Backspace")
    page.keyboard.type("Birch House")
    admin.answers["sites/act"] = (200, {"ok": True, "lines": ["Birch House serves a."], "work": {}})
    admin.answers["sites"] = (200, taken())
    page.keyboard.press("Enter")
    expect(page.locator(".work")).to_contain_text("12 came here")
    (act,) = _acts(admin)
    said = {key: act[key] for key in ("act", "confirm", "why", "assigned", "anyway")}
    expected = {"act": "take-over", "confirm": "Birch House", "why": "no light there"}
    assert said == expected | {"assigned": False, "anyway": False}
    expect(now).to_contain_text("Birch House serves what Alder House served")
    expect(page.locator(".site-card").nth(1)).to_contain_text("by Ada Brandt · no light there")


def test_what_nobody_answered_is_asked_again_under_the_same_id(opened: Callable[..., Page], admin: FakeAdmin):
    """A lost answer and a second press are one act; the next one is another."""
    page = opened()
    page.locator("#choice-takeover").press("Enter")
    typed, button = page.locator(".typed"), page.get_by_role("button", name="Take over now")
    typed.fill("b")
    admin.answers["sites/act"] = (503, {"ok": False, "code": "not_saved", "text": "This could not be saved."})
    button.click()
    expect(page.locator(".toasts")).to_contain_text("This could not be saved.")
    admin.answers["sites/act"] = (200, {"ok": True, "lines": ["Done."], "work": {}})
    button.click()
    expect(typed).to_have_value("")
    typed.fill("b")
    button.click()
    expect(typed).to_have_value("")
    first, again, another = (each["command_id"] for each in _acts(admin))
    assert first == again != another


def test_what_is_refused_says_what_to_do_and_waits_for_anyway(opened: Callable[..., Page], admin: FakeAdmin):
    """Nobody takes over a site that lives by being quick."""
    admin.answers["sites/dry-run"] = (200, asked(refusals=(REFUSAL,)))
    page = opened()
    page.locator("#choice-takeover").press("Enter")
    expect(page.locator(".refused")).to_contain_text("What to do: wait ten seconds.")
    button = page.get_by_role("button", name="Take over now")
    page.locator(".typed").fill("b")
    expect(button).to_be_disabled()
    page.get_by_label("Although it is refused").check()
    expect(button).to_be_enabled()
    admin.answers["sites/act"] = (409, {"ok": False, "code": "refused", "text": REFUSAL["text"]})
    button.click()
    expect(page.locator(".toasts")).to_contain_text("says that it serves")
    assert _acts(admin)[0]["anyway"] is True


def test_an_act_that_goes_on_shows_how_far_it_is(opened: Callable[..., Page], admin: FakeAdmin):
    """Whoever began it, on whatever page: everybody sees it, and nobody begins it a second time."""
    act = {"command_id": "c", "act": "take-over", "agent_id": "ada", "state": "running", "done": 400}
    act |= {"of": 1_200, "began_ms": now_ms(), "lines": [], "refusals": []}
    admin.answers["sites"] = (200, dead(act=act))
    page = opened()
    expect(page.locator(".work")).to_contain_text("Ada Brandt does it at this moment")
    expect(page.locator(".work")).to_contain_text("400 of 1200 contacts")
    page.locator("#choice-takeover").press("Enter")
    page.locator(".typed").fill("b")
    expect(page.locator(".confirm button")).to_be_disabled()


def test_what_is_in_the_way_for_a_while_is_looked_at_again(opened: Callable[..., Page], admin: FakeAdmin):
    """The home site catches up by itself: whoever waits for it need not press anything."""
    behind = {"code": "peer_behind", "text": "Alder House is behind by 900 rows", "todo": "wait"}
    admin.answers["sites/dry-run"] = (200, asked(refusals=(behind,)))
    page = opened()
    page.locator("#choice-return").press("Enter")
    expect(page.locator(".refused")).to_contain_text("behind by 900 rows")
    admin.answers["sites/dry-run"] = (200, asked("Alder House serves its own traffic again."))
    expect(page.locator(".refused")).to_have_count(0)
    expect(page.locator(".would")).to_contain_text("serves its own traffic again")


def test_a_share_is_chosen_in_tens_and_ended_again(opened: Callable[..., Page], admin: FakeAdmin):
    """By arrow keys; what is moved stands below, with whoever moved it and why, as text."""
    page = opened()
    page.locator("#choice-reroute").press("Enter")
    page.locator(".share select").select_option("channel/chat")
    slider = page.get_by_role("slider")
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    expect(page.locator(".share b")).to_have_text("70 %")
    expect(page.locator(".moved")).to_contain_text(WHY.split(" ")[0])
    admin.answers["sites/act"] = (200, {"ok": True, "lines": ["70 % of channel/chat goes to Alder House."]})
    page.get_by_role("button", name="Move it").click()
    expect(page.locator(".toasts")).to_contain_text("70 % of channel/chat")
    page.get_by_role("button", name="No more: channel chat").click()
    until(lambda: bool(page.wait_for_timeout(50)) or len(_acts(admin)) == 2)
    moved = [(each["scope"], each["share_pct"]) for each in _acts(admin)]
    assert moved == [("channel/chat", 70), ("channel/chat", 0)]
    questions = [body for path, body in admin.asked if path == "sites/dry-run"]
    assert questions[-1]["share_pct"] == 70


def test_a_provider_is_tried_again_and_a_drill_is_held(opened: Callable[..., Page], admin: FakeAdmin):
    """What failed can be asked for once more; what is done offers nothing to press."""
    page = opened()
    admin.answers["sites/act"] = (200, {"ok": True, "lines": ["It is tried again now."]})
    expect(page.get_by_role("button", name="Try again: a/1/switch")).to_have_count(0)
    page.get_by_role("button", name="Try again: a/1/dns").click()
    expect(page.locator(".toasts")).to_contain_text("It is tried again now.")
    expect(page.locator(".drills")).to_contain_text("1 thing failed")
    page.locator("#choice-drill").press("Enter")
    page.get_by_role("button", name="Rehearse now").click()
    until(lambda: bool(page.wait_for_timeout(50)) or len(_acts(admin)) == 2)
    assert [each["act"] for each in _acts(admin)] == ["again", "drill"]


def test_who_may_only_look_finds_nothing_to_press(opened: Callable[..., Page], admin: FakeAdmin):
    """A supervisor sees what would happen, and calls an administrator."""
    admin.role = "supervisor"
    admin.answers["sites"] = (200, dead(may_act=False))
    page = opened()
    page.locator("#choice-takeover").press("Enter")
    expect(page.locator(".would")).to_contain_text("Birch House would serve")
    expect(page.locator(".confirm")).to_have_count(0)
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"pair": False}, "To make a pair"),
        ({"pair": True, "copy": None, "name": "Birch House", "other": "Alder House"}, "start the role peer"),
        (sites(), "Both sites live, and hear each other."),
    ],
)
def test_each_beginning_is_one_sentence(
    opened: Callable[..., Page], admin: FakeAdmin, answer: dict[str, Any], said: str
):
    """One site alone, a pair that never began, a pair that is well."""
    admin.answers["sites"] = (200, answer)
    expect(opened().locator("main section").first).to_contain_text(said)


@pytest.mark.parametrize("look", ["light-rtl", "dark-narrow"])
def test_everything_open_can_be_read(
    opened: Callable[..., Page], admin: FakeAdmin, pictures: Path, look: str
):
    """Every choice, light and dark, narrow and from right to left: nothing faint, nameless or too wide."""
    narrow = look == "dark-narrow"
    page = opened(width=390 if narrow else 1280, height=844, dark=narrow)
    if not narrow:
        page.evaluate("document.documentElement.dir = 'rtl'")
    for key in ("takeover", "return", "handover", "reroute", "override", "drill"):
        page.locator(f"#choice-{key}").press("Enter")
        expect(page.locator(".would")).to_be_visible()
        page.mouse.move(0, 0)
        assert not low_contrasts(page), key
        assert not unnamed_controls(page), key
        assert not wider_than_screen(page), key
    page.screenshot(path=pictures / f"sites-{look}.png", full_page=True)


@pytest.fixture
def centres(data_dir: Path) -> Iterator[TwoCentres]:
    """East and west."""
    found = TwoCentres(data_dir)
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_site_is_taken_over_and_given_back_by_clicks(centres: TwoCentres, browser: Browser):
    """Two real sites: one is killed, taken over on the page of the other, started, and given its own back."""
    page = browser.new_page()
    password(page, centres.west, "amira", "/admin")
    page.wait_for_url(f"{centres.west.url}/admin")
    page.goto(f"{centres.west.url}/admin#sites")
    expect(page.locator(".sites-now")).to_contain_text("Both sites live", timeout=60_000)
    centres.east.kill_all()
    expect(page.locator(".sites-now")).to_contain_text("East does not answer since", timeout=60_000)
    page.locator("#choice-takeover").click()
    page.locator(".typed").fill("west")
    page.get_by_role("button", name="Take over now").click()
    expect(page.locator(".work")).to_contain_text("West serves", timeout=60_000)
    centres.east.start()
    page.locator(".sites-now").get_by_role("button", name="Everything is well again").click(timeout=90_000)
    page.locator(".typed").fill("west")
    page.get_by_role("button", name="Give back now").click(timeout=90_000)  # once the home site has caught up
    expect(page.locator(".work")).to_contain_text("East serves its own traffic again", timeout=60_000)
    claims = centres.west.rows("SELECT owner, agent_id FROM domain WHERE domain = 'east'")
    assert claims == [("east", "amira")]
    page.close()
