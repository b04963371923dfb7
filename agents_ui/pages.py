"""The pages' HTML: shells that name their styles and modules; everything people see is drawn by the modules.

The import map is the only inline script: its hash is in the content security policy, so nothing else inline
can run. The chat's shell carries the centre's name and notice as text: somebody in need reads them before,
and even without, any script or connection.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from html import escape
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from agents_ui.elsewhere.whereabouts import Whereabouts, origin_of
from agents_ui.services import Services
from agents_ui.static_files import StaticTree, own_files
from agents_ui.voice.ways import number_to_call, web_call_account
from config.plan import Plan

IMPORTS: Final = {
    "preact": "vendor/preact.mjs",
    "preact/hooks": "vendor/hooks.mjs",
    "htm": "vendor/htm.mjs",
    "@preact/signals": "vendor/signals.mjs",
    "@preact/signals-core": "vendor/signals-core.mjs",
}

POLICY: Final = (
    "default-src 'none'; script-src 'self' 'sha256-{import_map}'; style-src 'self'; "
    "connect-src 'self'{other}; img-src 'self'; media-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""ASVS 5.0, 3.4.3: nothing from elsewhere, nothing inline but the import map, no text that becomes markup.
Where there is another site of ours, pages may ask it as well."""

PERMISSIONS: Final = {
    "chat": "camera=(), geolocation=(self), microphone=(self)",
    "desk": "camera=(), geolocation=(), microphone=(self)",
}
"""Of pages where people talk, or say where they are; guard.py refuses all of it everywhere else."""

SHELL: Final = """<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<script src="{theme}"></script>
<link rel="icon" href="{icon}" type="image/svg+xml">
{styles}
<script type="importmap">{import_map}</script>
{preloads}
{start}
</head>
<body class="{page}-page">
{body}
</body>
</html>
"""


def page_routes(services: Services) -> list[BaseRoute]:
    """Routes of the pages and of /static, before the gate."""
    return routes_for(services.plan, services.whereabouts)


def routes_for(plan: Callable[[], Plan], where: Whereabouts | None = None) -> list[BaseRoute]:
    """The same, needing only the plan in force; without whereabouts there is no other site."""
    static = own_files()
    import_map = json.dumps({"imports": {name: static.address(file) for name, file in IMPORTS.items()}})

    def route(path: str, page: str, body: Callable[[Plan, str], str]) -> Route:
        async def show(request: Request) -> Response:
            site = plan().site.name
            other = where.origin() if where is not None else ""
            sites = _sites(where, request.headers.get("referer", "")) if where is not None else ""
            shown = body(plan(), sites)
            html = _shell(static, import_map, page=page, title=f"{_TITLES[page]} · {site}", body=shown)
            return HTMLResponse(html, headers=_headers(import_map, page, other))

        return Route(path, show, methods=["GET"], name=f"{page}-page")

    return [
        route("/", "home", _home),
        route("/chat", "chat", _chat),
        route("/sign-in", "sign-in", _empty),
        route("/desk", "desk", _empty),
        route("/wall", "wall", _empty),
        route("/admin", "admin", _empty),
        route("/arrive", "arrive", _empty),
        Mount("/static", static, name="static"),
    ]


_TITLES: Final = {
    "home": "Muster",
    "chat": "Chat",
    "sign-in": "Sign in",
    "desk": "Desk",
    "wall": "Wall",
    "admin": "Admin",
    "arrive": "Muster",
}

_STYLES: Final = {
    "home": ("home",),
    "chat": ("chat",),
    "sign-in": ("sign-in",),
    "desk": (
        "urgency",
        "desk",
        "desk-bar",
        "offer",
        "conversation",
        "desk-side",
        "customer",
        "places",
        "overlay",
    ),
    "admin": ("urgency", "overlay", "admin", "sites"),
    "arrive": ("sign-in",),
    "wall": ("urgency", "conversation", "desk-side", "overlay", "wall", "wall-urgent", "wall-room"),
}
"""One style sheet per region, after colours and frame, which every page has."""

_LATER: Final = ("types.js", "desk/parts/template-panel.js")
"""Ends of names that are not fetched ahead: shapes for readers alone, and what is opened now and then."""


def _shell(static: StaticTree, import_map: str, *, page: str, title: str, body: str) -> str:
    sheets = [f"styles/{name}.css" for name in ("colours", "frame", *_STYLES[page])]
    folders = ("shared/", f"{page}/", "vendor/", f"words/{page}.en")
    modules = [name for name in static.modules(*folders) if page != "home" and not name.endswith(_LATER)]
    preloads = [f'<link rel="modulepreload" href="{static.address(name)}">' for name in modules]
    start = f'<script type="module" src="{static.address(f"{page}/main.js")}"></script>' if modules else ""
    return SHELL.format(
        title=escape(title),
        theme=static.address("theme.js"),
        icon=static.address("styles/icon.svg"),
        styles="\n".join(f'<link rel="stylesheet" href="{static.address(sheet)}">' for sheet in sheets),
        import_map=import_map,
        preloads="\n".join(preloads),
        start=start,
        page=page,
        body=body,
    )


def _headers(import_map: str, page: str, other: str) -> dict[str, str]:
    """The page's own; guard.py adds those that every answer has. other: the other site's origin, or empty."""
    digest = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
    policy = POLICY.format(import_map=digest, other=f" {other}" if other else "")
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return headers | {"Permissions-Policy": PERMISSIONS[page]} if page in PERMISSIONS else headers


def _sites(where: Whereabouts, referer: str) -> str:
    """What a page must know before its site is silent: both sites, and whether the other one sent it here."""
    other = where.other()
    if other is None:
        return ""
    about = {
        "here": where.here,
        "here-name": where.name(),
        "other": other.site_id,
        "other-name": other.name,
        "other-url": other.url,
        "sent": "yes" if origin_of(referer) == where.origin() else "",
    }
    return "".join(f' data-{name}="{escape(value)}"' for name, value in about.items())


def _home(plan: Plan, sites: str) -> str:
    return f"""<main class="home">
<h1 dir="auto">{escape(plan.site.name)}</h1>
<p class="notice" dir="auto">{escape(plan.site.customer_notice)}</p>
<a class="big strong" href="/chat">I need help: open the chat</a>
<a class="big" href="/desk">I work here: open the desk</a>
<p class="others"><a href="/wall">The wall of the room</a> · <a href="/admin">Administration</a></p>
</main>"""


def _chat(plan: Plan, sites: str) -> str:
    name, notice = escape(plan.site.name), escape(plan.site.customer_notice)
    calls, number = "yes" if web_call_account(plan) else "", escape(number_to_call(plan))
    about = f'data-site="{name}" data-notice="{notice}" data-calls="{calls}" data-number="{number}"{sites}'
    return f"""<div id="page" {about}>
<div class="chat"><header class="chat-head"><h1 dir="auto">{name}</h1></header>
<main class="talk"><p class="notice" dir="auto">{notice}</p>
<noscript><p class="notice">This chat needs JavaScript. Please reach the centre another way.</p></noscript>
</main></div></div>"""


def _empty(plan: Plan, sites: str) -> str:
    return f'<div id="page"{sites}><noscript>This page needs JavaScript.</noscript></div>'
