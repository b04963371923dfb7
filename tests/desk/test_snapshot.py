"""What a desk is shown when it opens, and how it follows the journal afterwards."""

from tests.desk.small_site import Site, connected


async def test_a_desk_opens_with_everything_it_may_see(site: Site) -> None:
    """An agent who comes back after a crash sees the conversation, its words, the offer and the lines."""
    held = await site.held("ana", "my house is on fire")
    other = await site.arrives("somebody else")
    offer_id = await site.offered(other, "ana")
    page = await site.desk("ana")
    assert page.entities["me"]["ana"]["activity"] == "engaged"
    assert page.entities["me"]["ana"]["load"] == 60
    assert list(page.entities["conversation"]) == [held]
    assert [m["text"] for m in page.entities["message"].values()] == ["my house is on fire"]
    assert page.entities["offer"][offer_id]["summary"] == "somebody else"
    assert set(page.entities["queue"]) == {"first", "second", "manual"}
    assert page.words["dispositions"] == [{"id": "done", "name": "Done"}]


async def test_a_change_reaches_the_desk_with_whole_values(site: Site) -> None:
    """An offer, its accept and the customer's next words arrive without another snapshot."""
    page = await site.desk("ana")
    interaction_id = await site.arrives("first words", session="s")
    offer_id = await site.offered(interaction_id, "ana")
    await page.until(lambda: offer_id in page.entities["offer"])
    await site.decide(connected(interaction_id, offer_id, "ana"))
    await page.until(lambda: interaction_id in page.entities["conversation"])
    assert page.entities["offer"] == {}
    await site.arrives("second words", session="s")
    await page.until(lambda: len(page.entities["message"]) == 2)
    assert page.snapshots == 1
