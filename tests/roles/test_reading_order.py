"""In which order contacts are read when many came at once."""

import asyncio
from contextlib import suppress
from pathlib import Path

from router.channels.chat import contact_of
from router.channels.ingest import KeepContact, Keeper
from router.run.intake import BATCH, Intake
from tests.roles.hand_stepped import T0, default_plan, new_site


async def test_contacts_that_came_at_once_are_read_oldest_first(data_dir: Path):
    """Newest first, those who came first would be the ones that wait unread after two seconds."""
    site = new_site(data_dir)
    plan = default_plan()
    keeper = Keeper(web_id="web-1")
    for number in range(2 * BATCH + 10):
        contact = contact_of(session=f"{number:064}", client_id="a", body="hello", received_at_ms=T0)
        site.committer.submit(KeepContact(contact, keeper)).result(10)
    intake = Intake(site.database, site.committer, lambda: plan, web_id="web-1")
    arrived = site.rows("arrived")
    intake.hear(arrived)
    reading = asyncio.create_task(intake.run())
    try:
        async with asyncio.timeout(30):
            while len(site.rows("read")) < len(arrived):
                await asyncio.sleep(0.02)
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        read = [row.ref for row in site.rows("read")]
        site.close()
    assert read == [row.ref for row in arrived]
