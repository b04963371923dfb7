"""Every way in of a web process: on disk here, then at the other site, and only then acknowledged."""

import threading
from uuid import uuid4

import pytest

from tests.sites.gate import Gate
from tests.web.sites import Page, Site
from tests.web.test_attachments import PNG, attach
from tests.web.texts import Texts

pytestmark = pytest.mark.system


@pytest.fixture
def gate(site: Site) -> Gate:
    gate = Gate()
    object.__setattr__(site.webs[0].parts.services, "second", gate)
    return gate


def on_disk(site: Site) -> int:
    """The newest row that a customer's words are in; 0: none are."""
    return int(site.rows("SELECT coalesce(max(seq), 0) FROM message WHERE direction = 'in'")[0][0])


def test_a_text_is_acknowledged_when_both_sites_have_it(site: Site, gate: Gate) -> None:
    """Its provider forgets it with our answer."""
    texts, answers = Texts(site), []
    posting = threading.Thread(target=lambda: answers.append(texts.says("help")))
    posting.start()
    site.eventually(lambda: gate.asked, "somebody waits")
    assert on_disk(site) and gate.asked[0] >= on_disk(site)
    assert posting.is_alive() and not answers
    gate.open()
    posting.join(20)
    assert answers == [200]


def test_a_chat_message_is_kept_when_both_sites_have_it(site: Site, gate: Gate) -> None:
    """The page says that it arrived, and the person closes it."""
    with Page(site.webs[0], site.webs[0].cookie()) as page:
        client_id = page.say("Help")
        site.eventually(lambda: gate.asked, "somebody waits")
        assert on_disk(site)
        # What is on disk is shown as it comes by the journal; that it is kept is said after it.
        page.until(lambda page: page.texts())
        assert client_id not in page.kept
        gate.open()
        assert page.until(lambda page: page.kept.get(client_id))


def test_a_file_is_kept_when_both_sites_have_it(site: Site, gate: Gate) -> None:
    """A photo may be all that somebody can send."""
    cookie, answers = site.webs[0].cookie(), []
    posting = threading.Thread(
        target=lambda: answers.append(attach(site, cookie, PNG, client_id=str(uuid4()))[0])
    )
    posting.start()
    site.eventually(lambda: gate.asked, "somebody waits")
    assert on_disk(site) and not answers
    gate.open()
    posting.join(20)
    assert answers == [200]
