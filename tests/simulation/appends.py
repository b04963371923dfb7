"""What the simulated webs append: idempotent as the real ones are."""

from collections.abc import Sequence
from dataclasses import dataclass

from router.journal.connection import Connection
from router.records import Fact, fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrive:
    """A contact that begins an interaction; the same contact again is nothing."""

    interaction_id: str
    channel: str
    connection_id: str
    web_id: str

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
            customer_id="",
            thread=self.interaction_id,
            connection_id=self.connection_id,
            web_id=self.web_id,
            traffic="real",
            message_id=f"{self.interaction_id}-1",
            content_id="",
            client_id="1",
            message_kind="text",
        )
        if not self.connection_id:
            return (arrived,)
        return (arrived, connected(self.interaction_id, self.connection_id, self.web_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Facts as they are; said twice, they stand in the journal twice."""

    said: tuple[Fact, ...]

    def write_content(self, db: Connection) -> None:
        """None."""

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        return self.said


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


def disconnected(interaction_id: str, connection_id: str, web_id: str) -> Fact:
    """That connection has closed."""
    return fact("customer_disconnected", interaction_id, connection_id=connection_id, web_id=web_id)
