"""The wall: the oldest urgent contact is never overlooked, and no figure is taken for what it is not."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from config.plan import Plan
from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre, now_ms
from tests.browser.seeing import cut_off, low_contrasts, unnamed_controls, wider_than_screen
from tests.browser.wall_stage import agent, explained, hold, set_wall, site, urgent

pytestmark = pytest.mark.system

SCREENS = {"wide": (1920, 1080), "laptop": (1280, 760), "narrow": (390, 844)}


@pytest.fixture
def room(centre: FakeCentre, plan: Plan) -> FakeCentre:
    """The fake centre with an evening on its wall."""
    set_wall(centre, plan)
    first = next(iter(centre.wall_entities["urgent"]))
    centre.answers["explain"] = {"value": explained(first)}
    return centre


def _wall(room: FakeCentre, open_page: Open, **how: object) -> Page:
    page = open_page(room.url + "/wall", **how)
    expect(page.locator(".wall")).to_be_attached()
    return page


def _asked(room: FakeCentre, page: Page, kind: str) -> dict[str, object]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = [each for each in room.commands if each["kind"] == kind]
        if found:
            return found[-1]
        page.wait_for_timeout(20)  # lets the browser's events through
    raise AssertionError(f"no {kind} was asked: {room.commands}")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_the_wall_can_be_read(room: FakeCentre, open_page: Open, pictures: Path, screen: str, dark: bool):
    """On a wall, at a desk and on a telephone: nothing cut off, faint, nameless or wider than the screen."""
    width, height = SCREENS[screen]
    page = _wall(room, open_page, width=width, height=height, dark=dark)
    name = f"wall-{screen}-{'dark' if dark else 'light'}.png"
    page.screenshot(path=pictures / name, full_page=screen == "narrow")
    assert not low_contrasts(page)
    assert not unnamed_controls(page)
    assert not cut_off(page)
    assert not wider_than_screen(page)


def test_the_oldest_urgent_contact_is_the_largest_thing_in_the_room(room: FakeCentre, open_page: Open):
    """Seen from the door: on top, with word and shape, and a time that rises."""
    page = _wall(room, open_page, width=1920, height=1080)
    first = page.locator(".urgent-one").first
    expect(first).to_contain_text("Immediate")
    expect(first).to_contain_text("too long")
    assert first.locator("svg[role=img]").get_attribute("aria-label") == "1, Immediate"
    sizes = page.eval_on_selector_all(
        ".urgent-time, .figure b", "all => all.map((one) => parseFloat(getComputedStyle(one).fontSize))"
    )
    first_size = first.locator(".urgent-time").evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
    assert first_size == max(sizes) > 2 * sorted(sizes)[-2]
    before = first.locator(".urgent-time").inner_text()
    expect(first.locator(".urgent-time")).not_to_have_text(before)


def test_the_order_is_the_servers(room: FakeCentre, open_page: Open, plan: Plan):
    """A contact that was raised is older than what is shown: it comes on top although it came last."""
    page = _wall(room, open_page)
    older = urgent(0x55550009, urgency=1, queue_id="medical", accepted_at_ms=now_ms() - 300_000)
    room.wall_put("urgent", older["interaction_id"], older)
    ids = [older["interaction_id"], *room.wall_entities["site"][plan.site.site_id]["urgent_ids"]]
    room.wall_put("site", plan.site.site_id, site(plan, urgent=5, urgent_ids=ids))
    expect(page.locator(".urgent-one").first).to_contain_text("5555")
    expect(page).to_have_title("▲ 5 · Wall · Muster")


def test_nobody_alone_is_said_in_words(room: FakeCentre, open_page: Open, plan: Plan):
    """An empty place could as well be a page that does not work."""
    page = _wall(room, open_page)
    room.wall_put("site", plan.site.site_id, site(plan, urgent=0, urgent_ids=[]))
    expect(page.locator(".urgent-none")).to_have_text("✓ Nobody urgent is waiting alone.")


def test_every_figure_explains_itself_to_eyes_hands_and_ears(
    room: FakeCentre, open_page: Open, pictures: Path
):
    """A figure nobody can question is a decoration: by mouse, by keyboard, and by its name."""
    page = _wall(room, open_page)
    figures = page.locator(".figure")
    names = figures.evaluate_all("all => all.map((one) => one.ariaLabel || '')")
    assert len(names) > 40 and all(name.rstrip().endswith(".") and len(name) > 15 for name in names), names
    level = page.locator(".queue-table .figure[data-kind=level]").first
    level.hover()
    expect(page.locator(".tip")).to_contain_text("203 of 212 answered within 15 s of their arrival")
    page.screenshot(path=pictures / "wall-explained.png")
    page.mouse.move(0, 0)
    expect(page.locator(".tip")).to_have_count(0)
    page.keyboard.press("q")
    expect(page.locator(".tip")).to_contain_text("urgency Immediate")
    page.keyboard.press("Escape")
    expect(page.locator(".tip")).to_have_count(0)


def test_the_queues_are_one_stop_of_the_tab_key(room: FakeCentre, open_page: Open):
    """Fifty figures are fifty presses otherwise; arrows go from one to the next."""
    page = _wall(room, open_page)
    page.keyboard.press("q")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".tip")).to_contain_text("Medical: 0 contacts of urgency Emergency")
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.closest('.queue-table')")


def test_a_wall_without_news_says_so_and_stops_looking_live(
    room: FakeCentre, open_page: Open, pictures: Path
):
    """The most dangerous wall is one that shows a quiet room from ten minutes ago."""
    page = _wall(room, open_page, width=1920, height=1080)
    room.refuses = True
    room.hang_up()
    expect(page.locator(".link-banner")).to_contain_text("No news from the centre since")
    expect(page.locator(".link-banner")).to_contain_text("nothing here is live")
    expect(page.locator(".wall")).to_have_attribute("data-live", "false")
    assert "grayscale" in page.locator(".wall-main").evaluate("one => getComputedStyle(one).filter")
    page.screenshot(path=pictures / "wall-stale.png")
    room.refuses = False
    expect(page.locator(".wall")).to_have_attribute("data-live", "true", timeout=20_000)


def test_a_lost_change_is_noticed(room: FakeCentre, open_page: Open, plan: Plan):
    """A missing number means a new snapshot, not a figure that is wrong from then on."""
    page = _wall(room, open_page)
    before = room.snapshots
    for line in room.wall_lines:
        line.n += 1
    room.wall_put("site", plan.site.site_id, site(plan, answered=777))
    expect(page.locator(".room")).to_contain_text("777")
    assert room.snapshots > before


def test_a_contact_is_moved_by_keyboard_alone(room: FakeCentre, open_page: Open, pictures: Path):
    """From the wall to the decision without a mouse; what could be done is said, and what came of it."""
    page = _wall(room, open_page)
    page.keyboard.press("u")
    page.keyboard.press("Enter")
    panel = page.locator("[data-panel=contact]")
    expect(panel).to_contain_text("1 agent could take it now.")
    expect(panel).to_contain_text("2 are busy")
    page.screenshot(path=pictures / "wall-contact.png")
    assert page.evaluate("document.activeElement.tagName") == "SELECT"
    page.keyboard.type("Ana")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    asked = _asked(room, page, "assign")
    assert (asked["to_agent_id"], len(str(asked["command_id"])) > 20) == ("ana", True)
    assert asked["interaction_id"] == next(iter(room.wall_entities["urgent"]))
    expect(page.locator(".toasts")).to_contain_text("Given to Ana Rivera.")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    assert page.evaluate("document.activeElement.className") == "urgent-one"


def test_what_cannot_be_done_is_said_in_words(room: FakeCentre, open_page: Open):
    """A refusal that nobody sees looks like an act that worked."""
    page = _wall(room, open_page)
    text = "That agent has no desk open."
    room.answers["move"] = {"ok": False, "code": "agent_not_here", "text": text}
    page.locator(".urgent-one").first.click()
    page.locator(".give select").select_option("queue:emergency")
    page.locator(".give button").click()
    expect(page.locator(".toasts [data-tone=alarm]")).to_contain_text(text)


def test_raising_is_one_press_and_lowering_asks_once_more(room: FakeCentre, open_page: Open):
    """Help must come quickly; making somebody wait longer must never be a slip."""
    page = _wall(room, open_page)
    page.locator(".urgent-one").nth(1).click()
    page.get_by_role("button", name="Raise to").click()
    assert _asked(room, page, "urgency")["urgency"] == 1
    room.commands.clear()
    page.locator(".lower summary").click()
    page.get_by_role("button", name="Lower to Low").click()
    assert page.evaluate("document.activeElement.textContent") == "No"
    page.keyboard.press("Enter")
    assert [each for each in room.commands if each["kind"] == "urgency"] == []
    page.get_by_role("button", name="Lower to Low").click()
    page.locator(".sure .strong").click()
    assert _asked(room, page, "urgency")["urgency"] == 5


def test_an_agent_who_left_is_set_right(room: FakeCentre, open_page: Open, pictures: Path):
    """Somebody went home as available: no more offers, and what they hold goes to others, after a yes."""
    page = _wall(room, open_page)
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    panel = page.locator("[data-panel=agent]")
    expect(panel).to_contain_text("no desk open")
    page.screenshot(path=pictures / "wall-agent.png")
    panel.get_by_role("button", name="Set to not available").click()
    expect(panel).to_contain_text("loses 1 contact")
    panel.locator(".sure .strong").click()
    asked = _asked(room, page, "presence")
    assert (asked["agent_id"], asked["available"], asked["hand_back"]) == ("ivan", False, True)


def test_what_was_said_is_fetched_only_when_asked(room: FakeCentre, open_page: Open):
    """Words of customers are not for a wall: only for who asks, and that is on record."""
    page = _wall(room, open_page)
    room.answers["look"] = {
        "value": {"messages": [room.entities["message"]["chat-1/1"], room.entities["message"]["chat-1/6"]]}
    }
    assert "smoke" not in page.content()
    page.locator(".urgent-one").first.click()
    page.get_by_role("button", name="Show what was said").click()
    expect(page.locator(".said")).to_contain_text("There is smoke coming under the door")
    assert _asked(room, page, "look")["interaction_id"]


def test_agents_move_between_groups(room: FakeCentre, open_page: Open):
    """What an agent does is where they are on the wall."""
    page = _wall(room, open_page)
    busy = agent("ana", "Ana Rivera", "engaged", 0.1, hold(9, "chat", 1, "engaged", 0.1))
    room.wall_put("agent", "ana", busy)
    expect(page.locator("section[data-group=engaged]")).to_contain_text("Ana Rivera")
    expect(page.locator("section[data-group=idle]")).to_have_count(0)


def test_big_figures_are_kept_for_the_screen_that_chose_them(
    room: FakeCentre, open_page: Open, pictures: Path
):
    """A screen on a wall is set up once; figures must be readable from four metres."""
    page = _wall(room, open_page, width=1920, height=1080, dark=True)
    size = "one => parseFloat(getComputedStyle(one).fontSize)"
    before = page.locator(".queue-table .figure b").first.evaluate(size)
    page.keyboard.press("b")
    page.reload()
    expect(page.locator(".wall")).to_have_attribute("data-big", "true")
    assert page.locator(".queue-table .figure b").first.evaluate(size) > before * 1.2
    page.screenshot(path=pictures / "wall-big.png")
    assert not wider_than_screen(page)


def test_right_to_left_the_wall_is_the_other_way_round(room: FakeCentre, open_page: Open, pictures: Path):
    """Nothing depends on which side is the first."""
    page = _wall(room, open_page)
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert not wider_than_screen(page)
    assert page.evaluate(
        "document.querySelector('.wall-side').getBoundingClientRect().right"
        " < document.querySelector('.wall-main').getBoundingClientRect().left + 1"
    )
    page.screenshot(path=pictures / "wall-rtl.png")


def test_a_role_that_is_down_is_said_in_words(room: FakeCentre, open_page: Open, plan: Plan):
    """A silent router looks like a quiet night."""
    page = _wall(room, open_page)
    roles = [
        {"role": "router", "ok": False, "count": -1, "behind": 7, "behind_since_ms": now_ms() - 9_000},
        {"role": "web", "ok": True, "count": 1, "behind": 0, "behind_since_ms": 0},
    ]
    room.wall_put("site", plan.site.site_id, site(plan, roles=roles))
    shown = page.locator(".figure[data-kind=roles]")
    expect(shown).to_contain_text("Down: router")
    assert "7 events wait for the router" in (shown.get_attribute("aria-label") or "")
