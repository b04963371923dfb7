"""Has mails read in limited children: a few helper processes, each of which forks for every mail.

The helper kills what takes too long; a helper that does not answer itself is killed and replaced. A mail that
cannot be read is None: then a human sees it raw. Started with the first mail: a site without mail has none.
"""

import asyncio
import logging
import os
import sys
from contextlib import suppress
from typing import Final

import msgspec

from router.channels.mail_reading import MailRead
from router.run.limited_child_main import ANSWER_BYTES_MAX, OK

HELPERS: Final = 2
"""On two cores; each reads some hundred ordinary mails a second."""

ANSWER_S: Final = 1.5
"""The helper has 0.8 s for a mail; beyond this it is broken, or the machine stands still."""

START_S: Final = 10.0
STOP_S: Final = 1.0

_DECODER: Final = msgspec.msgpack.Decoder(MailRead)
_log = logging.getLogger("muster.mail")


class LimitedChildren:
    """The helpers of one process. Give it back by close()."""

    def __init__(self, helpers: int = HELPERS) -> None:
        self._free: asyncio.LifoQueue[_Helper] = asyncio.LifoQueue()
        self._helpers = [_Helper() for _ in range(helpers)]
        for helper in self._helpers:
            self._free.put_nowait(helper)

    async def read(self, mail: bytes) -> MailRead | None:
        """What the mail says, or None for one that could not be read in time, in memory or at all."""
        helper = await self._free.get()
        try:
            return await helper.read(mail)
        finally:
            self._free.put_nowait(helper)

    async def close(self) -> None:
        """End the helpers."""
        await asyncio.gather(*(helper.end() for helper in self._helpers))


class _Helper:
    """One helper process, started when it is needed and again when it broke."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def read(self, mail: bytes) -> MailRead | None:
        whole = False
        try:
            if self._process is None:
                async with asyncio.timeout(START_S):
                    self._process = await _started()
                    await self._asked(b"")  # Answers once it is ready; not part of anybody's time.
            async with asyncio.timeout(ANSWER_S):
                answer = await self._asked(mail)
            whole = True
        except (TimeoutError, OSError, EOFError, asyncio.IncompleteReadError) as problem:
            _log.error("mail helper replaced error=%s", type(problem).__name__)
            return None
        finally:
            if not whole:  # Also when we are cancelled: its answer would be taken for that to the next mail.
                await self.end()
        if answer[:1] != OK:
            return None
        try:
            return _DECODER.decode(memoryview(answer)[1:])
        except msgspec.MsgspecError:
            return None

    async def end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await process.wait()

    async def _asked(self, mail: bytes) -> bytes:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise EOFError
        process.stdin.write(len(mail).to_bytes(8, "big") + mail)
        await process.stdin.drain()
        length = int.from_bytes(await process.stdout.readexactly(8), "big")
        if length > ANSWER_BYTES_MAX:
            raise EOFError
        return await process.stdout.readexactly(length)


async def _started() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "router.run.limited_child_main",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
        limit=1_048_576,
    )
