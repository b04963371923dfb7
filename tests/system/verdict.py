"""The end of a trial: what people outside were told and got, the tables and the journal are compared."""

import json
from collections import defaultdict
from collections.abc import Sequence

from router.journal.connection import Connection
from router.records import Row
from tests.system import answers, truth
from tests.system.centre import Patient
from tests.system.trial import Trial


def check_everything(trial: Trial) -> None:
    """Everybody agrees, and no promise was broken."""
    rows = trial.patient.rows()
    history = trial.patient.ask(lambda db: _history(db, rows, trial))
    _none(history.two_holders)
    _none(history.out_of_order)
    _none(history.mistakes)
    _none(answers.side_by_side(rows))
    _none(truth.overlapping(trial.clerks))
    _check_desks(history, rows, trial)
    _say_how_much(history, rows, trial)


def _history(db: Connection, rows: Sequence[Row], trial: Trial) -> truth.History:
    _check_contacts(db, trial)
    _check_answers(db, trial)
    return truth.History().follow(rows, truth.accepted_at_of(db))


def check_journal(patient: Patient) -> None:
    """The journal is whole, and a fresh core decides everything again as it was decided."""
    assert patient.centre.stop() == 0
    patient.asks_journal("verify")
    patient.asks_journal("replay")


def _check_contacts(db: Connection, trial: Trial) -> None:
    crowd = trial.public.crowd
    _none(truth.lost(db, crowd.kept()))
    _none(answers.lost(db, trial.public.letters()))
    _none(truth.in_limbo(db))
    _none([fault for each in crowd.customers for fault in each.faults + each.refused])
    read = {message_id for clerk in trial.clerks for message_id in clerk.read}
    _none(answers.unseen(db, read))


def _check_answers(db: Connection, trial: Trial) -> None:
    _none(truth.lost_replies(db, trial.clerks))
    _none(answers.not_ordered(db, trial.clerks))
    _none(answers.astray(db, trial.patient.far.arrivals()))


def _check_desks(history: truth.History, rows: Sequence[Row], trial: Trial) -> None:
    messages = defaultdict(list)
    for row in rows:
        if row.kind in ("arrived", "message_added"):
            messages[row.ref].append((json.loads(row.data)["message_id"], row.at_ms))
    wrong = [truth.untrue(history, shown, messages) for clerk in trial.clerks for shown in clerk.shown]
    _none([each for each in wrong if each])


def _none(wrong: Sequence[object]) -> None:
    assert not wrong, wrong[:20]


def _say_how_much(history: truth.History, rows: Sequence[Row], trial: Trial) -> None:
    public, arrivals = trial.public, trial.patient.far.arrivals()
    late = sorted(late_s for _, late_s in answers.lateness(trial.clerks, arrivals))
    print(
        f"{len(public.crowd.kept())} messages of {len(public.crowd.customers)} chats,"
        f" {len(public.phones.kept())} texts, {len(public.boxes.kept())} mails,"
        f" {sum(each.again for each in (*public.phones.writers, *public.boxes.writers))} handed over again,"
        f" {history.counts['offered']} offers, {len(arrivals)} answers sent, half of them within"
        f" {late[len(late) // 2]:.2f} s and all within {late[-1]:.2f} s,"
        f" {sum(each.reconnects for each in public.crowd.customers)} reconnects, {len(rows)} rows"
    )
