"""The eyes of these tests see: faults planted on a page are found, and nothing else is."""

import pytest
from playwright.sync_api import Browser

from tests.browser.seeing import cut_off, low_contrasts, unnamed_controls, wider_than_screen

pytestmark = pytest.mark.system

GOOD = "<button>Go</button><p>words</p>"
FAULTS = {
    "low_contrasts": "<p style='color: #999; background: #fff'>words</p>",
    "unnamed_controls": "<button><svg></svg></button>",
    "cut_off": "<button style='height: 10px; overflow: hidden'>two<br>lines</button>",
    "wider_than_screen": "<p style='width: 3000px'>words</p>",
}


def test_planted_faults_are_found_and_a_sound_page_has_none(browser: Browser):
    """A check that never fails would let every page pass."""
    page = browser.new_page()
    checks = {
        check.__name__: check for check in (low_contrasts, unnamed_controls, cut_off, wider_than_screen)
    }
    page.set_content(GOOD)
    assert {name for name, check in checks.items() if check(page)} == set()
    for fault, markup in FAULTS.items():
        page.set_content(GOOD + markup)
        assert {name for name, check in checks.items() if check(page)} == {fault}
    page.close()
