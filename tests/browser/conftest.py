"""A real Chromium for every test here; without one they are skipped with a reason, and fail in CI."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from config.plan import Plan
from config.plan_file import parse_plan
from tests.browser.fake import FakeCentre
from tests.browser.stage import set_stage

FEATURES_OFF = (
    # A window of Debian's Chromium loads what its address bar suggests as a page in a process of its own:
    # half of what it costs to open one, and no test has an address bar.
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
    # Playwright's own, because only the last of several lists counts.
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"),
    *("HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding", "AimEnabled"),
    *("ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints"),
    *("TcpPortRandomizationWin", "NetworkTimeServiceQuerying", "PreconnectToSearch"),
)

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(FEATURES_OFF)}",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
]
WAIT_MS = 20_000
"""A guard, not a promise: on a busy machine a page may take seconds for what it does at once elsewhere."""

expect.set_options(timeout=WAIT_MS)
HERE = Path(__file__).parent

Open = Callable[..., Page]


def find_chromium() -> str:
    """The Chromium to use; empty where there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), "")


def _chromium() -> str:
    found = find_chromium()
    if not found:
        reason = "no Chromium on the PATH: apt-get install chromium, or set CHROMIUM to one"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each module here stays together in one process, so that its browser is gone before other tests run."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.xdist_group(f"browser-{item.path.stem}"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a module; each test has contexts of its own.

    Not one for the session: Playwright keeps an event loop running in this thread while it is open, and no
    test of a coroutine can run beside that.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: MUSTER_SCREENSHOTS, or pytest's folder, which keeps three runs."""
    wanted = os.environ.get("MUSTER_SCREENSHOTS", "")
    folder = Path(wanted) if wanted else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens an address in a context of its own. A page that logs an error fails its test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_page(
        url: str,
        *,
        width: int = 1280,
        height: int = 800,
        dark: bool = False,
        language: str = "en-GB",
        script: str = "",
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            locale=language,
        )
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(script)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if _is_ours(line.type, line.text) else None)
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors


def _is_ours(kind: str, text: str) -> bool:
    """A refused connection is the network's error, not the page's."""
    return kind == "error" and "WebSocket connection" not in text and "Failed to load resource" not in text


@pytest.fixture(scope="session")
def plan() -> Plan:
    """The plan that comes with Muster."""
    path = Path(__file__).parents[2] / "config" / "default.toml"
    return parse_plan(path.read_text(encoding="utf-8"), str(path))


@pytest.fixture
def centre(plan: Plan) -> Iterator[FakeCentre]:
    """A fake centre with an agent, two conversations and a customer's chat that nobody has answered."""
    centre = FakeCentre(plan)
    set_stage(centre, plan)
    yield centre
    centre.stop()
