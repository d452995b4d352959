"""What every algorithm keeps to on a discrete and a continuous suite, and what each of the first ones is."""

import random

import numpy as np
import pytest
import torch

from algorithms.catalogue import algorithms
from environments.catalogue import make_suite
from environments.facts import SuiteFacts
from environments.tabular import TabularMDP
from tests.support.evaluation import evaluated, references
from tests.support.tabular_problem import SmallTabular, learner_on

SUITES = ("frozen-lake-low[horizon=10]", "half-cheetah-velocity[horizon=10]")
TINY = {"tasks": 2, "trajectories": 2}
META_LEARNERS = ("maml-trpo", "maml-vpg", "promp")

#: the scripted ones have tests of their own
LEARNING = sorted(name for name, found in algorithms().items() if not found.literals.get("scripted"))
#: each on both kinds, but for those that say that one does not fit
FITTING = [
    (name, suite)
    for name in LEARNING
    for suite in SUITES
    if algorithms()[name].load().fits(SuiteFacts.of(make_suite(suite))) is None
]
every_algorithm_on_both_kinds = pytest.mark.parametrize("name, suite", FITTING)


def trained(name, suite, iterations, seed=0, **config):
    learner, collector = learner_on(suite, name, steps=2, seed=seed, **{**TINY, **config})
    metrics = []
    for iteration in range(iterations if learner.trains else 0):
        collector.begin_iteration(iteration)
        metrics.append(learner.meta_step(collector))
    return learner, collector, metrics


def next_meta_step(learner, collector):
    collector.begin_iteration(2)
    return learner.meta_step(collector) if learner.trains else {}


def assert_same_experience(first, second):
    for ours, theirs in zip(first, second, strict=True):
        assert torch.equal(ours.actions, theirs.actions)
        assert torch.equal(ours.rewards, theirs.rewards)
        for name, value in ours.distribution.items():
            assert torch.equal(value, theirs.distribution[name])


def assert_same_state(first, second):
    assert type(first) is type(second)
    if isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            assert_same_state(first[key], second[key])
    elif isinstance(first, list):
        for ours, theirs in zip(first, second, strict=True):
            assert_same_state(ours, theirs)
    elif isinstance(first, torch.Tensor):
        assert torch.equal(first, second)
    else:
        assert first == second


def seed_globals(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@every_algorithm_on_both_kinds
def test_a_loaded_state_adapts_and_goes_on_as_the_saved_one(name, suite):
    suite = make_suite(suite)
    learner, collector, _ = trained(name, suite, 2)
    state, replay = learner.state_dict(), learner.replay_state()
    experience, _ = evaluated(learner, suite)
    further = next_meta_step(learner, collector)  # must leave the saved state as it is
    loaded, _, _ = trained(name, suite, 1, seed=1)  # alike in nothing but what is loaded
    loaded.streams = learner.streams
    loaded.load_state_dict(state)
    if replay:
        loaded.load_replay_state(replay)
    assert_same_experience(evaluated(loaded, suite)[0], experience)
    assert next_meta_step(loaded, collector) == further
    assert_same_state(loaded.state_dict(), learner.state_dict())


@every_algorithm_on_both_kinds
def test_an_algorithm_draws_from_its_streams_and_from_no_global_generator(name, suite):
    suite = make_suite(suite)
    histories = []
    for seed in (1, 2):
        seed_globals(seed)
        learner, _, metrics = trained(name, suite, 2)
        histories.append((metrics, learner.state_dict(), evaluated(learner, suite)[0]))
    (metrics, state, experience), (other_metrics, other_state, other_experience) = histories
    assert metrics == other_metrics
    assert_same_state(state, other_state)
    assert_same_experience(experience, other_experience)


@every_algorithm_on_both_kinds
def test_training_changes_the_policy_and_reports_finite_numbers(name, suite):
    suite = make_suite(suite)
    learner, collector, metrics = trained(name, suite, 2)
    untrained, _, _ = trained(name, suite, 0)
    before = evaluated(untrained, suite, steps=0)[0][0].distribution
    after = evaluated(learner, suite, steps=0)[0][0].distribution
    assert all(np.isfinite(value) for each in metrics for value in each.values())
    assert learner.trains == (collector.ledger.spent > 0)
    assert learner.trains == any(not torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("name", META_LEARNERS)
def test_a_meta_iteration_samples_before_and_after_each_inner_update(name):
    suite = make_suite(SUITES[0])
    _, collector, metrics = trained(name, suite, 3)
    assert collector.ledger.spent == 3 * (2 + 1) * 2 * 2 * suite.horizon
    assert {"return_step0", "return_step1", "return_step2"} <= metrics[0].keys()


@pytest.mark.parametrize("name", META_LEARNERS)
def test_meta_training_raises_the_exact_return_after_adaptation(name):
    suite = SmallTabular()
    rate = {} if name == "maml-trpo" else {"step_size": 0.03}
    config = {"tasks": 3, "trajectories": 40, **rate}
    returns = []
    for iterations in (0, 40):
        learner, _, _ = trained(name, suite, iterations, **config)
        _, policy = evaluated(learner, suite, steps=2, trajectories=500)
        probabilities = torch.softmax(policy.parameters["logits"], -1).double().numpy()
        returns.append(suite.models.finite_return(probabilities, suite.horizon).mean())
    assert returns[1] > returns[0] + 1


def test_random_init_spends_nothing_and_adapts_an_untrained_policy():
    suite = make_suite(SUITES[1])
    learner, collector = learner_on(suite, "random-init", steps=2, **TINY)
    collector.ledger.limit = 0
    untouched = learner.state_dict()
    assert not learner.trains
    assert learner.meta_step(collector) == {}
    assert_same_state(learner.state_dict(), untouched)
    (before, after, _), _ = evaluated(learner, suite)
    start = before.distribution["log_std"][:, 0, 0]
    assert not start.any()  # standard deviation 1
    assert not torch.equal(after.distribution["log_std"][:, 0, 0], start)


def test_multi_task_trains_on_the_mixture_without_inner_steps():
    suite = make_suite(SUITES[0])
    _, collector, metrics = trained("multi-task", suite, 3)
    assert collector.ledger.spent == 3 * 2 * 2 * suite.horizon
    assert "return_step0" in metrics[0]
    assert "return_step1" not in metrics[0]


@pytest.mark.parametrize("name", SUITES)
def test_multi_task_may_train_by_a_trust_region_on_all_that_an_iteration_samples(name):
    suite = make_suite(name)
    learner, collector, metrics = trained("multi-task", suite, 2, trust_region=0.02, trajectories=10)
    for found in metrics:
        assert 0 < found["kl"] <= 0.02
        assert found["kl_before_adaptation"] == pytest.approx(found["kl"])
        assert found["improvement"] > 0
    assert collector.ledger.spent == 2 * 2 * 10 * suite.horizon
    start, _, _ = trained("multi-task", suite, 0, trust_region=0.02)
    assert not learner.optimiser.state_dict()["steps"]
    assert any(not torch.equal(learner.parameters[key], value) for key, value in start.parameters.items())


def test_multi_task_is_fine_tuned_at_evaluation_as_promp_adapts():
    suite = make_suite(SUITES[0])
    learner, _, _ = trained("multi-task", suite, 2)
    meta_learner, _, _ = trained("promp", suite, 0)
    meta_learner.parameters = learner.parameters
    batches, policy = evaluated(learner, suite)
    others, other_policy = evaluated(meta_learner, suite)
    assert_same_experience(batches, others)
    assert torch.equal(policy.parameters["logits"], other_policy.parameters["logits"])
    assert not torch.equal(policy.parameters["logits"][0], learner.parameters["logits"])


@pytest.mark.parametrize("lake", ["frozen-lake-low", "frozen-lake-high", "frozen-lake-low[end=episode,start=uniform]"])
def test_the_oracle_is_the_exact_optimum_on_frozen_lake(lake):
    suite = make_suite(lake)
    learner, _ = learner_on(suite, "oracle")
    assert not learner.trains
    for split in ("validation", "test"):
        _, policy = evaluated(learner, suite, steps=0, trajectories=1, split=split)
        probabilities = torch.softmax(policy.parameters["logits"].double(), -1).numpy()
        models = TabularMDP.stack([suite.model(task) for task in suite.split.tasks(split)])
        np.testing.assert_allclose(models.expected_return(probabilities), models.optimal_return, rtol=1e-6)


def test_the_oracles_sampled_episodes_earn_the_optimum_less_what_lies_beyond_the_horizon():
    suite = make_suite("frozen-lake-low")
    learner, _ = learner_on(suite, "oracle")
    (batch,), _ = evaluated(learner, suite, steps=0, trajectories=3, split="test")
    best = np.array([suite.model(task).optimal_return for task in suite.split.test])
    beyond = suite.discount**suite.horizon / (1 - suite.discount)
    earned = batch.discounted_returns(suite.discount).numpy()
    np.testing.assert_allclose(earned, np.repeat(best[:, None] - beyond, 3, axis=1), rtol=1e-9)


def test_the_oracle_trains_a_policy_for_each_evaluation_task_and_adapts_none():
    suite = make_suite("corners[horizon=10]")
    learner, collector, _ = trained("oracle", suite, 2)
    tasks = {task.id for split in ("validation", "test") for task in suite.split.tasks(split)}
    assert collector.ledger.spent == 2 * len(tasks) * 2 * suite.horizon
    weights = learner.parameters["weight0"]
    assert len(weights) == len(tasks)
    assert not torch.equal(weights[0], weights[1])
    adaptation = learner.adapt(references(suite, "test"))
    batches, _ = evaluated(learner, suite, split="test")
    first = next(adaptation)
    assert adaptation.send(batches[0]).parameters["weight0"].equal(first.parameters["weight0"])
