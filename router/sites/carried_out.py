"""Commands about sites that were carried out: a late repeat must not undo what was decided since."""

from typing import Final

from router.journal.connection import Connection
from router.sites.problems import Problem

SUPERSEDED: Final = Problem(
    code="superseded",
    text="this was done before, and somebody has decided otherwise since",
    todo="look at how things stand now, and ask for it anew where it is still wanted",
)

_DONE: Final = "SELECT 1 FROM act_done WHERE command_id = :command_id AND ref = :ref"


def carried_out(db: Connection, *, command_id: str, ref: str) -> bool:
    """Whether this command has been done about this scope, site or domain and mode, whatever holds now."""
    return bool(command_id) and db.row(_DONE, command_id=command_id, ref=ref) is not None
