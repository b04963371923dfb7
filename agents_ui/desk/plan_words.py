"""The names a desk shows for the plan's ids."""

from typing import Any  # entity values are JSON objects

from agents_ui.access.table import DESK
from agents_ui.desk.words import MANUAL_QUEUE_NAME
from agents_ui.voice.ways import takes_calls
from config.plan import Plan
from config.words import MANUAL_QUEUE


def words_of(plan: Plan) -> dict[str, Any]:
    """Queues, channels, reasons, dispositions as {id, name}; agents as {agent_id, name}; the site's name.

    `calls`: whether calls can come in at all. `pair`: whether there is another site, where somebody may be
    known. `templates` are those of every account, in the plan's order.
    """
    queues = [{"id": queue.queue_id, "name": queue.name} for queue in plan.queues]
    return {
        "queues": [*queues, {"id": MANUAL_QUEUE, "name": MANUAL_QUEUE_NAME}],
        "channels": [{"id": channel.channel_id, "name": channel.name} for channel in plan.channels],
        "reasons": [{"id": reason.reason_id, "name": reason.name} for reason in plan.reasons],
        "dispositions": [{"id": each.reason_id, "name": each.name} for each in plan.dispositions],
        "agents": [{"agent_id": p.agent_id, "name": p.name} for p in plan.people if p.role in DESK],
        "site": plan.site.name,
        "calls": takes_calls(plan),
        "pair": plan.pair is not None,
        "templates": [
            {
                "account": account.account_id,
                "id": each.template_id,
                "language": each.language,
                "category": each.category,
                "text": each.text,
            }
            for account in plan.accounts
            for each in account.templates
        ],
    }
