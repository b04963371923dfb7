"""Orders over rq: a thread that takes them from Redis, and how to order a chore. Nothing depends on them.

Only what is listed is ever run (chores.py, or what the worker was given): an order names it, and nothing is
imported by a name that came from Redis. Orders are JSON, never pickles.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final  # Any: rq leaves its functions' results untyped

from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty
from rq.worker import SimpleWorker

from router.run.chores import CHORES
from router.run.housekeeping import yield_to_others
from router.run.redis_client import redis_at

QUEUE: Final = "chores"
CHORE_S_MAX: Final = 7_200
"""Checking a journal of a hundred million rows is the longest chore there is."""

WORKER_TTL_S: Final = 45
"""Also bounds how long a lost Redis goes unnoticed: rq waits for orders this long minus 15 s at a time."""

ANSWER_S: Final = 1.0
PAUSE_S: Final = 2.0

_log = logging.getLogger("muster.chores")


class UnknownChore(Exception):
    """An order names something that is no chore of ours."""


class ChoreJob(Job):
    """An order of rq that can only name one of its chores, and calls nothing back."""

    chores: ClassVar[Mapping[str, Callable[[], Any]]] = CHORES

    @property
    def func(self) -> Callable[[], Any]:
        """The chore. Raises UnknownChore."""
        chore = self.chores.get(self.func_name or "")
        if chore is None:
            raise UnknownChore("an order names no chore of ours; it is not run")
        return chore

    success_callback = failure_callback = stopped_callback = None


class _Worker(SimpleWorker):
    death_penalty_class = TimerDeathPenalty  # Signals reach the main thread only.
    job_class = ChoreJob

    stopping: threading.Event

    def _install_signal_handlers(self) -> None:
        """The process handles its signals itself."""

    def subscribe(self) -> None:
        """Listen to no commands over Redis: nobody gives any, and rq's thread for them dies with Redis."""

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """As rq's, which calls it before and after each order: there it stops when asked to."""
        if self.stopping.is_set():
            raise StopRequested
        super().heartbeat(timeout, pipeline)


class ChoreWorker:
    """Takes orders in a thread of its own until the process ends; mends itself when Redis goes and comes.

    Shape: `chores` are what an order of this queue may name; without them they are CHORES, which are slow, so
           that their thread gets what other processes leave.
    """

    def __init__(
        self, redis_url: str, *, queue: str = QUEUE, chores: Mapping[str, Callable[[], Any]] | None = None
    ) -> None:
        self._url = redis_url
        self._queue = queue
        self._slow = chores is None
        self._job_class = type("ListedJob", (ChoreJob,), {"chores": CHORES if chores is None else chores})
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin, if there is a Redis at all."""
        if self._url:
            threading.Thread(target=self._work, name=self._queue, daemon=True).start()

    def stop(self) -> None:
        """Take no further order. A chore under way is cut off with the process, and ordered again by rq."""
        self._stopping.set()

    def _work(self) -> None:
        if self._slow:
            yield_to_others()
        while not self._stopping.is_set():
            try:
                with redis_at(self._url, socket_connect_timeout=ANSWER_S) as redis:
                    worker = _Worker(
                        [self._queue],
                        connection=redis,
                        job_class=self._job_class,
                        serializer=JSONSerializer,
                        worker_ttl=WORKER_TTL_S,
                    )
                    worker.stopping = self._stopping
                    worker.work(logging_level="WARNING")
            except (RedisError, OSError) as problem:
                _log.debug("no orders now error=%s", type(problem).__name__)
            self._stopping.wait(PAUSE_S)


def order(redis_url: str, chore: str, *, order_id: str) -> bool:
    """Order a chore of CHORES once under this id. False when Redis does not take it: then do it yourself."""
    if not redis_url:
        return False
    try:
        with redis_at(redis_url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S) as redis:
            queue = Queue(QUEUE, connection=redis, serializer=JSONSerializer, job_class=ChoreJob)
            queue.enqueue(chore, job_id=order_id, job_timeout=CHORE_S_MAX, result_ttl=86_400)
    except (RedisError, OSError) as problem:
        _log.info("chore is not ordered error=%s", type(problem).__name__)
        return False
    return True
