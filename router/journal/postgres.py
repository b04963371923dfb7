"""PostgreSQL by psycopg 3, set so that a commit is durable and a frozen writer harmless."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final  # Any: a column's value is whatever the table says

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.numeric import Int8Dumper

from router.journal.bounded import BoundedConnection, NoAnswer
from router.journal.connection import (
    NO_TABLES,
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseGone,
    DatabaseUnsafe,
    Value,
)

IDLE_WRITING_MS: Final = 1_000
"""A writer that stops inside a transaction would stop the site: the server ends its session after this."""

IDLE_READING_MS: Final = 60_000
"""Readers lock nobody out, and rebuilding 100,000 interactions computes for seconds between statements."""

LOCK_MS: Final = 2_000
"""Longer than IDLE_WRITING_MS, so that a frozen holder is gone before the others give up."""

OUR_NAME: Final = "muster"
"""With the process id the name of our sessions in pg_stat_activity: who holds what is asked there."""

CONNECT_S: Final = 3
NETWORK_MS: Final = 3_000
"""Unanswered data on the network for this long means the connection is lost (libpq tcp_user_timeout)."""

WRITTEN_S: Final = 5.0
"""A statement that writes, and COMMIT, get this long: longer than LOCK_MS and than any commit that goes on.
Then the server hangs: its disk, it itself, or its synchronous replica (bounded.py)."""

READ_S: Final = 15.0
"""How long nothing at all may come of what is read: 100,000 interactions begin to come after a second. Who
follows the journal sees nothing while it waits for a line that swallowed its question."""

STANDBY: Final = (
    "DATABASE_URL names a standby, which cannot be written: give the address of the primary, or of all "
    "(postgresql://user@one,two/name): then the one that can be written is found"
)

_DAMAGED: Final = ("XX001", "XX002", "58030")
"""What is stored, or an index of it, is rotten; the disk did not give it."""

_OLDEST: Final = 140_000
"""PostgreSQL 14: the oldest release that was still maintained when this was written."""

_SETTINGS: Final = """
    SELECT current_setting('fsync'), current_setting('full_page_writes'),
           current_setting('synchronous_commit'), pg_is_in_recovery()::text,
           current_setting('server_encoding'), current_setting('server_version_num'),
           set_config('idle_in_transaction_session_timeout', %s, false),
           set_config('lock_timeout', %s, false), set_config('client_encoding', 'UTF8', false),
           set_config('default_transaction_isolation', 'read committed', false)
"""

_NAMED: Final = re.compile(r"('(?:[^']|'')*')|(%)|(?<!:):([a-z_][a-z0-9_]*)")


class _BoolDumper(Int8Dumper):
    """Booleans are 0 and 1 in our tables."""

    def dump(self, obj: bool) -> bytes:
        return b"1" if obj else b"0"


class PostgresConnection:
    """See database.Connection. Autocommit, so that BEGIN and COMMIT are where this code says them."""

    dialect = "postgresql"

    def __init__(self, connection: "psycopg.Connection[tuple[Any, ...]]") -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._warned = False
        connection.add_notice_handler(self._hear)

    @property
    def usable(self) -> bool:
        return not self._connection.closed

    def rows(self, sql: str, /, **values: Value) -> list[tuple[Any, ...]]:
        try:
            return self._cursor.execute(_translated_sql(sql), values).fetchall()
        except psycopg.Error as error:
            raise self._translated(error) from error

    def row(self, sql: str, /, **values: Value) -> tuple[Any, ...] | None:
        found = self.rows(sql, **values)
        return found[0] if found else None

    def run(self, sql: str, /, **values: Value) -> int:
        try:
            return self._cursor.execute(_translated_sql(sql), values).rowcount
        except psycopg.Error as error:
            raise self._translated(error) from error

    def rows_listed(self, sql: str, values: Sequence[Value], /) -> list[tuple[Any, ...]]:
        try:
            return self._cursor.execute(_listed_sql(sql), values).fetchall()
        except psycopg.Error as error:
            raise self._translated(error) from error

    def run_listed(self, sql: str, values: Sequence[Value], /) -> int:
        try:
            return self._cursor.execute(_listed_sql(sql), values).rowcount
        except psycopg.Error as error:
            raise self._translated(error) from error

    def run_many(self, sql: str, values: Iterable[Mapping[str, Value]], /) -> None:
        try:
            self._cursor.executemany(_translated_sql(sql), values)
        except psycopg.Error as error:
            raise self._translated(error) from error

    def begin(self) -> None:
        self.run("BEGIN")

    def begin_reading(self) -> None:
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def commit(self) -> None:
        self._warned = False
        self.run("COMMIT")
        if self._warned:
            # The one warning a commit gives: somebody cancelled its wait for the synchronous replica. It is
            # on this disk, and gone if that replica takes over now: nobody may be told that it is kept.
            self.close()
            raise DatabaseGone("a commit did not wait for the synchronous replica: somebody cancelled it")
        if self._cursor.statusmessage != "COMMIT":  # COMMIT of a failed transaction is answered by ROLLBACK
            raise DatabaseBusy("an error inside the transaction was swallowed: nothing was committed")

    def rollback(self) -> None:
        if not self.usable or self._connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            return
        try:
            self._connection.execute("ROLLBACK")
        except psycopg.Error:  # the server undoes the transaction of a lost connection
            self.close()

    def close(self) -> None:
        self._connection.close()

    def _hear(self, notice: psycopg.errors.Diagnostic) -> None:
        self._warned = self._warned or notice.severity_nonlocalized == "WARNING"

    def _translated(self, error: psycopg.Error) -> Exception:
        if isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.TransactionRollback):
            return DatabaseBusy(str(error))
        state = error.sqlstate or ""
        if state in _DAMAGED and not self._connection.closed:
            return DatabaseDamaged(_last_line(error), by=self)
        if (
            isinstance(error, NoAnswer)
            or self._connection.closed
            or state[:2] in ("08", "53", "57", "58")
            or state in ("25P03", "25006")
        ):
            self.close()
            return DatabaseGone(_last_line(error))
        return DatabaseGone(NO_TABLES) if isinstance(error, psycopg.errors.UndefinedTable) else _curt(error)


@dataclass(slots=True)
class Servers:
    """Where the database is, when several are named: a primary and those that may take its place.

    The one that answered last is asked first: a machine that lost its power says nothing for CONNECT_S, and
    everybody who connects would wait that long.
    """

    addresses: tuple[tuple[str, str], ...]
    """Host (or folder of a socket) and port; empty where one server is named."""
    asked: Mapping[str, str]
    """What the URL says besides, about which of them is wanted."""

    @classmethod
    def of(cls, url: str) -> "Servers":
        """Those of this URL; one that makes no sense is found out by who connects."""
        try:
            said = conninfo_to_dict(url)
        except psycopg.Error:
            return cls((), {})
        hosts = str(said.get("host", "")).split(",")
        ports = str(said.get("port", "")).split(",")
        if len(hosts) < 2 or said.get("hostaddr") or len(ports) not in (1, len(hosts)):
            return cls((), {})
        ports = ports if len(ports) > 1 else ports * len(hosts)
        wanted = str(said.get("target_session_attrs", "read-write"))
        return cls(tuple(zip(hosts, ports, strict=True)), {"target_session_attrs": wanted})

    def wanted(self) -> dict[str, Any]:
        """What to tell the driver besides the URL."""
        if not self.addresses:
            return {}
        hosts, ports = zip(*self.addresses, strict=True)
        return {**self.asked, "host": ",".join(hosts), "port": ",".join(ports)}

    def good(self, info: psycopg.ConnectionInfo) -> None:
        """This one answered."""
        there = [each for each in self.addresses if each[0] == info.host and each[1] in ("", str(info.port))]
        self.addresses = (*there, *(each for each in self.addresses if each not in there))


class PostgresDriver:
    """Connections to one PostgreSQL database."""

    name = "postgresql"

    def __init__(self, url: str, *, unsafe: bool) -> None:
        self._url = "postgresql:" + url.partition(":")[2]
        self._unsafe = unsafe
        self._servers = Servers.of(self._url)
        self._was_primary = False

    def connect(self, *, reading: bool, local: bool = False, patient: bool = False) -> PostgresConnection:
        """A new connection with its timeouts set and its durability checked."""
        idle_ms = IDLE_READING_MS if reading else IDLE_WRITING_MS
        try:
            connection = BoundedConnection.connect(
                self._url,
                **self._servers.wanted(),
                autocommit=True,
                fallback_application_name=f"{OUR_NAME} {os.getpid()}",
                connect_timeout=CONNECT_S,
                tcp_user_timeout=NETWORK_MS,
                keepalives_idle=CONNECT_S,
                keepalives_interval=1,
                keepalives_count=CONNECT_S,
            )
            connection.limit_s = READ_S if reading else WRITTEN_S
            found = connection.execute(_SETTINGS, (str(idle_ms), str(LOCK_MS))).fetchone()
            if local:
                connection.execute("SET synchronous_commit TO local")
        except psycopg.Error as error:
            raise DatabaseGone(
                f"cannot use the database of DATABASE_URL ({_last_line(error)}): "
                "start PostgreSQL, or correct DATABASE_URL"
            ) from error
        connection.adapters.register_dumper(bool, _BoolDumper)
        connection.adapters.register_dumper(
            int, Int8Dumper
        )  # one prepared statement whatever the number's size
        problem = _unsafe_setting(found or ())
        if problem and not self._unsafe:
            connection.close()
            # In the middle of a failover an address may lead to a replica for a moment.
            raise (
                DatabaseGone(problem) if problem == STANDBY and self._was_primary else DatabaseUnsafe(problem)
            )
        connection.limit_s = None if patient else connection.limit_s
        self._was_primary = True
        self._servers.good(connection.info)
        return PostgresConnection(connection)


def _curt(error: psycopg.Error) -> psycopg.Error:
    """Without the lines after the first: DETAIL may hold the address of a customer, and errors are logged."""
    error.args = ((str(error).strip().splitlines() or [type(error).__name__])[0],)
    return error


def _last_line(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


def _unsafe_setting(found: tuple[Any, ...]) -> str:
    """What is wrong with these settings (columns of _SETTINGS) and how to change it, or ''."""
    fsync, full_page_writes, synchronous_commit, standby, encoding, version = found[:6]
    for name, value in (("fsync", fsync), ("full_page_writes", full_page_writes)):
        if value != "on":
            return (
                f"PostgreSQL runs with {name} = {value} and loses what it acknowledged: "
                f"type ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();"
            )
    if synchronous_commit not in ("on", "remote_apply"):
        return (
            f"PostgreSQL runs with synchronous_commit = {synchronous_commit} and may lose the last commits: "
            "type ALTER SYSTEM SET synchronous_commit = on; SELECT pg_reload_conf();"
        )
    if standby != "false":
        return STANDBY
    if encoding != "UTF8":
        return f"the database's encoding is {encoding}: create it with ENCODING 'UTF8' TEMPLATE template0"
    if int(version) < _OLDEST:
        return f"PostgreSQL {version} is too old: use release {_OLDEST // 10_000} or newer"
    return ""


@lru_cache(maxsize=1024)
def _translated_sql(sql: str) -> bytes:
    """`:name` becomes `%(name)s`; quoted text and `::casts` stay; a bare percent sign is doubled.

    Quoted text keeps its colons but its percent signs are doubled too, as psycopg reads them everywhere.
    """
    return _NAMED.sub(_psycopg_form, sql).encode()


@lru_cache(maxsize=256)
def _listed_sql(sql: str) -> bytes:
    """`?` becomes `%s`; such statements have neither in a text of their own."""
    return sql.replace("%", "%%").replace("?", "%s").encode()


def _psycopg_form(match: re.Match[str]) -> str:
    quoted, percent, name = match.groups()
    if quoted:
        return str(quoted).replace("%", "%%")
    return "%%" if percent else f"%({name})s"
