"""Who may do what: every route and every desk command, for every role and for nobody, against one table."""

import uuid
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute

from agents_ui.access.gate import NoEntry, gated
from agents_ui.access.table import COMMANDS, DESK, ROUTES, SIGNED, SIGNED_OUT, WALL_COMMANDS, WATCH
from agents_ui.app import create_app
from agents_ui.chat.room import Room
from agents_ui.desk import shapes
from agents_ui.figures import Figures
from agents_ui.health import Health
from agents_ui.hooks.figures import HookFigures
from agents_ui.hooks.hooks import Hooks
from agents_ui.wall import shapes as wall_shapes
from config.words import ROLES
from router.journal.database import DatabaseGone
from tests.desk.plans import PEOPLE
from tests.desk.small_site import Site

WHO = (*ROLES, SIGNED_OUT)
PERSON = {role: agent_id for agent_id, role in reversed(PEOPLE.items())}

HTTP = sorted(entry for entry in ROUTES if entry[0] != "WS")
SOCKETS = sorted(path for method, path in ROUTES if method == "WS")

FIELDS: dict[str, dict[str, Any]] = {
    "accept": {"offer_id": "none/1"},
    "decline": {"offer_id": "none/1"},
    "presence": {"available": False, "reason": "nothing of the plan"},
    "reply": {"interaction_id": "none", "client_id": "c", "text": "t"},
    "template": {"interaction_id": "i", "client_id": "c", "template_id": "t", "values": []},
    "consent": {"interaction_id": "i", "category": "bulk", "state": "in"},
    "note": {"interaction_id": "none", "client_id": "c", "text": "t"},
    "typing": {"interaction_id": "none"},
    "end": {"interaction_id": "none"},
    "dispose": {"interaction_id": "none", "disposition": "done"},
    "transfer": {"interaction_id": "none", "to_queue_id": "second"},
    "urgency": {"interaction_id": "none", "urgency": 1},
    "history": {"customer_id": "none"},
    "call_back": {"interaction_id": "none", "due_at_ms": 1},
    "call_back_change": {"interaction_id": "none", "due_at_ms": 1},
    "call_back_cancel": {"interaction_id": "none", "disposition": "done"},
    "claim": {"customer_id": "none", "address_kind": "phone", "address": "+31612345678"},
    "link": {"customer_id": "none", "to_customer_id": "nobody"},
    "merge": {"customer_id": "none", "to_customer_id": "nobody"},
    "split": {"identity_id": "none"},
    "undo_move": {"moved_command_id": "none"},
    "name_customer": {"customer_id": "none", "name": "Mo"},
    "call_connect": {"interaction_id": "none", "window": "w", "sdp": "v=0"},
    "call_dial": {"interaction_id": "none", "window": "w", "sdp": "v=0"},
    "call_hold": {"interaction_id": "none", "held": True},
    "call_dtmf": {"interaction_id": "none", "digits": "1"},
    "call_forward": {"interaction_id": "none", "to": "+31612345678"},
    "call_record": {"interaction_id": "none", "on": True},
    "alarm_seen": {"alarm_id": "none"},
}
"""A well-formed command of each kind that names nothing of anybody's."""

WALL_FIELDS: dict[str, dict[str, Any]] = {
    "move": {"interaction_id": "none", "to_queue_id": "second"},
    "assign": {"interaction_id": "none", "to_agent_id": "ana"},
    "take_away": {"interaction_id": "none"},
    "urgency": {"interaction_id": "none", "urgency": 1},
    "presence": {"agent_id": "nobody", "available": False, "reason": "break"},
    "explain": {"interaction_id": "none"},
    "look": {"interaction_id": "none"},
    "call_listen": {"interaction_id": "none", "sdp": "v=0"},
    "alarm_seen": {"alarm_id": "none"},
}
"""The same for the wall."""


async def _behind(site: Site, method: str, path: str) -> Site:
    """The site with a stand-in behind the real gate: 200 means the gate let somebody through."""

    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("in")

    site.routes = [Route(path, endpoint, methods=[method])]
    site.__post_init__()
    return site


@pytest.mark.parametrize(("method", "path"), HTTP)
async def test_the_gate_lets_in_whom_the_table_names_and_nobody_else(
    site: Site, method: str, path: str
) -> None:
    """A role that is not in the entry gets 403, nobody at all 401 (or the sign-in page)."""
    await _behind(site, method, path)
    for who in WHO:
        token = await site.session(PERSON[who]) if who != SIGNED_OUT else ""
        reply = await site.ask(method, path, {} if method == "POST" else None, token=token)
        if who in ROUTES[method, path]:
            assert (reply.status, reply.body) == (200, b"in"), who
        elif who == SIGNED_OUT:
            assert reply.status == (401 if path.startswith("/api/") else 303), who
            assert reply.headers.get("location", path).endswith(path), (
                "after signing in they are where they wanted to be"
            )
        else:
            assert (reply.status, reply.json["code"]) == (403, "not_allowed"), who


@pytest.mark.parametrize(("method", "path"), HTTP)
async def test_a_one_time_password_opens_nothing_but_the_change_of_password(
    site: Site, method: str, path: str
) -> None:
    """Whoever finds the paper with a one-time password gets to no customer with it."""
    await _behind(site, method, path)
    token = await site.session("ada")
    with site.database.writing() as db:
        db.run("UPDATE credential SET must_change = 1 WHERE agent_id = 'ada'")
    reply = await site.ask(method, path, {} if method == "POST" else None, token=token)
    let_in = SIGNED_OUT in ROUTES[method, path] or path == "/api/password"
    assert (reply.status == 200) == let_in


@pytest.mark.parametrize(
    ("method", "path"), [each for each in HTTP if each[0] != "GET" and each not in SIGNED]
)
async def test_every_change_needs_our_own_page(site: Site, method: str, path: str) -> None:
    """A form or a script of another site, sent with somebody's cookie, changes nothing."""
    await _behind(site, method, path)
    token = await site.session("ada")
    for headers in (
        {"x-muster": ""},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        reply = await site.ask(method, path, {}, token=token, headers=headers)
        assert (reply.status, reply.json["code"]) == (403, "cross_site"), headers


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://muster.test.evil.example"])
async def test_a_socket_of_a_foreign_page_is_refused_in_the_handshake(
    site: Site, path: str, origin: str
) -> None:
    """Another site's page can open sockets with somebody's cookie; it may not open ours."""

    async def endpoint(websocket: Any) -> None:
        await websocket.accept()

    site.routes = [WebSocketRoute(path, endpoint)]
    site.__post_init__()
    page = site.page()
    page.path = path
    page.headers = {"origin": origin}
    await page.open()
    assert not page.accepted


async def test_a_route_without_an_entry_cannot_be_registered(site: Site) -> None:
    """A new route that nobody has thought about stops the program, not the review."""

    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("in")

    for route in (
        Route("/api/new", endpoint),
        Route("/desk", endpoint, methods=["POST"]),
        WebSocketRoute("/desk", endpoint),
        Mount("/api", endpoint),
        Mount("/desk", endpoint),
    ):
        with pytest.raises(NoEntry):
            gated([route], site.services)


async def test_the_table_names_the_routes_of_the_program_and_no_others(site: Site) -> None:
    """An entry without a route is a door somebody may build one day without thinking of its lock."""
    services = site.services
    health = Health(services.database, services.committer, Figures())
    hooks = Hooks(services, HookFigures(Figures().registry))
    guard: Any = create_app(services, room=Room(services), health=health, hooks=hooks, port=80)
    router = guard._app.app.app  # behind the door of webhooks and the net for mistakes
    registered = set()
    for route in router.routes:
        methods = ["WS"] if isinstance(route, WebSocketRoute) else getattr(route, "methods", None) or ["GET"]
        registered |= {(method, route.path) for method in methods if method != "HEAD"}
    assert registered == set(ROUTES)


def test_every_command_is_in_the_table_and_in_this_test() -> None:
    """A command that the socket understands but the table does not know would be nobody's."""
    kinds = {command.__struct_config__.tag for command in shapes.Command.__args__}
    assert kinds == set(COMMANDS) == set(FIELDS)
    of_walls = {command.__struct_config__.tag for command in wall_shapes.Command.__args__}
    assert of_walls == set(WALL_COMMANDS) == set(WALL_FIELDS)


@pytest.mark.parametrize("role", ROLES)
async def test_no_command_goes_past_its_entry(site: Site, role: str) -> None:
    """Every command of the desk's socket, for every role: allowed ones are answered on their merits."""
    if role not in DESK:
        token = await site.session(PERSON[role])
        reply = await site.ask("POST", "/api/ticket", {}, token=token)
        assert reply.status == 403
        return
    page = await site.desk(PERSON[role])
    for kind, fields in FIELDS.items():
        if kind == "typing":
            continue
        answer = await page.command(kind, command_id=str(uuid.uuid4()), **fields)
        assert not answer["ok"]
        assert (answer["code"] == "not_allowed") == (role not in COMMANDS[kind]), kind


@pytest.mark.parametrize("role", sorted(DESK))
async def test_only_those_who_watch_open_a_wall_and_each_command_has_its_entry(site: Site, role: str) -> None:
    """An agent's ticket is good for a desk: it must not show the whole room, nor let anybody step in."""
    if role not in WATCH:
        page = site.page("/wall/socket")
        await page.open()
        await page.say({"kind": "hello", "ticket": await site.ticket(await site.session(PERSON[role]))})
        await page.until(lambda: page.code == 4403)
        assert page.snapshots == 0
        return
    page = await site.wall(PERSON[role])
    for kind, fields in WALL_FIELDS.items():
        answer = await page.command(kind, command_id=str(uuid.uuid4()), **fields)
        assert not answer["ok"] and answer["text"]
        assert (answer["code"] == "not_allowed") == (role not in WALL_COMMANDS[kind]), kind


async def test_a_desk_whose_person_may_no_longer_sign_in_can_do_nothing_more(site: Site) -> None:
    """Rights are those of this moment, not those of the moment the desk was opened."""
    page = await site.desk("sue")
    declared = site.rows("presence_declared")
    with site.database.writing() as db:  # behind the journal's back: nothing tells the desk
        db.run("UPDATE person SET active = 0 WHERE agent_id = 'sue'")
    await page.say({"kind": "presence", "command_id": str(uuid.uuid4()), "available": True})
    await page.until(lambda: page.code == 4401)
    assert site.rows("presence_declared") == declared


async def test_without_the_database_nobody_is_let_in_and_nobody_is_called_signed_out(site: Site) -> None:
    """An agent whose page asks again in the middle of an outage must not be sent to the sign-in page."""
    token = await site.session("ana")

    def gone() -> None:
        raise DatabaseGone("away")

    site.database.reading = gone  # type: ignore[method-assign,assignment]
    try:
        reply = await site.ask("POST", "/api/ticket", {}, token=token)
    finally:
        del site.database.reading  # type: ignore[method-assign]
    assert (reply.status, reply.json["code"]) == (503, "away")
