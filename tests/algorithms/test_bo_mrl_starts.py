"""Exact meta-training from several starts, baselines at their best step size, and what random initialisation leaves."""

from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.studies.optimality_gap.evaluation import TabularTasks
from benchmarks.studies.optimality_gap.lake import STEPS, Lake, appendix_h_step
from benchmarks.studies.optimality_gap.meta_training import (
    ExactAdaptation,
    PolicyGradientStep,
    meta_train,
    returns_after_steps,
)
from benchmarks.studies.optimality_gap.one_time import ADAPTATIONS
from benchmarks.studies.optimality_gap.policy_gradient import best_sizes, policy_gradient_rows, step_from
from benchmarks.studies.optimality_gap.random_initialisation import Draws, difference_rows, error_rows
from benchmarks.studies.optimality_gap.several_starts import UNIFORM, first_starts, second_starts, train_from
from benchmarks.studies.optimality_gap.study import METHODS, OptimalityGap, OptimalityGapConfig
from environments.streams import Streams
from environments.tabular import TabularMDP

SUITE = "frozen-lake-low"
SMALL = OptimalityGapConfig(suites=(SUITE,), step_sizes=(5.0, 100.0), random_starts=1, iterations=2, draws=3)


def two_optima() -> TabularTasks:
    """One state; three safe actions pay nothing, of two others one pays 1 and the other costs 4, by the task.

    MAML at step size 0.3 either gives up on both, which one step does not change, or is torn between them, where one
    step is enough to tell them apart and earns 0.17.
    """
    reward = np.array([[[0, 0, 0, 1, -4]], [[0, 0, 0, -4, 1]]])
    return TabularTasks(TabularMDP(np.ones((2, 1, 5, 1)), reward, np.ones((2, 1)), 0.5))


TORN = torch.tensor([[-4.0, -4.0, -4.0, 0.0, 0.0]], dtype=torch.float64)


def test_of_two_local_optima_the_better_one_is_kept_and_the_row_says_which_start_won():
    tasks, rule = two_optima(), PolicyGradientStep(0.3)
    starts = {**first_starts(tasks, Streams(0), 0), "torn": TORN}
    trained = train_from(rule, tasks, starts, 150)
    assert trained.objectives[0] == pytest.approx(-0.006, abs=1e-3)  # the uniform start, and it alone before
    assert trained.objectives[1] == pytest.approx(0.175, abs=1e-3)
    assert trained.starts[trained.winner] == "torn"
    assert trained.lost_by_uniform == pytest.approx(0.181, abs=2e-3)
    reached = returns_after_steps(rule, tasks, trained.best, 1)[1].mean()
    assert float(reached) == pytest.approx(float(trained.objectives.max()), abs=1e-12)


def test_a_second_round_starts_from_what_each_method_has_found():
    tasks = two_optima()
    rules = {"one": PolicyGradientStep(0.3), "other": PolicyGradientStep(1.0), "third": ExactAdaptation("kl", 0.5)}
    first = {name: train_from(rule, tasks, first_starts(tasks, Streams(0), 0), 100) for name, rule in rules.items()}
    starts = second_starts(first)
    assert list(starts) == ["solution of one", "solution of other", "solution of third"]
    assert torch.equal(starts["solution of other"], first["other"].best)
    both = first["one"] + train_from(rules["one"], tasks, starts, 100)
    assert both.starts == (UNIFORM, *starts)
    # uniform is stuck at this step size, and another method's solution is not
    assert first["one"].objectives.max() < 0 < both.objectives.max()
    assert both.starts[both.winner] != UNIFORM


def test_starts_in_one_batch_are_trained_as_each_alone():
    tasks, rule = two_optima(), ExactAdaptation("euclidean", 0.3)
    starts = torch.stack(list(first_starts(tasks, Streams(0), 3).values()))
    logits, reached = meta_train(rule, tasks, starts, 30)
    for number, start in enumerate(starts):
        alone, own = meta_train(rule, tasks, start[None], 30)
        torch.testing.assert_close(logits[number], alone[0], rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(reached[number], own[0], rtol=0, atol=1e-12)


def test_random_starts_are_keyed_and_the_uniform_one_is_first():
    tasks = two_optima()
    first, again, other = (first_starts(tasks, Streams(seed), 2) for seed in (0, 0, 1))
    assert list(first) == [UNIFORM, "random 1", "random 2"]
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["random 1"], first["random 2"])
    assert not torch.equal(first["random 1"], other["random 1"])
    assert not first[UNIFORM].any()


def test_a_baseline_stands_at_its_best_step_size_for_each_number_of_steps():
    lake = Lake.load(SUITE)
    sizes = (1.0, 5.0, 50.0)
    trained = {size: torch.from_numpy(Streams(0).numpy("policy").standard_normal((16, 4))) for size in sizes}
    drawn = {size: Draws.of(PolicyGradientStep(size), lake, Streams(0), 3) for size in sizes}
    rows = policy_gradient_rows(lake, trained, drawn)
    for name in ("maml", "random-init"):
        grid = {key: value for key, value in means(rows, "return after k steps by step size").items() if key[0] == name}
        best = means(rows, "return after k steps")
        assert len(grid) == len(sizes) * (STEPS + 1)
        for step in range(1, STEPS + 1):
            ((size, value),) = [
                (key[2], own) for key, own in best.items() if key[:2] == (f"{name}, best step size", step)
            ]
            assert value == pytest.approx(max(own for key, own in grid.items() if key[1] == step), abs=1e-12)
            assert grid[name, step, size] == pytest.approx(value, abs=1e-12)
        # and that of Appendix H stands beside it
        assert (name, 1, appendix_h_step(SUITE)) in best
    same = {size: torch.tensor([[0.0], [size], [-size], [size], [1.0]]) for size in sizes}
    assert best_sizes(same) == [50.0, 50.0, 1.0, 50.0, 1.0]  # of equals the first; unadapted as for one step


def test_a_policy_gradient_step_from_another_meta_policy_is_judged_at_its_best_size():
    lake, sizes = Lake.load(SUITE), (1.0, 5.0, 50.0)
    rows = step_from(lake, "bo-mrl-1", lake.uniform, sizes)
    gaps = {row["quantity"].rpartition("meta-policy")[2]: {} for row in rows}
    for row in rows:
        gaps[row["quantity"].rpartition("meta-policy")[2]][row["x"]] = row["value"]
    grid = gaps[", by step size"]
    assert set(grid) == set(sizes) and gaps[""] == {5.0: grid[5.0]}
    ((size, least),) = gaps[", best step size"].items()
    assert least == min(grid.values()) == grid[size]


def test_what_random_initialisation_leaves_to_chance_is_said_by_its_draws():
    lake = Lake.load(SUITE)
    rule = PolicyGradientStep(5.0)
    draws, again, other = (Draws.of(rule, lake, Streams(seed), 7) for seed in (0, 0, 1))
    assert torch.equal(draws.returns, again.returns) and not torch.equal(draws.returns, other.returns)
    assert draws.returns.shape == (STEPS + 1, 7, 20)
    by_draw = draws.returns.mean(-1).numpy()
    errors = [row["value"] for row in error_rows(lake, "random-init", draws, 5.0)]
    np.testing.assert_allclose(errors, by_draw.std(1, ddof=1) / np.sqrt(7))
    rows = difference_rows(lake, "bo-mrl-1", 1.5, draws, 2, 0.25)
    assert len({row["task"] for row in rows}) == 7 and {row["index"] for row in rows} == {2}
    np.testing.assert_allclose([row["value"] for row in rows], 1.5 - by_draw[2])


def test_every_method_of_the_study_has_as_many_starts_and_keeps_the_best_training_objective():
    study, kept, rows = OptimalityGap(SMALL, Streams(0)), {}, []
    for part in study.parts():
        if "first starts" in part or part.endswith("/maml"):
            rows += study.measure(part, kept)
    names = {f"solution of {name}" for name in (*ADAPTATIONS, "maml at step size 5", "maml at step size 100")}
    for size in (5.0, 100.0):
        own = [row for row in rows if row["quantity"] == "training objective by start" and row["x"] == size]
        assert [row["task"] for row in own[:2]] == [UNIFORM, "random 1"]
        assert {row["task"] for row in own[2:]} == names
        (won,) = [row for row in rows if row["quantity"] == "start that won" and row["x"] == size]
        assert won["value"] == max(row["value"] for row in own)
        assert own[won["index"]]["value"] == won["value"] and own[won["index"]]["task"] == won["task"]
        (after,) = [
            row["value"]
            for row in rows
            if (row["quantity"], row["algorithm"], row["index"], row["x"])
            == ("return after k steps by step size", "maml", 1, size)
        ]
        assert after == pytest.approx(won["value"], abs=1e-12)


def test_parts_cover_each_suite_and_method_once_and_an_unknown_one_is_named():
    study = OptimalityGap(OptimalityGapConfig(), Streams(0))
    parts = study.parts()
    assert len(parts) == len(set(parts)) == 4 * (1 + 2 * len(METHODS))
    with pytest.raises(ValueError, match=r"got 'frozen-lake-high/bo-mrl-9'"):
        study.measure("frozen-lake-high/bo-mrl-9", {})


@pytest.mark.parametrize(
    "bad", [{"step_sizes": ()}, {"step_sizes": (0.0,)}, {"random_starts": -1}, {"draws": 1}, {"iterations": 0}]
)
def test_sizes_that_measure_nothing_are_refused(bad: dict[str, Any]):
    with pytest.raises(ValueError, match="must be"):
        OptimalityGapConfig(**bad)


def means(rows: list[dict[str, Any]], quantity: str) -> dict[tuple[str, int, float], float]:
    """Over tasks, by algorithm, index and x."""
    found: dict[tuple[str, int, float], list[float]] = {}
    for row in rows:
        if row["quantity"] == quantity:
            found.setdefault((row["algorithm"], row["index"], row["x"]), []).append(row["value"])
    return {key: float(np.mean(values)) for key, values in found.items()}
