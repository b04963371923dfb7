"""Playing the router and an agent: the rows they would append, appended by a test."""

import time
from collections.abc import Sequence
from uuid import uuid4

from router import decisions
from router.journal.appends import put_content
from router.journal.database import Connection
from router.records import Fact, fact
from skills.requirement import Requirement
from tests.web.sites import Site


def interactions(site: Site) -> list[tuple[str, str]]:
    return [
        (row[0], row[1])
        for row in site.rows("SELECT interaction_id, customer_id FROM interaction ORDER BY arrived_seq")
    ]


def owners(site: Site) -> list[str]:
    """The interactions that customers' connections belong to."""
    return [row[0] for row in site.rows("SELECT owner_id FROM connection ORDER BY connection_id")]


def give_up(site: Site, interaction_id: str, customer_id: str) -> str:
    """What the router decides when the customer was away for too long; the call-back's id."""
    site.decide(
        decisions.CloseInteraction(
            at_ms=1, interaction_id=interaction_id, agent_id="", disposition="", why="abandoned"
        ),
        decisions.OpenCallBack(
            at_ms=1,
            interaction_id=f"call-back of {interaction_id}",
            follows=interaction_id,
            channel="chat",
            queue_id=site.plan.queues[0].queue_id,
            urgency=3,
            requirement=Requirement(),
            rule_id="channel",
            accepted_at_ms=1,
            identity_id="",
            linked_to="",
            traffic="real",
        ),
    )
    return f"call-back of {interaction_id}"


def accept(site: Site, interaction_id: str, agent_id: str) -> None:
    """What the router decides when this agent takes it."""
    now = int(time.time() * 1000)
    site.decide(
        decisions.SetPresence(at_ms=now, agent_id=agent_id, available=True, reason=""),
        decisions.QueueInteraction(
            at_ms=now,
            interaction_id=interaction_id,
            queue_id=site.plan.queues[0].queue_id,
            urgency=4,
            requirement=Requirement(),
            rule_id="channel",
            why="read",
        ),
        decisions.OfferInteraction(
            at_ms=now,
            offer_id=f"{interaction_id}/1",
            interaction_id=interaction_id,
            agent_id=agent_id,
            deadline_ms=now + 15_000,
            explanation=decisions.Explanation(rule_id="channel", score=0, step=0, strategy="", tie_break=""),
        ),
        decisions.ConnectParties(
            at_ms=now, offer_id=f"{interaction_id}/1", interaction_id=interaction_id, agent_id=agent_id
        ),
    )


def close(site: Site, interaction_id: str, agent_id: str) -> None:
    """What the router decides when the agent is done with it."""
    now = int(time.time() * 1000)
    site.decide(
        decisions.BeginWrapUp(at_ms=now, interaction_id=interaction_id, agent_id=agent_id),
        decisions.CloseInteraction(
            at_ms=now, interaction_id=interaction_id, agent_id=agent_id, disposition="done", why="disposed"
        ),
    )


def reply(site: Site, interaction_id: str, agent_id: str, text: str, direction: str = "out") -> None:
    site.committer.submit(_Reply(interaction_id, agent_id, text, direction)).result(10)


def note(site: Site, interaction_id: str, agent_id: str, text: str) -> None:
    reply(site, interaction_id, agent_id, text, "note")


class _Reply:
    def __init__(self, interaction_id: str, agent_id: str, text: str, direction: str) -> None:
        self._values = (interaction_id, agent_id, text, direction)
        self._id = str(uuid4())

    def write_content(self, db: Connection) -> None:
        put_content(db, content_id=self._id, media_type="text/plain", body=self._values[2].encode(), at_ms=1)

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        interaction_id, agent_id, _, direction = self._values
        return [
            fact(
                "message_added",
                interaction_id,
                message_id=self._id,
                content_id=self._id,
                client_id=self._id,
                direction=direction,
                author_id=agent_id,
                message_kind="text",
                reading="read",
            )
        ]
