"""The study of ProMP's identities, against finite differences, automatic differentiation and cases done by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.specs.study import Rows
from benchmarks.specs.study_spec import StudySpec, find_study, resolved
from benchmarks.studies.promp_identities import decomposition
from benchmarks.studies.promp_identities.formulations import MetaGradients, moments
from benchmarks.studies.promp_identities.likelihood_ratio import (
    derivatives,
    errors,
    likelihood_ratio,
    low_variance_curvature,
)
from benchmarks.studies.promp_identities.lvc_bias import BiasProblem, biases
from benchmarks.studies.promp_identities.problem import EnumeratedProblem, drawn, relative
from environments.tabular import TabularMDP, differentiable_return

NUMBERS = pytest.mark.parametrize("number", range(2))
SMALL: dict[str, Any] = {"states": 3, "actions": 2, "logit_std": 0.7}


def measured() -> pd.DataFrame:
    entry = find_study("promp-identities")
    study = StudySpec(entry.name, resolved(entry, entry.load().profiles["smoke"]), 0).make()
    rows: Rows = []
    for part in study.parts():
        rows += study.measure(part, {})
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def values() -> pd.DataFrame:
    return measured()


def of(values: pd.DataFrame, quantity: str, algorithm: str = "", suite: str = "random-mdp") -> pd.Series:
    own = (values["quantity"] == quantity) & (values["algorithm"] == algorithm) & (values["suite"] == suite)
    assert own.any()
    return values[own]["value"]


def close(found: torch.Tensor, wanted: torch.Tensor, rtol: float = 1e-9) -> None:
    torch.testing.assert_close(found, wanted, rtol=rtol, atol=1e-11)


def test_the_identities_hold_to_rounding_and_every_mdp_has_its_rows(values: pd.DataFrame) -> None:
    assert of(values, "hessian-decomposition-error", "printed").between(0, 1e-12).all()
    for what in ("gradient", "hessian", "expected-gradient", "expected-hessian"):
        assert of(values, "likelihood-ratio-error", what).between(0, 1e-12).all()
    # of one trajectory the advantage and the sum of rewards to come are not the same
    assert of(values, "likelihood-ratio-error", "own-weights-gradient").min() > 0.1
    assert len(of(values, "meta-gradient-deviation", "formulation-II")) == 4  # two MDPs, two step sizes
    assert set(values["task"]) == {"mdp-0", "mdp-1"}


def test_the_study_is_deterministic(values: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(values, measured())


@NUMBERS
def test_the_exact_hessian_is_that_of_finite_differences_of_the_sum_over_trajectories(number: int) -> None:
    problem = EnumeratedProblem.numbered(number, horizon=3, **SMALL)
    flat, size, step = problem.logits.flatten(), problem.logits.numel(), 1e-4

    def value(at: torch.Tensor) -> float:
        moved = EnumeratedProblem.of(problem.mdp, at.view_as(problem.logits), 3)
        return float(moved.expectation(moved.returns))

    unit = step * torch.eye(size, dtype=flat.dtype)
    rows = [
        [sum(p * q * value(flat + p * a + q * b) for p in (1, -1) for q in (1, -1)) / (4 * step**2) for b in unit]
        for a in unit
    ]
    assert relative(torch.tensor(rows, dtype=flat.dtype), decomposition.exact_hessian(problem)) < 1e-5


@NUMBERS
def test_a_broken_term_of_the_decomposition_is_noticed(number: int) -> None:
    problem = EnumeratedProblem.numbered(number, horizon=3, **SMALL)
    found, exact = decomposition.terms(problem), decomposition.exact_hessian(problem)
    assert relative(sum(found.values(), torch.zeros_like(exact)), exact) < 1e-12
    for name in found:
        others = sum((term for other, term in found.items() if other != name), torch.zeros_like(exact))
        assert relative(others, exact) > 1e-3, name


def test_the_terms_of_a_bandit_are_those_done_by_hand() -> None:
    """One state, one step, two actions of which the first alone pays: J = p, a sigmoid of the logits' difference."""
    mdp = TabularMDP(np.ones((1, 2, 1)), np.array([[1.0, 0.0]]), np.ones(1), 1.0)
    problem = EnumeratedProblem.of(mdp, torch.tensor([[math.log(3.0), 0.0]], dtype=torch.float64), 1)
    found, pattern = decomposition.terms(problem), torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)
    p = 0.75
    close(found["h1"], p * (1 - p) ** 2 * pattern)
    close(found["h2"], -(p**2) * (1 - p) * pattern)
    close(found["h12"], torch.zeros_like(pattern))
    close(decomposition.exact_hessian(problem), p * (1 - p) * (1 - 2 * p) * pattern)


@NUMBERS
def test_the_objectives_derivatives_part_away_from_theta_o_and_with_other_weights(number: int) -> None:
    problem = EnumeratedProblem.numbered(number, horizon=3, **SMALL)
    assert errors(problem)["expected-hessian"] < 1e-12
    away = problem.logits + 0.3 * torch.arange(6, dtype=torch.float64).view(3, 2).sin()
    lvc = derivatives(problem, low_variance_curvature(problem), away)
    ratio = derivatives(problem, likelihood_ratio(problem, problem.rewards_to_go), away)
    assert relative(problem.expectation(ratio.hessian), problem.expectation(lvc.hessian)) > 1e-2
    # the square of the return is no advantage
    other = likelihood_ratio(problem, problem.returns.unsqueeze(1).expand_as(problem.rewards) ** 2)
    wrong = problem.expectation(derivatives(problem, other).gradient)
    right = problem.expectation(derivatives(problem, low_variance_curvature(problem)).gradient)
    assert relative(wrong, right) > 1e-2


@NUMBERS
def test_the_gradient_of_lvc_is_that_of_the_return(number: int) -> None:
    problem = EnumeratedProblem.numbered(number, horizon=3, **SMALL)
    exact = torch.func.grad(problem.expected_return)(problem.logits.flatten())
    found = derivatives(problem, low_variance_curvature(problem))
    close(problem.expectation(found.gradient), exact)
    terms = decomposition.terms(problem)
    close(problem.expectation(found.hessian), terms["h1"] + terms["h2"])  # (74)


@NUMBERS
def test_the_expected_lvc_hessian_is_the_sum_over_trajectories(number: int) -> None:
    """... with a finite horizon, and with an infinite one that a strong discount has cut to the same."""
    mdp, logits = drawn(number, **SMALL)
    problem = EnumeratedProblem.of(mdp, logits, 4)
    enumerated = problem.expectation(derivatives(problem, low_variance_curvature(problem)).hessian)
    close(BiasProblem(mdp, 4).expected_lvc_hessian(logits.flatten()), enumerated)
    strong = replace(mdp, discount=0.01)
    near = EnumeratedProblem.of(strong, logits, 5)
    discounted = replace(near, rewards=near.rewards * 0.01 ** torch.arange(5))
    enumerated = discounted.expectation(derivatives(discounted, low_variance_curvature(discounted)).hessian)
    close(BiasProblem(strong).expected_lvc_hessian(logits.flatten()), enumerated, rtol=1e-8)


@NUMBERS
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("horizon", [None, 4])
def test_the_ascents_gradient_is_automatic_differentiations(horizon: int | None, shared: bool, number: int) -> None:
    mdp, logits = drawn(number, **SMALL)
    problem = BiasProblem(replace(mdp, discount=0.9), horizon, shared)
    start = logits[0] if shared else logits.flatten()
    gradient, natural = problem.natural_gradient(start)
    close(gradient, torch.func.grad(problem.value)(start))
    assert float(gradient @ natural) > 0


def test_the_ascent_ends_at_the_optimum_and_the_bias_falls_with_the_gradient(values: pd.DataFrame) -> None:
    assert of(values, "optimality-gap-at-end").between(0, 1e-5).all()
    for number in range(2):
        own = values[(values["task"] == f"mdp-{number}") & (values["quantity"] == "lvc-bias")]
        for kind in ("relative", "absolute"):
            curve = own[(own["algorithm"] == kind) & (own["suite"] == "random-mdp")].sort_values("index")
            assert curve["x"].iloc[0] == 1 and curve["x"].iloc[-1] <= 1e-6
            assert curve["value"].iloc[-1] < 1e-3 * curve["value"].iloc[0]
            assert all(after < before for before, after in pairwise(curve["x"]))


def test_lvc_sees_no_curvature_at_an_optimum_of_shared_logits_within_the_simplex() -> None:
    """Two states that action 0 and 1 lead to; a reward for being where one was not: J is bent, and H_1 + H_2 is 0."""
    transition = np.zeros((2, 2, 2))
    transition[:, 0, 0] = transition[:, 1, 1] = 1
    mdp = TabularMDP(transition, np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0.5, 0.5]), 0.9)
    start = torch.tensor([1.0, 0.0], dtype=torch.float64)
    last = list(biases(BiasProblem(mdp, shared=True), start, (1.0, 1e-3, 1e-6)))[-1]
    assert last.least_probability == pytest.approx(0.5, abs=1e-5)
    assert last.relative == pytest.approx(1.0, abs=1e-4)
    assert last.absolute > 0.1
    # and with logits for each state, where the best policy is to move, the bias vanishes beside the Hessian
    rich = list(biases(BiasProblem(mdp), torch.tensor([0.3, 0.0, 0.2, -0.1]).double(), (1.0, 1e-3, 1e-6)))
    assert rich[-1].relative < 1e-4 < 1e-2 < rich[0].relative


def test_an_ascent_that_does_not_arrive_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.studies.promp_identities.lvc_bias.LARGEST_ITERATIONS", 3)
    mdp, logits = drawn(0, **SMALL)
    with pytest.raises(FloatingPointError, match=r"fell only to .* not 1e-06"):
        list(biases(BiasProblem(replace(mdp, discount=0.9)), logits.flatten(), (1.0, 1e-6)))


@NUMBERS
def test_formulation_iis_mean_is_its_objectives_gradient_and_the_printed_ones_is_not(number: int) -> None:
    """(19) is a sum over tau of P(tau) times the exact return at theta + alpha grad log pi(tau) R(tau)."""
    alpha, problem = 0.5, EnumeratedProblem.numbered(number, horizon=2, **SMALL)
    flat = problem.logits.flatten()
    returns, acting = problem.returns, torch.log_softmax(problem.logits, -1)[problem.states, problem.actions].sum(1)

    def log_probability(at: torch.Tensor) -> torch.Tensor:
        return torch.log_softmax(at.view_as(problem.logits), -1)[problem.states, problem.actions].sum(1)

    def second(at: torch.Tensor) -> torch.Tensor:
        updates = torch.func.jacrev(log_probability)(at) * returns.unsqueeze(1)
        adapted = (at + alpha * updates).view(-1, *problem.logits.shape)
        weight = problem.probability * torch.exp(log_probability(at) - acting)
        return (weight * differentiable_return(problem.mdp, torch.softmax(adapted, -1), 2)).sum()

    exact = torch.func.grad(second)(flat)
    pairs = MetaGradients(problem, alpha)
    close(pairs.second().mean, exact)
    assert relative(pairs.second(scale=alpha).mean, exact) > 1e-3


@NUMBERS
def test_formulation_is_mean_with_the_exact_update_is_its_objectives_gradient(number: int) -> None:
    alpha, problem = 0.5, EnumeratedProblem.numbered(number, horizon=2, **SMALL)

    def first(at: torch.Tensor) -> torch.Tensor:
        return problem.expected_return(at + alpha * torch.func.grad(problem.expected_return)(at))

    exact = torch.func.grad(first)(problem.logits.flatten())
    pairs = MetaGradients(problem, alpha)
    for inner in (pairs.of_whole_returns(), pairs.dice()):
        close(pairs.first(inner, pairs.exact_gradient()).mean, exact)
    # LVC's Hessian is biased, and a sampled update is another objective's
    assert relative(pairs.first(pairs.lvc(), pairs.exact_gradient()).mean, exact) > 1e-6
    assert relative(pairs.first(pairs.of_whole_returns()).mean, exact) > 1e-6


@NUMBERS
def test_the_inner_surrogates_are_automatic_differentiations(number: int) -> None:
    problem = EnumeratedProblem.numbered(number, horizon=3, **SMALL)
    pairs = MetaGradients(problem, 0.1)
    lvc = derivatives(problem, low_variance_curvature(problem))
    close(pairs.lvc().gradient, lvc.gradient)
    close(pairs.lvc().hessian, lvc.hessian)
    exact = decomposition.exact_hessian(problem)
    for inner in (pairs.dice(), pairs.of_whole_returns()):
        close(problem.expectation(inner.gradient), pairs.exact_gradient())
        close(problem.expectation(inner.hessian), exact)
    assert relative(problem.expectation(pairs.lvc().hessian), exact) > 1e-2


@NUMBERS
def test_both_formulations_are_post_and_pre(number: int) -> None:
    """They have J_post in common, so that their means part by those of J_pre."""
    pairs = MetaGradients(EnumeratedProblem.numbered(number, horizon=2, **SMALL), 0.3)
    first, second = pairs.first(pairs.of_whole_returns()), pairs.second()
    close(second.mean - first.mean, pairs.credit_second().mean - pairs.credit_first().mean)


def test_moments_are_those_of_a_weighted_sample() -> None:
    samples = torch.tensor([[[1.0, 0.0], [3.0, 2.0]]], dtype=torch.float64)
    found = moments(samples, torch.tensor([[0.25, 0.75]], dtype=torch.float64))
    assert found.mean.tolist() == [2.5, 1.5]
    assert found.deviation == pytest.approx(math.sqrt(0.75 + 0.75))
    assert found.relative == pytest.approx(math.sqrt(1.5 / 8.5))


@pytest.mark.parametrize(
    "wrong", [{"mdps": 0}, {"inner_step_sizes": ()}, {"gradient_shares": (1.0,)}, {"gradient_shares": (0.1, 1.0)}]
)
def test_a_configuration_that_measures_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        find_study("promp-identities").load().Config(**wrong)
