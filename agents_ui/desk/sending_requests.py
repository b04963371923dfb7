"""Commands about what may be sent: a template, and what the customer said about messages. As appends."""

from collections.abc import Sequence

from agents_ui.access.person import Person
from agents_ui.desk import reply_rules, shapes
from agents_ui.desk.leaving import NO_ADDRESS, send_order
from agents_ui.desk.requests import Decide, message_fact, message_id, not_held
from config.plan import AccountPlan, Plan, TemplatePlan
from router.channels import consent as consents
from router.channels import template as templates
from router.journal.database import Connection
from router.records import Fact

NO_TEMPLATE = "no_template"
"""Refusal: the plan has no such template for this account, or no longer."""


def template(person: Person, command: shapes.Template, plan: Plan) -> Decide:
    """An approved template to the customer, its places filled, if this person holds the conversation."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        found = _account_template(db, plan, command)
        if found is None:
            return NO_TEMPLATE
        account, chosen = found
        kept = templates.kept_of(chosen, account=account.account_id, values=command.values)
        body = templates.body_of(kept)
        if (known := _repeated(db, person, command, body)) is not None:
            return known
        refused = not_held(db, person, command.interaction_id, talking=True)
        refused = refused or templates.problem_of(chosen, command.values)
        if refused:
            return refused
        return _said(db, at_ms, person, command, plan, chosen, body)

    return decide


def consent(person: Person, command: shapes.Consent) -> Decide:
    """What the customer told this agent about messages; nothing where it is known."""

    def decide(db: Connection, at_ms: int) -> Sequence[Fact] | str:
        if refused := not_held(db, person, command.interaction_id):
            return refused
        row = db.row(
            "SELECT channel, account, address_hash FROM interaction WHERE interaction_id = :i",
            i=command.interaction_id,
        )
        if row is None or not row[2]:
            return NO_ADDRESS
        known = consents.states(db, channel=row[0], address_hash=row[2]).get(command.category)
        if known is not None and known[0] == command.state:
            return ()
        change = consents.changed(
            interaction_id=command.interaction_id,
            channel=row[0],
            account=row[1],
            address_hash=row[2],
            state=command.state,
            how="agent",
            categories=[command.category],
            # What the provider blocks, no agent opens: only their own START does.
            blocked=known is not None and known[2],
            agent_id=person.agent_id,
            command_id=command.command_id,
        )
        return [change]

    return decide


def _said(
    db: Connection,
    at_ms: int,
    person: Person,
    command: shapes.Template,
    plan: Plan,
    chosen: TemplatePlan,
    body: bytes,
) -> Sequence[Fact] | str:
    """The message and its order, or why it cannot be sent."""
    usual = consents.BULK if chosen.category == "marketing" else consents.REPLY
    category = "" if command.emergency and usual == consents.REPLY else usual
    refused = reply_rules.refused(
        db,
        plan,
        interaction_id=command.interaction_id,
        body=b"",
        at_ms=at_ms,
        category=category,
        template_id=chosen.template_id,
    )
    if refused:
        return refused
    order = send_order(
        db,
        interaction_id=command.interaction_id,
        message_id=message_id(person, command.interaction_id, command.client_id),
        at_ms=at_ms,
        category=category,
        template_id=chosen.template_id,
    )
    if isinstance(order, str):
        return order
    said = message_fact(
        db,
        at_ms,
        person,
        command.interaction_id,
        command.client_id,
        body,
        "out",
        media_type=templates.MEDIA_TYPE,
    )
    return [said, *order]


def _account_template(
    db: Connection, plan: Plan, command: shapes.Template
) -> tuple[AccountPlan, TemplatePlan] | None:
    row = db.row("SELECT account FROM interaction WHERE interaction_id = :i", i=command.interaction_id)
    for account in plan.accounts if row is not None else ():
        for each in account.templates:
            if (account.account_id, each.template_id) == (row and row[0], command.template_id):
                return account, each
    return None


def _repeated(
    db: Connection, person: Person, command: shapes.Template, body: bytes
) -> Sequence[Fact] | str | None:
    """Nothing to do for a repeat; a refusal for another message under its id; None for a new one."""
    found = db.row(
        "SELECT c.body FROM message m LEFT JOIN content c ON c.content_id = m.content_id"
        " WHERE m.message_id = :m",
        m=message_id(person, command.interaction_id, command.client_id),
    )
    if found is None:
        return None
    return () if found[0] is None or bytes(found[0]) == body else "id_taken"
