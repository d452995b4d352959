"""PPO that observes which task it is on: what it sees, what it optimises, and whose parameters it may read."""

import pytest
import torch

from algorithms.contextual_ppo import ContextualPpo
from algorithms.experts.actor import Actor
from algorithms.experts.context import context_of
from algorithms.policies.context_mlp import CONTEXT
from algorithms.policies.parameters import flat, stacked
from benchmarks.execution.session import Session
from environments.access import AccessDenied
from environments.catalogue import make_suite
from environments.problem import EvaluationProtocol
from environments.streams import Streams
from environments.task import TaskRef
from environments.typed_options import make_options
from tests.support.tabular_problem import in_float64, learner_on

SMALL = {"tasks": 3, "trajectories": 4, "chunk": 2, "hidden": (8, 8)}
SUITES = ("half-cheetah-velocity[horizon=6]", "frozen-lake-high[horizon=6]")

on_both_kinds = pytest.mark.parametrize("name", SUITES)


@on_both_kinds
def test_the_policy_that_acts_observes_the_tasks_context(name):
    learner, collector = learner_on(make_suite(name), "contextual-ppo", **SMALL)
    batch = learner.sample(collector)[0]
    tasks = list(learner.problem.tasks("train")[:3])
    contexts = context_of(learner.problem, tasks)
    policy = learner.policy(tasks)
    torch.testing.assert_close(policy.parameters[CONTEXT] * contexts.shape[1] ** 0.5, contexts)
    observations = batch.trajectories.observations
    told = learner.network.distribution(policy.parameters, observations)
    swapped = learner.network.distribution({**policy.parameters, CONTEXT: contexts.flip(0)}, observations)
    for key, value in told.parameters.items():
        if key != "log_std":
            assert (value[0] != swapped.parameters[key][0]).any()


@on_both_kinds
def test_the_objective_is_the_clipped_surrogate_under_the_context_that_acted(name):
    """At the parameters that acted every ratio is 1, so its mean is the mean advantage, 0 by standardisation."""
    learner, collector = learner_on(make_suite(name), "contextual-ppo", **SMALL)
    batches = learner.sample(collector)
    assert len(batches) == 1
    objectives = learner.task_objectives(learner.parameters, batches)
    torch.testing.assert_close(objectives, torch.zeros(3), rtol=0, atol=1e-5)
    with torch.no_grad():
        policy = learner.distribution(stacked(learner.parameters, 3), batches[0])
        assert float(batches[0].divergence(policy).abs().max()) < 1e-5


@on_both_kinds
def test_the_gradient_equals_finite_differences(name):
    learner, collector = learner_on(make_suite(name), "contextual-ppo", **SMALL)
    in_float64(learner)
    batches = learner.sample(collector)
    _, gradient = learner.meta_gradient(learner.parameters, batches)
    direction = {
        key: torch.randn(value.shape, generator=Streams(0).torch(key), dtype=torch.float64)
        for key, value in learner.parameters.items()
    }
    step = 1e-6
    ends = [
        float(
            learner.task_objectives(
                {key: value + sign * step * direction[key] for key, value in learner.parameters.items()}, batches
            ).mean()
        )
        for sign in (1, -1)
    ]
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(float(flat(gradient) @ flat(direction)), rel=1e-4)


def test_it_reads_the_parameters_of_tasks_while_it_is_evaluated_on_them_and_at_no_other_time():
    suite = make_suite("half-cheetah-velocity[horizon=5]")
    config = make_options(ContextualPpo.Config, SMALL, "contextual-ppo")
    session = Session(suite, ContextualPpo, config, Streams(0), EvaluationProtocol(1, 2), 1000)
    session.iterate()
    rows = session.evaluate("test", "final")
    assert {row["task"] for row in rows} == {task.id for task in suite.split.test}
    test_tasks = [TaskRef("test", task.id) for task in suite.split.test]
    with pytest.raises(AccessDenied, match="may not use test task"):
        session.algorithm.policy(test_tasks)


def test_steps_on_one_sample_end_once_the_policy_has_moved_far_enough():
    suite = make_suite(SUITES[0])
    learner, collector = learner_on(suite, "contextual-ppo", **SMALL, step_size=0.03, gradient_steps=20, kl_bound=0.01)
    metrics = learner.meta_step(collector)
    assert metrics["kl"] > 0.01 and metrics["gradient_steps"] < 20
    learner, collector = learner_on(suite, "contextual-ppo", **SMALL, step_size=1e-4, gradient_steps=5, kl_bound=0.01)
    assert learner.meta_step(collector)["gradient_steps"] == 5


@pytest.mark.parametrize("anneal", [True, False])
def test_the_step_size_falls_over_the_budget_where_it_is_to(anneal):
    suite = make_suite(SUITES[0])
    options = make_options(ContextualPpo.Config, {**SMALL, "anneal": anneal, "step_size": 1e-3}, "contextual-ppo")
    session = Session(suite, ContextualPpo, options, Streams(0), EvaluationProtocol(1, 2), 4 * 3 * 4 * 6)
    sizes = []
    while session.iterate() is not None:
        sizes.append(session.algorithm.optimiser.step_size)
    assert sizes == pytest.approx([1e-3 * share for share in ((1, 0.75, 0.5, 0.25) if anneal else (1, 1, 1, 1))])


def test_fresh_training_tasks_are_observed_too():
    suite = make_suite("half-cheetah-velocity[horizon=5,train_tasks=distribution]")
    config = make_options(ContextualPpo.Config, SMALL, "contextual-ppo")
    session = Session(suite, ContextualPpo, config, Streams(0), EvaluationProtocol(1, 2), 1000)
    assert session.iterate() is not None


def test_knowing_the_task_is_learned_where_nothing_else_tells_it():
    """In corners the way to go depends on the task alone."""
    suite = make_suite("corners[horizon=15]")
    config = make_options(
        ContextualPpo.Config, {"tasks": 4, "trajectories": 20, "hidden": (16,), "step_size": 0.03}, "contextual-ppo"
    )
    session = Session(suite, ContextualPpo, config, Streams(0), EvaluationProtocol(0, 20), 48_000)
    while session.iterate() is not None:
        pass
    returns = [row["return"] for row in session.evaluate("test", "final")]
    assert sum(returns) / len(returns) > 1.5  # untrained about 0; the corner itself pays 2.83


@pytest.mark.parametrize("hidden", [(8, 8), ()], ids=str)
def test_the_actor_that_it_leaves_acts_as_it_does(hidden):
    learner, collector = learner_on(make_suite(SUITES[0]), "contextual-ppo", **{**SMALL, "hidden": hidden})
    learner.meta_step(collector)
    tasks = list(learner.problem.tasks("train")[:3])
    observations = learner.sample_on(tasks, collector)[0].trajectories.observations
    own = learner.network.distribution(learner.policy(tasks).parameters, observations)
    actor = Actor(learner.state_dict()["expert"], learner.problem.action_space)
    contexts = context_of(learner.problem, tasks)
    bounds = [torch.from_numpy(side) for side in (learner.problem.action_space.low, learner.problem.action_space.high)]
    found = actor.distribution(observations, contexts)
    torch.testing.assert_close(found.mean, own.mean)
    torch.testing.assert_close(found.log_std, own.log_std.expand_as(found.log_std))
    torch.testing.assert_close(actor.middle(observations, contexts), own.mean.clamp(*bounds))
    assert float(actor.distribution(observations, contexts, noisy=False).log_std.max()) < -5


def test_it_leaves_no_actor_where_actions_are_choices():
    learner, _ = learner_on(make_suite(SUITES[1]), "contextual-ppo", **SMALL)
    assert "expert" not in learner.state_dict()
