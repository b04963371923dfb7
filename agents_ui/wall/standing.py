"""How the whole room stands at one row of the journal, and how it moves on: counts change by what changed.

Seeded once by SQL, then moved by news (news.py). What a fresh one would say at the same row, this one says
too: tests/wall/test_same_as_fresh.py. A hundred thousand waiting cost memory while a wall is open, no time.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final  # Any: entity values are JSON objects

import msgspec

from agents_ui.admin.roles import roles_now
from agents_ui.desk.alarms import open_alarms
from agents_ui.wall import rows
from agents_ui.wall.agents import BUSY, GROUPS, STAFFED, agent_value
from agents_ui.wall.day import day_of, last_seq_before
from agents_ui.wall.news import News, alarms_unseen, rings_of
from agents_ui.wall.rows import Agent, Contact, Ring
from agents_ui.wall.tallies import Tallies, per_mille
from agents_ui.wall.urgent import Urgent, unattended
from agents_ui.wall.waiting import Waiting
from config.plan import Plan
from config.words import MANUAL_QUEUE
from queues.measures import occupancy
from router.journal.database import Connection
from router.journal.stream import last_seq

Value = dict[str, Any]
Entities = dict[str, dict[str, Value]]

KINDS: Final = ("urgent", "queue", "agent", "call", "alarm", "site")


class Standing:
    """Everything a wall shows. `entities` is what was told last; `move` says what changed."""

    def __init__(self, plan: Plan, *, seq: int, since_ms: int, until_ms: int) -> None:
        self.entities: Entities = {kind: {} for kind in KINDS}
        self.tallies = Tallies(plan, since_ms)
        self.seq = seq
        self.until_ms = until_ms
        """The end of the day that is counted: from then on another one has to be seeded."""

        self._plan = plan
        self._queues = (*(queue.queue_id for queue in plan.queues), MANUAL_QUEUE)
        self._waiting = Waiting(plan)
        self._urgent = Urgent(plan.limits.unattended_alarm_ms)
        self._contacts: dict[str, Contact] = {}
        self._rings: dict[str, Ring] = {}
        self._parked: set[str] = set()
        self._held: dict[str, set[str]] = {}
        self._states: Counter[str] = Counter()
        self._unreal = 0
        self._people: dict[str, tuple[str, str]] = {}
        self._agents: dict[str, Agent] = {}

    def move(self, news: News, now_ms: int) -> list[Value]:
        """Take the news; what changed on a wall, as puts and drops."""
        queues, agents = set[str](), set(news.agents)
        self._agents |= news.agents
        if news.people is not None:
            agents |= set(self._people) | set(news.people)
            self._people = news.people
        for contact in news.contacts.values():
            self._count(contact, news, queues)
            self._keep(contact, queues, agents)
        self._rings |= {key: ring for key, ring in news.rings.items() if key in self._contacts}
        self._attend((*news.contacts, *self._parked, *self._held_by(agents)), now_ms)
        self.seq = news.seq
        return self._told(queues, agents, news)

    def holder_of(self, interaction_id: str) -> str:
        """With whom it is, or '' for nobody, as far as the news so far say."""
        contact = self._contacts.get(interaction_id)
        return contact.agent_id if contact is not None else ""

    def begin(self, news: News, now_ms: int) -> None:
        """Take everything there is; also queues and people of whom there is no news get their values."""
        self.move(news, now_ms)
        self._told(set(self._queues), set(self._people), news)

    def _count(self, contact: Contact, news: News, queues: set[str]) -> None:
        """Into the day's figures when it is first answered, or ends unanswered; then, or never again."""
        outcome = news.outcomes.get(contact.interaction_id)
        before = self._contacts.get(contact.interaction_id)
        over_before = before is None and 0 < contact.closed_seq <= self.seq
        if outcome is None or over_before or (before is not None and before.answered_at_ms):
            return
        queues.add(self.tallies.count(outcome))

    def _keep(self, contact: Contact, queues: set[str], agents: set[str]) -> None:
        """Out of every count as it was, into them as it is."""
        before = self._contacts.pop(contact.interaction_id, None)
        if before is not None:
            self._note(before, -1, queues, agents)
        if contact.closed_seq:
            self._rings.pop(contact.interaction_id, None)
            return
        self._contacts[contact.interaction_id] = contact
        self._note(contact, +1, queues, agents)

    def _note(self, contact: Contact, change: int, queues: set[str], agents: set[str]) -> None:
        self._states[_state(contact)] += change
        self._unreal += change if contact.traffic != "real" else 0
        queues.add(self._waiting.count(contact, change))
        ids = self._parked if contact.state == "parked" else None
        if contact.state in ("offered", "assigned"):
            ids = self._held.setdefault(contact.agent_id, set())
            agents.add(contact.agent_id)
        if ids is not None and change > 0:
            ids.add(contact.interaction_id)
        elif ids is not None:
            ids.discard(contact.interaction_id)

    def _held_by(self, agents: Iterable[str]) -> Iterable[str]:
        return (each for agent_id in agents for each in self._held.get(agent_id, ()))

    def _attend(self, ids: Iterable[str], now_ms: int) -> None:
        """Note which of these are urgent and with nobody."""
        for interaction_id in ids:
            contact = self._contacts.get(interaction_id)
            if contact is None:
                self._urgent.drop(interaction_id)
            else:
                self._urgent.set(contact, unattended(contact, self._agents.get(contact.agent_id), now_ms))

    def _told(self, queues: set[str], agents: set[str], news: News) -> list[Value]:
        changes: list[Value] = []
        fresh = self._urgent.values(self._contacts, self._rings)
        self._tell("urgent", fresh, (*self.entities["urgent"], *fresh), changes)
        lines = {queue_id: self._queue(queue_id) for queue_id in self._queues if queue_id in queues}
        self._tell("queue", lines, lines, changes)
        workers = {each: self._agent(each) for each in self._people if each in agents}
        self._tell("agent", workers, (*workers, *sorted(agents)), changes)
        if news.alarms is not None:
            self._tell("alarm", news.alarms, (*self.entities["alarm"], *news.alarms), changes)
        if news.calls is not None:
            self._tell("call", news.calls, (*self.entities["call"], *news.calls), changes)
        site = self._plan.site.site_id
        self._tell("site", {site: self._site(news)}, (site,), changes)
        return changes

    def _tell(self, kind: str, values: dict[str, Value], ids: Iterable[str], changes: list[Value]) -> None:
        """What differs from what was told, of these ids; an id without a value is gone."""
        told = self.entities[kind]
        for each in dict.fromkeys(ids):
            if each not in values:
                if told.pop(each, None) is not None:
                    changes.append({"drop": kind, "id": each})
            elif told.get(each) != values[each]:
                told[each] = values[each]
                changes.append({"put": kind, "id": each, "value": values[each]})

    def _queue(self, queue_id: str) -> Value:
        return {**self._waiting.of_queue(queue_id), **self.tallies.of_queue(queue_id)}

    def _agent(self, agent_id: str) -> Value:
        held = [(self._contacts[each], self._rings.get(each)) for each in self._held.get(agent_id, ())]
        agent = self._agents.get(agent_id) or Agent(agent_id)
        return agent_value(self._plan, self._people[agent_id], agent, held)

    def _site(self, news: News) -> Value:
        groups = Counter(agent["group"] for agent in self.entities["agent"].values())
        busy, staffed = (sum(groups[each] for each in some) for some in (BUSY, STAFFED))
        return {
            "site_id": self._plan.site.site_id,
            "name": self._plan.site.name,
            "contacts": {state: self._states[state] for state in STATES},
            "not_real": self._unreal,
            "urgent": len(self._urgent),
            "urgent_ids": self._urgent.ids(),
            "agents": {group: groups[group] for group in GROUPS},
            "occupancy_pm": per_mille(occupancy(busy, staffed)),
            "alarms": news.alarms_open,
            "roles": [msgspec.to_builtins(role) for role in news.roles],
            **self.tallies.of_site(),
        }


STATES: Final = ("waiting", "offered", "engaged", "wrap-up", "parked")


def _state(contact: Contact) -> str:
    if contact.state != "assigned":
        return contact.state
    return "wrap-up" if contact.wrap_up_since_ms else "engaged"


def seeded(db: Connection, plan: Plan, now_ms: int) -> Standing:
    """The room as it stands at the newest row of the journal, everything read anew."""
    since_ms, until_ms = day_of(now_ms, plan.site.time_zone)
    standing = Standing(plan, seq=last_seq(db), since_ms=since_ms, until_ms=until_ms)
    for outcome in rows.outcomes_after(db, last_seq_before(db, since_ms)):
        standing.tallies.count(outcome)
    contacts = {contact.interaction_id: contact for contact in rows.open_contacts(db)}
    news = News(standing.seq, contacts)
    news.rings = rings_of(db, contacts.values())
    news.agents, news.people = rows.agents(db), rows.people(db, plan)
    news.alarms, news.alarms_open = open_alarms(db), alarms_unseen(db)
    news.calls, news.roles = rows.calls(db), roles_now(db, plan)
    standing.begin(news, now_ms)
    return standing


def changes_between(before: Entities, after: Entities) -> list[Value]:
    """The puts and drops that lead from one to the other."""
    changes: list[Value] = []
    for kind in KINDS:
        gone = (each for each in before[kind] if each not in after[kind])
        changes += [{"drop": kind, "id": each} for each in gone]
        new = ((each, value) for each, value in after[kind].items() if before[kind].get(each) != value)
        changes += [{"put": kind, "id": each, "value": value} for each, value in new]
    return changes
