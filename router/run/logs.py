"""Logs of a role: one event per line on standard error, time first; `muster up` keeps them in files.

Ids and counts only: no words, names, numbers or addresses of customers ever belong into a log.
"""

import logging
import sys
import time
from typing import Final

NOISY: Final = ("rq", "uvicorn", "websockets", "asyncio", "httpx2", "httpcore2", "aioice", "aiortc", "libav")
"""Libraries that report the ordinary; from these only warnings are kept. aioice would name every address."""


class _OneLine(logging.Formatter):
    """RFC 3339 in UTC, level, name, text. A traceback becomes part of the line."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        return f"{second}.{int(record.msecs):03}Z"

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", " | ")


def start_logging(role: str) -> None:
    """Log to standard error from here on. Once, in the composition root of a role."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine(f"%(asctime)s %(levelname)s {role} %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
