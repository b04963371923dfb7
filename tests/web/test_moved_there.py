"""Who was moved to the other site says more here, by text, chat or file: it is kept with what was moved."""

import time

import pytest

from router.channels.ids import message_id_of
from router.channels.ingest import Kept
from router.channels.port import Contact
from router.records import fact
from tests.web.sites import Page, Site
from tests.web.texts import Texts

CLIENT_ID = "00000000-0000-4000-8000-00000000000a"


class There:
    """The other site: what it was asked, and whether it keeps it."""

    def __init__(self, *, keeps: bool = True) -> None:
        self.keeps = keeps
        self.asked: list[Contact] = []

    async def joined(self, contact: Contact) -> Kept | None:
        self.asked.append(contact)
        message_id = message_id_of(contact.channel, contact.account, contact.provider_id)
        kept = Kept(interaction_id="x", message_id=message_id, began=False, repeated=False, elsewhere=True)
        return kept if self.keeps else None


@pytest.fixture
def there(site: Site, monkeypatch: pytest.MonkeyPatch) -> There:
    return asked_of(site, monkeypatch)


def asked_of(site: Site, monkeypatch: pytest.MonkeyPatch) -> There:
    found = There()
    monkeypatch.setattr(site.webs[0].parts.services.forward, "joined", found.joined)
    return found


def moved(site: Site) -> str:
    """The one interaction there is goes on at the other site."""
    ((ref,),) = site.rows("SELECT interaction_id FROM interaction")
    site.append(fact("yielded", ref, to_site="b", n=1, owner="b", why="handed_over", orders=[]))
    now_ms = time.time_ns() // 1_000_000
    site.append(fact("closed", ref, at_ms=now_ms, agent_id="", disposition="", why="moved"))
    return str(ref)


def count(site: Site) -> tuple[int, int]:
    """Interactions, messages."""
    ((interactions,),) = site.rows("SELECT count(*) FROM interaction")
    ((messages,),) = site.rows("SELECT count(*) FROM message")
    return interactions, messages


def test_a_text_goes_where_the_first_one_went(any_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Acknowledged once it is there. Whoever is new asks nobody, and what is not kept there is kept here."""
    texts, there = Texts(any_site), asked_of(any_site, monkeypatch)
    assert texts.says("help", provider_id="SM1") == 200
    assert there.asked == []
    moved(any_site)
    assert texts.says("it burns", provider_id="SM2") == 200
    assert [each.provider_id for each in there.asked] == ["SM2"]
    assert count(any_site) == (1, 1)
    assert forwarded(any_site) == 1
    assert texts.says("help", provider_id="SM3", sender="+447700900999") == 200
    assert len(there.asked) == 1
    there.keeps = False
    assert texts.says("hello?", provider_id="SM4") == 200
    assert count(any_site) == (3, 3)
    assert texts.says("hello?", provider_id="SM5") == 200
    assert len(there.asked) == 2
    assert count(any_site) == (3, 4)


def forwarded(site: Site) -> float:
    _, _, body = site.webs[0].get("/metrics")
    lines = [line for line in body.decode().splitlines() if 'result="forwarded"' in line and "total" in line]
    return sum(float(line.split(" ")[-1]) for line in lines)


def test_what_a_page_says_before_it_has_moved_goes_ahead_of_it(site: Site, there: There) -> None:
    """It takes a moment until the page knows. Told that it is kept, it says nothing twice."""
    cookie = site.webs[0].cookie()
    with Page(site.webs[0], cookie) as page:
        first = page.say("water in the cellar")
        page.until(lambda page: first in page.kept)
        ref = moved(site)
        page.until(lambda page: page.conversation.get("moved_to") == "b")
        second = page.say("it rises")
        page.until(lambda page: second in page.kept)
        assert page.kept[second] == message_id_of("chat", "", there.asked[0].provider_id)
        status, _, _ = site.webs[0].post(
            f"/chat/attachment?client_id={CLIENT_ID}&name=x", b"a picture", cookie
        )
        assert (status, there.asked[1].body) == (200, b"a picture")
        assert count(site) == (1, 1)
        there.keeps = False
        third = page.say("is anybody there")
        page.until(lambda page: third in page.kept)
        page.until(lambda page: page.conversation.get("interaction_id") not in ("", ref))
    assert count(site) == (2, 2)
