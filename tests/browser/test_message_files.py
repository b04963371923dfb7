"""What hangs on a message at the desk: files to save, those still to come, those that will not."""

import io
import struct
import wave
import zlib
from pathlib import Path

import av
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.fake import FakeCentre
from tests.browser.looks import looks
from tests.browser.seeing import cut_off, low_contrasts, unnamed_controls, wider_than_screen
from tests.browser.stage import conversation, message

pytestmark = pytest.mark.system


def _file(name: str, size: int = 182_000) -> dict[str, object]:
    return {
        "name": name,
        "bytes": size,
        "media_type": "image/jpeg",
        "url": f"/api/attachment/{name}?of=sms-1",
    }


MESSAGES = [
    message("sms-1", 1, "in", "", files=[_file("image-1.jpg"), _file("image-2.jpg", 40)], files_wanted=1),
    message("sms-1", 2, "in", "they said 3 pictures", files_lost=2, raw="/api/attachment/whole?of=sms-1"),
    message(
        "sms-1",
        3,
        "in",
        "STOP",
        notice="The network took this as a wish for no more messages: what is answered may not arrive.",
    ),
]


@pytest.fixture
def talk(centre: FakeCentre) -> FakeCentre:
    """A conversation by text with pictures."""
    centre.entities["conversation"] = {"sms-1": conversation("sms-1", channel="sms")}
    centre.entities["message"] = {each["message_id"]: each for each in MESSAGES}
    return centre


@looks(380, 1280)
def test_files_say_what_they_are_and_what_is_missing(
    talk: FakeCentre, open_page: Open, pictures: Path, width: int, dark: bool
) -> None:
    """A picture that has not come, or never will, is said: an agent must not think that there was none."""
    page = open_page(talk.url + "/desk", width=width, dark=dark)
    if width < 500:
        page.locator(".conversations button").first.click()
    first, second, third = (page.locator(".message").nth(number) for number in range(3))
    expect(first.get_by_role("link")).to_have_text(["image-1.jpg", "image-2.jpg"])
    expect(first.get_by_role("link").first).to_have_attribute("href", "/api/attachment/image-1.jpg?of=sms-1")
    expect(first).to_contain_text("182 kB")
    expect(first).to_contain_text("still being fetched")
    expect(second).to_contain_text("2 files could not be fetched")
    expect(second.get_by_role("link")).to_have_attribute("href", "/api/attachment/whole?of=sms-1")
    expect(third).to_contain_text("STOP")
    expect(third).to_contain_text("what is answered may not arrive")
    page.screenshot(path=pictures / f"files-{width}-{'dark' if dark else 'light'}.png")
    assert not wider_than_screen(page)
    assert not cut_off(page)
    assert not low_contrasts(page)
    assert not unnamed_controls(page)


def test_a_picture_a_voice_note_and_a_video_are_shown_in_place(
    centre: FakeCentre, open_page: Open, pictures: Path
) -> None:
    """An agent sees the fire and hears the voice without leaving the conversation; the rest has a name."""
    centre.files = {"fire.png": picture(), "note.wav": tone(), "smoke.webm": film(), "odd.png": b"<svg/>"}
    files = [
        {**_file("fire.png"), "shows": "image"},
        {**_file("note.wav"), "shows": "audio"},
        {**_file("smoke.webm"), "shows": "video"},
        {**_file("odd.png"), "shows": "image"},
        {**_file("plan.pdf"), "shows": ""},
    ]
    centre.entities["conversation"] = {"sms-1": conversation("sms-1", channel="sms")}
    centre.entities["message"] = {"m": message("sms-1", 1, "in", "look", files=files)}
    page = open_page(centre.url + "/desk", height=1200)
    image = page.locator('.shown img[alt="fire.png"]')
    expect(image).to_be_visible()
    page.wait_for_function("element => element.naturalWidth === 40", arg=image.element_handle())
    expect(page.locator("audio.shown")).to_have_count(1)
    expect(page.locator("video.shown")).to_have_count(1)
    expect(page.locator('.shown img[alt="odd.png"]')).to_have_count(0)  # what is no picture is a name to save
    expect(page.locator(".message-file a[download]", has_text="plan.pdf")).to_be_visible()
    for kind in ("audio", "video"):
        player = page.locator(f"{kind}.shown").element_handle()
        page.evaluate("player => { player.muted = true; void player.play(); }", player)
        page.wait_for_function("player => player.ended || player.currentTime > 0.05", arg=player)
    assert any(each.startswith("bytes=") for each in centre.ranges)
    page.screenshot(path=pictures / "files-shown.png")
    assert not unnamed_controls(page)


def picture() -> bytes:
    """A real PNG, 40 by 30."""
    rows = b"".join(b"\0" + bytes((200, 80, 20)) * 40 for _ in range(30))
    parts = ((b"IHDR", struct.pack(">IIBBBBB", 40, 30, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)))
    written = [b"\x89PNG\r\n\x1a\n"]
    for kind, body in (*parts, (b"IEND", b"")):
        written.append(
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )
    return b"".join(written)


def tone() -> bytes:
    """A second of sound."""
    kept = io.BytesIO()
    with wave.open(kept, "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(b"".join(struct.pack("<h", (n % 40) * 300) for n in range(8_000)))
    return kept.getvalue()


def film() -> bytes:
    """A second of video."""
    kept = io.BytesIO()
    with av.open(kept, "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(10):
            frame = av.VideoFrame(64, 48, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([number * 20]) * plane.buffer_size)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return kept.getvalue()


@pytest.mark.parametrize("dark", [False, True])
def test_an_agent_sends_a_file_and_sees_what_became_of_it(
    centre: FakeCentre, open_page: Open, pictures: Path, dark: bool
) -> None:
    """Where the channel takes it: one that is too large is refused before it leaves, one refused says why."""
    centre.entities["conversation"] = {"sms-1": conversation("sms-1", files_bytes_max=1_000)}
    page = open_page(centre.url + "/desk", dark=dark)
    field = page.locator(".attach-file input")
    field.set_input_files({"name": "plan.png", "mimeType": "image/png", "buffer": picture()[:500]})
    expect(page.locator(".files-under-way li")).to_have_count(0)
    ((asked, body),) = centre.sent_files
    assert (asked["of"], asked["name"], body) == ("sms-1", "plan.png", picture()[:500])
    field.set_input_files({"name": "film.mp4", "mimeType": "video/mp4", "buffer": b"x" * 2_000})
    expect(page.locator(".files-under-way")).to_contain_text("too large")
    page.get_by_role("button", name="Remove").click()
    centre.refuses_files = "This channel takes no files from here."
    field.set_input_files({"name": "plan.png", "mimeType": "image/png", "buffer": b"x"})
    expect(page.locator(".files-under-way")).to_contain_text("takes no files")
    page.screenshot(path=pictures / f"files-sending-{'dark' if dark else 'light'}.png")
    assert not low_contrasts(page)
    assert not unnamed_controls(page)
    assert len(centre.sent_files) == 1
    centre.put("conversation", "sms-1", conversation("sms-1", files_bytes_max=0))
    expect(page.locator(".attach-file")).to_have_count(0)
