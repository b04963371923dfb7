"""What `make bench` writes down."""

import json

import pytest

from benchmarks import results


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """Results of a test must not replace those of a measurement."""
    monkeypatch.setattr(results, "MACHINES", tmp_path / "results.json")
    monkeypatch.setattr(results, "PEOPLE", tmp_path / "RESULTS.md")


GOOD = {
    "free_to_offer_p50_ms": 3.0,
    "drain_excess_pct": 0.7,
    "offer_p99_ms": 9.0,
    "ingest_over_floor": 0.25,
    "ingest_per_s": 1_100.0,
    "reply_p99_ms": 200.0,
    "waiting_cpu_pct": 1.0,
    "core_over_floor_1k": 0.3,
    "core_over_floor_1m": 0.5,
    "rebuild_100k_s": 2.0,
    "takeover_10k_s": 4.0,
    "catchup_rows_per_s": 6_000.0,
    "sync_extra_p50_ms": 6.0,
    "sync_extra_p99_ms": 20.0,
    "webhook_p99_ms": 40.0,
    "mouth_to_ear_ms": 150.0,
    "bridged_calls": 60.0,
    "standby_s": 1.0,
    "desktop_kb": 50.0,
}


def test_machines_get_one_flat_object():
    """Whoever compares two runs reads names and numbers, nothing else."""
    found = {**GOOD, "drain_s": 9.06, "load_before": 0.1}
    results.write(found, {name: [value] for name, value in GOOD.items()}, rounds=1)
    flat = json.loads(results.MACHINES.read_text())
    assert set(flat) == set(found)
    assert all(isinstance(value, float) for value in flat.values())


def test_every_promised_figure_is_measured_by_a_name_that_is_written():
    """A figure that is promised and never measured would never be missed."""
    assert set(GOOD) == set(results.TARGETS)


@pytest.mark.parametrize(
    ("name", "value"), [("drain_excess_pct", 5.1), ("core_over_floor_1k", 0.09), ("desktop_kb", 101.0)]
)
def test_a_missed_promise_is_shown(name, value):
    """What is not as promised must catch the eye, and can fail a build (--strict)."""
    found = {**GOOD, name: value}
    assert results.all_met(GOOD)
    assert not results.all_met(found)
    (line,) = [line for line in results.table(found).splitlines() if name in line]
    assert "**missed**" in line


def test_old_results_do_not_outlive_a_failed_run():
    """Figures of another day, beside today's code, would be believed."""
    results.write({**GOOD, "load_before": 0.1}, {}, rounds=1)
    results.remove()
    assert not results.MACHINES.exists()


def test_a_share_of_a_poor_floor_is_void():
    """Whoever writes a slow floor gets a fine share of it, which says nothing."""
    found = {**GOOD, "core_floor_light_1k_per_s": 500_000.0}
    assert results.all_met({**found, "core_floor_light_1k_per_s": 600_000.0})
    assert not results.all_met(found)
    void = [line for line in results.table(found).splitlines() if "**void**" in line]
    assert [line.split("`")[1] for line in void] == ["core_over_floor_1k", "core_over_floor_1m"]
