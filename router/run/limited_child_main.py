"""The program of a limited child: takes mails on standard input, has each read by a fork of itself, answers.

Each mail gets a process of its own, with nothing but memory and processor time, both limited, and no way to
open anything; whatever it does ends with it. This process stays small and never looks at a mail.

Wire, both ways: 8 bytes length, then that many bytes. In: the mail. Out: one byte how it ended (OK, FAILED),
then the MailRead as MessagePack.
"""

import encodings
import gc
import importlib
import os
import pkgutil
import resource
import select
import signal
import sys
import time
from typing import BinaryIO, Final

import msgspec

from router.channels.mail_reading import read_mail

READ_S: Final = 0.8
"""A mail of 25 MB takes a tenth of this. With the rest of a second for everything around it."""

MEMORY_BYTES: Final = 512 * 1024 * 1024
"""On top of what this program has mapped already: the largest mail several times, decoded and encoded."""

ANSWER_BYTES_MAX: Final = 128 * 1024 * 1024
DESCRIPTORS_MAX: Final = 64
"""This process has six; more would be a mistake of ours."""

OK: Final = b"+"
FAILED: Final = b"-"
NICENESS: Final = 5


def main() -> int:
    """Read mails until standard input ends, as it does when the parent is gone."""
    _make_ready()
    wire_in, wire_out = sys.stdin.buffer, sys.stdout.buffer
    while True:
        mail = _received(wire_in)
        if mail is None:
            return 0
        answer = _read_apart(mail)
        wire_out.write(len(answer).to_bytes(8, "big"))
        wire_out.write(answer)
        wire_out.flush()


def _make_ready() -> None:
    """Everything that a fork would have to open files for: charsets are modules."""
    for module in pkgutil.iter_modules(encodings.__path__):
        try:
            importlib.import_module(f"encodings.{module.name}")
        except ImportError:
            continue  # Those of another operating system.
    os.nice(NICENESS)
    gc.collect()
    gc.freeze()


def _received(wire: BinaryIO) -> bytes | None:
    head = wire.read(8)
    if len(head) < 8:
        return None
    length = int.from_bytes(head, "big")
    mail = wire.read(length)
    return mail if len(mail) == length else None


def _read_apart(mail: bytes) -> bytes:
    """What a fork makes of this mail within the time; FAILED for one that was killed or broke down."""
    deadline = time.monotonic() + READ_S
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        _read_and_exit(mail, theirs)
    os.close(theirs)
    try:
        answer = _answered(ours, deadline)
    finally:
        os.close(ours)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return answer if answer[:1] == OK else FAILED


def _answered(pipe: int, deadline: float) -> bytes:
    """Everything from the pipe up to its end; nothing when that does not come in time."""
    pieces: list[bytes] = []
    size = 0
    while size <= ANSWER_BYTES_MAX:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            return b""
        piece = os.read(pipe, 1_048_576)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
    return b""


def _read_and_exit(mail: bytes, pipe: int) -> None:
    """In the fork. Never returns; the marks at both ends say that the answer is whole."""
    status = 1
    try:
        os.closerange(0, pipe)  # Also the wire to the parent: only the answer can be said.
        os.closerange(pipe + 1, DESCRIPTORS_MAX)
        _limit()
        answer = OK + msgspec.msgpack.encode(read_mail(mail))
        view = memoryview(answer)
        while view:
            view = view[os.write(pipe, view) :]
        status = 0
    except BaseException:  # noqa: BLE001 - also MemoryError and RecursionError: the parent sees that nothing came
        status = 1
    finally:
        os._exit(status)


def _limit() -> None:
    """Memory, processor time; no file, no socket, no process can be opened or made from here on."""
    with open("/proc/self/statm", encoding="ascii") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    _set(resource.RLIMIT_AS, mapped + MEMORY_BYTES)
    _set(resource.RLIMIT_CPU, 2)
    _set(resource.RLIMIT_FSIZE, 0)
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_NPROC, 0)
    _set(resource.RLIMIT_NOFILE, 0)


def _set(limit: int, value: int) -> None:
    """Never above what we were given."""
    hard = resource.getrlimit(limit)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    sys.exit(main())
