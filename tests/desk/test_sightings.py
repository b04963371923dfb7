"""A telephone's report finds the call or text it is of; without one somebody dialled and never reached us."""

from dataclasses import replace
from urllib.parse import urlencode

import pytest

from router.channels import aml_form, twilio_sms
from router.channels.ingest import KeepContact
from router.channels.located import places_in
from router.channels.port import Contact, Shown
from router.channels.sighting import KeepSighting
from router.decisions import CloseInteraction
from router.journal.committer import wall_ms
from router.journal.verify import verify
from router.places.place import Place
from router.records import fact
from router.run import sightings
from router.run.sightings import Sightings
from tests.contracts.plays import Said
from tests.contracts.twilio import fields_of
from tests.desk.small_site import Site

NUMBER = "+31612345678"
REPORT = 'A"ML=1;lt=+52.37021;lg=+4.89516;rd=50;top=20250717141935;lc=90;pm=W;mcc=204;mnc=08;ml={}'


def report(text: str = REPORT, *, provider_id: str = "r1", number: str = NUMBER) -> Contact:
    body = urlencode(fields_of(Said(text=text, provider_id=provider_id, sender=number))).encode()
    return Contact(
        channel="sms",
        account="line",
        provider_id=provider_id,
        verified=True,
        address_kind="phone",
        address=number,
        linked=bool(number),
        media_type=twilio_sms.media_type,
        body=body,
        received_at_ms=wall_ms(),
    )


async def reported(site: Site, contact: Contact | None = None) -> Sightings:
    await site.committer.append(KeepSighting(contact or report()))
    return looking(site)


def looking(site: Site) -> Sightings:
    return Sightings(site.database, site.committer, site.services.plan, web_id=site.services.web_id)


def placed(site: Site) -> list[str]:
    return [ref for ref, _ in site.rows("located")]


def became(site: Site) -> list[tuple[object, ...]]:
    with site.database.reading() as db:
        assert verify(db).problems == []
        return db.rows("SELECT became FROM sighting")


async def test_the_report_of_a_number_goes_to_its_open_conversation(site: Site) -> None:
    """The agent who talks with them sees it; nobody is offered anything else."""
    interaction_id = await site.texts(NUMBER, "help")
    other = await site.texts("+31600000000", "help as well")
    look = await reported(site)
    await look.sweep()
    await look.sweep()
    assert placed(site) == [interaction_id]
    assert other not in placed(site)
    with site.database.reading() as db:
        assert db.row("SELECT count(*) FROM interaction") == (2,)
        assert db.row("SELECT source, radius_m, confidence, message_id FROM place") == ("aml", 50, 90, "")


async def test_a_report_that_is_faster_than_the_call_waits_for_it(site: Site) -> None:
    """Data is quicker than a ringing telephone; and the open text of yesterday is not all that it is for."""
    look = await reported(site)
    await look.sweep()
    assert placed(site) == []
    text = await site.texts(NUMBER, "help")
    await look.sweep()
    assert placed(site) == [text]
    call = KeepContact(replace(report(), channel="voice", provider_id="call", joins=False))
    await site.committer.append(call)
    await look.sweep()
    assert call.kept is not None
    assert placed(site) == [text, call.kept.interaction_id]


async def test_without_a_call_it_becomes_a_contact_after_a_minute(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 7: somebody dialled the emergency number; a person has to see that."""
    look = await reported(site)
    await look.sweep()
    with site.database.reading() as db:
        assert db.row("SELECT count(*) FROM interaction") == (0,)
    monkeypatch.setattr(sightings, "WAIT_MS", 0)
    for _ in range(2):
        await look.sweep()
    with site.database.reading() as db:
        assert db.rows("SELECT channel, account FROM interaction") == [("sms", "line")]
        assert db.row("SELECT count(*) FROM message") == (1,)
    assert became(site) == [("contact",)]


async def test_a_number_that_is_not_told_becomes_a_contact_at_once(site: Site) -> None:
    """There is nothing to wait for."""
    look = await reported(site, report(number=""))
    await look.sweep()
    with site.database.reading() as db:
        assert db.row("SELECT count(*) FROM interaction") == (1,)


async def test_a_telephone_that_found_nothing_places_nobody(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0, 0 is no place, and no reason for a conversation beside the call."""
    await site.texts(NUMBER, "help")
    text = REPORT.replace("+52.37021", "+00.00000").replace("+4.89516", "+000.00000").replace("rd=50", "rd=N")
    look = await reported(site, report(text))
    await look.sweep()
    monkeypatch.setattr(sightings, "WAIT_MS", 0)
    await look.sweep()
    assert placed(site) == []
    assert became(site) == [("no_fix",)]


async def test_several_reports_of_one_call_are_all_kept_and_a_repeat_is_none(site: Site) -> None:
    """Every few seconds a better one; the network may deliver one twice."""
    interaction_id = await site.texts(NUMBER, "help")
    look = looking(site)
    for provider_id, radius in (("r1", 50), ("r2", 12), ("r2", 12), ("r3", 900)):
        text = REPORT.replace("rd=50", f"rd={radius}")
        await site.committer.append(KeepSighting(report(text, provider_id=provider_id)))
        await look.sweep()
    assert placed(site) == [interaction_id] * 3
    with site.database.reading() as db:
        assert db.rows("SELECT radius_m, newest, tightest FROM place ORDER BY seq") == [
            *((50, 0, 0), (12, 0, 1), (900, 1, 0))
        ]


async def test_a_caller_who_just_hung_up_is_still_found(site: Site) -> None:
    """The report comes half a minute after they dialled; the record of the call has it."""
    interaction_id = await site.texts(NUMBER, "help")
    await site.decide(
        CloseInteraction(
            at_ms=wall_ms(), interaction_id=interaction_id, agent_id="", disposition="", why="abandoned"
        )
    )
    look = await reported(site)
    await look.sweep()
    assert placed(site) == [interaction_id]


async def test_a_form_over_https_finds_its_call_by_the_same_number(site: Site) -> None:
    """Telephones send both; the network that brings it does not matter."""
    interaction_id = await site.texts(NUMBER, "help")
    form = {"device_number": NUMBER, "location_latitude": "52.1", "location_longitude": "4.2"}
    contact = replace(
        report(),
        channel="partner",
        account="els",
        media_type=aml_form.media_type,
        body=urlencode(form).encode(),
    )
    look = await reported(site, contact)
    await look.sweep()
    assert placed(site) == [interaction_id]


async def test_a_live_position_goes_on_without_messages_and_opens_nothing(site: Site) -> None:
    """One in ten seconds, for hours: it must bury no words, and wake nobody after the end."""
    interaction_id = await site.texts(NUMBER, "help")
    look = looking(site)
    for number in range(3):
        moving = replace(report(REPORT, provider_id=f"live{number}"), follows=True)
        await site.committer.append(KeepSighting(moving))
        await look.sweep()
    await site.decide(
        CloseInteraction(
            at_ms=wall_ms(), interaction_id=interaction_id, agent_id="", disposition="", why="abandoned"
        )
    )
    await site.committer.append(KeepSighting(replace(report(REPORT, provider_id="after"), follows=True)))
    await look.sweep()
    assert placed(site) == [interaction_id] * 4
    assert became(site) == [("located",)] * 4
    with site.database.reading() as db:
        assert db.row("SELECT count(*) FROM interaction") == (1,)
        assert db.row("SELECT count(*) FROM message") == (1,)


async def test_a_call_whose_number_was_withheld_or_is_only_claimed_is_found(site: Site) -> None:
    """The network of an emergency call tells the number all the same; not every trunk vouches for it."""
    calls = []
    for provider_id, more in (("withheld", {"linked": False}), ("claimed", {"verified": False})):
        call = KeepContact(
            replace(report(), channel="voice", provider_id=provider_id, joins=False, **more)  # type: ignore[arg-type]
        )
        await site.committer.append(call)
        assert call.kept is not None
        calls.append(call.kept.interaction_id)
    going_on = fact(
        "call_changed",
        calls[0],
        call_id="c",
        account="line",
        direction="in",
        state="waiting",
        why="",
        agent_id="",
        recording=False,
        silent=False,
        text=False,
        voice_id="v",
    )
    await site.committer.append_facts(going_on)
    look = await reported(site)
    await look.sweep()
    assert sorted(placed(site)) == sorted(calls)


async def test_who_calls_now_is_placed_while_many_reports_wait(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 10: each report waits a minute for its call, also with one found. In a disaster, or in a flood
    of forged ones, the place of a call must not wait behind all of them; and all of them have their turn."""
    monkeypatch.setattr(sightings, "AT_ONCE", 3)
    for number in range(10):
        await site.committer.append(
            KeepSighting(report(provider_id=f"old{number}", number=f"+3161000000{number}"))
        )
    look = looking(site)
    interaction_id = await site.texts(NUMBER, "help")
    await site.committer.append(KeepSighting(report()))
    await look.sweep()
    assert placed(site) == [interaction_id]
    late = [await site.texts(f"+3161000000{number}", "me too") for number in range(10)]
    for _ in range(5):
        await look.sweep()
    assert sorted(placed(site)) == sorted([interaction_id, *late])


async def test_a_report_that_nobody_can_place_stops_no_other(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 7: one that makes us fail comes first at every look."""

    def fails_at_one(shown: Shown) -> tuple[Place, ...]:
        if "90" in shown.text:
            raise ValueError("our own mistake")
        return places_in(shown)

    monkeypatch.setattr(sightings, "places_in", fails_at_one)
    await site.texts("+31600000000", "help")
    await site.committer.append(KeepSighting(report(number="+31600000000")))
    interaction_id = await site.texts(NUMBER, "help as well")
    look = await reported(site, report(REPORT.replace("lc=90", "lc=80"), provider_id="r2"))
    await look.sweep()
    assert placed(site) == [interaction_id]


@pytest.mark.parametrize(("end", "verified"), [("", 0), ("&hmac=aa", 1)])
async def test_a_report_that_nobody_vouches_for_is_nobodys_surely(
    site: Site, monkeypatch: pytest.MonkeyPatch, end: str, verified: int
) -> None:
    """Promise 11: where the plan takes unsigned ones, anybody can send one in anybody's name."""
    monkeypatch.setattr(sightings, "WAIT_MS", 0)
    body = urlencode({"device_number": NUMBER, "location_latitude": "52.1"}).encode() + end.encode()
    contact = replace(report(), channel="partner", account="els", media_type=aml_form.media_type, body=body)
    look = await reported(site, contact)
    await look.sweep()
    with site.database.reading() as db:
        assert db.rows("SELECT verified FROM identity") == [(verified,)]
        assert db.row("SELECT count(*) FROM interaction WHERE linked_to <> ''") == (verified,)


class There:
    """The other site: what it is brought, and what it says: has it somebody there?"""

    def __init__(self, *says: bool | None) -> None:
        self.says = list(says)
        self.brought: list[Contact] = []

    async def located(self, report: Contact) -> bool | None:
        self.brought.append(report)
        return self.says.pop(0)


async def moved(site: Site) -> str:
    """Somebody wrote, and goes on with an agent of the other site."""
    ref = await site.texts(NUMBER, "help")
    order = CloseInteraction(at_ms=wall_ms(), interaction_id=ref, agent_id="", disposition="", why="moved")
    await site.decide(order)
    return ref


def looks_there(site: Site, there: There) -> Sightings:
    plan, web_id = site.services.plan, site.services.web_id
    return Sightings(site.database, site.committer, plan, web_id=web_id, there=there.located)


async def test_who_was_moved_is_placed_where_they_were_moved_to(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent who has them must see where they are; if they call here meanwhile, so must who answers."""
    await moved(site)
    there = There(None, True)
    look = looks_there(site, there)
    await site.committer.append(KeepSighting(report()))
    await look.sweep()
    await look.sweep()
    await look.sweep()
    assert [(each.address, each.body) for each in there.brought] == [(NUMBER, report().body)] * 2
    call = KeepContact(replace(report(), channel="voice", provider_id="call", joins=False))
    await site.committer.append(call)
    await look.sweep()
    assert call.kept is not None
    assert placed(site)[-1] == call.kept.interaction_id
    monkeypatch.setattr(sightings, "WAIT_MS", 0)
    await look.sweep()
    assert became(site) == [("located",)]


async def test_what_the_other_site_has_is_nobodys_contact_here(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would be rung for twice: an agent there talks with them."""
    await moved(site)
    look = looks_there(site, There(True))
    await site.committer.append(KeepSighting(report()))
    await look.sweep()
    monkeypatch.setattr(sightings, "WAIT_MS", 0)
    await look.sweep()
    assert (placed(site), became(site)) == ([], [("moved",)])
    with site.database.reading() as db:
        assert db.row("SELECT count(*) FROM interaction") == (1,)


async def test_who_is_open_nowhere_there_is_found_here_as_before(site: Site) -> None:
    """It ended there as well: whose report it is, the record of what was last here says."""
    ref = await moved(site)
    there = There(False)
    look = looks_there(site, there)
    await site.committer.append(KeepSighting(report()))
    await look.sweep()
    await look.sweep()
    assert placed(site) == [ref]
    assert len(there.brought) == 1
