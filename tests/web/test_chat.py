"""The customer's chat against a real web process: kept means on disk, once, in one interaction, in order."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from agents_ui.chat import room
from router import decisions
from router.records import fact
from tests.web.playing import accept, close, give_up, interactions, note, owners, reply
from tests.web.sites import Page, Site

pytestmark = pytest.mark.system


def test_kept_means_on_disk(any_site: Site) -> None:
    """Promise 1. What the page shows as arrived must survive anything that happens to us afterwards."""
    with Page(any_site.webs[0], any_site.webs[0].cookie()) as page:
        client_id = page.say("Help, fire in the Dorpsstraat")
        message_id = page.until(lambda page: page.kept.get(client_id))
        body = any_site.rows(
            "SELECT c.body FROM message m JOIN content c ON c.content_id = m.content_id"
            " WHERE m.message_id = :id",
            id=message_id,
        )
        assert bytes(body[0][0]) == b"Help, fire in the Dorpsstraat"
        assert page.until(lambda page: page.texts()) == ["Help, fire in the Dorpsstraat"]
        assert page.until(lambda page: page.conversation["state"] == "waiting")


def test_a_new_page_is_honest_when_nobody_is_there(site: Site) -> None:
    """Somebody in need must know that no one is at a desk, and must see the notice, before writing."""
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        assert page.conversation["state"] == "new"
        assert page.conversation["nobody_there"] is True
        assert page.conversation["notice"] == site.plan.site.customer_notice
        assert page.conversation["site"] == site.plan.site.name
        now = int(time.time() * 1000)
        for person in site.plan.people:
            site.decide(
                decisions.NoteDesks(at_ms=now, agent_id=person.agent_id, desk_ids=("d",), grace_until_ms=0),
                decisions.SetPresence(at_ms=now, agent_id=person.agent_id, available=True, reason=""),
            )
        page.until(lambda page: page.conversation["nobody_there"] is False)


def test_a_silent_chat_is_told_now_and_then_that_it_is_connected(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phone's connection can die without a sign: only silence where beats were brings the page back."""
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        page.until(lambda page: page.beats)
    monkeypatch.setattr(room, "BEAT_EVERY_S", 0.05)
    other = site.add_web()
    with Page(other, other.cookie()) as page:
        page.until(lambda page: page.beats >= 4)
        assert page.n == 1


def test_the_same_message_fifty_times_at_once_is_one(any_site: Site) -> None:
    """Promise 8. A page repeats what was not confirmed, and a bad line makes it repeat often."""
    cookie, client_id = any_site.webs[0].cookie(), str(uuid4())
    pages = [Page(any_site.webs[0], cookie) for _ in range(50)]
    gate = threading.Barrier(50)

    def say(page: Page) -> str:
        page.until(lambda page: page.n)
        gate.wait()
        page.say("once", client_id)
        kept: str = page.until(lambda page: page.kept.get(client_id))
        page.close()
        return kept

    with ThreadPoolExecutor(50) as threads:
        assert len(set(threads.map(say, pages))) == 1
    assert any_site.rows("SELECT count(*) FROM message") == [(1,)]
    assert any_site.rows("SELECT count(*) FROM content") == [(1,)]
    assert len(interactions(any_site)) == 1


@pytest.mark.parametrize("pause_s", [0.0, 0.2])
def test_two_first_messages_of_one_person_make_one_interaction(any_site: Site, pause_s: float) -> None:
    """Two pages of one session, on two web processes: both messages in one place, in their order."""
    any_site.add_web()
    cookie = any_site.webs[0].cookie()
    pages = [Page(web, cookie) for web in any_site.webs]
    for page in pages:
        page.until(lambda page: page.n)
    for page, text in zip(pages, ("first", "second"), strict=True):
        page.say(text)
        time.sleep(pause_s)
    for page in pages:
        page.until(lambda page: page.kept)
        texts = page.until(lambda page: page.texts() if len(page.messages) == 2 else None)
        assert sorted(texts) == ["first", "second"]
        if pause_s:
            assert texts == ["first", "second"]
        page.close()
    assert len(interactions(any_site)) == 1
    assert any_site.rows("SELECT count(*) FROM customer") == [(1,)]


def test_a_reconnect_neither_loses_nor_doubles(site: Site) -> None:
    """The line breaks before the confirmation: the page says it again on the next one."""
    cookie, client_id = site.webs[0].cookie(), str(uuid4())
    page = Page(site.webs[0], cookie)
    page.until(lambda page: page.n)
    page.say("are you there?", client_id)
    page.socket.socket.close()
    with Page(site.webs[0], cookie) as again:
        again.say("are you there?", client_id)
        again.until(lambda page: page.kept.get(client_id))
        assert again.until(lambda page: page.texts()) == ["are you there?"]
    assert site.rows("SELECT count(*) FROM message") == [(1,)]


def test_other_words_under_the_same_id_are_kept_too(any_site: Site) -> None:
    """A page with a mistake in it must not make us throw words away that we say are kept."""
    client_id = str(uuid4())
    with Page(any_site.webs[0], any_site.webs[0].cookie()) as page:
        page.say("one", client_id)
        page.say("two", client_id)
        assert page.until(lambda page: page.texts() if len(page.messages) == 2 else None) == ["one", "two"]
    assert len(interactions(any_site)) == 1


def test_customer_and_agent_talk_and_the_page_sees_who_is_there(any_site: Site) -> None:
    """The whole way of the words back to the customer."""
    agent = any_site.plan.people[0]
    with Page(any_site.webs[0], any_site.webs[0].cookie()) as page:
        page.say("hello")
        page.until(lambda page: page.kept)
        interaction_id = interactions(any_site)[0][0]
        accept(any_site, interaction_id, agent.agent_id)
        page.until(lambda page: page.conversation["state"] == "with_agent")
        assert page.conversation["agent_name"] == agent.name
        reply(any_site, interaction_id, agent.agent_id, "I am with you")
        note(any_site, interaction_id, agent.agent_id, "sounds drunk")
        page.until(lambda page: len(page.messages) == 2)
        shown = [each for each in page.messages.values() if each["from"] == "agent"]
        assert [each["text"] for each in shown] == ["I am with you"]
        page.send(kind="seen", message_id=shown[0]["message_id"])
        any_site.eventually(lambda: any_site.rows("SELECT 1 FROM message WHERE status = 'read'"), "seen")
        close(any_site, interaction_id, agent.agent_id)
        page.until(lambda page: page.conversation["state"] == "ended")
        assert "sounds drunk" not in str(page.messages)


@pytest.mark.parametrize("ended_by", ["closed", "wrap_up", "pending end"])
def test_words_after_the_end_begin_a_new_interaction_of_the_same_customer(
    any_site: Site, ended_by: str
) -> None:
    """Promise 6. Words that join a finished conversation would be answered by nobody."""
    agent_id = any_site.plan.people[0].agent_id
    with Page(any_site.webs[0], any_site.webs[0].cookie()) as page:
        page.say("first")
        page.until(lambda page: page.kept)
        interaction_id, customer_id = interactions(any_site)[0]
        accept(any_site, interaction_id, agent_id)
        if ended_by == "closed":
            close(any_site, interaction_id, agent_id)
        elif ended_by == "wrap_up":
            any_site.decide(decisions.BeginWrapUp(at_ms=1, interaction_id=interaction_id, agent_id=agent_id))
        else:
            any_site.append(
                fact("disposition_given", interaction_id, agent_id=agent_id, disposition="x", command_id="")
            )
        second = page.say("second")
        page.until(lambda page: page.kept.get(second))
        assert [each[1] for each in interactions(any_site)] == [customer_id, customer_id]
        page.until(
            lambda page: page.conversation["state"] == "waiting" and page.texts() == ["first", "second"]
        )


def test_a_call_back_shows_on_the_page_and_takes_what_the_customer_says(any_site: Site) -> None:
    """A customer who comes back finds the one who calls back, instead of standing in line twice."""
    cookie = any_site.webs[0].cookie()
    with Page(any_site.webs[0], cookie) as page:
        page.say("help")
        page.until(lambda page: page.kept)
    call_back_id = give_up(any_site, *interactions(any_site)[0])
    with Page(any_site.webs[0], cookie) as page:
        assert page.conversation["state"] == "waiting"
        any_site.eventually(lambda: owners(any_site) == [call_back_id], "connected to the call-back")
        page.say("I am back")
        page.until(lambda page: len(page.messages) == 2)
    assert len(interactions(any_site)) == 2


def test_a_page_that_is_there_when_its_chat_becomes_a_call_back_belongs_to_it(any_site: Site) -> None:
    """Its connection came back at the moment of giving up: the agent must see somebody there."""
    agent = any_site.plan.people[0]
    with Page(any_site.webs[0], any_site.webs[0].cookie()) as page:
        page.say("help")
        page.until(lambda page: page.kept)
        old, customer_id = interactions(any_site)[0]
        any_site.eventually(lambda: owners(any_site) == [old], "connected")
        call_back_id = give_up(any_site, old, customer_id)
        any_site.eventually(lambda: owners(any_site) == [call_back_id], "connected to the call-back")
        accept(any_site, call_back_id, agent.agent_id)
        page.until(lambda page: page.conversation["state"] == "with_agent")
        reply(any_site, call_back_id, agent.agent_id, "are you there?")
        page.until(lambda page: page.texts() == ["help", "are you there?"])
    any_site.eventually(lambda: not owners(any_site), "gone from the call-back")


def test_somebody_without_a_cookie_is_served_and_gets_one(site: Site) -> None:
    """Nobody in need is sent away for a missing cookie."""
    with Page(site.webs[0], "") as page:
        page.say("help")
        page.until(lambda page: page.kept)
        cookie = page.set_cookie()
    with Page(site.webs[0], cookie) as page:
        assert page.texts() == ["help"]


def test_the_token_is_nowhere_on_disk(site: Site) -> None:
    """Whoever steals the database must not be able to read on in anybody's chat."""
    cookie = site.webs[0].cookie()
    with Page(site.webs[0], cookie) as page:
        page.say("help")
        page.until(lambda page: page.kept)
    token = cookie.partition("=")[2].encode()
    files = list(site.data_dir.glob("muster.db*"))
    assert files
    assert not any(token in path.read_bytes() for path in files)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1.evil.example"])
def test_a_foreign_page_cannot_open_the_socket(site: Site, origin: str) -> None:
    """B-41. Browsers send cookies along with any page's WebSocket."""
    from websockets.exceptions import InvalidStatus

    with pytest.raises(InvalidStatus) as refused:
        Page(site.webs[0], site.webs[0].cookie(), origin=origin)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nul \0 here", "nul \u2400 here"),
        ("lone \ud83d surrogate", "lone \ufffd surrogate"),
        ("\u202eright to left", "\u202eright to left"),
        ("e" + "\u0301" * 900, "e" + "\u0301" * 900),
        ("line\r\nline 2026 ERROR fake", "line\r\nline 2026 ERROR fake"),
        ("", ""),
        ("   ", "   "),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_strange_words_are_kept_and_shown(any_site: Site, text: str, shown: str) -> None:
    """B-28, B-30, B-34. Content never causes loss: what arrived stays, what is shown is valid."""
    with Page(any_site.webs[0], any_site.webs[0].cookie()) as page:
        page.say(text)
        page.until(lambda page: page.kept)
        assert page.until(lambda page: page.texts()) == [shown]
    body = any_site.rows("SELECT body FROM content")[0][0]
    assert bytes(body).decode("utf-8", "surrogatepass") == text


BAD: list[Callable[[], str]] = [
    lambda: "[" * 20_000,
    lambda: '{"kind":"say"}',
    lambda: '{"kind":"say","client_id":"x","text":"a"}',
    lambda: f'{{"kind":"say","client_id":"{uuid4()}","text":5}}',
    lambda: f'{{"kind":"say","client_id":"{uuid4()}","text":"a","__proto__":{{}}}}',
    lambda: '{"kind":"admin"}',
    lambda: '{"kind":"say","n":NaN}',
    lambda: "9" * 5_000,
    lambda: "not json",
    lambda: "null",
]


def test_messages_that_are_none_are_refused_and_ten_end_the_socket(site: Site) -> None:
    """B-26, B-27, B-47. One may be a mistake; ten are no page of ours."""
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        for bad in BAD[:9]:
            page.socket.send(bad())
        page.until(lambda page: len(page.refused) == 9)
        page.say("a real one")
        page.until(lambda page: page.kept)
        page.socket.send(BAD[9]())
        assert page.close_code() == 1008
    assert site.rows("SELECT count(*) FROM message") == [(1,)]


def test_messages_that_are_none_are_forgiven_in_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A conversation may last for hours."""
    monkeypatch.setattr("agents_ui.chat.talk.BAD_FORGIVEN_S", 1e-9)
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        for _ in range(30):
            page.send(kind="nonsense")
        page.until(lambda page: len(page.refused) == 30)
        page.say("a real one")
        page.until(lambda page: page.kept)


def test_a_binary_frame_closes_with_1003(site: Site) -> None:
    """B-46."""
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        page.socket.send(b"\x00\x01")
        assert page.close_code() == 1003


def test_a_message_over_the_limit_of_characters_is_refused_with_words(site: Site) -> None:
    """The page keeps it; the person can send it in parts."""
    limit = next(each for each in site.plan.channels if each.channel_id == "chat").message_characters_max
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        client_id = page.say("x" * (limit + 1))
        refused = page.until(lambda page: page.refused)[0]
        assert (refused["client_id"], refused["code"]) == (client_id, "too_long")
        assert str(limit) in refused["text"]
        kept = page.say("é" * limit)
        page.until(lambda page: page.kept.get(kept))


def test_a_flood_of_messages_is_refused_with_words_and_nothing_acknowledged_is_missing(site: Site) -> None:
    """Slow, never lose: each one is either kept or handed back."""
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        said = [page.say(f"message {number}") for number in range(200)]
        page.until(lambda page: len(page.kept) + len(page.refused) == 200)
        assert {each["code"] for each in page.refused} == {"slow_down"}
        assert set(page.kept) | {each["client_id"] for each in page.refused} == set(said)
        assert site.rows("SELECT count(*) FROM message") == [(len(page.kept),)]


def test_somebody_who_never_reads_is_cut_off_and_finds_everything_later(site: Site) -> None:
    """B-49. Their unread messages must not become our memory."""
    cookie = site.webs[0].cookie()
    with Page(site.webs[0], cookie) as page:
        page.say("hello")
        page.until(lambda page: page.kept)
        interaction_id = interactions(site)[0][0]
        # Fill every buffer between us and a page that does not read: about 6 MB at most.
        for number in range(400):
            reply(site, interaction_id, "ana", f"{number} " + "x" * 30_000)
        site.eventually(lambda: site.webs[0].parts.room.count() == 0, "the slow reader is gone")
    with Page(site.webs[0], cookie) as again:
        assert again.texts()[-1].startswith("399 ")


def test_connections_of_customers_are_facts(site: Site) -> None:
    """The router counts a chat as abandoned by them, and a dead web's are taken out by them."""
    cookie = site.webs[0].cookie()
    first, second = Page(site.webs[0], cookie), Page(site.webs[0], cookie)
    for page in (first, second):
        page.until(lambda page: page.n)
    first.say("help")
    site.eventually(lambda: site.rows("SELECT count(*) FROM connection") == [(2,)], "both pages count")
    first.close()
    site.eventually(lambda: site.rows("SELECT count(*) FROM connection") == [(1,)], "one left")
    second.send(kind="leave")
    site.eventually(lambda: site.rows("SELECT count(*) FROM connection") == [(0,)], "left on purpose")
    assert second.until(lambda page: page.conversation["state"] == "ended")
    second.say("I am still here")
    site.eventually(lambda: site.rows("SELECT count(*) FROM connection") == [(1,)], "back again")
    second.close()
    site.eventually(lambda: site.rows("SELECT count(*) FROM connection") == [(0,)], "gone")
    assert len(interactions(site)) == 1


def test_a_page_declared_gone_while_it_is_here_is_put_right(site: Site) -> None:
    """After a stall the router may believe this process dead; its pages must not stay abandoned."""
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        page.say("help")
        page.until(lambda page: page.kept)
        site.eventually(lambda: site.rows("SELECT count(*) FROM connection") == [(1,)], "connected")
        connection_id, owner_id, web_id = site.rows("SELECT connection_id, owner_id, web_id FROM connection")[
            0
        ]
        site.append(fact("customer_disconnected", owner_id, connection_id=connection_id, web_id=web_id))
        site.eventually(lambda: site.kinds().count("customer_connected") == 2, "connected again")


def test_stopping_tells_pages_to_come_back_and_leaves_no_connection_behind(site: Site) -> None:
    """A restart must look like a short gap to the customer, and like nothing to the router."""
    web = site.add_web()
    page = Page(web, web.cookie())
    page.until(lambda page: page.n)
    page.say("help")
    page.until(lambda page: page.kept)
    site.webs.remove(web)
    web.stop()
    assert page.close_code() == 1012
    assert site.rows("SELECT count(*) FROM connection") == [(0,)]


def test_typing_reaches_the_other_pages_of_the_conversation(site: Site) -> None:
    """A hint both ways; here the agent's, as the desk publishes it."""
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        page.say("help")
        page.until(lambda page: page.kept and page.messages)
        interaction_id = interactions(site)[0][0]
        heard: list[tuple[str, str]] = []
        typing = site.webs[0].parts.services.typing
        site.webs[0].soon(lambda: typing.subscribe(lambda *mark: heard.append(mark)))
        page.send(kind="typing")
        site.eventually(lambda: heard == [(interaction_id, "customer")], "the customer types")
        site.webs[0].soon(lambda: typing.publish(interaction_id, "agent"))
        page.until(lambda page: page.typing)
