"""Slow chores: what may take minutes, may run twice, and nobody waits for. Routing is never one.

Each opens what it needs from the environment, so that it runs the same way as an order of rq, in whatever
worker takes it, and directly when there is no Redis.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from config.settings import read_settings
from router.journal.database import open_database

_log = logging.getLogger("muster.chores")


def verify_journal() -> dict[str, int]:
    """Check the whole journal against its hash chain and the tables; what is wrong goes to the log."""
    from router.journal.verify import verify  # and with it SQLAlchemy: seconds in which no answer leaves

    settings = read_settings()
    database = open_database(settings.database_url, unsafe=settings.unsafe)
    try:
        with database.reading() as db:
            report = verify(db)
    finally:
        database.close()
    for problem in report.problems:
        _log.error("journal damaged seq=%d where=%s text=%s", problem.seq, problem.where, problem.text)
    for text in report.contents.texts:
        _log.error("content damaged text=%s", text)
    damaged = report.contents.damaged
    _log.info("journal verified rows=%d problems=%d damaged=%d", report.rows, report.problem_count, damaged)
    return {"rows": report.rows, "problems": report.problem_count + damaged}


CHORES: Final[Mapping[str, Callable[[], dict[str, int]]]] = {
    f"{verify_journal.__module__}.{verify_journal.__qualname__}": verify_journal,
}
"""Everything a worker does on order, by the name an order gives; any other name is refused."""
