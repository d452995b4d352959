"""GMPS's benchmark in the profiles: experts that are set as their suites need."""

from __future__ import annotations

import pytest

from benchmarks.planning.plan import make_plan
from benchmarks.specs.run_spec import RunSpec
from tests.support.metaworld import needs_metaworld

METHODS = ("gmps", "maml-trpo", "maml-trpo-bias", "maesn", "multi-task", "contextual-sac", "random-init")


def planned(suite: str, profile: str, *methods: str) -> dict[str, RunSpec]:
    plan = make_plan("gmps", [suite], methods or METHODS, 1, profile, tuned=False)
    return {cell.spec.algorithm: cell.spec for cell in plan.cells}


@needs_metaworld
@pytest.mark.parametrize("profile", ["standard"])
def test_the_expert_by_camera_is_set_as_the_one_that_sees_the_puck(profile: str) -> None:
    """Rewards are the same, and so is the task; a replay of pictures is smaller, and learned from more rarely."""
    seen, told = (
        planned(suite, profile, "gmps")["gmps"].parent_runs["expert"].configuration
        for suite in ("sawyer-push-vision", "sawyer-push")
    )
    assert {option for option in seen if seen[option] != told[option]} == {"replay", "updates", "batch"}
    assert (seen["reward_scale"], seen["initial_temperature"]) == (0.1, 0.01)
    assert (seen["tasks"], seen["trajectories"]) == (20, 1)
