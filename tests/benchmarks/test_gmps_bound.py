"""The study of GMPS's Theorem A.1: exact where it says so, and the printed bound is no bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from algorithms.policies.distributions import Gaussian
from algorithms.policies.squashed_gaussian import SquashedGaussian
from benchmarks.specs.study import Rows
from benchmarks.specs.study_spec import StudySpec, find_study, resolved
from benchmarks.studies.gmps_bound.bound import bound, soft_optimal
from benchmarks.studies.gmps_bound.executed import executed_divergence
from benchmarks.studies.gmps_bound.study import BANDIT, bandit_rows
from environments.streams import Streams
from tests.support.tabular_problem import ACTIONS, END, STATES, SmallTabular

SUITE = SmallTabular()
HORIZON = 6


def drawn(seed: int) -> np.ndarray:
    return Streams(seed).numpy("policy").dirichlet(np.ones(ACTIONS), size=STATES)


@pytest.mark.parametrize("task", range(3))
def test_the_proofs_first_line_is_an_identity_and_the_corrected_bounds_hold(task: int) -> None:
    mdp = SUITE.model(SUITE.split.train[task])
    for seed in range(20):
        learned, expert = drawn(seed), drawn(seed + 100)
        found = bound(mdp, learned, expert, HORIZON)
        low, high = mdp.reward.min(), mdp.reward.max()
        for policy, cost in ((learned, found.learned), (expert, found.expert)):
            earned = mdp.finite_return(policy, HORIZON, 1.0)
            assert cost == pytest.approx((HORIZON * high - earned) / (high - low))
        assert found.identity == pytest.approx(found.learned, abs=1e-10)
        assert found.learned <= found.by_variation <= found.corrected + 1e-9
        assert found.disagreement > found.variation  # of independent draws, which the proof has the other way round
        assert found.mean_divergence <= found.divergence
    same = bound(mdp, expert, expert, HORIZON)
    assert (same.delta, same.divergence, same.variation) == (0, 0, 0)
    assert same.disagreement > 0.1


def test_the_soft_optimal_policy_satisfies_its_fixed_point_and_gets_near_the_optimum() -> None:
    mdp = replace(SUITE.model(SUITE.split.train[0]), discount=0.9)
    for temperature in (0.05, 1.0):
        policy = soft_optimal(mdp, temperature)
        paid = mdp.reward - temperature * np.log(policy)
        value = replace(mdp, reward=paid).policy_values(policy)
        reached = value.action + temperature * np.log(policy)
        logits = reached / temperature
        again = np.exp(logits - logits.max(-1, keepdims=True))
        np.testing.assert_allclose(again / again.sum(-1, keepdims=True), policy, atol=1e-6)
        assert (policy[:END] > 0).all()
    assert mdp.expected_return(soft_optimal(mdp, 0.01)) == pytest.approx(mdp.optimal_return, rel=1e-3)


def test_the_printed_bound_fails_where_actions_differ_more_often_than_the_divergence_tells() -> None:
    rows = pd.DataFrame(bandit_rows())
    cases = rows[rows["quantity"].str.endswith("-violations")].set_index("quantity")["value"]
    assert cases.to_dict() == {"a1-printed-violations": 4, "a1-corrected-violations": 0}
    values = rows[~rows["quantity"].isin(cases.index)].pivot(index="index", columns="quantity", values="value")
    small = values[values["a1-epsilon"] < 1]
    assert len(small) >= 3
    assert (small["a1-cost"] > small["a1-printed-bound"] + 0.01).all()
    assert (values["a1-cost"] <= values["a1-corrected-bound"]).all()
    np.testing.assert_allclose(values["a1-cost"], values["a1-variation-bound"])


def test_the_divergence_of_executed_actions_is_that_of_their_chances() -> None:
    """Against counted draws, where a third of the learned policy's actions are clipped; and it is finite far away."""
    draws = torch.Generator().manual_seed(0)
    centre, half = torch.tensor([0.5, 0.0]), torch.tensor([0.5, 2.0])
    learned = Gaussian(torch.tensor([0.9, -0.3]), torch.tensor([-1.0, 0.5]))
    expert = SquashedGaussian(torch.tensor([0.4, 0.1]), torch.tensor([-0.5, -0.2]), centre, half)
    many = 400_000
    taken = Gaussian(learned.mean.expand(many, 2), learned.log_std).sample(draws)
    shown = SquashedGaussian(expert.base.mean.expand(many, 2), expert.base.log_std, centre, half).sample(draws)
    assert ((taken - centre).abs() > half).any(-1).float().mean() > 0.3

    def chances(actions: torch.Tensor) -> torch.Tensor:
        inside = ((actions - centre) / half).clamp(-1, 1)
        return torch.stack([torch.histc(inside[:, place], 8, -1, 1) for place in range(2)]) / many

    ours, theirs = chances(taken), chances(shown)
    expected = float((ours * (ours / theirs).log()).sum())
    assert executed_divergence(learned, expert, 8).item() == pytest.approx(expected, rel=0.02)
    far = SquashedGaussian(torch.tensor([30.0, -30.0]), torch.tensor([-5.0, -5.0]), centre, half)
    assert torch.isfinite(executed_divergence(learned, far))
    squashed = SquashedGaussian(torch.zeros(2), torch.zeros(2), torch.zeros(2), torch.ones(2))
    coarse, fine = (executed_divergence(Gaussian(torch.zeros(2), torch.zeros(2)), squashed, bins) for bins in (4, 16))
    assert 0 < coarse < fine


def test_the_study_measures_both_sides_for_every_task_before_and_after_training() -> None:
    entry = find_study("gmps-bound")
    study = StudySpec("gmps-bound", resolved(entry, entry.load().profiles["smoke"]), 0).make()
    rows: Rows = []
    for part in study.parts():
        rows += study.measure(part, {})
    values = pd.DataFrame(rows)
    assert np.isfinite(values["value"]).all()
    robot = values[values["suite"].str.startswith("half-cheetah")]
    assert robot.groupby(["index", "quantity"]).size().eq(2).all() and len(robot) == 2 * 2 * 5
    assert robot[robot["quantity"] == "a1-divergence"]["value"].min() > 0
    by_part = values[values["task"].eq("") & values["suite"].eq("frozen-lake-low")]
    assert by_part.groupby("quantity").size().eq(2).all() and len(by_part) == 2 * 7
    means = by_part[by_part["algorithm"] == "gmps"].set_index("quantity")["value"]
    assert means["a1-cost-trained"] < means["a1-cost-untrained"] < means["a1-largest-cost"] == 49
    assert means["a1-corrected-violations"] == 0
    trained = values[~values["suite"].isin([BANDIT, *robot["suite"]]) & values["task"].ne("")]
    assert set(trained["algorithm"]) == {"gmps", "gmps-aggregated"}
    assert trained.groupby(["algorithm", "index", "quantity"]).size().eq(4).all()
    assert set(trained["index"]) == {0, 2}
    wide = trained.pivot(index=["algorithm", "index", "task"], columns="quantity", values="value")
    assert (wide["a1-cost"] <= wide["a1-corrected-bound"]).all()
    assert wide["a1-identity-error"].max() < 1e-9
    means = wide.groupby("index")["a1-divergence"].mean()
    assert means[2] < means[0]  # it has learned to imitate
