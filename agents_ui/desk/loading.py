"""The reads behind a desk's messages: one consistent transaction each, in a thread, values in and out."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any  # entity values are JSON objects

from agents_ui.access.person import Person
from agents_ui.access.sessions import is_live
from agents_ui.access.table import SEES_ALARMS
from agents_ui.desk import entities
from agents_ui.desk.alarms import alarms, open_alarms
from agents_ui.desk.calls import calls
from agents_ui.desk.customers import claimants_of, customer_values, customers_of, customers_with, open_of
from agents_ui.desk.dual_answers import dual_answers, dual_answers_of
from agents_ui.desk.entities import Interaction
from agents_ui.desk.touched import Touched
from config.plan import Plan
from router.journal.database import Connection, Database

Value = dict[str, Any]


@dataclass(slots=True)
class Loaded:
    """Values for one batch of changes, read at one moment."""

    interactions: dict[str, Interaction] = field(default_factory=dict)
    cards: dict[str, Value] = field(default_factory=dict)
    """Offers and conversations, by interaction_id, of agents who have a desk here."""

    calls: dict[str, Value] = field(default_factory=dict)
    """Of those conversations that are calls, by interaction_id."""

    messages: dict[str, list[Value]] = field(default_factory=dict)
    """By interaction_id: all of them for a conversation that was not shown, else those that were touched."""

    me: dict[str, Value] = field(default_factory=dict)
    customer_ids: dict[str, list[str]] = field(default_factory=dict)
    """Whom the agents talk with, by agent: of those whose list may have changed."""

    customers: dict[str, Value] = field(default_factory=dict)
    """Persons who changed, or who were not shown before."""

    duals: dict[str, Value] = field(default_factory=dict)
    """By interaction_id: what was answered at the other site, too."""

    alarms: dict[str, Value] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    """Of people who changed and may still sign in."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one desk shows, queue figures apart. `desk_open`: for the router it is open."""

    desk_open: bool
    work: list[Interaction]
    entities: dict[str, dict[str, Value]]


def load_changes(
    database: Database,
    plan: Plan,
    touched: Touched,
    *,
    agents: Container[str],
    shown: Mapping[str, tuple[str, str, str]],
    customers: Mapping[str, frozenset[str]] = MappingProxyType({}),
) -> Loaded:
    """The values that this batch changed. Newer than the batch is fine: puts are whole."""
    loaded = Loaded()
    with database.reading() as db:
        wanted = _with_delivered(db, touched, shown)
        loaded.interactions = entities.interactions(db, wanted)
        here = [each for each in loaded.interactions.values() if each.viewer in agents]
        _load_cards(db, plan, loaded, here)
        _load_messages(db, loaded, wanted, shown)
        # By get: a desk may leave at any moment, and with it what it showed.
        places = (shown.get(each) for each in loaded.interactions)
        before = {place[0] for place in places if place is not None}
        after = {each.viewer for each in loaded.interactions.values()}
        affected = {agent for agent in before | after | touched.agents if agent in agents}
        _load_customers(db, loaded, touched, affected, customers)
        loaded.me = entities.mes(db, plan, sorted(affected))
        loaded.alarms = alarms(db, touched.alarms)
        loaded.duals = dual_answers(db, plan, touched.duals, touched.moved)
        loaded.roles = _roles(db, touched.people)
    return loaded


def load_offers(database: Database, offered: set[str], *, agents: Container[str]) -> Loaded:
    """Those of these interactions that are on offer to such an agent now, and nothing else."""
    loaded = Loaded()
    with database.reading() as db:
        found = entities.interactions(db, offered).items()
        loaded.interactions = {
            key: each for key, each in found if each.shown_as == "offer" and each.viewer in agents
        }
        loaded.cards |= entities.offers(db, list(loaded.interactions.values()))
    return loaded


def load_snapshot(database: Database, plan: Plan, person: Person, desk_id: str) -> Snapshot | None:
    """What this desk of this person shows now; None when the session has ended meanwhile."""
    with database.reading() as db:
        if not is_live(db, person.session_hash, now_ms=0):
            return None
        work = entities.interactions_with(db, [person.agent_id])[person.agent_id]
        persons = customers_with(db, [person.agent_id])[person.agent_id]
        offers = [each for each in work if each.shown_as == "offer"]
        held = [each for each in work if each.shown_as == "conversation"]
        messages = [m for each in entities.messages_of(db, held).values() for m in each]
        return Snapshot(
            _is_open(db, desk_id),
            work,
            {
                "me": entities.mes(db, plan, [person.agent_id]),
                "offer": {each["offer_id"]: each for each in entities.offers(db, offers).values()},
                "conversation": entities.conversations(db, plan, held),
                "call": calls(db, plan, held),
                "message": {message["message_id"]: message for message in messages},
                "customer": customer_values(db, persons),
                "dual": dual_answers_of(db, plan, person.agent_id),
                "alarm": open_alarms(db) if person.role in SEES_ALARMS else {},
            },
        )


def _is_open(db: Connection, desk_id: str) -> bool:
    return (
        db.row("SELECT 1 FROM connection WHERE connection_id = :d AND kind = 'desk'", d=desk_id) is not None
    )


def _load_customers(
    db: Connection,
    loaded: Loaded,
    touched: Touched,
    affected: set[str],
    shown: Mapping[str, frozenset[str]],
) -> None:
    """The persons of every agent whose conversations changed, or who is shown one that changed."""
    changed = touched.customers | touched.moved
    changed |= claimants_of(db, changed) | customers_of(db, touched.of_persons)
    looking = {agent_id for agent_id, ids in shown.items() if not changed.isdisjoint(ids)}
    wanted: set[str] = set()
    loaded.customer_ids = customers_with(db, sorted(affected | looking))
    for agent_id, ids in loaded.customer_ids.items():
        wanted |= {each for each in ids if each in changed or each not in shown.get(agent_id, ())}
    loaded.customers = customer_values(db, wanted)


def _with_delivered(db: Connection, touched: Touched, shown: Mapping[str, object]) -> dict[str, set[str]]:
    """The touched interactions with their messages, those whose status moved, and who became whose."""
    wanted = {interaction_id: set(messages) for interaction_id, messages in touched.interactions.items()}
    for interaction_id in open_of(db, touched.moved):
        if interaction_id in shown:
            wanted.setdefault(interaction_id, set())
    for message_id, interaction_id in entities.interactions_of(db, touched.delivered).items():
        if interaction_id in shown:
            wanted.setdefault(interaction_id, set()).add(message_id)
    return wanted


def _load_cards(db: Connection, plan: Plan, loaded: Loaded, here: Sequence[Interaction]) -> None:
    """The offers' and the conversations' values, and their calls'."""
    held = [each for each in here if each.shown_as == "conversation"]
    loaded.cards |= entities.offers(db, [each for each in here if each.shown_as == "offer"])
    loaded.cards |= entities.conversations(db, plan, held)
    loaded.calls = calls(db, plan, held)


def _load_messages(
    db: Connection,
    loaded: Loaded,
    wanted: Mapping[str, set[str]],
    shown: Mapping[str, tuple[str, str, str]],
) -> None:
    """The messages that the viewers of these conversations lack."""
    new: list[Interaction] = []
    touched: set[str] = set()
    for interaction_id in loaded.cards:
        interaction = loaded.interactions[interaction_id]
        if interaction.shown_as == "offer":
            continue
        if shown.get(interaction_id) == (interaction.viewer, "conversation", interaction_id):
            touched |= wanted[interaction_id]
        else:
            new.append(interaction)
    loaded.messages |= entities.messages_of(db, new)
    found = entities.messages_by_id(db, touched)
    for message in sorted(found, key=lambda each: (int(each["seq"]), each["at_ms"], each["message_id"])):
        loaded.messages.setdefault(message["interaction_id"], []).append(message)


def _roles(db: Connection, people: set[str]) -> dict[str, str]:
    roles = {}
    for agent_id in sorted(people):
        row = db.row("SELECT role FROM person WHERE agent_id = :a AND active = 1", a=agent_id)
        if row is not None:
            roles[agent_id] = row[0]
    return roles
