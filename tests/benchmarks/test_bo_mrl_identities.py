"""The study of BO-MRL's propositions and lemmas: what the print gets right, what it leaves out, and with what room."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.specs.study_spec import StudySpec, find_study, resolved
from benchmarks.studies.bo_mrl_identities import needed_share
from benchmarks.studies.bo_mrl_identities.needed_share import lemma_constant, lemma_share, proposition3_share
from benchmarks.studies.bo_mrl_identities.problem import REACH, SmallProblem
from benchmarks.studies.bo_mrl_identities.within_task import WithinTask
from environments.streams import Streams


def small(parameters: int = 3, number: int = 0) -> SmallProblem:
    return SmallProblem.drawn(Streams(number), 3, 2, parameters, 0.8)


@pytest.fixture(scope="module")
def numbers() -> pd.Series:
    """Every value of one small problem, by quantity, algorithm and task."""
    entry = find_study("bo-mrl-identities")
    changes = {**entry.load().profiles["smoke"], "states": 3, "actions": 2, "parameters": 3}
    study = StudySpec("bo-mrl-identities", resolved(entry, changes), 0).make()
    rows = pd.DataFrame([row for part in study.parts() for row in study.measure(part, {})])
    assert not rows.duplicated(["quantity", "algorithm", "task"]).any()
    return rows.set_index(["quantity", "algorithm", "task"])["value"].sort_index()


def test_proposition_one_is_the_gradient(numbers: pd.Series) -> None:
    assert len(numbers["proposition1-error"]) == 2
    assert (numbers["proposition1-error"] < 1e-6).all()


def test_proposition_two_lacks_the_visitation_where_states_share_parameters_or_a_penalty(numbers: pd.Series) -> None:
    errors = numbers["proposition2-error"]
    assert (errors["corrected"] < 1e-6).all()
    printed = errors["printed"]
    # a table's states are solved one by one, and what they weigh then cancels
    assert (printed[["mdp-0 table bo-mrl-1", "mdp-0 table bo-mrl-2"]] < 1e-6).all()
    others = printed.drop(["mdp-0 table bo-mrl-1", "mdp-0 table bo-mrl-2"])
    assert len(others) == 4 and (others > 1e-4).all()


def test_the_approximated_adaptations_are_gradient_steps_and_equation_eleven_is_twice_too_long(
    numbers: pd.Series,
) -> None:
    assert (numbers[["policy-gradient-error", "natural-gradient-error"]] < 1e-10).all()
    np.testing.assert_allclose(numbers["policy-gradient-printed-step"], 0.5, rtol=1e-10)


@pytest.mark.parametrize("parameters", [0, 3])
def test_the_constants_are_those_of_the_mdp(parameters: int) -> None:
    problem = small(parameters)
    draws = torch.from_numpy(np.random.default_rng(0).dirichlet([0.3, 0.3], size=(2000, 3)))
    values = problem.values(draws)
    largest = float((values.action - values.state[..., None]).abs().max())
    assert 0.8 * problem.largest_advantage() < largest <= problem.largest_advantage()
    assert problem.least_visitation() <= float(values.visitation.min()) < 2 * problem.least_visitation()
    np.testing.assert_allclose(values.state, problem.mdp.policy_values(draws.numpy()).state, rtol=1e-12)
    np.testing.assert_allclose(values.visitation, problem.mdp.visitation(draws.numpy()), rtol=1e-12)


def test_the_smoothness_of_the_function_is_the_one_that_is_stated() -> None:
    problem = small()
    assert problem.features is not None
    features, theta = problem.features, 5 * torch.randn(500, 3, dtype=torch.float64, generator=torch.Generator())
    inner = torch.einsum("san,kn->ksa", features, theta) / REACH
    norms = features.norm(dim=-1)
    assert float((inner.cos().abs() * norms).max()) <= problem.lipschitz
    assert float((inner.sin().abs() * norms.square() / REACH).max()) <= problem.smoothness


def test_a_constant_that_is_too_small_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, generator = small(), torch.Generator().manual_seed(0)
    pairs = torch.randn(2, 8, 3, dtype=torch.float64, generator=generator)
    for distance in ("kl", "reverse_kl", "euclidean"):
        share = lemma_share(problem, distance, pairs, 20)
        assert 0 < share < 1
        wrong = share / 2 * lemma_constant(problem, distance)
        with monkeypatch.context() as patched:
            patched.setattr(needed_share, "lemma_constant", lambda *given, wrong=wrong: wrong)
            assert lemma_share(problem, distance, pairs, 20) == pytest.approx(2, rel=1e-2)


def test_below_the_share_that_proposition_three_needs_the_objective_is_not_concave() -> None:
    problem, generator = small(), torch.Generator().manual_seed(0)
    phi, theta = torch.randn(2, 5, 3, dtype=torch.float64, generator=generator)
    threshold = (6 * problem.lipschitz**2 + 2 * problem.smoothness) * problem.largest_advantage()
    needed = proposition3_share(problem, phi, theta) * threshold
    assert needed > 0

    def most(weight: float) -> float:
        rule = WithinTask(problem, "euclidean", weight)
        hessians = [
            torch.autograd.functional.hessian(lambda at, centre=centre: rule.objective(at, centre), place)
            for centre, place in zip(phi, theta, strict=True)
        ]
        return float(torch.linalg.eigvalsh(torch.stack(hessians)).max())

    assert most(1.001 * needed) < 0 < most(0.999 * needed)
