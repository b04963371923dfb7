"""The customer's page: honest about what has arrived, and nothing lost or doubled by a bad connection."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre
from tests.browser.seeing import cut_off, low_contrasts, unnamed_controls, wider_than_screen

pytestmark = pytest.mark.system

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script> &amp; ${1} \u202e\u0000'


def _write(page: Page, text: str) -> None:
    page.get_by_role("textbox").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()


def test_a_message_counts_as_arrived_only_after_the_server_said_so(
    centre: FakeCentre, open_page: Open, pictures: Path
):
    """Somebody in need must not be told that help knows, before it does."""
    centre.acknowledges = False
    page = open_page(centre.url + "/chat", width=390)
    _write(page, "there is somebody at my door")
    bubble = page.locator(".bubble", has_text="there is somebody at my door")
    expect(bubble).to_contain_text("not yet arrived")
    page.screenshot(path=pictures / "chat-not-yet-arrived.png")
    centre.acknowledges = True
    centre.hang_up()
    expect(bubble).to_contain_text("✓ arrived")
    expect(bubble).not_to_contain_text("not yet")


def test_a_reconnect_sends_what_is_not_acknowledged_once_more_and_shows_it_once(
    centre: FakeCentre, open_page: Open
):
    """The acknowledgement may be what was lost: the same client id makes the repeat harmless."""
    centre.acknowledges = False
    page = open_page(centre.url + "/chat")
    for text in ("first", "second"):
        _write(page, text)
    expect(page.locator(".bubble[data-state=unsaved]")).to_have_count(2)
    centre.acknowledges = True
    centre.hang_up()
    expect(page.locator(".bubble[data-state=unsaved]")).to_have_count(0)
    said = [each for each in centre.said if each["kind"] == "say"]
    assert [each["text"] for each in said] == ["first", "second", "first", "second"]
    assert len({each["client_id"] for each in said}) == 2
    expect(page.locator(".bubble p")).to_have_text(["first", "second"])


def test_what_is_not_acknowledged_survives_a_reload(centre: FakeCentre, open_page: Open):
    """A phone may drop a page at any time."""
    centre.acknowledges = False
    page = open_page(centre.url + "/chat")
    _write(page, "do not lose this")
    expect(page.locator(".bubble[data-state=unsaved]")).to_have_count(1)
    centre.acknowledges = True
    page.reload()
    expect(page.locator(".bubble")).to_have_count(1)
    expect(page.locator(".bubble")).to_contain_text("✓ arrived")
    assert page.evaluate("localStorage.length") == 0, "what has arrived leaves no copy on the device"


def test_two_windows_of_one_person_do_not_lose_each_others_words(centre: FakeCentre, open_page: Open):
    """Opening the link from the leaflet a second time is what frightened people do."""
    centre.acknowledges = False
    first = open_page(centre.url + "/chat")
    _write(first, "from the first window")
    second = first.context.new_page()
    second.goto(centre.url + "/chat")
    _write(second, "from the second window")
    expect(second.locator(".bubble[data-state=unsaved]")).to_have_count(2)
    second.close()
    first.close()
    centre.acknowledges = True
    again = first.context.new_page()
    again.goto(centre.url + "/chat")
    expect(again.locator(".bubble p")).to_have_text(["from the first window", "from the second window"])
    expect(again.locator(".bubble[data-state=unsaved]")).to_have_count(0)


def test_a_gap_in_the_numbers_leads_to_a_new_snapshot(centre: FakeCentre, open_page: Open):
    """A page that missed a change would show something untrue for ever."""
    page = open_page(centre.url + "/chat")
    expect(page.get_by_text("Write what is happening")).to_be_visible()
    centre.chat_messages.append(centre.message("agent", "sent into the gap"))
    for line in centre.chat_lines:
        line.n += 1
    centre.chat_message("agent", "after the gap")
    expect(page.locator(".bubble p")).to_have_text(["sent into the gap", "after the gap"])
    assert centre.snapshots == 2


@pytest.mark.parametrize("beats", [True, False])
def test_silence_counts_as_a_lost_connection_only_where_the_server_beats(
    beats: bool, centre: FakeCentre, open_page: Open
):
    """A phone that changed networks must not look connected; a quiet line is no reason to hang up."""
    page = open_page("about:blank")
    page.clock.install()
    page.goto(centre.url + "/chat")
    expect(page.get_by_text("Write what is happening")).to_be_visible()
    if beats:
        centre.chat_beat()
    page.wait_for_timeout(200)
    page.clock.fast_forward(45_000)
    page.clock.run_for(2_000)
    expect(page.get_by_text("Write what is happening")).to_be_visible()
    assert centre.snapshots == (2 if beats else 1)


def test_hostile_words_are_shown_as_words(centre: FakeCentre, open_page: Open):
    """Text is text, in both directions."""
    page = open_page(centre.url + "/chat")
    title = page.title()
    centre.chat_message("agent", HOSTILE)
    centre.converse(state="with_agent", agent_name=HOSTILE)
    expect(page.locator(".bubble p")).to_contain_text("<script>document.title=2</script> &amp; ${1}")
    assert page.locator(".talk img, .talk script, .standing img").count() == 0
    assert page.title() == title


def test_the_page_says_how_things_stand(centre: FakeCentre, open_page: Open, pictures: Path):
    """Waiting, nobody there, somebody there, ended, no connection: each in plain words."""
    page = open_page(centre.url + "/chat", width=390)
    standing = page.get_by_role("status").filter(has=page.locator(".standing-mark"))
    expect(standing).to_contain_text("Write what is happening")
    centre.converse(state="waiting")
    expect(standing).to_contain_text("You are in line")
    centre.converse(nobody_there=True)
    expect(standing).to_contain_text("nobody is at a desk")
    page.screenshot(path=pictures / "chat-nobody-there.png")
    centre.converse(state="with_agent", agent_name="Ana Rivera")
    centre.chat_typing()
    expect(standing).to_contain_text("Ana Rivera is here with you")
    expect(page.get_by_text("Somebody is writing to you")).to_be_visible()
    centre.converse(state="ended")
    expect(standing).to_contain_text("has ended")
    centre.stop()
    expect(standing).to_contain_text("No connection right now")
    _write(page, "are you there?")
    expect(standing).to_contain_text("kept on this device")
    page.screenshot(path=pictures / "chat-no-connection.png")


def test_the_notice_is_there_without_any_script(centre: FakeCentre, browser: Browser):
    """Whom to call when life is in danger must not wait for a module or a connection."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(centre.url + "/chat")
    expect(page.get_by_text(centre.conversation["notice"])).to_be_visible()
    context.close()


@pytest.mark.parametrize("language", ["es", "fr", "nl", "ar", "zh", "ru", "uk"])
def test_the_page_speaks_the_readers_language_on_the_smallest_screen(
    language: str, centre: FakeCentre, open_page: Open, pictures: Path
):
    """Frightened people read their own language; 320 px is the narrowest phone WCAG asks for."""
    page = open_page(centre.url + "/chat", width=320, height=568, language=language)
    expect(page.locator(".standing strong")).not_to_be_empty()
    assert page.evaluate("document.documentElement.lang") == language
    assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
    centre.converse(state="waiting", nobody_there=True)
    centre.chat_message("agent", "x" * 500)
    expect(page.locator(".bubble")).to_be_visible()
    assert not wider_than_screen(page)
    page.screenshot(path=pictures / f"chat-320-{language}.png")


def test_an_attachment_arrives_and_one_that_is_too_big_is_refused_before_it_is_sent(
    centre: FakeCentre, open_page: Open
):
    """A picture may say where somebody is; waiting for a refusal would cost the time it takes to send."""
    page = open_page(centre.url + "/chat")
    expect(page.get_by_text("Write what is happening")).to_be_visible()
    choose = page.locator("input[type=file]")
    choose.set_input_files({"name": "door.jpg", "mimeType": "image/jpeg", "buffer": b"x" * 2000})
    expect(page.get_by_role("link", name="door.jpg")).to_be_visible()
    choose.set_input_files({"name": "film.mp4", "mimeType": "video/mp4", "buffer": b"x" * 5_000_001})
    row = page.locator(".upload")
    expect(row).to_contain_text("too big: at most 5.0 MB")
    row.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)


@pytest.mark.parametrize("dark", [False, True])
def test_everything_can_be_read_and_named(dark: bool, centre: FakeCentre, open_page: Open, pictures: Path):
    """WCAG 2.2: contrast of text 4.5, and every control has a name a screen reader can say."""
    page = open_page(centre.url + "/chat", dark=dark)
    _write(page, "hello")
    centre.chat_message("agent", "I am here.")
    centre.converse(state="waiting", nobody_there=True)
    expect(page.locator(".bubble")).to_have_count(2)
    assert low_contrasts(page) == []
    assert unnamed_controls(page) == []
    assert cut_off(page) == []
    page.screenshot(path=pictures / f"chat-{'dark' if dark else 'light'}.png")


def test_every_catalogue_has_every_word():
    """A missing word would put an English sentence, or a key, before somebody who reads neither."""
    folder = Path(__file__).parents[2] / "agents_ui" / "static" / "words"
    for page in ("chat", "call-chat", "desk", "sign-in"):
        english = _keys(folder / f"{page}.en.js")
        for path in sorted(folder.glob(f"{page}.*.js")):
            assert _keys(path) == english, path.name


def _keys(path: Path) -> set[str]:
    """Keys of a catalogue, the plural forms of one key counted once: languages differ in them."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("  ")]
    names = [line.split(": ")[0].strip('"') for line in lines if not line.startswith("//")]
    assert all(json.loads(f'"{name}"') == name for name in names)
    return {name.split(".")[0] for name in names}
