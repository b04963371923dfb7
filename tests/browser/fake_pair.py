"""Two fakes that know each other: who serves whom is what a test says, and arriving is noted."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agents_ui.elsewhere.whereabouts import Whereabouts
from config.plan import Pair, Plan, SitePlan
from config.settings import read_settings
from router.journal.database import open_database
from tests.browser.fake import FakeCentre, Json, now_ms
from tests.browser.stage import set_stage

PAIR = Pair(
    sites=tuple(
        SitePlan(site_id=name, name=name.title(), url=f"https://{name}.example", peer="")
        for name in ("east", "west")
    )
)


class FakeSite(FakeCentre):
    """One of the two. serves None: it says nothing that can be read."""

    def __init__(self, plan: Plan, *, site: str, urls: Mapping[str, str]) -> None:
        self.site = site
        self.serves: list[str] | None = [site]
        self.arrived: list[Json] = []
        self.arrive_status = 200
        self.tickets = 0
        settings = replace(read_settings({}), site=site, sites=urls)
        self._where = Whereabouts(settings, lambda: plan, open_database("sqlite:////dev/null", unsafe=True))
        super().__init__(plan)
        set_stage(self, plan)

    def where(self) -> Whereabouts:
        """As the real one knows them: by its settings."""
        return self._where

    def more_routes(self) -> list[Route]:
        """Those of moving."""
        return [
            Route("/api/site", self._site, methods=["GET"]),
            Route("/api/moving", self._ticket_to_move, methods=["POST"]),
            Route("/chat/moving", self._ticket_to_move, methods=["POST"]),
            Route("/api/arrive", self._arrive, methods=["POST"]),
        ]

    async def _site(self, request: Request) -> Response:
        headers = {"Access-Control-Allow-Origin": request.headers.get("origin", "*")}
        if self.serves is None:
            return Response("later", 503, headers=headers)
        return JSONResponse({"site": self.site, "serves": self.serves}, headers=headers)

    async def _ticket_to_move(self, request: Request) -> Response:
        self.tickets += 1
        return JSONResponse({"ticket": f"from {self.site}", "site": self.site})

    async def _arrive(self, request: Request) -> Response:
        self.arrived.append(await request.json())
        other = "west" if self.site == "east" else "east"
        body: dict[str, Any] = {"ok": True, "since_ms": now_ms(), "why": "take_over"}
        body |= {"from": {"site": other, "name": other.title()}, "site": {"name": self.site.title()}}
        return JSONResponse(body if self.arrive_status == 200 else {"ok": False}, self.arrive_status)


def fake_pair(plan: Plan) -> tuple[FakeSite, FakeSite]:
    """East and west, each with its own address."""
    urls: dict[str, str] = {}
    both = replace(plan, pair=PAIR)
    sites = FakeSite(both, site="east", urls=urls), FakeSite(both, site="west", urls=urls)
    urls.update({each.site: each.url for each in sites})
    return sites
