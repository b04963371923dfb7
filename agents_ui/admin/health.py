"""How the site is: roles, journal, database, Redis, disk, accounts. One look, for one asker."""

import asyncio
import os
import shutil
import time
from collections.abc import Mapping
from typing import Any, Final  # Any: the answer is a JSON value

import msgspec
from redis.exceptions import RedisError

from agents_ui.admin.copying import copy_now
from agents_ui.admin.roles import roles_now
from agents_ui.admin.traffic import accounts_now
from agents_ui.admin.watching import watch_now
from agents_ui.services import Services
from router.journal.database import DatabaseBusy, DatabaseGone
from router.journal.stream import read_head
from router.run.redis_client import async_redis_at

Value = dict[str, Any]

REDIS_S: Final = 1.0
"""Redis answers in well under a millisecond; one that needs this long is as good as gone."""

DATABASE_S: Final = 5.0

_PLAN: Final = "SELECT version, activated_at_ms, activated_by, digest FROM plan ORDER BY version DESC LIMIT 1"
_POSITION: Final = "SELECT read_through, now_ms FROM position WHERE reader = 'router'"
_OPEN: Final = "SELECT kind, count(*) FROM connection GROUP BY kind"
_ALARMS: Final = "SELECT count(*) FROM alarm WHERE seen_at_ms = 0"


async def health(services: Services) -> Value:
    """Everything; what cannot be asked says so, and the rest is shown all the same."""
    redis, (tables, took_ms) = await asyncio.gather(_redis(services.settings.redis_url), _tables(services))
    disk = await asyncio.to_thread(_disk, services)
    return {
        "now_ms": time.time_ns() // 1_000_000,
        "database": {
            "dialect": services.database.dialect,
            "reachable": tables is not None,
            "took_ms": took_ms,
        },
        "redis": redis,
        "disk": disk,
        "feed_lag_ms": services.feed.lag_ms,
        **(tables or {}),
    }


async def _tables(services: Services) -> tuple[Value | None, int]:
    began_s = time.monotonic()
    try:
        tables = await asyncio.wait_for(asyncio.to_thread(_read, services), DATABASE_S)
    except (DatabaseBusy, DatabaseGone, TimeoutError):
        tables = None
    return tables, round((time.monotonic() - began_s) * 1000)


def _read(services: Services) -> Value:
    plan = services.plan()
    with services.database.reading() as db:
        head = read_head(db)
        version, at_ms, by, digest = db.row(_PLAN) or (0, 0, "", "")
        read_through, _ = db.row(_POSITION) or (0, 0)
        alarms = db.row(_ALARMS) or (0,)
        return {
            "roles": [msgspec.to_builtins(role) for role in roles_now(db, plan)],
            "journal": {
                "site": head.site,
                "incarnation": head.incarnation,
                "seq": str(head.seq),
                "at_ms": head.at_ms,
                "hash": head.hash.hex(),
                "router_read": str(read_through),
            },
            "plan": {"version": version, "at_ms": at_ms, "by": by, "digest": digest},
            "connections": {row[0]: row[1] for row in db.rows(_OPEN)},
            "alarms": alarms[0],
            "accounts": accounts_now(db, plan, services.settings),
            "watch": watch_now(db, plan, services.settings),
            "copy": copy_now(db, services),
        }


async def _redis(url: str) -> Value:
    """Whether Redis answers. Nothing depends on it: without it everything is a little slower."""
    if not url:
        return {"configured": False, "reachable": False, "took_ms": 0}
    began_s, reachable = time.monotonic(), True
    client = async_redis_at(url, socket_timeout=REDIS_S, socket_connect_timeout=REDIS_S)
    try:
        await asyncio.wait_for(client.get("muster"), REDIS_S)  # any question will do
    except (RedisError, OSError, TimeoutError):
        reachable = False
    finally:
        await client.aclose()
    took_ms = round((time.monotonic() - began_s) * 1000)
    return {"configured": True, "reachable": reachable, "took_ms": took_ms}


def _disk(services: Services) -> Mapping[str, int]:
    """Of the disk the data folder is on; of a PostgreSQL elsewhere its machine must be asked."""
    try:
        usage = shutil.disk_usage(services.settings.data_dir)
    except OSError:
        return {"free_bytes": 0, "total_bytes": 0, "load": 0}
    load = round(os.getloadavg()[0] * 100) if hasattr(os, "getloadavg") else 0
    return {"free_bytes": usage.free, "total_bytes": usage.total, "load": load}
