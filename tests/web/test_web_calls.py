"""Calls from the customer's page: only with a session, only one's own; and the door to the voice process."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agents_ui.chat.session import cookie_name
from agents_ui.voice import customer
from agents_ui.voice.door import VoiceDoor, VoiceRefused
from router.channels.chat import new_token, session_of
from tests.desk.calls import NotedDoor, changes, plan_with_calls, rings
from tests.desk.small_site import Site, running_site
from tests.desk.wire import Reply

PATIENCE_S = 20


@pytest.fixture
def door() -> NotedDoor:
    return NotedDoor()


@pytest.fixture
async def site(data_dir: Path, door: NotedDoor) -> AsyncIterator[Site]:
    """A centre that takes calls from its page."""
    async with running_site(data_dir, plan=plan_with_calls(), voice=door) as running:
        yield running


async def ask(site: Site, method: str, token: str = "", body: object = None) -> Reply:
    name = cookie_name(site.services.settings)
    return await site.ask(method, "/chat/call", body, token=token, cookie_name=name)


async def test_a_call_begins_with_the_session_of_the_page(site: Site, door: NotedDoor) -> None:
    """The session is what a reload comes back with; without one nobody is called back into a call."""
    token = new_token()
    reply = await ask(site, "POST", token, {"sdp": "v=0 offer", "language": "nl"})
    assert (reply.status, reply.json["sdp"], reply.json["interaction_id"]) == (200, "v=0 answer", "new")
    wanted = {"account": "page", "session": session_of(token), "sdp": "v=0 offer", "language": "nl"}
    assert door.asked == [("POST", "/calls", wanted)]
    refused = await ask(site, "POST", "", {"sdp": "v=0 offer"})
    assert (refused.status, refused.json["code"]) == (403, "no_session")


async def test_a_page_sees_and_ends_its_own_call_only(site: Site, door: NotedDoor) -> None:
    """Whoever guesses at calls of others learns nothing and hangs up nobody."""
    mine, other = new_token(), new_token()
    interaction_id = await rings(site, account="page", session=session_of(mine))
    shown = (await ask(site, "GET", mine)).json
    assert (shown["state"], shown["position"]) == ("waiting", 4)
    assert (await ask(site, "GET", other)).json["state"] == "none"
    assert (await ask(site, "GET")).json["state"] == "none"
    assert (await ask(site, "DELETE", other)).status == 200
    assert [method for method, _, _ in door.asked] == ["GET"]
    assert (await ask(site, "DELETE", mine)).status == 200
    hung_up = ("POST", f"/calls/{interaction_id}/control", {"agent_id": "", "act": "hang_up"})
    assert door.asked[-1] == hung_up


async def test_how_a_call_stands_is_known_while_the_voice_process_is_away(
    site: Site, door: NotedDoor
) -> None:
    """A page that asked and heard nothing would tell somebody on the line that there is no call."""
    token = new_token()
    interaction_id = await rings(site, account="page", session=session_of(token))
    door.refuses = "voice_away"
    shown = (await ask(site, "GET", token)).json
    assert (shown["state"], shown["position"]) == ("waiting", 0)
    await changes(site, interaction_id, "connected", account="page", agent_id="ana")
    shown = (await ask(site, "GET", token)).json
    assert shown["state"] == "connected" and 0 < shown["connected_ms"] <= shown["now_ms"]
    await changes(site, interaction_id, "ended", account="page", why="lost")
    shown = (await ask(site, "GET", token)).json
    assert (shown["state"], shown["why"]) == ("ended", "lost")
    assert (await ask(site, "DELETE", token)).status == 200, "a call that is over is hung up"


async def test_of_several_calls_the_newest_is_shown(site: Site) -> None:
    """Who calls again must not be shown the end of the first call."""
    token = new_token()
    first = await rings(site, account="page", session=session_of(token))
    await changes(site, first, "ended", account="page", why="caller_hung_up")
    await rings(site, account="page", session=session_of(token))
    assert (await ask(site, "GET", token)).json["state"] == "waiting"


@pytest.mark.parametrize(("code", "status"), [("voice_away", 409), ("no_ports", 409), ("bad_sdp", 409)])
async def test_a_call_that_cannot_be_made_says_what_to_do_instead(
    site: Site, door: NotedDoor, code: str, status: int
) -> None:
    """In plain words, and the page can tell the reasons apart."""
    door.refuses = code
    reply = await ask(site, "POST", new_token(), {"sdp": "v=0"})
    assert (reply.status, reply.json["code"]) == (status, code)
    assert "write" in reply.json["text"]


async def test_what_is_no_offer_is_refused_before_anybody_is_asked(site: Site, door: NotedDoor) -> None:
    """Malformed, too large, with fields of somebody's own."""
    for body in ({}, {"sdp": 7}, {"sdp": "v=0", "account": "trunk"}, {"sdp": "x" * 70_000}, b"\xff"):
        assert (await ask(site, "POST", new_token(), body)).status in (413, 422)
    assert door.asked == []


async def test_one_network_cannot_call_without_end(
    site: Site, door: NotedDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script in a loop must not keep every line from others; a shelter may call a hundred times."""
    replies = [await ask(site, "POST", new_token(), {"sdp": "v=0"}) for _ in range(customer.CALLS_BURST + 2)]
    assert [each.status for each in replies[: customer.CALLS_BURST]] == [200] * customer.CALLS_BURST
    assert replies[-1].json["code"] == "slow_down"


async def test_a_centre_without_calls_from_the_page_takes_none(data_dir: Path) -> None:
    """And says so, with a code of its own."""
    async with running_site(data_dir) as site:
        reply = await ask(site, "POST", new_token(), {"sdp": "v=0"})
    assert (reply.status, reply.json["code"]) == (404, "no_web_calls")


Answerer = Callable[[str, bytes], Awaitable[tuple[int, bytes]]]


@asynccontextmanager
async def voice_process(folder: Path, answer: Answerer) -> AsyncIterator[VoiceDoor]:
    """Something that listens where ports.json says that the voice process does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            (
                int(line.split(":")[1])
                for line in head.splitlines()
                if line.lower().startswith("content-length")
            ),
            0,
        )
        status, body = await answer(head.splitlines()[0], await reader.readexactly(length))
        writer.write(b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))
        await writer.drain()
        writer.close()

    path = folder / "v.sock"
    server = await asyncio.start_unix_server(serve, path)
    (folder / "ports.json").write_text(json.dumps({"voice": {"path": str(path)}}), encoding="utf-8")
    door = VoiceDoor(folder / "ports.json")
    try:
        yield door
    finally:
        await door.close()
        server.close()


async def test_the_door_asks_over_the_socket_and_gives_the_answer(data_dir: Path) -> None:
    """Method, path, JSON there and back."""
    heard: list[tuple[str, object]] = []

    async def answer(line: str, body: bytes) -> tuple[int, bytes]:
        heard.append((line, json.loads(body or b"null")))
        return 200, b'{"sdp": "v=0"}'

    async with voice_process(data_dir, answer) as door:
        assert await door.ask("POST", "/calls", {"a": 1}) == {"sdp": "v=0"}
        assert await door.ask("GET", "/calls/x") == {"sdp": "v=0"}
    assert heard == [("POST /calls HTTP/1.1", {"a": 1}), ("GET /calls/x HTTP/1.1", None)]


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (409, b'{"code": "elsewhere", "text": "x"}', "elsewhere"),
        (422, b'{"code": "bad_sdp", "text": "x"}', "bad_sdp"),
        (500, b"Internal Server Error", "voice_away"),
        (200, b"[]", "voice_away"),
        (404, b'{"code": "something new"}', "voice_away"),
    ],
)
async def test_refusals_are_told_and_nonsense_counts_as_away(
    data_dir: Path, status: int, body: bytes, code: str
) -> None:
    """Nothing that the voice process says may end a desk's command in an exception."""

    async def answer(line: str, asked: bytes) -> tuple[int, bytes]:
        return status, body

    async with voice_process(data_dir, answer) as door:
        with pytest.raises(VoiceRefused) as refused:
            await door.ask("POST", "/calls/x/connect", {})
    assert refused.value.code == code


@pytest.mark.parametrize(
    "ports", [None, "{", "[]", "{}", '{"voice": 7}', '{"voice": {"path": "/nowhere.sock"}}']
)
async def test_where_nothing_listens_the_refusal_is_clear(data_dir: Path, ports: str | None) -> None:
    """A centre whose voice process has just died answers at once, in words."""
    if ports is not None:
        (data_dir / "ports.json").write_text(ports, encoding="utf-8")
    door = VoiceDoor(data_dir / "ports.json")
    with pytest.raises(VoiceRefused) as refused:
        await door.ask("GET", "/calls/x")
    assert (refused.value.code, refused.value.status) == ("voice_away", 503)
    await door.close()


async def test_a_voice_process_that_does_not_answer_is_not_waited_for(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen process must not hold a desk's command until the page gives up by itself."""
    monkeypatch.setattr("agents_ui.voice.door.ANSWER_S", 0.2)
    monkeypatch.setattr("agents_ui.voice.door.CONNECT_S", 0.2)
    never = asyncio.Event()

    async def answer(line: str, asked: bytes) -> tuple[int, bytes]:
        await never.wait()
        return 200, b"{}"

    async with voice_process(data_dir, answer) as door:
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(VoiceRefused) as refused:
                await door.ask("GET", "/calls/x")
        never.set()
    assert refused.value.code == "voice_away"


async def test_a_voice_process_that_was_restarted_elsewhere_is_found(data_dir: Path) -> None:
    """ports.json is read again: nobody restarts the web because of it."""

    async def answer(line: str, asked: bytes) -> tuple[int, bytes]:
        return 200, b'{"state": "waiting"}'

    other = data_dir / "other"
    other.mkdir()
    async with voice_process(data_dir, answer) as door:
        assert await door.ask("GET", "/calls/x") == {"state": "waiting"}
        async with voice_process(other, answer):
            (data_dir / "ports.json").write_text((other / "ports.json").read_text(), encoding="utf-8")
            (data_dir / "v.sock").unlink()
            assert await door.ask("GET", "/calls/x") == {"state": "waiting"}
