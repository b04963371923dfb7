"""Every statement of the admin page means the same on both databases."""

from pathlib import Path

import pytest

from agents_ui.wall.explain import explain
from router.journal.committer import wall_ms
from tests.admin.test_audit import _day
from tests.desk.small_site import running_site


@pytest.mark.system
async def test_every_part_answers_on_postgresql(data_dir: Path, postgres_url: str) -> None:
    """A centre moves to PostgreSQL when it grows: its page must not stay behind."""
    async with running_site(data_dir, postgres_url) as site:
        interaction_id = await site.held("ana")
        token = await site.session("ada")
        health = (await site.ask("GET", "/api/admin/health", token=token)).json
        assert health["database"] == health["database"] | {"dialect": "postgresql", "reachable": True}
        assert {role["role"]: role["ok"] for role in health["roles"]}["web"]
        assert not {role["role"]: role["ok"] for role in health["roles"]}["router"], "nobody holds the lease"
        for part in ("me", "plan", "people", "sessions"):
            assert (await site.ask("GET", f"/api/admin/{part}", token=token)).status == 200, part
        asked = {"from_day": _day(), "to_day": _day(), "interaction": interaction_id}
        found = (await site.ask("POST", "/api/admin/audit", asked, token=token)).json
        assert [each["details"]["what"] for each in found["records"]] == ["audit"]
        assert explain(site.database, site.plan, interaction_id, wall_ms()) is None, "no router has read it"
