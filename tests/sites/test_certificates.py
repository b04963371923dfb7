"""The end of what two sites know each other by: said two months before, and named when it has come."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.settings import Settings, read_settings
from router.journal.clock import wall_ms
from router.sites.certificates import certificate_problems
from router.sites.ground import Ground
from router.sites.readiness import DAY_MS, Machine, problems
from router.sites.site_keys import LIVES_DAYS, make_keys
from tests.sites.site_pair import plan_of, site_pair

YEARS = LIVES_DAYS
"""Ten of them, in days."""


@pytest.fixture
def settings(data_dir: Path) -> Settings:
    """A site with what `muster site keys` made for it a moment ago."""
    make_keys(data_dir, ("a", "b"))
    return read_settings({"MUSTER_DATA": str(data_dir / "b"), "MUSTER_SITE": "b"})


def codes(settings: Settings, days: float) -> list[str]:
    """What is wrong with them, so many days from now."""
    return [each.code for each in certificate_problems(settings, wall_ms() + int(days * DAY_MS))]


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, []),
        (YEARS - 61, []),
        (YEARS - 59, ["certificate_ends"]),
        (YEARS - 0.5, ["certificate_ends"]),
        (YEARS + 0.5, ["certificate_ended"]),
        (YEARS + 400, ["certificate_ended"]),
    ],
)
def test_their_end_is_told_two_months_before_and_afterwards(settings, days, said):
    """On that day the line is down, for both sites; whoever knew the command has left long since."""
    assert codes(settings, days) == said


def test_it_says_on_which_day_and_what_to_type(settings):
    """Somebody who has never done it has two months, and one line."""
    now_ms = wall_ms() + (YEARS - 45) * DAY_MS + DAY_MS // 2
    (found,) = certificate_problems(settings, now_ms)
    day = datetime.fromtimestamp(now_ms / 1_000 + 44.5 * 86_400, UTC).date().isoformat()
    assert f"ends on {day}, in 44 days" in found.text
    assert "`muster site keys FOLDER`" in found.todo and "both sites" in found.todo


def test_a_pair_without_certificates_has_none_that_end(settings):
    """Two sites on one machine have none: nothing is to be done."""
    for name in ("ca.pem", "certificate.pem", "private-key.pem"):
        (settings.data_dir / "peer" / name).unlink()
    assert codes(settings, YEARS + 1) == []


def test_files_that_lack_or_cannot_be_read_are_named(settings):
    """A site that is restarted would not be heard again: the day to find out is today."""
    (settings.data_dir / "peer" / "certificate.pem").write_text("not a certificate")
    assert codes(settings, 0) == ["certificate_missing"]
    (settings.data_dir / "peer" / "certificate.pem").unlink()
    assert codes(settings, 0) == ["certificate_missing"]


def test_readiness_names_it(settings, tmp_path):
    """It goes to the other site with every beat, and stands in every dry run."""
    with site_pair(tmp_path / "pair", plan_of()) as pair:
        site = pair.b
        ground = Ground(
            settings=replace(settings, secrets={}),
            plan=pair.plan,
            site="b",
            own=site.own,
            copy=site.copy,
            committer=site.committer,
            clock=lambda: wall_ms() + (YEARS + 1) * DAY_MS,
        )
        found = [each.code for each in problems(ground, Machine(release="1.0", disk_used_pct=lambda: 10))]
    assert found.count("certificate_ended") == 1
