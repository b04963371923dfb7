"""A telephone call with real peers: sipp on the trunk, agents in real browsers, every tone measured."""

import io
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.real_centre import RealCentre
from tests.browser.singing import OpenWith, accept, dispose, near, sign_in, singers
from tests.browser.test_desk_call import until
from tests.media.sound import level_of
from tests.voice.far_end import HERTZ as FAR_HERTZ
from tests.voice.far_end import FarEnd
from tests.voice.singing_ear import Ear
from tests.voice.sipp_caller import HERTZ as CALLER_HERTZ
from tests.voice.sipp_caller import SippCaller, needs_sipp

pytestmark = [pytest.mark.system, pytest.mark.timeout(240), needs_sipp]

PLAN = Path(__file__).parents[2] / "config" / "default.toml"
ACCOUNT = """
[[accounts]]
id = "trunk"
channel = "voice"
provider = "sip"
address = "+15550100911"
endpoint = "sip:127.0.0.1:{port}"
options = {{ upstream = "127.0.0.1", recording = "on" }}
"""
NUMBER, ELSEWHERE = "+15550100123", "+15550100777"
ANA_HERTZ, BEN_HERTZ = 880, 1200
NEAR_HERTZ = 25


@dataclass
class Trunk:
    """A centre with a trunk: who calls by it, and where its calls out go."""

    centre: RealCentre
    far: FarEnd
    folder: Path
    callers: list[SippCaller] = field(default_factory=list)

    def rings(self, *, transfers: bool = True) -> SippCaller:
        """Somebody calls, and hears that they are next."""
        port = json.loads((self.centre.folder / "ports.json").read_text())["sip"]["port"]
        caller = SippCaller(self.folder, int(port), number=NUMBER, transfers=transfers)
        self.callers.append(caller)
        return caller

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """What is in the database."""
        with sqlite3.connect(f"file:{self.centre.folder / 'muster.db'}?mode=ro", uri=True) as db:
            return db.execute(sql).fetchall()


@pytest.fixture
def trunk(data_dir: Path, tmp_path: Path) -> Iterator[Trunk]:
    """Waits until it serves."""
    far = FarEnd()
    plan = data_dir / "plan.toml"
    accounts = ACCOUNT.format(port=far.port)
    plan.write_text(PLAN.read_text(encoding="utf-8").split("[[accounts]]")[0] + accounts, encoding="utf-8")
    made = Trunk(
        RealCentre(folder=data_dir, settings={"MUSTER_PLAN": str(plan), "MUSTER_SIP_PORT": "0"}),
        far,
        tmp_path,
    )
    try:
        made.centre.start()
        yield made
    finally:
        made.centre.stop()
        far.close()
        for caller in made.callers:
            caller.close()


@pytest.fixture
def sings(browser: Browser, tmp_path: Path) -> Iterator[OpenWith]:
    """Pages whose microphones hear a tone."""
    with singers(browser, tmp_path) as opened:
        yield opened


def test_a_telephone_call_is_heard_held_passed_on_and_ended_by_an_agent(
    trunk: Trunk, sings: OpenWith, pictures: Path
):
    """The whole way of a call, with every tone measured where it must be heard."""
    ana, ben = sings(ANA_HERTZ), sings(BEN_HERTZ)
    caller = trunk.rings()
    sign_in(ana, trunk.centre, "ana")
    assert caller.told("place 1")
    accept(ana)
    _talk(ana, caller)
    ana.keyboard.press("Alt+h")
    expect(ana.locator(".call-bar")).to_contain_text("On hold")
    until(ana, lambda: near(ana, 0) and not _hears(caller.ear, ANA_HERTZ) and caller.ear.packets > 0)
    ana.keyboard.press("Alt+h")
    _talk(ana, caller)

    ana.keyboard.press("Alt+n")
    expect(ana.locator(".call-digits button").first).to_be_focused()
    ana.keyboard.type("12*#")
    until(ana, lambda: caller.ear.digits == "12*#")
    ana.keyboard.press("Escape")
    caller.presses_seven()
    expect(ana.locator(".messages")).to_contain_text("Pressed on the telephone.")

    _pass_on(ana, ben, trunk)
    _talk(ben, caller, BEN_HERTZ)
    ben.screenshot(path=pictures / "trunk-call-passed-on.png")
    ben.keyboard.press("Alt+e")
    ben.keyboard.press("Enter")
    until(ben, caller.ended)
    assert caller.told("left")
    expect(ben.locator(".message audio")).to_be_visible()
    _recorded(trunk, left=[CALLER_HERTZ], right=[ANA_HERTZ, BEN_HERTZ])


@pytest.mark.long
def test_a_caller_who_hangs_up_ends_it_everywhere(trunk: Trunk, sings: OpenWith):
    """The agent is told, the recording is there, and the next call comes to the same desk."""
    ana = sings(ANA_HERTZ)
    sign_in(ana, trunk.centre, "ana")
    for _ in range(2):
        caller = trunk.rings()
        accept(ana)
        _talk(ana, caller)
        caller.hangs_up()
        expect(ana.locator(".call-bar")).to_contain_text("The caller hung up.")
        until(ana, caller.ended)
        expect(ana.locator(".message audio").last).to_be_visible()
        ana.keyboard.press("Alt+e")
        ana.keyboard.press("Enter")
        dispose(ana)
    _recorded(trunk, left=[CALLER_HERTZ], right=[ANA_HERTZ])


@pytest.mark.long
def test_a_call_is_forwarded_by_the_callers_own_network(trunk: Trunk, sings: OpenWith):
    """REFER accepted: their network calls the number, and we are out of it."""
    ana = sings(ANA_HERTZ)
    caller = _forwarded(ana, trunk, transfers=True)
    until(ana, lambda: caller.told(f"moves to sip:{ELSEWHERE}@127.0.0.1:{trunk.far.port}"))
    until(ana, caller.ended)
    assert caller.told("left")
    assert not trunk.far.heard("INVITE")
    assert trunk.rows("SELECT state, why FROM call") == [("ended", "forwarded")]


@pytest.mark.long
def test_a_call_that_cannot_be_transferred_is_joined_here(trunk: Trunk, sings: OpenWith):
    """REFER refused: we call the number, and both hear each other without an agent, until one hangs up."""
    ana = sings(ANA_HERTZ)
    caller = _forwarded(ana, trunk, transfers=False)
    until(ana, lambda: _hears(trunk.far.ear, CALLER_HERTZ) and _hears(caller.ear, FAR_HERTZ))
    assert trunk.far.heard("INVITE", ELSEWHERE)
    until(ana, lambda: trunk.rows("SELECT state, why FROM call") == [("ended", "forwarded")])
    ana.keyboard.press("Alt+e")
    ana.keyboard.press("Enter")
    dispose(ana)
    assert _hears(trunk.far.ear, CALLER_HERTZ), "the agent's part is over, theirs is not"
    trunk.far.hangs_up()
    until(ana, caller.ended)
    assert caller.told("left")


@pytest.mark.long
@pytest.mark.timeout(300)
def test_who_hung_up_in_line_is_called_back_until_somebody_answers(
    trunk: Trunk, sings: OpenWith, pictures: Path
):
    """Busy, nobody there, given up by the agent, and then they talk: each said on the desk."""
    ana, far = sings(ANA_HERTZ), trunk.far
    caller = trunk.rings()
    until(ana, lambda: caller.told("place 1"))
    caller.hangs_up()
    until(ana, caller.ended)
    sign_in(ana, trunk.centre, "ana")
    accept(ana)
    for does, says, seconds in (("busy", "busy", 20), ("rings", "Nobody answered", 90)):
        far.does = does
        ana.get_by_role("button", name=f"Call {NUMBER}").click()
        expect(ana.locator(".call-bar")).to_contain_text(says, timeout=seconds * 1_000)
        assert far.heard("INVITE", NUMBER)
        ana.screenshot(path=pictures / f"trunk-call-back-{does}.png")
    assert far.heard("CANCEL", NUMBER), "a telephone that nobody picks up must not ring on"
    far.does = "answers"
    ana.get_by_role("button", name=f"Call {NUMBER}").click()
    expect(ana.locator(".call-bar")).to_contain_text("You talk with the caller.")
    until(ana, lambda: near(ana, FAR_HERTZ) and _hears(far.ear, ANA_HERTZ))
    ana.keyboard.press("Alt+e")
    ana.keyboard.press("Enter")
    until(ana, lambda: far.heard("BYE"))
    whys = trunk.rows("SELECT why FROM call WHERE direction = 'out' ORDER BY begun_ms")
    assert whys == [("busy",), ("no_answer",), ("agent_hung_up",)]


def _forwarded(ana: Page, trunk: Trunk, *, transfers: bool) -> SippCaller:
    """A call that ana sends on to another number."""
    caller = trunk.rings(transfers=transfers)
    sign_in(ana, trunk.centre, "ana")
    accept(ana)
    _talk(ana, caller)
    ana.keyboard.press("Alt+g")
    expect(ana.locator(".call-forward input")).to_be_focused()
    ana.keyboard.type(ELSEWHERE)
    ana.keyboard.press("Enter")
    return caller


def _pass_on(ana: Page, ben: Page, trunk: Trunk) -> None:
    """To the queue from which ben is served; the caller's line stays."""
    sign_in(ben, trunk.centre, "ben")
    ana.keyboard.press("Alt+t")
    ana.locator(".panel").get_by_role("combobox").select_option("queue:non-emergency")
    ana.get_by_label("Note for them").fill("asks for ben")
    ana.locator(".panel button[type=submit]").click()
    expect(ana.locator(".conversation-row")).to_have_count(0)
    accept(ben)


def _talk(desk: Page, caller: SippCaller, hertz: int = ANA_HERTZ) -> None:
    """The desk says so; each hears the other's tone."""
    expect(desk.locator(".call-bar")).to_contain_text("You talk with the caller.")
    until(desk, lambda: near(desk, CALLER_HERTZ))
    until(desk, lambda: _hears(caller.ear, hertz))


def _hears(ear: Ear, hertz: int) -> bool:
    return abs(ear.pitch - hertz) < NEAR_HERTZ


def _recorded(trunk: Trunk, *, left: list[int], right: list[int]) -> None:
    """The recordings have these tones, each on its own side and not on the other."""
    found = trunk.rows(
        "SELECT c.body FROM part p JOIN content c USING (content_id) WHERE c.media_type = 'audio/ogg'"
    )
    assert found
    for (body,) in found:
        assert isinstance(body, bytes)
        sides = _sides(body)
        for side, tones, others in ((0, left, right), (1, right, left)):
            loud = {hertz: level_of(sides[side], hertz, rate=48_000) for hertz in (*tones, *others)}
            assert min(loud[hertz] for hertz in tones) > 10 * max(loud[hertz] for hertz in others), loud


def _sides(body: bytes) -> np.ndarray:
    """Left and right, 48,000 samples a second each."""
    with av.open(io.BytesIO(body)) as file:
        frames = [frame.to_ndarray() for frame in file.decode(audio=0)]
    together = np.concatenate([frame.reshape(-1, 2) if frame.shape[0] == 1 else frame.T for frame in frames])
    return together.T.astype(np.float64)
