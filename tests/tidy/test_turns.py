"""Tests that measure a loaded centre are given room, and no other test waits for nothing."""

import fcntl
import uuid
from contextlib import contextmanager

import pytest

from tests import turns

THREE = 3


@pytest.fixture
def processes(monkeypatch):
    """This process is the last of three that run tests."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", str(THREE))
    monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw2")
    yield monkeypatch
    for number in range(THREE):
        turns._file(number).unlink(missing_ok=True)


def free() -> list[int]:
    """Which of the three could begin a test now."""
    return [number for number in range(THREE) if could_begin(number)]


def could_begin(number: int) -> bool:
    with turns._file(number).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def its_turn(request, *, timed: bool):
    if timed:
        request.node.add_marker("timed")
    with turns.turn_of(request.node):
        yield


def test_beside_a_test_that_measures_runs_one_other(processes, request):
    """With two others on two cores it would measure them."""
    with its_turn(request, timed=True):
        assert free() == [1]
    assert free() == [0, 1, 2]


def test_an_ordinary_test_keeps_nobody_waiting(processes, request):
    """Three run at a time: most wait for something most of their time."""
    with its_turn(request, timed=False):
        assert free() == [0, 1]


def test_of_two_processes_none_stands_still(processes, request):
    """One beside it is what a test that measures allows for."""
    processes.setenv("PYTEST_XDIST_WORKER_COUNT", "2")
    with its_turn(request, timed=True):
        assert free() == [0, 1, 2]
