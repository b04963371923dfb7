"""Records the histories anew: `python -m tests.histories.record`. Only for a change that means to decide so.

Such a change says in its commit why the decisions differ. A history is a journal as JSON lines: seq, at_ms,
kind, ref, data. It carries the text of its plan, so later plans do not change it.
"""

import json
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from router.journal.database import open_database
from router.journal.stream import read_rows
from router.records import Row
from tests.journal.history import History

FOLDER = Path(__file__).parent
SEEDS = (1, 2, 3)
STEPS = 60


def main() -> int:
    """Record every history; how long each is."""
    for seed in SEEDS:
        path = FOLDER / f"day-{seed}.jsonl"
        rows = _record(seed)
        lines = [json.dumps([row.seq, row.at_ms, row.kind, row.ref, row.data]) for row in rows]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"{path.name}: {len(rows)} rows")
    return 0


def load(path: Path) -> list[Row]:
    """The rows of a recorded history."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        seq, at_ms, kind, ref, data = json.loads(line)
        where = {"site": "north", "incarnation": "recorded", "hash": b""}
        rows.append(Row(seq=seq, at_ms=at_ms, kind=kind, ref=ref, data=data, **where))
    return rows


def _record(seed: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="muster-") as folder:
        database = open_database(f"sqlite:///{folder}/muster.db", unsafe=True)
        with closing(database):
            database.create_tables(site="north")
            with closing(History(database, seed)) as history:
                for _ in range(STEPS):
                    history.step()
                history.turn(appended=True)
            with database.reading() as db:
                return read_rows(db, after_seq=0, limit=100_000)


if __name__ == "__main__":
    sys.exit(main())
