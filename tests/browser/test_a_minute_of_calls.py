"""A whole centre, which sipp calls twenty times a second for a minute; agents answer as many as they can.

Most callers give up: six pairs of ears are few. Nobody may be lost all the same, whatever the line loses.
"""

import asyncio
import json
import os
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.singing import OpenWith, near, sign_in, singers
from tests.browser.test_desk_call import ARMED_MS
from tests.roles.centre import Centre, Journal, running
from tests.roles.redis_process import wait_until
from tests.system import truth
from tests.system.centre import SITE
from tests.voice.call_taker import NEAR_HERTZ, CallTaker
from tests.voice.crowd import URGENT, Crowd, Story, hangs_up, is_urgent
from tests.voice.many_ears import ManyEars
from tests.voice.sipp_caller import HERTZ as CALLER_HERTZ
from tests.voice.sipp_caller import needs_sipp

pytestmark = [
    pytest.mark.system,
    pytest.mark.long,
    pytest.mark.timed,
    pytest.mark.timeout(400),
    needs_sipp,
]

CALLERS = int(os.environ.get("CROWD", "1200"))
"""A minute of them. Fewer (CROWD=240) where the machine has other work, and cannot answer in time."""

PATIENCE_S = 20
WITHIN_S = 90
"""Only a guard: two cores carry the centre, its callers, its agents and a browser."""

PASSED_ON_EVERY = 5
"""Of those who wait until they are hung up on: transferred once by whoever answers them."""

LATE = "was answered too late"
"""The agent's answer and the caller's giving up met on the way."""

ENDS = ("gone", LATE, "hangs up", "is hung up on")
PAGE, PAGE_HERTZ = "agent-page", 880
VOICES = {f"agent-{number}": 1_000 + 200 * number for number in range(1, 7)}
TONES = {PAGE: PAGE_HERTZ} | VOICES

PLAN = (
    SITE
    + f"""
[[queues]]
id = "second"
name = "Second"
requirement = {{ require = {{ care = 1 }} }}

[[rules]]
id = "urgent-number"
urgency = 1
when = {{ field = "address", operator = "starts_with", value = "{URGENT}" }}

[[channels]]
id = "voice"
name = "Calls"
queue_id = "first"
urgency = 2
load = 100
max_at_once = 1
offer_ms_urgent = 60_000
offer_ms = 60_000
body_bytes_max = 65_536
message_characters_max = 4_000
attachment_bytes_max = 0
abandoned_after_ms = 1_000

[[accounts]]
id = "trunk"
channel = "voice"
provider = "sip"
address = "+15550100911"
options = {{ upstream = "127.0.0.1", recording = "on" }}
"""
    + "".join(
        f'\n[[people]]\nid = "{name}"\nname = "{name}"\nrole = "agent"\nskills = {{ care = 3 }}\n'
        for name in TONES
    )
)


@dataclass
class Site:
    """A running centre, as a browser comes to it and as the journal has it."""

    centre: Centre
    journal: Journal
    one_time: dict[str, str]

    @property
    def url(self) -> str:
        return str(self.centre.ports()["web"]["url"])

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with sqlite3.connect(f"file:{self.centre.data_dir / 'muster.db'}?mode=ro", uri=True) as db:
            return db.execute(sql).fetchall()


@dataclass
class Evening:
    """What happened, once all is quiet: the callers' stories, the agents', and what telephones heard."""

    site: Site
    crowd: Crowd
    ears: ManyEars
    takers: list[CallTaker]
    passed_on: set[str]
    """Numbers of callers who were transferred."""

    page_heard: list[int] = field(default_factory=list)
    """For each call that the page talked on, the tone that it heard."""

    interactions: dict[str, str] = field(default_factory=dict)
    """By number of the caller."""

    overtaken: int = 0
    """How many calls came in before one that had been dialled earlier."""


@pytest.fixture
def site(data_dir: Path) -> Iterator[Site]:
    """Waits until it serves."""
    plan = data_dir / "plan.toml"
    plan.write_text(PLAN, encoding="utf-8")
    with (
        running(data_dir, MUSTER_PLAN=str(plan), MUSTER_SIP_PORT="0") as centre,
        centre.journal() as journal,
    ):
        words = [line.split() for line in centre.lines]
        one_time = {each[0]: each[1] for each in words if len(each) > 2 and each[0] in TONES}
        assert sorted(one_time) == sorted(TONES)
        yield Site(centre, journal, one_time)


@pytest.fixture
def sings(browser: Browser, tmp_path: Path) -> Iterator[OpenWith]:
    """A page whose microphone hears a tone."""
    with singers(browser, tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("lost", [0, 5])
def test_a_minute_of_calls_loses_nobody(site: Site, sings: OpenWith, tmp_path: Path, lost: int):
    """Each of 1,200 calls is one interaction, in order, heard, recorded, and ended or called back."""
    before = site.centre.children()
    evening = _evening(site, sings(PAGE_HERTZ), tmp_path, lost)
    try:
        assert site.centre.children() == before, "a process died on the way"
        _logs_are_quiet(site)
        _nobody_is_lost(evening)
        _served_in_order(evening)
        _places_are_true(evening)
        _all_heard_each_other(evening)
        _recorded(evening)
        _say_how_much(evening, lost)
    finally:
        evening.crowd.close()
        evening.ears.close()
    assert site.centre.stop() == 0


# -- the minute ---------------------------------------------------------------------------------------


def _evening(site: Site, page: Page, folder: Path, lost: int) -> Evening:
    ears = ManyEars(tones=tuple(TONES.values()), near=NEAR_HERTZ)
    passed_on: set[str] = set()
    stories: dict[str, Story] = {}

    def heard(number: str, hertz: int) -> int:
        return stories[number].heard(ears)[hertz] if number in stories else 0

    takers = [
        CallTaker(site.url, name, site.one_time[name], hertz, heard, _is_passed_on, passed_on)
        for name, hertz in VOICES.items()
    ]
    work = _Work(takers)
    page.set_default_timeout(WITHIN_S * 1_000)
    sign_in(page, site, PAGE)  # type: ignore[arg-type]  # url and one_time are all it looks at
    crowd = Crowd(
        folder,
        int(site.centre.ports()["sip"]["port"]),
        callers=CALLERS,
        ears=ears.port,
        lost=lost,
        patience_s=PATIENCE_S,
    )
    stories.update(crowd.stories)
    evening = Evening(site, crowd, ears, takers, passed_on)
    try:
        while not crowd.ended():
            work.check()
            _take_one(page, evening)
        for taker in takers:
            taker.stopping = True
        work.join()
        while page.locator(".conversation-row").count() or page.locator(".offer").count():
            _take_one(page, evening)
        over = "SELECT COUNT(*) FROM call WHERE state <> 'ended'"
        _until(page, lambda: site.rows(over) == [(0,)])
    except BaseException:
        crowd.close()
        ears.close()
        raise
    finally:
        for taker in takers:
            taker.stopping = True
        page.close()
    return evening


class _Work:
    """The agents, in a thread with a loop of its own: Playwright has this one."""

    def __init__(self, takers: list[CallTaker]) -> None:
        self._takers = takers
        self._failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Fails where one of them did."""
        if self._failed:
            raise self._failed[0]

    def join(self) -> None:
        """Wait until all have gone home."""
        self._thread.join(120)
        self.check()
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except BaseException as problem:  # noqa: BLE001 - said by check()
            self._failed.append(problem)

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            for taker in self._takers:
                group.create_task(taker.work())


def _take_one(page: Page, evening: Evening) -> None:
    """The page's agent: whatever is offered, to its end, by the keys."""
    if page.locator(".offer").count():
        page.wait_for_timeout(ARMED_MS)
        page.keyboard.press("F8")
    if not page.locator(".conversation-row").count():
        page.wait_for_timeout(50)
        return
    _until(page, lambda: _talks_or_cannot(page, evening))
    if near(page, CALLER_HERTZ):
        evening.page_heard.append(CALLER_HERTZ)
    page.keyboard.press("Alt+e")
    page.keyboard.press("Enter")
    page.locator(".wrap-up input").first.check(force=True)
    page.get_by_role("button", name="Finish").click()
    _until(page, lambda: page.locator(".conversation-row").count() == 0)


def _until(page: Page, true: Callable[[], bool]) -> None:
    """Wait for it; the browser's events get through meanwhile."""
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline, page.locator("main").inner_text() if not page.is_closed() else ""
        page.wait_for_timeout(50)


def _talks_or_cannot(page: Page, evening: Evening) -> bool:
    evening.crowd.look()
    if near(page, CALLER_HERTZ):
        held = "agent_id = '" + PAGE + "' AND closed_seq = 0"
        with_page = f"SELECT address FROM interaction JOIN address USING (address_hash) WHERE {held}"
        return any(
            evening.crowd.stories[str(number)].heard(evening.ears)[PAGE_HERTZ]
            for (number,) in evening.site.rows(with_page)
        )
    bar = page.locator(".call-bar")
    words = bar.inner_text() if bar.count() else ""
    return "hung up" in words or page.locator(".wrap-up").count() > 0 or "Call +" in words


def _is_passed_on(number: str) -> bool:
    return not hangs_up(number) and int(number[-5:]) % PASSED_ON_EVERY == 0


# -- what must be true of it --------------------------------------------------------------------------


def _nobody_is_lost(evening: Evening) -> None:
    """One interaction each; who talked was answered by somebody, who gave up is called back."""
    rows = evening.site.rows(
        "SELECT a.address, i.interaction_id, i.closed_why, i.answered_at_ms, i.accepted_at_ms, i.urgency,"
        " i.arrived_seq FROM interaction i JOIN address a ON a.address_hash = i.address_hash"
        " WHERE i.channel = 'voice' AND i.follows = '' AND i.traffic = 'real'"
    )
    found = Counter(str(row[0]) for row in rows)
    assert found == Counter(evening.crowd.numbers)
    evening.interactions.update({str(row[0]): str(row[1]) for row in rows})
    came = [evening.crowd.numbers.index(str(row[0])) for row in sorted(rows, key=lambda row: row[-1])]
    evening.overtaken = sum(after < before for before, after in pairwise(came))
    call_backs = defaultdict(list)
    for follows, *of in evening.site.rows(
        "SELECT follows, accepted_at_ms, urgency, closed_seq, closed_by, disposition FROM interaction"
        " WHERE follows <> ''"
    ):
        call_backs[follows].append(of)
    for number, interaction_id, why, answered_at_ms, accepted_at_ms, urgency, _ in rows:
        story = evening.crowd.stories[str(number)]
        assert sum(each in ENDS for each in story.events) == 1, (number, story)
        if why == "abandoned":
            assert "gone" in story.events, (number, story)
            ((at_ms, urgent, closed, closed_by, how),) = call_backs.pop(interaction_id)
            assert (at_ms, urgent) == (accepted_at_ms, urgency)
            assert not closed or (closed_by in TONES and how == "done"), "only a human ends it"
        else:
            assert answered_at_ms and why == "disposed", (number, story, why)
    assert not call_backs


def _served_in_order(evening: Evening) -> None:
    """Each offer was the right one at its moment; and within one urgency who came first was offered first."""
    journal = evening.site.journal
    with journal.database.reading() as db:
        history = truth.History().follow(journal.rows(), truth.accepted_at_of(db))
        assert truth.in_limbo(db) == []
    assert (history.out_of_order, history.two_holders, history.mistakes) == ([], [], [])
    line = "SELECT interaction_id, accepted_at_ms, urgency FROM interaction WHERE follows = ''"
    stands = {ref: (at_ms, urgency) for ref, at_ms, urgency in evening.site.rows(line)}
    turns = [
        stands[ref] for ref in dict.fromkeys(row.ref for row in journal.rows("offered")) if ref in stands
    ]
    for urgency in (1, 2):
        mine = [at_ms for at_ms, each in turns if each == urgency]
        assert mine == sorted(mine), "the callers of one urgency had their turns as they came"


def _places_are_true(evening: Evening) -> None:
    """Everybody was told a place; it grows only where somebody more urgent comes.

    Or where an agent is offered somebody else at the very moment: who is being offered stands before all.
    """
    urgent = sum(map(is_urgent, evening.crowd.numbers))
    for number, story in evening.crowd.stories.items():
        assert min(story.places, default=1) >= 1
        grown = sum(max(0, after - before) for before, after in pairwise(story.places))
        assert grown <= len(TONES) + (0 if is_urgent(number) else urgent), (number, story.places)
    told = sum(bool(story.places) for story in evening.crowd.stories.values())
    assert told > 0.98 * CALLERS, "what is told once may be lost, what is told again and again is not"


def _all_heard_each_other(evening: Evening) -> None:
    """Who waits to be hung up on has heard each agent who held the call, and was heard by each."""
    crowd = evening.crowd
    holders = defaultdict(list)
    waited = set(crowd.who("is hung up on"))
    for talk in (talk for taker in evening.takers for talk in taker.talks):
        assert talk.heard or talk.number not in waited, talk
    for row in evening.site.journal.rows("accepted"):
        holders[row.ref].append(json.loads(row.data)["agent_id"])
    for number in sorted(waited):
        story, agents = crowd.stories[number], holders[evening.interactions[number]]
        heard = story.heard(evening.ears)
        assert {TONES[each] for each in agents} <= set(heard), (number, agents, heard)
        assert len(agents) == 1 + (number in evening.passed_on), (number, agents)
    assert evening.page_heard, "the real browser has talked"
    assert crowd.who("hangs up") and waited and evening.passed_on


def _recorded(evening: Evening) -> None:
    """Every call that somebody answered is kept as sound."""
    answered = "SELECT interaction_id FROM call WHERE connected_ms > 0"
    kept = (
        "SELECT DISTINCT m.interaction_id FROM part p JOIN message m USING (message_id)"
        " JOIN content c ON c.content_id = p.content_id WHERE c.media_type = 'audio/ogg'"
    )
    rows = evening.site.rows
    _wait(lambda: set(rows(answered)) == set(rows(kept)), "all recordings are kept")


def _logs_are_quiet(site: Site) -> None:
    """What nobody expected is in a log."""
    for log in (site.centre.data_dir / "logs").glob("*.log"):
        _, found, what = log.read_text(errors="replace").partition("Traceback")
        assert not found, f"{log.name}: {what[:4_000]}"


def _say_how_much(evening: Evening, lost: int) -> None:
    crowd = evening.crowd
    talked = [number for number in crowd.numbers if crowd.stories[number].talked]
    print(
        f"\n{lost} % lost: {len(crowd.numbers)} calls, {len(talked)} answered"
        f" ({sum(map(is_urgent, talked))} urgent, {len(evening.page_heard)} by the real browser),"
        f" {len(crowd.who('hangs up'))} ended by callers, {len(crowd.who('is hung up on'))} by agents,"
        f" {len(evening.passed_on)} transferred,"
        f" {len(crowd.who('gone'))} gave up, {len(crowd.who('was answered too late'))} at the last moment,"
        f" {evening.overtaken} came before an earlier one,"
        f" {sum(len(each.places) for each in crowd.stories.values())} places told"
    )


def _wait(true: Callable[[], bool], what: str) -> None:
    wait_until(true, what, within_s=60)
