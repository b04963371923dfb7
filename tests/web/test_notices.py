"""STOP, START, HELP and texts that are switched off, from the webhook to what leaves: once each."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest

from config.plan import Plan
from config.plan_file import parse_plan
from router.channels import twilio_sms
from router.channels.ingest import KeepContact, Keeper
from router.channels.port import Contact
from router.journal.clock import SteadyClock, wall_ms
from router.journal.committer import Committer
from router.journal.database import Database, open_database
from router.journal.verify import verify
from router.records import fact
from router.run.intake import Intake
from tests.config.plans import SMALL
from tests.config.test_accounts import ACCOUNT, CHANNEL
from tests.config.test_sending import WHATSAPP

NOTICES = "".join(
    f'\n[[notices]]\nkind = "{kind}"\nlanguage = "{language}"\ntext = "{kind} in {language}"\n'
    for kind in ("text-off", "opted-out", "opted-in", "help")
    for language in ("nl", "en")
)
PLAN = SMALL + CHANNEL + ACCOUNT + WHATSAPP + NOTICES
OURS = PLAN.replace('{ account_sid = "AC1" }', '{ account_sid = "AC1", own_opt_out = true }')
PERSON = "+15557654321"
WINDOW_S = 1_800
WITHIN_S = 20.0


@dataclass
class Centre:
    """A web process that keeps and reads; nothing leaves."""

    database: Database
    plan: Plan
    elapsed_ms: int = 0
    committer: Committer = field(init=False)
    readers: "list[asyncio.Task[None]]" = field(default_factory=list)

    def __post_init__(self) -> None:
        self.committer = Committer(self.database, clock=SteadyClock(wall_ms, lambda: self.elapsed_ms))

    def read(self) -> None:
        """Begin to read what was kept."""
        intake = Intake(self.database, self.committer, lambda: self.plan, web_id=f"web-{len(self.readers)}")
        self.readers.append(asyncio.create_task(intake.run()))

    async def texts(self, text: str, *, opt_out_type: str = "", provider_id: str = "", **how: object) -> str:
        """Somebody texts; kept, not read yet. The interaction."""
        said = {"Body": text, "From": PERSON, "MessageSid": provider_id, "NumMedia": "0"}
        more = {"OptOutType": opt_out_type} if opt_out_type else {}
        given = {
            "channel": "sms",
            "account": "line",
            "provider_id": provider_id or uuid.uuid4().hex,
            "verified": True,
            "address_kind": "phone",
            "address": PERSON,
            "media_type": twilio_sms.media_type,
            "body": urlencode({**said, **more}).encode(),
            "received_at_ms": wall_ms(),
            **how,
        }
        keep = KeepContact(Contact(**given), Keeper(web_id="gone"))  # type: ignore[arg-type]
        await self.committer.append(keep)
        assert keep.kept is not None
        return keep.kept.interaction_id

    async def switched(self, scope: str, *, off: bool) -> None:
        values = {"off": off, "reason": "flood", "agent_id": "sue", "command_id": "c"}
        await self.committer.append_facts(fact("text_switched", scope, **values))

    async def all_read(self) -> None:
        """Wait until every message is read."""
        deadline = time.monotonic() + WITHIN_S
        while self.count("SELECT count(*) FROM message WHERE reading = 'unread'"):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)

    def count(self, sql: str) -> int:
        with self.database.reading() as db:
            row = db.row(sql)
        return int(row[0]) if row else 0

    def said(self) -> list[str]:
        """What Muster says itself, in order, with its order to leave."""
        with self.database.reading() as db:
            rows = db.rows(
                "SELECT c.body FROM message m JOIN content c ON c.content_id = m.content_id"
                " JOIN outbox o ON o.message_id = m.message_id AND o.automatic = 1"
                " WHERE m.direction = 'system' ORDER BY m.seq"
            )
        return [bytes(row[0]).decode() for row in rows]

    def consent(self) -> list[tuple[str, str, int]]:
        """(state, how, blocked) of each category; of all three alike once."""
        with self.database.reading() as db:
            return db.rows("SELECT DISTINCT state, how, blocked FROM consent ORDER BY state")

    def agrees(self) -> bool:
        with self.database.reading() as db:
            return not verify(db).problems


@asynccontextmanager
async def centre_of(folder: Path, text: str, readers: int = 1) -> AsyncIterator[Centre]:
    database = open_database(f"sqlite:///{folder}/notices.db", unsafe=True)
    database.create_tables()
    centre = Centre(database, parse_plan(text))
    for _ in range(readers):
        centre.read()
    try:
        yield centre
    finally:
        for task in centre.readers:
            task.cancel()
        await asyncio.gather(*centre.readers, return_exceptions=True)
        centre.committer.close()
        database.close()


@pytest.fixture
async def centre(data_dir: Path) -> AsyncIterator[Centre]:
    """Where the provider knows STOP itself, as Twilio does."""
    async with centre_of(data_dir, PLAN) as found:
        yield found


@pytest.fixture
async def ours(data_dir: Path) -> AsyncIterator[Centre]:
    """Where we confirm STOP ourselves."""
    async with centre_of(data_dir, OURS) as found:
        yield found


async def test_who_texts_while_texts_are_off_hears_it_once_and_is_seen_all_the_same(centre: Centre):
    """Exactly one in the window, however much they write; every text is in front of people."""
    await centre.switched("account/line", off=True)
    for number in range(4):
        await centre.texts(f"there is water in my house {number}")
    await centre.all_read()
    assert centre.said() == ["text-off in en"]
    assert centre.count("SELECT count(*) FROM message WHERE direction = 'in' AND reading = 'read'") == 4
    assert centre.count("SELECT count(*) FROM interaction WHERE closed_seq = 0") == 1
    centre.elapsed_ms += WINDOW_S * 1_000
    await centre.texts("it is rising")
    await centre.all_read()
    assert centre.said() == ["text-off in en"] * 2
    assert centre.agrees()


async def test_in_a_rush_of_strangers_each_of_them_hears_it(centre: Centre):
    """Texts are switched off when many write; contacts that come together are decided together."""
    await centre.switched("account/line", off=True)
    people = [f"+1555765{number:04}" for number in range(40)]
    await asyncio.gather(*(centre.texts("is anybody there", address=each) for each in people * 2))
    await centre.all_read()
    assert len(centre.said()) == len(people)
    assert centre.count("SELECT count(DISTINCT address_hash) FROM outbox") == len(people)
    assert centre.agrees()


async def test_it_is_said_in_the_language_of_the_texter(centre: Centre):
    """Whoever cannot read it does not know that nobody comes."""
    await centre.switched("channel/sms", off=True)
    await centre.texts("Er staat water in mijn kelder en het stijgt snel, wat moet ik doen?")
    await centre.all_read()
    assert centre.said() == ["text-off in nl"]


async def test_a_text_that_was_accepted_is_never_said_to_be_refused(centre: Centre):
    """Nor when the provider brings it again after the switch, or it is read only then."""
    await centre.texts("help is needed here", provider_id="SM1")
    await centre.switched("account/line", off=True)
    await centre.texts("help is needed here", provider_id="SM1")
    await centre.all_read()
    assert centre.said() == []
    await centre.switched("account/line", off=False)
    await centre.texts("and now there is smoke")
    await centre.all_read()
    assert centre.said() == []


async def test_switched_off_anew_it_is_said_anew(centre: Centre):
    """In between their texts were taken: what they heard before is no longer true for them."""
    for off in (True, False, True):
        await centre.switched("account/line", off=off)
        await centre.texts(f"still here {off}")
    await centre.texts("still here again")
    await centre.all_read()
    assert centre.said() == ["text-off in en"] * 2


@pytest.mark.parametrize("who", [{"linked": False}, {"verified": False}, {"address": ""}])
async def test_programs_and_people_behind_one_number_hear_nothing(centre: Centre, who: dict[str, object]):
    """Two machines would answer each other for ever; the text is seen by people all the same."""
    await centre.switched("account/line", off=True)
    await centre.texts("is anybody there", **who)
    await centre.all_read()
    assert centre.said() == []
    assert centre.count("SELECT count(*) FROM interaction WHERE closed_seq = 0") == 1


async def test_other_accounts_and_channels_go_on(centre: Centre):
    """What is off is off there and nowhere else."""
    await centre.switched("account/line", off=True)
    await centre.texts("fire", channel="whatsapp", account="social", media_type="text/plain", body=b"fire")
    await centre.all_read()
    assert centre.said() == []


async def test_two_processes_and_a_restart_say_it_once(data_dir: Path):
    """Both sweep what a dead one left; then everything begins again on the same disk."""
    async with centre_of(data_dir, PLAN, readers=2) as centre:
        await centre.switched("account/line", off=True)
        await asyncio.gather(*(centre.texts("help", provider_id=f"SM{n % 3}") for n in range(9)))
        await centre.all_read()
        assert centre.said() == ["text-off in nl"] or centre.said() == ["text-off in en"]
    async with centre_of(data_dir, PLAN) as again:
        await again.texts("help", provider_id="SM0")
        await again.texts("hello?", provider_id="SM9")
        await again.all_read()
        assert len(again.said()) == 1
        assert again.agrees()


async def test_stop_is_heard_confirmed_once_and_seen_by_people(ours: Centre):
    """It may be meant for somebody in the same room, so it waits for a human like any other."""
    interaction_id = await ours.texts("STOP")
    await ours.texts("stop!")
    await ours.all_read()
    assert ours.said() == ["opted-out in nl"] or ours.said() == ["opted-out in en"]
    assert ours.consent() == [("out", "word", 0)]
    with ours.database.reading() as db:
        row = db.row("SELECT closed_seq FROM interaction WHERE interaction_id = :i", i=interaction_id)
    assert row == (0,)
    assert ours.count("SELECT count(*) FROM journal WHERE kind = 'read'") == 2


async def test_start_takes_it_back_and_means_nothing_to_others(ours: Centre):
    """Somebody who never said STOP and says yes answers a question."""
    await ours.texts("Yes")
    await ours.all_read()
    assert (ours.said(), ours.consent()) == ([], [])
    for text in ("STOP", "START"):
        await ours.texts(text)
        await ours.all_read()
    assert [each.split()[0] for each in ours.said()] == ["opted-out", "opted-in"]
    assert ours.consent() == [("in", "word", 0)]
    assert ours.agrees()


async def test_what_the_network_confirms_we_do_not(centre: Centre):
    """It answers STOP itself, and tells us; then it blocks what we send until START."""
    await centre.texts("Stop", opt_out_type="STOP")
    await centre.all_read()
    assert (centre.said(), centre.consent()) == ([], [("out", "provider", 1)])
    await centre.texts("START", opt_out_type="START")
    await centre.all_read()
    assert (centre.said(), centre.consent()) == ([], [("in", "provider", 0)])


async def test_a_word_that_the_network_does_not_know_is_ours_to_confirm(centre: Centre):
    """Twilio knows English; whoever writes Dutch is heard as well."""
    await centre.texts("Afmelden")
    await centre.all_read()
    assert [each.split()[0] for each in centre.said()] == ["opted-out"]
    assert centre.consent() == [("out", "word", 0)]


async def test_help_alone_is_answered_and_still_a_cry_for_help(ours: Centre):
    """The rules decide how urgent it is, as of every text; the notice changes nothing about that."""
    for text in ("HELP", "help!", "Info"):
        await ours.texts(text)
    await ours.all_read()
    assert [each.split()[0] for each in ours.said()] == ["help"]
    with ours.database.reading() as db:
        row = db.row("SELECT data FROM journal WHERE kind = 'read'")
    assert row is not None
    told = msgspec.json.decode(row[0])
    assert (told["reading"], told["queue_id"]) == ("read", "first")
    assert ours.consent() == []


async def test_stop_among_other_words_is_a_message(ours: Centre):
    """Nobody who cries for help is taken for somebody who unsubscribes."""
    await ours.texts("please stop him")
    await ours.all_read()
    assert (ours.said(), ours.consent()) == ([], [])
