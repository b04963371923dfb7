"""This site's own stream as the other site has it, asked for over the line between them."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from config.plan import Plan
from config.plan_file import parse_plan
from config.settings import Settings, SettingsWrong
from router.journal.clock import wall_ms
from router.journal.connection import DatabaseGone
from router.journal.database import Database
from router.run.plan_activation import plan_in_force
from router.sites.copies import Batch, Piece
from router.sites.credentials import peer_access
from router.sites.mending import PIECE
from router.sites.peer_client import PeerAnswer, PeerClient, PeerUnreachable
from router.sites.recovering import PeerGone
from router.sites.sender import ROWS
from router.sites.wire import WireWrong, unpack_batch, unpack_piece


class RowsOverThere:
    """See recovering.PeerRows."""

    def __init__(self, client: PeerClient, site: str) -> None:
        self._client = client
        self._site = quote(site, safe="")

    def rows(self, after_seq: int) -> Batch:
        answer = self._ask(f"{ROWS}?after={after_seq}&site={self._site}")
        if answer.status != 200:
            raise PeerGone(_problem(answer))
        try:
            return unpack_batch(answer.body)
        except WireWrong as wrong:
            raise PeerGone(f"the other site's rows cannot be read: {wrong}") from wrong

    def piece(self, content_id: str, offset: int) -> Piece | None:
        return self._piece(f"{PIECE}?id={quote(content_id, safe='')}&offset={offset}")

    def original(self, content_id: str, offset: int) -> Piece | None:
        return self._piece(f"{PIECE}?id={quote(content_id, safe='')}&offset={offset}&of=own")

    def _piece(self, target: str) -> Piece | None:
        answer = self._ask(target)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise PeerGone(_problem(answer))
        try:
            return unpack_piece(answer.body)
        except WireWrong as wrong:
            raise PeerGone(f"the other site's content cannot be read: {wrong}") from wrong

    def _ask(self, target: str) -> PeerAnswer:
        try:
            return self._client.ask("GET", target)
        except PeerUnreachable as problem:
            raise PeerGone(str(problem)) from problem


def _problem(answer: PeerAnswer) -> str:
    code = answer.json().get("code", "")
    if code == "site":
        return "the other site has no copy of this site's journal, but of another site's: look at MUSTER_SITE"
    return f"the other site answers {answer.status} {code}".rstrip()


@contextmanager
def rows_over_there(settings: Settings, plan: Plan) -> Iterator[RowsOverThere]:
    """A line for this command. Raises SettingsWrong where there is no pair, or no key."""
    access = peer_access(settings, plan)
    client = PeerClient(access, clock_ms=wall_ms)
    try:
        yield RowsOverThere(client, access.site)
    finally:
        client.close()


def plan_for(settings: Settings, database: Database) -> Plan:
    """The plan that names the other site: the one in force here, else that of the file. Raises PlanWrong."""
    try:
        with database.reading() as db:
            found = plan_in_force(db)
    except DatabaseGone:
        found = None  # no tables yet: there is nothing to begin with
    if found is not None and found[1].pair is not None:
        return found[1]
    try:
        text = settings.plan_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsWrong(
            f"cannot read the plan {settings.plan_file} ({problem}): type MUSTER_PLAN=PATH before the command"
        ) from None
    return parse_plan(text, file_name=str(settings.plan_file))
