"""A mail is read by a process that can do nothing else, and that ends with it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from router.run import limited_child_main
from router.run.limited_child import LimitedChildren

pytestmark = pytest.mark.system

PLAIN = b"Subject: s\r\n\r\nwords"


@pytest.fixture
async def children() -> AsyncIterator[LimitedChildren]:
    made = LimitedChildren(2)
    yield made
    await made.close()


async def test_a_mail_is_read(children: LimitedChildren) -> None:
    """Many at once, each its own."""
    mails = [f"Subject: s\r\n\r\nwords of {number}".encode() for number in range(20)]
    read = await asyncio.gather(*map(children.read, mails))
    assert [each and each.text for each in read] == [f"words of {number}" for number in range(20)]


async def test_charsets_need_no_file(children: LimitedChildren) -> None:
    """Nothing can be opened in there, and Python keeps each charset in a file of its own."""
    for charset, body in (("iso-2022-kr", "도와".encode("iso-2022-kr")), ("mac-cyrillic", b"\x80\x81")):
        raw = f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode() + body
        read = await children.read(raw)
        assert read is not None and read.text == body.decode(charset)


@pytest.mark.parametrize(
    "crash", ["loop", "memory", "exit", "crash", "recursion", "open", "socket", "fork", "wire"]
)
def test_whatever_the_reader_does_ends_with_it(crash: str, tmp_path: Path) -> None:
    """A mistake in a parser, used by somebody who knows it: time, memory, files, other machines."""
    began = time.monotonic()
    answer = _helper_with(crash, tmp_path)
    assert answer == limited_child_main.FAILED
    assert time.monotonic() - began < 2.5
    assert list(tmp_path.iterdir()) == []


async def test_a_helper_that_was_killed_is_replaced(children: LimitedChildren) -> None:
    """The mail that it was reading is shown raw; the next one is read."""
    assert (await children.read(PLAIN)) is not None
    helpers = [each._process for each in children._helpers if each._process is not None]
    for process in helpers:
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    results = [await children.read(PLAIN) for _ in range(3)]
    assert results[-1] is not None and results[-1].text == "words"


async def test_a_reading_that_was_given_up_does_not_answer_the_next_one(children: LimitedChildren) -> None:
    """Whoever waited may be cancelled at any moment."""
    await children.read(PLAIN)
    for delay in (0.0, 0.001, 0.003):
        waiting = asyncio.create_task(children.read(b"\r\nnot this"))
        await asyncio.sleep(delay)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    read = await asyncio.gather(*(children.read(b"\r\nbut this") for _ in range(4)))
    assert {each.text for each in read if each is not None} == {"but this"}


def _helper_with(crash: str, folder: Path) -> bytes:
    """The answer of a helper whose reader does this, in a process of its own."""
    code = f"""
import os, socket, sys
from router.run import limited_child_main as main
real = main.read_mail
def hostile(mail):
    what = {crash!r}
    if what == "loop":
        while True: pass
    if what == "memory":
        return bytearray(4_000_000_000)
    if what == "exit":
        sys.exit(0)
    if what == "crash":
        os.abort()
    if what == "recursion":
        return hostile(mail)
    if what == "open":
        open({str(folder / "x")!r}, "w").write("x")
    if what == "socket":
        socket.socket()
    if what == "fork":
        os.pipe()
    if what == "wire":
        os.write(1, b"+forged")
    return real(mail)
main.read_mail = hostile
sys.stdout.buffer.write(main._read_apart(b"x"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=20, check=False)
    return done.stdout
