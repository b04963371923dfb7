"""Calls at a running centre: real processes, telephones over UDP, an agent's sound over WebRTC, kill -9."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.roles.centre import Centre, Journal, running
from tests.roles.redis_process import wait_until
from tests.voice.desk import Desk
from tests.voice.exchange import ACCOUNTS, PLAN_FILE
from tests.voice.sip_phone import Phone

pytestmark = pytest.mark.system

WITHIN_S = 30


def plan_file(folder: Path) -> Path:
    """The default plan with calls."""
    path = folder / "plan.toml"
    text = PLAN_FILE.read_text(encoding="utf-8").split("[[accounts]]")[0]
    path.write_text(text + ACCOUNTS, encoding="utf-8")
    return path


class Site:
    """A running centre and its telephones."""

    def __init__(self, centre: Centre, journal: Journal) -> None:
        self.centre, self.journal = centre, journal
        self.phones: list[Phone] = []

    def phone(self, number: str) -> Phone:
        made = Phone(int(self.centre.ports()["sip"]["port"]), number=number)
        self.phones.append(made)
        return made

    def call(self, number: str) -> tuple[Phone, str]:
        """Somebody calls and waits in line; the telephone and the interaction."""
        known = set(self.journal.refs("arrived"))
        phone = self.phone(number)
        assert phone.ring() == 182
        (interaction_id,) = set(self.journal.refs("arrived")) - known
        return phone, interaction_id

    async def accept(self, agent_id: str) -> str:
        """The agent opens a desk and takes what is offered; the interaction."""
        self.journal.signs_in(agent_id, web_id=self.journal.web_ids()[0])
        offer = "SELECT offer_id FROM interaction WHERE state = 'offered' AND agent_id = :a"
        await self.until(lambda: self.rows(offer, a=agent_id), "an offer")
        offer_id = str(self.rows(offer, a=agent_id)[0][0])
        self.journal.say("accept_pressed", offer_id, agent_id=agent_id, command_id=str(uuid4()))
        interaction_id = offer_id.rpartition("/")[0]
        await self.until(lambda: self.standing(interaction_id)[0] == "assigned", "it is assigned")
        return interaction_id

    async def connect(self, interaction_id: str, agent_id: str) -> Desk:
        """The agent's sound, by the door on its socket."""
        from httpx2 import AsyncClient, AsyncHTTPTransport

        desk = Desk()
        asked = {"agent_id": agent_id, "desk_id": "w", "sdp": await desk.offer()}
        path = str(self.centre.ports()["voice"]["path"])
        async with AsyncClient(transport=AsyncHTTPTransport(uds=path), base_url="http://voice") as client:
            answer = await client.post(f"/calls/{interaction_id}/connect", json=asked)
        assert answer.status_code == 200, answer.text
        await desk.take(answer.json()["sdp"])
        return desk

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.journal.database.reading() as db:
            return db.rows(sql, **values)

    def standing(self, interaction_id: str) -> tuple[Any, ...]:
        """(state, agent, why it was closed) of an interaction."""
        return self.rows(
            "SELECT state, agent_id, closed_why FROM interaction WHERE interaction_id = :i", i=interaction_id
        )[0]

    def of_call(self, interaction_id: str) -> tuple[Any, ...]:
        """(state, why) of its call."""
        return self.rows("SELECT state, why FROM call WHERE interaction_id = :i", i=interaction_id)[0]

    async def until(self, true: Any, what: str) -> None:
        await asyncio.to_thread(wait_until, true, what, within_s=WITHIN_S)


@asynccontextmanager
async def site(data_dir: Path) -> AsyncIterator[Site]:
    plan = str(plan_file(data_dir))
    with (
        running(data_dir, MUSTER_PLAN=plan, MUSTER_SIP_PORT="0") as centre,
        centre.journal() as journal,
    ):
        made = Site(centre, journal)
        yield made
        for phone in made.phones:
            phone.close()


async def test_a_telephone_call_waits_in_line_until_its_caller_hangs_up(data_dir: Path) -> None:
    """From the socket to its place in line, and away again; and an orderly stop."""
    async with site(data_dir) as here:
        assert "voice" in here.centre.children()
        path = Path(str(here.centre.ports()["voice"]["path"]))
        assert path.is_socket() and path.parent.stat().st_mode & 0o077 == 0
        phone, interaction_id = await asyncio.to_thread(here.call, "+15550100123")
        phone.cancel()
        await asyncio.to_thread(phone.wait_for, lambda: phone.status() == 487)
        await here.until(lambda: here.journal.refs("call_back_opened"), "the caller is called back")
        assert here.of_call(interaction_id) == ("ended", "cancelled")
        assert any(line.strip().startswith("calls ") for line in here.centre.lines)
        assert await asyncio.to_thread(here.centre.stop) == 0


async def test_calls_outlive_every_process_but_their_own(data_dir: Path) -> None:
    """Router and web die under a talk and a waiting call; then the voice process itself."""
    async with site(data_dir) as here:
        talking, first = await asyncio.to_thread(here.call, "+15550100201")
        assert await here.accept("ana") == first
        desk = await here.connect(first, "ana")
        await asyncio.to_thread(talking.until_answered)
        await here.until(lambda: here.of_call(first) == ("connected", ""), "they talk")
        waiting, second = await asyncio.to_thread(here.call, "+15550100202")

        here.centre.send("router", signal.SIGKILL)
        here.centre.send("web", signal.SIGKILL)
        third_phone, third = await asyncio.to_thread(here.call, "+15550100203")
        await here.until(lambda: here.standing(third)[0] == "waiting", "routed by the next router")
        assert here.standing(second)[0] == "waiting" and here.of_call(first) == ("connected", "")
        assert waiting.status() == third_phone.status() == 182

        files = data_dir / "recordings"
        await here.until(lambda: any(each.stat().st_size for each in files.glob("*.ogg")), "recorded")
        here.centre.send("voice", signal.SIGKILL)
        await here.until(lambda: here.of_call(first) == ("ended", "lost"), "the desk is told")
        await here.until(lambda: len(here.journal.refs("call_back_opened")) == 2, "two call-backs")
        assert here.standing(first)[:2] == ("assigned", "ana")
        assert {here.standing(each)[2] for each in (second, third)} == {"abandoned"}
        await asyncio.to_thread(here.call, "+15550100204")
        await here.until(lambda: not list(files.glob("*.ogg")), "the recording was taken over")
        (part,) = here.journal.rows("part_added")
        (owner,) = here.rows("SELECT interaction_id FROM message WHERE message_id = :m", m=part.ref)
        assert owner == (first,)
        assert json.loads(part.data)["part_kind"] == "file"
        await desk.close()
