"""An agent calls a customer back: the agent's sound first, so that nobody picks up into silence."""

import asyncio
import logging

from router.channels.port import Account
from router.run.voice import record as r
from router.run.voice.call import CONNECT_S, Call
from router.run.voice.callers import CannotAnswer, called
from router.run.voice.gear import Leg, NoPorts, NotAnswered, NoTrunk
from router.run.voice.standing import Standing
from router.run.voice.switchboard import Switchboard

_log = logging.getLogger("muster.voice")


class Dialled:
    """Stands for the customer as long as nobody has answered: a Caller that can only be given up."""

    telephone = True
    takes_text = False

    def __init__(self) -> None:
        self.work: asyncio.Task[None] | None = None

    def waits_at(self, position: int) -> None:
        """Nobody waits."""

    async def answer(self) -> Leg:
        """Raises CannotAnswer."""
        raise CannotAnswer("it is we who call")

    async def hang_up(self, *, elsewhere: bool = False) -> None:
        """Give up calling."""
        if self.work is not None and self.work is not asyncio.current_task():
            self.work.cancel()

    def send_digits(self, digits: str) -> bool:
        """Nobody hears them."""
        return False

    def send_text(self, text: str) -> bool:
        """Nobody reads it."""
        return False

    async def sent_on(self, account: Account, number: str) -> bool:
        """Nobody can be sent anywhere."""
        return False


def dial(
    board: Switchboard,
    standing: Standing,
    account: Account,
    number: str,
    *,
    agent_id: str,
    window: str,
    leg: Leg,
) -> Call:
    """Begin a call out; it goes on by itself."""
    dialled = Dialled()
    call = board.new_call_out(standing, account, agent_id, dialled)
    call.dials_for(standing, leg, window)
    call.say_called()
    dialled.work = asyncio.create_task(_call(board, call, account, number, leg))
    return call


async def _call(board: Switchboard, call: Call, account: Account, number: str, leg: Leg) -> None:
    try:
        await _until_heard(leg)
        caller = await called(board.telephones, board.media, account, number)
    except TimeoutError:
        board.alarm("agent_unheard", call.interaction_id)
        call.end(r.FAILED)
        return
    except NotAnswered as why:
        call.end(str(why) or r.FAILED)
        return
    except (NoTrunk, NoPorts):
        call.end(r.FAILED)
        return
    except Exception:  # noqa: BLE001 - our own mistake: the agent would listen to nothing for ever
        _log.exception("nobody was called call=%s", call.call_id)
        call.end(r.FAILED)
        return
    if not call.live:
        await caller.hang_up()
        return
    call.caller = caller
    caller.call.on_end = call.hung_up
    call.begin_called(caller.sound, leg)


async def _until_heard(leg: Leg) -> None:
    """Raises TimeoutError."""
    heard = asyncio.Event()
    leg.on_flowing = heard.set
    if not leg.flowing:
        async with asyncio.timeout(CONNECT_S):
            await heard.wait()
