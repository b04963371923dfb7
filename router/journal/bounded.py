"""psycopg's connection with an end to every wait: a server that hangs neither answers nor fails.

A frozen server, a stalled disk and a commit that waits for a dead synchronous replica all look alike from
here: the connection is well, and no answer comes. None of PostgreSQL's own limits helps: statement_timeout
ends before COMMIT waits for its replica, tcp_user_timeout and keepalives are answered by the kernel. So the
client counts itself, and lets go of the connection: what the server still does with it is unknown.
"""

import time
from typing import Any, Final  # Any: columns, and what psycopg's generators pass to each other

import psycopg
from psycopg.abc import RV, PQGen

LOOK_S: Final = 0.1
"""psycopg's own interval: how often a wait looks around."""


class NoAnswer(psycopg.OperationalError):
    """The server did not answer in time; the connection is closed, and the outcome unknown."""


class BoundedConnection(psycopg.Connection[tuple[Any, ...]]):
    """Each statement has limit_s to be answered. Raises NoAnswer, from whatever was asked."""

    limit_s: float | None = None

    def wait(self, gen: PQGen[RV], interval: float = LOOK_S, timeout: float | None = None) -> RV:
        """See psycopg. With the connection gone at once, whatever tidies up after it waits no second time."""
        if self.limit_s is None:
            return super().wait(gen, interval)
        try:
            return super().wait(_until(gen, self.limit_s), interval)
        except NoAnswer:
            self.pgconn.finish()
            raise


def _until(gen: PQGen[RV], limit_s: float) -> PQGen[RV]:
    """The same generator, as long as something comes within the limit."""
    give_up_s = time.monotonic() + limit_s
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready:
                give_up_s = time.monotonic() + limit_s
            elif time.monotonic() >= give_up_s:
                raise NoAnswer(f"the server has not answered for {limit_s:g} s")
            wanted = gen.send(ready)
    except StopIteration as end:
        answer: RV = end.value
        return answer
