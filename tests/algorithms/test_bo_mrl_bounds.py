"""The constants and bounds of Theorems 3 and 4, and the exact FrozenLake figures of BO-MRL."""

import itertools

import numpy as np
import pytest
import torch

from benchmarks.studies.optimality_gap.bounds import (
    advantage_bound,
    best_single_policy,
    comparators,
    least_visitation,
    proportionality,
    soft_optimum,
    squared_distance,
    task_variance,
    theorem_weight,
    tightest_bound,
    worst_return,
)
from benchmarks.studies.optimality_gap.evaluation import TabularTasks
from benchmarks.studies.optimality_gap.hypergradient import adapt_exactly
from benchmarks.studies.optimality_gap.lake import STEPS, Lake, appendix_h_step
from benchmarks.studies.optimality_gap.meta_training import PolicyGradientStep, meta_train
from benchmarks.studies.optimality_gap.one_time import OneTime, rule_of
from benchmarks.studies.optimality_gap.policy_gradient import policy_gradient_rows
from benchmarks.studies.optimality_gap.random_initialisation import Draws
from environments.streams import Streams
from environments.tabular import TabularMDP
from tests.support.random_mdps import random_mdps

READINGS = [("kl", "table"), ("reverse_kl", "table"), ("euclidean", "table"), ("euclidean", "state")]
TASKS = 4


@pytest.fixture(scope="module")
def mdp() -> TabularMDP:
    return random_mdps(TASKS)


@pytest.fixture(scope="module")
def lake() -> Lake:
    return Lake.load("frozen-lake-high[start=uniform]")


def random_policies(count: int, mdp: TabularMDP) -> np.ndarray:
    """Some nearly deterministic."""
    concentration = np.geomspace(0.01, 1, count)[:, None, None, None]
    draw = Streams(0).numpy("policies").gamma(concentration, size=(count, 1, mdp.states, mdp.actions)) + 1e-300
    return np.asarray(draw / draw.sum(-1, keepdims=True))


def test_no_policy_has_a_larger_advantage_than_a_max(mdp):
    policies = random_policies(300, mdp)
    found = np.abs(mdp.policy_values(policies).advantage).max((0, 2, 3))
    assert (found <= advantage_bound(mdp) + 1e-10).all()
    assert (found > 0.3 * advantage_bound(mdp)).all()  # and it is of the right size


def test_no_policy_visits_a_state_less_than_the_least_visitation(mdp):
    least = least_visitation(mdp)
    assert (mdp.visitation(random_policies(300, mdp)).min(0) >= least - 1e-12).all()
    every = np.eye(mdp.actions)[list(itertools.product(range(mdp.actions), repeat=mdp.states))]
    np.testing.assert_allclose(
        mdp.visitation(every[:, None]).min(0), least, atol=1e-12
    )  # a deterministic one attains it
    assert (least >= (1 - mdp.discount) * mdp.initial - 1e-12).all()  # Remark 1 (ii)


def test_on_frozen_lake_every_tile_counts_for_epsilon_under_the_uniform_start_and_none_has_one_otherwise(lake):
    assert lake.epsilon == pytest.approx(0.2 / 16, abs=1e-12)
    free = np.ptp(lake.mdp.optimum.action, axis=-1) > 0
    np.testing.assert_allclose(lake.least_visits[free], 0.2 / 16, atol=1e-12)
    assert (lake.least_visits[~free] >= 1 / 16 - 1e-12).all()  # goal and holes keep what starts there
    plain = Lake.load("frozen-lake-high")
    assert plain.epsilon == 0
    assert theorem_weight("kl", 10.0, 0.8, plain.epsilon) == np.inf
    assert theorem_weight("kl", 10.0, 0.8, lake.epsilon) == pytest.approx(8000)
    assert theorem_weight("euclidean", 10.0, 0.8, lake.epsilon) == pytest.approx(24000)
    assert lake.advantage == pytest.approx(10)


def test_bounds_have_the_constants_of_theorems_3_and_4():
    advantage, discount, least = 1.7, 0.8, 0.03
    for distance in ("kl", "reverse_kl"):
        printed = 2 * (1 + discount) * advantage / ((1 - discount) ** 2 * least)
        assert proportionality(distance, discount) * theorem_weight(
            distance, advantage, discount, least
        ) == pytest.approx(printed)
    printed = (6 + 4 * discount) * advantage / ((1 - discount) ** 2 * least)
    assert proportionality("euclidean", discount) * theorem_weight(
        "euclidean", advantage, discount, least
    ) == pytest.approx(printed)


def test_the_soft_optimum_solves_its_own_bellman_equation(mdp):
    heat = 0.3
    logits = soft_optimum(mdp, heat)
    np.testing.assert_allclose(logits.sum(-1), 0, atol=1e-10)
    policy = torch.from_numpy(logits).softmax(-1).numpy()
    paid = TabularMDP(mdp.transition, mdp.reward - heat * np.log(policy), mdp.initial, mdp.discount)
    values = paid.policy_values(policy).action + heat * np.log(policy)  # Q without the present step's own entropy
    np.testing.assert_allclose(logits, (values - values.mean(-1, keepdims=True)) / heat, atol=1e-9)


def test_comparators_lose_at_most_one_percent_also_after_their_ties_are_resolved(lake):
    references = lake.references
    uniform = np.full((16, 4), 0.25)
    allowed = 0.01 * (lake.mdp.optimal_return - lake.mdp.expected_return(uniform))
    for centre in (lake.uniform, references.logits.mean(0)):
        resolved = references.towards(centre)
        lost = lake.mdp.optimal_return - lake.tasks.evaluate(resolved).expected_return.numpy()
        own = lake.mdp.optimal_return - lake.tasks.evaluate(references.logits).expected_return.numpy()
        assert (own <= allowed).all()
        assert (own > 0).all()
        assert lost.mean() < 2 * allowed.mean()
    assert references.logits.abs().max() < 50


def test_resolving_ties_brings_comparators_nearer_and_makes_absorbing_tiles_equal(lake):
    centre = lake.tasks.evaluate(torch.from_numpy(Streams(0).numpy("centre").standard_normal((16, 4))))
    references = lake.references
    near = references.towards(centre.logits[0])
    for distance in ("kl", "reverse_kl"):
        closer = squared_distance(distance, centre, near)
        assert (closer < squared_distance(distance, centre, references.logits)).all()
    absorbing = torch.from_numpy(np.ptp(lake.mdp.optimum.action, axis=-1) == 0)
    torch.testing.assert_close(near[absorbing], centre.logits[absorbing], rtol=0, atol=1e-9)


@pytest.mark.parametrize(("distance", "penalty"), READINGS)
def test_the_gap_is_below_the_bound_from_any_centre_at_the_theorems_weight(mdp, distance, penalty):
    """The inequality that the proof of Theorems 3 and 4 shows for each centre and comparator."""
    tasks = TabularTasks(mdp)
    weight = theorem_weight(distance, advantage_bound(mdp).max(), mdp.discount, least_visitation(mdp).min())
    references = comparators(mdp)
    optimum = torch.from_numpy(mdp.optimal_return)
    for seed in range(20):
        centre = tasks.evaluate(torch.from_numpy(Streams(seed).numpy("centre").standard_normal((5, 3))))
        other = references.towards(centre.logits[0])
        other = centre.logits + 0.01 * seed * (other - centre.logits)  # also near ones, where the bound is not vacuous
        gap = optimum - tasks.evaluate(adapt_exactly(distance, centre, weight, penalty)).expected_return
        slack = optimum - tasks.evaluate(other).expected_return
        squared = squared_distance(distance, centre, other, penalty)
        assert (gap <= proportionality(distance, mdp.discount) * weight * squared + slack + 1e-12).all()


@pytest.mark.parametrize(("distance", "penalty"), READINGS)
def test_the_variance_is_a_minimum_and_the_best_comparators_only_lower_the_bound(mdp, distance, penalty):
    tasks, references = TabularTasks(mdp), comparators(mdp)
    found = task_variance(distance, mdp, references, penalty)
    for seed in range(10):
        noise = 10.0 ** (-seed % 4) * torch.from_numpy(Streams(seed).numpy("nearby").standard_normal((5, 3)))
        other = found.centre + noise
        moved = squared_distance(distance, tasks.evaluate(other), references.towards(other), penalty).mean()
        assert found.value <= float(moved) + 1e-9
    single = tasks.evaluate(best_single_policy(mdp)).expected_return
    ceiling = float((torch.from_numpy(mdp.optimal_return) - single).mean())
    for weight in (0.1, 1000.0):
        best = tightest_bound(distance, mdp, found, references, weight, penalty)
        assert best <= min(found.bound(distance, weight, mdp.discount), ceiling) + 1e-9


def test_the_variance_at_low_task_variance_is_the_least_of_several_minima():
    """From the comparators' mean logits and from the uniform policy 2.80 and 2.78 are found, which are none."""
    lake = Lake.load("frozen-lake-low")
    assert task_variance("kl", lake.mdp, lake.references).value == pytest.approx(2.718, abs=1e-3)


def means(rows, quantity: str, algorithm: str) -> list[float]:
    """Over tasks, by index."""
    kept = [row for row in rows if (row["quantity"], row["algorithm"]) == (quantity, algorithm)]
    return [float(np.mean([row["value"] for row in kept if row["index"] == index])) for index in range(STEPS + 1)]


def test_exact_numbers_have_the_form_of_figure_3():
    """Alg(2): the gap after one adaptation is below the bounds, no adaptation's above; more adaptation is better."""
    lake, streams = Lake.load("frozen-lake-high[start=uniform]"), Streams(0)
    rule, size = rule_of(lake, "bo-mrl-2"), appendix_h_step("frozen-lake-high[start=uniform]")
    step = PolicyGradientStep(size)
    logits, mamls = (meta_train(each, lake.tasks, lake.uniform[None])[0][0] for each in (rule, step))
    one_time = OneTime(lake, "bo-mrl-2", logits)
    rows = one_time.return_rows(Draws.of(rule, lake, streams, 20)) + one_time.bound_rows(300)
    assert all(list(row) == ["quantity", "suite", "algorithm", "task", "index", "x", "value"] for row in rows)
    single = {(row["quantity"], row["index"]): row["value"] for row in rows if not row["task"]}
    bound, best = single["bound", 0], single["bound with the best comparators", 0]
    assert single["optimality gap", 1] < best < bound < single["optimality gap", 0]
    assert single["optimality gap at the theorem's lambda", 1] < single["bound at the theorem's lambda", 0]
    maml = policy_gradient_rows(lake, {size: mamls}, {size: Draws.of(step, lake, streams, 20)})
    gaps = {row["algorithm"]: row["value"] for row in maml if row["quantity"] == "optimality gap" and row["index"] == 1}
    assert gaps["maml"] == gaps["maml, best step size"] > bound  # at this size alone a step is worse than the bound
    trained = means(rows, "return after k steps", "bo-mrl-2")
    random = means(rows, "return after k steps", "random-init+bo-mrl-2")
    assert all(ours > theirs for ours, theirs in zip(trained[1:], random[1:], strict=True))
    assert trained == sorted(trained)
    cautious = [row for row in rows if row["quantity"] == "return after k steps at the theorem's lambda"]
    assert len(cautious) == 20 * (STEPS + 1)
    by_task = np.reshape([row["value"] for row in cautious], (STEPS + 1, 20))
    assert (np.diff(by_task, axis=0) > -1e-12).all()  # Section 5.4, on every task


def test_no_policy_is_below_the_worst_return_so_that_no_gap_exceeds_the_largest(mdp):
    returns = mdp.expected_return(random_policies(300, mdp))
    assert (returns >= worst_return(mdp) - 1e-12).all()
    every = np.eye(mdp.actions)[list(itertools.product(range(mdp.actions), repeat=mdp.states))]
    np.testing.assert_allclose(mdp.expected_return(every[:, None]).min(0), worst_return(mdp), atol=1e-12)
