"""What the simulated webs append: idempotent as the real ones are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from router.call_backs import id_of
from router.journal.connection import Connection
from router.records import Fact, fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrive:
    """A contact that begins an interaction; the same contact again is nothing."""

    interaction_id: str
    channel: str
    connection_id: str
    web_id: str
    customer_id: str = ""
    verified: bool = False

    def write_content(self, db: Connection) -> None:
        """None: words have no part in routing."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        known = db.row(
            "SELECT 1 FROM interaction WHERE interaction_id = :interaction_id",
            interaction_id=self.interaction_id,
        )
        if known is not None:
            return ()
        arrived = fact(
            "arrived",
            self.interaction_id,
            channel=self.channel,
            account="",
            customer_id=_customer_of(db, self._identity) or self.customer_id,
            identity_id=self._identity,
            verified=self.verified,
            thread=self.interaction_id,
            connection_id=self.connection_id,
            web_id=self.web_id,
            traffic="real",
            message_id=f"{self.interaction_id}-1",
            content_id="",
            client_id="1",
            message_kind="text",
        )
        known = fact(
            "customer_added",
            self.customer_id,
            identity_id=self._identity,
            channel=self.channel,
            account="",
            address_hash=self._identity,
            verified=self.verified,
        )
        before = (known,) if self.customer_id and not _customer_of(db, self._identity) else ()
        if not self.connection_id:
            return (*before, arrived)
        return (*before, arrived, connected(self.interaction_id, self.connection_id, self.web_id))

    @property
    def _identity(self) -> str:
        return self.customer_id and f"{self.channel} of {self.customer_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMessage:
    """A customer says more in an interaction that this site has; said where it is not, it is nothing."""

    interaction_id: str
    message_id: str

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        sql = "SELECT 1 FROM interaction WHERE interaction_id = :ref"
        if db.row(sql, ref=self.interaction_id) is None:
            return ()
        if db.row("SELECT 1 FROM message WHERE message_id = :id", id=self.message_id):
            return ()
        said = {"content_id": "", "client_id": "", "direction": "in", "author_id": ""}
        said |= {"message_kind": "text", "reading": "read"}
        return (fact("message_added", self.interaction_id, message_id=self.message_id, **said),)


def _customer_of(db: Connection, identity_id: str) -> str:
    found = db.row("SELECT customer_id FROM identity WHERE identity_id = :id", id=identity_id)
    return str(found[0]) if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Somebody says that an identity is another customer's, as the tables are at that moment."""

    identity_id: str
    to_customer_id: str
    agent_id: str

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        was = _customer_of(db, self.identity_id)
        if was in ("", self.to_customer_id):
            return ()
        moved = {"from_customer_id": was, "to_customer_id": self.to_customer_id, "why": "merge"}
        return (fact("identity_moved", self.identity_id, agent_id=self.agent_id, command_id="m", **moved),)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskCallBack:
    """An agent or a supervisor wants a customer called back; the same command again is nothing."""

    interaction_id: str
    command_id: str
    agent_id: str
    after_ms: int
    to_agent_id: str = ""
    steps_in: bool = False

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        opened = id_of(self.interaction_id, self.command_id)
        if db.row("SELECT 1 FROM interaction WHERE interaction_id = :id", id=opened):
            return ()
        values = {"to_queue_id": "", "to_agent_id": self.to_agent_id, "steps_in": self.steps_in}
        return (
            fact(
                "call_back_asked",
                self.interaction_id,
                agent_id=self.agent_id,
                due_at_ms=at_ms + self.after_ms,
                urgency=0,
                command_id=self.command_id,
                **values,
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Facts as they are; said twice, they stand in the journal twice. Nothing where they hold no longer."""

    said: tuple[Fact, ...]
    still: Callable[[], bool] = lambda: True

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        return self.said if self.still() else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Activate:
    """Another plan comes into force; the same version again is nothing."""

    digest: str
    version: int
    text: str

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        if db.row("SELECT 1 FROM plan WHERE version = :version", version=self.version):
            return ()
        return (fact("plan_activated", self.digest, version=self.version, text=self.text, by="admin"),)


def connected(interaction_id: str, connection_id: str, web_id: str) -> Fact:
    """The customer has this connection now."""
    return fact("customer_connected", interaction_id, connection_id=connection_id, web_id=web_id)


def disconnected(interaction_id: str, connection_id: str, web_id: str, *, for_good: bool = False) -> Fact:
    """That connection has closed; for_good: the customer hung up."""
    said = {"for_good": True} if for_good else {}
    return fact("customer_disconnected", interaction_id, connection_id=connection_id, web_id=web_id, **said)
