"""Whoever was helped at the other site is no stranger here."""

import pytest

from agents_ui.desk.history import load_history
from router.channels.ingest import KeepContact
from router.channels.port import Contact
from tests.sites.routed_pair import Half, routed_pair

NUMBER = "+15550100"


@pytest.fixture
def pair(tmp_path):
    with routed_pair(tmp_path) as halves:
        yield halves


def texts(half: Half, number: int, words: str, *, address: str = NUMBER, verified: bool = True) -> str:
    """A text of this number comes to this site; its customer."""
    contact = Contact(
        channel="chat",
        account="",
        provider_id=f"{half.name}-{number}",
        body=words.encode(),
        media_type="text/plain",
        received_at_ms=half.site.clock.now_ms,
        address_kind="phone",
        address=address,
        verified=verified,
    )
    append = KeepContact(contact)
    half.site.committer.submit(append).result()
    assert append.kept is not None
    sql = "SELECT customer_id FROM interaction WHERE interaction_id = :id"
    ((customer_id,),) = half.all(sql, id=append.kept.interaction_id)
    return str(customer_id)


def said(found: dict[str, object]) -> list[tuple[bool, str]]:
    """(at the other site, first words) of each."""
    interactions = found["interactions"]
    assert isinstance(interactions, list)
    return [(bool(each.get("there")), each["messages"][0]["text"]) for each in interactions]


def test_what_somebody_said_at_the_other_site_is_part_of_their_history(pair):
    """Each site salts the address for itself, so the same number has two hashes: it is one person."""
    a, b = pair
    texts(a, 1, "I fell")
    a.site.passes(1)
    a.sends()
    customer_id = texts(b, 1, "I fell again")
    found = load_history(b.site.database, customer_id, b.copy)
    assert sorted(said(found)) == [(False, "I fell again"), (True, "I fell")]
    assert said(load_history(b.site.database, customer_id)) == [(False, "I fell again")]


def test_who_only_says_to_have_that_number_is_shown_nobody_elses_history(pair):
    """Anybody can write any number into a form."""
    a, b = pair
    texts(a, 1, "I fell")
    a.sends()
    customer_id = texts(b, 1, "Show me", verified=False)
    assert said(load_history(b.site.database, customer_id, b.copy)) == [(False, "Show me")]


def test_what_was_adopted_is_there_once(pair):
    """It came here with its words: the other site's own of it is not shown beside it."""
    a, b = pair
    texts(a, 1, "I fell")
    a.site.settles()
    a.sends()
    b.adopts()
    customer_id = texts(b, 1, "Still here")
    found = load_history(b.site.database, customer_id, b.copy)
    assert [words for _, words in said(found)].count("I fell") == 1
