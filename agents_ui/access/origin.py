"""Whether a request comes from our own pages: Origin, Sec-Fetch-Site and the header only our modules set."""

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from config.settings import Settings


def is_https(settings: Settings) -> bool:
    """Whether people reach this site by https: its own certificate, or a proxy's public URL."""
    return bool(settings.tls_certificate) or settings.public_url.startswith("https://")


def origin_allowed(headers: Mapping[str, str], settings: Settings) -> bool:
    """Whether the Origin header, where there is one, is ours.

    Browsers always send it with sockets and with state-changing requests. A program that is no browser may
    leave it out: nobody can make somebody else's program send its cookies.
    """
    origin = headers.get("origin")
    if origin is None:
        return True
    ours = urlsplit(settings.public_url) if settings.public_url else None
    given = _split(origin)
    if given is None or (given.scheme == "http" and is_https(settings)):
        return False
    hosts = {headers.get("host", "").lower()} | ({ours.netloc.lower()} if ours else set())
    return given.netloc.lower() in hosts


def same_site(headers: Mapping[str, str], settings: Settings) -> bool:
    """Whether a state-changing request is from our own pages (ASVS 5.0, 3.5.1 to 3.5.3).

    The custom header alone makes a browser ask us first (a preflight, which we never grant).
    """
    fetch_site = headers.get("sec-fetch-site", "same-origin")
    from_here = fetch_site in ("same-origin", "none")
    return headers.get("x-muster") == "1" and from_here and origin_allowed(headers, settings)


def _split(origin: str) -> SplitResult | None:
    """The parts of a well-formed http(s) origin; `null` and everything else is None."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.netloc else None
