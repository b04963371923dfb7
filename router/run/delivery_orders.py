"""Orders that deliveries are due: an answer leaves at once instead of at the worker's next look. Over rq.

An order says "look", not what to send, so one that still waits stands for all that are given meanwhile. Redis
may be gone, frozen or emptied: whoever orders never waits for it, and the worker looks by itself.
"""

import logging
import threading
from typing import Final

from router.run.redis_client import redis_at

QUEUE: Final = "delivery"
DELIVER_DUE: Final = "deliver_due"

ANSWER_S: Final = 0.5
TOGETHER_S: Final = 0.02
"""What is said within this time of an order is ordered together: at most fifty orders a second."""

AWAY_S: Final = 0.5
STALE_S: Final = 60
"""An order that no worker took for so long is thrown away."""

_log = logging.getLogger("muster.delivery")


class DeliveryOrders:
    """Gives orders in a thread of its own, which also loads rq there. close() ends it."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self._wanted = threading.Event()
        self._closed = threading.Event()
        if redis_url:
            threading.Thread(target=self._work, name="orders", daemon=True).start()

    def order(self) -> None:
        """Something is due. From any thread; never blocks, never raises."""
        self._wanted.set()

    def close(self) -> None:
        """Give no further order."""
        self._closed.set()
        self._wanted.set()

    def _work(self) -> None:
        from redis.exceptions import RedisError

        while not self._closed.is_set():
            try:
                self._give()
            except (RedisError, OSError) as problem:
                _log.debug("no orders now error=%s", type(problem).__name__)
                self._closed.wait(AWAY_S)

    def _give(self) -> None:
        """Over one connection, until closed or Redis fails."""
        from rq import Queue
        from rq.serializers import JSONSerializer

        with redis_at(self._url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S) as redis:
            queue = Queue(QUEUE, connection=redis, serializer=JSONSerializer)
            while True:
                self._wanted.wait()
                if self._closed.is_set():
                    return
                self._wanted.clear()
                if not queue.count:  # One that nobody has taken yet stands for this one too.
                    queue.enqueue_call(DELIVER_DUE, timeout=STALE_S, ttl=STALE_S, result_ttl=0, failure_ttl=0)
                self._closed.wait(TOGETHER_S)
