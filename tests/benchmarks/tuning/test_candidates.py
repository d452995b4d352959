"""The order of configurations: the paper's, the profile's, then a sampler's, none twice and none refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest

from algorithms.search_space import Choice, Integers, LogRange, Range, Space
from benchmarks.planning.plan import make_plan
from benchmarks.tuning.candidates import BATCH, Candidates, Values
from benchmarks.tuning.cell import Effort
from benchmarks.tuning.scores import best, configuration_score
from benchmarks.tuning.tune_plan import plan_tuning
from environments.typed_options import UsageError
from results.published import find_paper

SPACE: dict[str, Space] = {
    "rate": LogRange(1e-4, 1e-1),
    "mix": Range(0.5, 1.0),
    "steps": Integers(1, 5),
    "kind": Choice(("a", "b")),
}
PAPER = {"rate": 7.0, "mix": 1.0, "steps": 1, "kind": "other"}  # outside the space


def found(
    sampler: str,
    trials: int = 16,
    first: Sequence[Values] = (PAPER,),
    space: dict[str, Space] = SPACE,
    completed: Callable[[Values], Values | None] = lambda values: values,
    points: int = 2,
) -> list[Values]:
    candidates = Candidates(space, first, trials, sampler, points, completed)
    scores: list[float] = []
    while batch := candidates.next_batch(scores):
        scores += [-math.inf if index == 1 else float(candidates.found[index]["steps"]) for index in batch]
    return candidates.found


@pytest.mark.parametrize("sampler", ["qmc", "random", "tpe"])
def test_a_sampler_gives_the_same_different_configurations_within_the_space(sampler: str) -> None:
    values = found(sampler)
    assert values == found(sampler) and len(values) == 16
    assert values[0] == PAPER and len({str(each) for each in values}) == 16
    for each in values[1:]:
        assert list(each) == list(SPACE) and all(SPACE[name].contains(each[name]) for name in SPACE)
        assert float(f"{each['rate']:.3g}") == each["rate"]
    assert sampler == "tpe" or values[:8] == found(sampler, trials=8)


@pytest.mark.parametrize("space", [Range(0.99, 0.999), Range(0.999, 0.9999), Range(1000.0, 1002.0)])
def test_a_narrow_space_holds_as_many_as_a_wide_one(space: Range) -> None:
    values = [each["narrow"] for each in found("qmc", first=(), space={"narrow": space, "steps": Integers(1, 5)})]
    assert len(set(values)) == 16 and all(space.contains(value) for value in values)


def test_the_quasi_random_ones_fill_the_space_evenly() -> None:
    values = found("qmc", trials=17)[1:]
    by_half = [sum(each["rate"] < 10**-2.5 for each in values), sum(each["mix"] < 0.75 for each in values)]
    assert all(6 <= count <= 10 for count in by_half)
    thirds = {math.floor(math.log10(each["rate"])) for each in values}
    assert {-4, -3, -2} <= thirds


def test_a_grid_is_whole_with_the_papers_and_the_profiles_values_before_it() -> None:
    profile = {"rate": 1e-4, "mix": 0.5, "steps": 1, "kind": "a"}  # a point of the grid
    values = found("grid", trials=3, first=(PAPER, profile))
    assert values[:2] == [PAPER, profile] and len(values) == 1 + 2**4


def test_equal_ones_are_tried_once_and_refused_ones_never() -> None:
    few: dict[str, Space] = {"steps": Integers(1, 5)}
    assert [each["steps"] for each in found("grid", space=few, first=({"steps": 3}, {"steps": 3}), points=5)] == [
        3, 1, 2, 4, 5,
    ]  # fmt: skip
    odd = found(
        "qmc", space=few, first=({"steps": 3},), completed=lambda values: values if values["steps"] % 2 else None
    )
    assert sorted(each["steps"] for each in odd) == [1, 3, 5]  # the space holds no more


def test_tpe_asks_in_batches_that_do_not_depend_on_workers() -> None:
    candidates = Candidates(SPACE, [PAPER], 10, "tpe", 1, lambda values: values)
    assert candidates.next_batch([]) == [0]
    assert candidates.next_batch([-math.inf]) == list(range(1, 1 + BATCH))
    with pytest.raises(ValueError, match="5 candidates were asked for, 1 scores"):
        candidates.next_batch([1.0])


def test_an_unknown_sampler_is_named() -> None:
    with pytest.raises(UsageError, match="known: grid, qmc, random, tpe"):
        Candidates(SPACE, [PAPER], 2, "sobol", 1, lambda values: values)


def test_the_papers_values_are_trial_0_and_the_profiles_trial_1() -> None:
    cell, paper = (
        make_plan(suites=["hopper-params"], algorithms=["multi-task"], profile=profile, tuned=False).cells[0]
        for profile in ("quick", "paper")
    )
    (tuned,) = plan_tuning("quick", ["hopper-params"], ["multi-task"], "quick", Effort(trials=4)).cells
    first, second = ({name: spec.configuration[name] for name in tuned.space} for spec in (paper.spec, cell.spec))
    assert first != second and tuned.candidates.found == [first, second]
    assert (tuned.published, tuned.profile) == (0, 1)
    trials = tuned.trials_of([0, 1])
    assert trials[0].configuration == {**cell.spec.configuration, **first}  # all others are the profile's
    assert [(trial.trial, trial.seed) for trial in trials] == [(0, 1000), (1, 1000), (0, 1001), (1, 1001)]


def test_values_of_the_paper_that_are_the_profiles_too_are_one_trial() -> None:
    (tuned,) = plan_tuning("quick", ["frozen-lake-low"], ["promp"], "standard", Effort(trials=4)).cells
    assert len(tuned.candidates.found) == 1 and tuned.published == tuned.profile == 0


def test_a_papers_grid_is_drawn_from_beside_the_two_first_and_whole_where_it_is_small() -> None:
    effort = Effort(trials=16, seeds=3, sweep="gmps")
    names = ["gmps", "multi-task", "random-init"]
    plan = plan_tuning("gmps", ["ant-goal-gmps"], names, "smoke", effort)
    assert [cell.reason for cell in plan.left_out] == ["gmps prints no grid for it"]
    grids = {sweep.id: sweep for sweep in find_paper("gmps").sweeps}
    # the profile `paper` has one of multi-task's four already
    for cell, grid, drawn in zip(plan.cells, ("sweep-gmps", "sweep-multi-task-200"), (16, 3), strict=True):
        options = grids[grid].options
        cell.candidates.next_batch([])
        points = cell.candidates.found[cell.profile + 1 :]
        assert len(points) == drawn == len({str(point) for point in points})
        ours = [cell.candidates.found[0], *points]
        assert all(point[name] in values for point in ours for name, values in options.items())
        # each at three seeds, on a suite without its test tasks
        trials = cell.trials_of([len(cell.candidates.found) - 1])
        assert [trial.seed for trial in trials] == [1000, 1001, 1002]
        assert all(trial.configuration[name] == value for trial in trials for name, value in points[-1].items())
    again = plan_tuning("gmps", ["ant-goal-gmps"], names, "smoke", effort)
    again.cells[0].candidates.next_batch([])
    assert again.cells[0].candidates.found == plan.cells[0].candidates.found


def test_a_grid_and_the_best_of_a_profile_are_not_both_tried() -> None:
    with pytest.raises(UsageError, match="--sweep and --best-of"):
        plan_tuning("gmps", ["ant-goal-gmps"], ["gmps"], "smoke", Effort(sweep="gmps", origin="quick"))
    with pytest.raises(UsageError, match="unknown paper 'gmp'; did you mean 'gmps'"):
        plan_tuning("gmps", ["ant-goal-gmps"], ["gmps"], "smoke", Effort(sweep="gmp"))


def test_the_best_is_the_first_of_equal_ones_and_failures_are_worst() -> None:
    assert best([1.0, 3.0, 3.0, -math.inf]) == 1
    assert best([-math.inf, -5.0]) == 1
    assert best([-math.inf]) is None and best([]) is None
    assert configuration_score([1.0, 2.0]) == 1.5
    assert configuration_score([1.0, math.nan]) == configuration_score([math.inf]) == -math.inf


def test_no_board_has_a_seed_of_tuning() -> None:
    with pytest.raises(UsageError, match="1000"):
        make_plan(suites=["frozen-lake-low"], algorithms=["promp"], seeds=1001, profile="smoke")
