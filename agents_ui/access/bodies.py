"""Small JSON request bodies: bounded, then typed, in the first function they meet. No unknown fields."""

from typing import Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse

from agents_ui.access.words import refusal

BODY_BYTES_MAX: Final = 8192
"""Two passwords of 1,024 bytes, written as \\u escapes, and some air."""

T = TypeVar("T", bound=msgspec.Struct)


class BadBody(Exception):
    """The body is too large or not what this route asks for; `answer` says so."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(code)
        self.answer = JSONResponse(refusal(code), status)


class Empty(msgspec.Struct, forbid_unknown_fields=True):
    """The body of requests that say everything by being made."""


class SignInBody(msgspec.Struct, forbid_unknown_fields=True):
    """Who wants in."""

    agent_id: str
    password: str


class PasswordBody(msgspec.Struct, forbid_unknown_fields=True):
    """A change of password by its owner."""

    old: str
    new: str


async def read_body(request: Request, shape: type[T], *, most: int = BODY_BYTES_MAX) -> T:
    """The request's body as this shape; an empty one reads as {}. Raises BadBody (413 or 422)."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise BadBody("too_large", 413)
    try:
        return msgspec.json.decode(bytes(body) or b"{}", type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise BadBody("malformed", 422) from None
