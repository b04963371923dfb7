"""An endpoint whose everyday refusals are answers: codes, words and a status, kept by no cache."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from agents_ui.access.bodies import BadBody
from agents_ui.access.passwords import TooBusy
from agents_ui.access.words import refusal
from router.journal.committer import CommitUnknown
from router.journal.database import DatabaseBusy, DatabaseGone

Endpoint = Callable[[Request], Awaitable[Response]]


def answering(
    endpoint: Endpoint, everyday: tuple[type[Exception], ...], refused: Callable[[Exception], Response]
) -> Endpoint:
    """The endpoint, with what it raises of these kinds, and what any may raise, turned into answers."""

    async def answer(request: Request) -> Response:
        try:
            response = await endpoint(request)
        except BadBody as bad:
            response = bad.answer
        except TooBusy:
            response = JSONResponse(refusal("busy"), 503, {"Retry-After": "2"})
        except (CommitUnknown, DatabaseBusy, DatabaseGone):
            response = JSONResponse(refusal("not_saved"), 503, {"Retry-After": "2"})
        except everyday as no:
            response = refused(no)
        response.headers["Cache-Control"] = "no-store"
        return response

    return answer
