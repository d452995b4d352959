"""What cannot be tuned: tasks that do as a test task does, whatever their parameters."""

from __future__ import annotations

import pytest

from benchmarks.tuning.tunable import untunable_suite
from environments.catalogue import make_suite


@pytest.mark.parametrize(
    ("suite", "shared"),
    [
        ("dow30-turbulence[", "9 of its 10 validation tasks"),
        ("dow30-risk[tasks=thresholds,", "2 of its 10 validation tasks"),
    ],
)
def test_thresholds_that_are_the_mdp_of_a_test_task_are_test_tasks(suite: str, shared: str) -> None:
    reason = untunable_suite(make_suite(f"{suite}data=synthetic]"))
    assert reason is not None and shared in reason


def test_tasks_of_other_parameters_that_do_something_else_are_none() -> None:
    assert untunable_suite(make_suite("half-cheetah-velocity")) is None
    assert untunable_suite(make_suite("frozen-lake-high")) is None
    assert untunable_suite(make_suite("dow30-risk[data=synthetic]")) is None
