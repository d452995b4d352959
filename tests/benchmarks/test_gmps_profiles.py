"""GMPS's benchmark in the profiles: what its supplement prints, and experts that are set as their suites need."""

from __future__ import annotations

import math

import pytest

from benchmarks.planning.plan import make_plan
from benchmarks.specs.run_spec import RunSpec
from environments.catalogue import make_suite
from results.published import find_paper
from tests.support.metaworld import needs_metaworld

PAPER = find_paper("gmps")
METHODS = ("gmps", "maml-trpo", "maml-trpo-bias", "maesn", "multi-task", "contextual-sac", "random-init")
SUITES = [entry.suite for entry in PAPER.suites]
each_suite = pytest.mark.parametrize(
    "suite", [pytest.param(name, marks=needs_metaworld) if "sawyer" in name else name for name in SUITES]
)


def planned(suite: str, profile: str, *methods: str) -> dict[str, RunSpec]:
    plan = make_plan("gmps", [suite], methods or METHODS, 1, profile, tuned=False)
    return {cell.spec.algorithm: cell.spec for cell in plan.cells}


@each_suite
def test_the_papers_profile_takes_values_that_the_supplement_prints(suite: str) -> None:
    """Of its grids, Appendix D, but for the scale of rewards, which there stands for a fixed temperature."""
    cells = planned(suite, "paper")
    identifier = next(entry.id for entry in PAPER.suites if entry.suite == suite)
    swept = set()
    for sweep in PAPER.sweeps:
        if not sweep.suites or identifier in sweep.suites:
            swept.add(sweep.algorithm)
            for option, values in sweep.options.items():
                found = cells[sweep.algorithm].configuration[option]
                if (option, suite.partition("-")[0]) == ("reward_scale", "sawyer"):
                    assert found == 0.1
                elif (option, suite) == ("bias_dim", "sawyer-push-vision") and sweep.algorithm == "gmps":
                    assert found == 0  # it would have no convolutions
                else:
                    assert found in values, (sweep.id, option)
    assert swept == set(METHODS) - {"random-init"}


@each_suite
@pytest.mark.parametrize("profile", ["quick", "standard", "paper"])
def test_networks_and_step_sizes_are_those_of_appendix_c_in_every_profile(suite: str, profile: str) -> None:
    for name, spec in planned(suite, profile).items():
        if name != "contextual-sac":  # whose networks are not printed
            options = spec.configuration
            assert (options["hidden"], options["activation"]) == ([100, 100], "relu"), name
            assert options["initial_std"] == (0.3 if "sawyer" in suite else 1)
            if "learned_step_sizes" in options:  # which it says of the experiments with states
                assert options["learned_step_sizes"] == ("vision" not in suite), name
            if "trust_region" in options:
                assert options["trust_region"] == 0.01
        assert spec.adaptation_steps == 1


@each_suite
def test_the_papers_profile_does_not_give_gmps_promps_budget_and_its_replay_fits_a_machine(suite: str) -> None:
    cells = planned(suite, "paper")
    assert max(spec.budget for spec in cells.values()) <= 15_000_000
    numbers = math.prod(make_suite(suite).observation_space.shape or ())
    for spec in (cells["gmps"].parent_runs["expert"], cells["contextual-sac"]):
        # an observation and the one after it, four bytes a number
        assert 8 * numbers * spec.configuration["replay"] < 2e9


@needs_metaworld
@pytest.mark.parametrize("profile", ["standard", "paper"])
def test_the_expert_by_camera_is_set_as_the_one_that_sees_the_puck(profile: str) -> None:
    """Rewards are the same, and so is the task; a replay of pictures is smaller, and learned from more rarely."""
    seen, told = (
        planned(suite, profile, "gmps")["gmps"].parent_runs["expert"].configuration
        for suite in ("sawyer-push-vision", "sawyer-push")
    )
    assert {option for option in seen if seen[option] != told[option]} == {"replay", "updates", "batch"}
    assert (seen["reward_scale"], seen["initial_temperature"]) == (0.1, 0.01)
    assert (seen["tasks"], seen["trajectories"]) == (20, 1)
