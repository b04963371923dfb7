"""Commands that wait for the router's decision: matched by command_id in the journal's rows."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final  # Any: an answer's value is a JSON value

import msgspec

from agents_ui.desk.words import text_of

DECIDED_WITHIN_S: Final = 5.0
"""How long a page waits for the answer to a command before it is told that the work goes on."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a command came to. code is empty when it was done."""

    ok: bool
    code: str = ""
    value: Any = None


DONE: Final = Answer(ok=True)
SLOW: Final = Answer(ok=False, code="slow")


def refused(code: str) -> Answer:
    """The command was not done, for this reason."""
    return Answer(ok=False, code=code)


def wire(command_id: str | None, answer: Answer, words: Callable[[str], str] = text_of) -> bytes:
    """The answer as the page gets it; `words` are those of its readers."""
    text = words(answer.code) if answer.code else ""
    message = {"kind": "answer", "command_id": command_id, "ok": answer.ok, "code": answer.code}
    return msgspec.json.encode({**message, "text": text, "value": answer.value})


class Answers:
    """Who waits for which command. Several desks may wait for one command: all are answered."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[Answer]]] = {}

    @contextmanager
    def expecting(self, command_id: str) -> Iterator["asyncio.Future[Answer]"]:
        """A future for the decision. Enter before the request is appended: the answer may be quick."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(command_id, []).append(future)
        try:
            yield future
        finally:
            self._forget(command_id, future)

    def settle(self, command_id: str, kind: str, code: str) -> None:
        """A decision of this kind answers the command. The first one counts."""
        answer = refused(code or "refused") if kind == "refused" else DONE
        for future in self._waiting.get(command_id, ()):
            if not future.done():
                future.set_result(answer)

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def _forget(self, command_id: str, future: "asyncio.Future[Answer]") -> None:
        left = [each for each in self._waiting[command_id] if each is not future]
        if left:
            self._waiting[command_id] = left
        else:
            del self._waiting[command_id]
