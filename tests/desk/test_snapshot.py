"""What a desk is shown when it opens, and how it follows the journal afterwards."""

from typing import Any

import pytest

from agents_ui.access.person import Person
from agents_ui.desk import fan
from agents_ui.desk.desk import RESTARTING
from agents_ui.desk.loading import load_snapshot
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


async def test_a_call_back_is_shown_with_the_words_that_it_follows(site: Site) -> None:
    """Whoever calls back must know why; the customer gave up twice, and said it only at the very first."""
    said = await site.arrives("my house is on fire", session="s")
    first = await site.given_up(said)
    second = await site.given_up(first)
    page = await site.desk("ana")
    offer_id = await site.offered(second, "ana")
    await page.until(lambda: offer_id in page.entities["offer"])
    offer = page.entities["offer"][offer_id]
    assert (offer["summary"], offer["follows"]) == ("my house is on fire", first)
    await site.decide(connected(second, offer_id, "ana"))
    await page.until(lambda: second in page.entities["conversation"])
    await site.arrives("are you there?", session="s")
    await page.until(lambda: len(page.entities["message"]) == 2)
    messages = sorted(page.entities["message"].values(), key=lambda each: int(each["seq"]))
    assert [each["text"] for each in messages] == ["my house is on fire", "are you there?"]
    assert [each["said_in"] for each in messages] == [said, second]
    assert {each["interaction_id"] for each in messages} == {second}
    assert (await site.desk("ana")).entities == page.entities
    assert {said, second} <= {ref for ref, _ in site.rows("viewed")}


async def test_a_desk_that_cannot_be_shown_closes_no_other(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 7: what somebody said may make us fail at every snapshot of the one who has it; all others work
    on. Its page comes back again and again, and would close them each time."""

    def fails_for_ben(database: Any, plan: Any, person: Person, desk_id: str) -> Any:
        if person.agent_id == "ben":
            raise ValueError("our own mistake")
        return load_snapshot(database, plan, person, desk_id)

    monkeypatch.setattr(fan, "load_snapshot", fails_for_ben)
    ana = await site.desk("ana")
    ben = site.page()
    await ben.open()
    await ben.say({"kind": "hello", "ticket": await site.ticket(await site.session("ben"))})
    await ben.until(lambda: ben.code == RESTARTING)
    held = await site.held("ana", "my house is on fire")
    await ana.until(lambda: held in ana.entities["conversation"])
    assert (ana.snapshots, ana.code) == (1, None)
