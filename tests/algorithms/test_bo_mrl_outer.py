"""BO-MRL's outer step and its tables: the trust region, sampled action values, repeated adaptation."""

import dataclasses

import numpy as np
import pytest
import torch

from algorithms.one_time_adaptation.tabular import adapt_tabular
from algorithms.one_time_adaptation.tabular_model_values import modelled_values
from algorithms.one_time_adaptation.tabular_sampled import Visits, sampled_values
from algorithms.optimisation.conjugate_gradient import solve
from algorithms.policies.gaussian_mlp import GaussianMLP
from algorithms.policies.networks import MLP
from algorithms.policies.parameters import stacked
from benchmarks.studies.optimality_gap.evaluation import TabularTasks
from environments.catalogue import make_suite
from environments.streams import Streams
from environments.tabular import TabularMDP
from environments.task import TaskRef
from tests.support.tabular_problem import ACTIONS, END, STATES, SmallTabular, in_float64, learner_on

every_kind = pytest.mark.parametrize("kind", [1, 2, 3])
SMALL = {"tasks": 3, "trajectories": 4, "hidden": (8,)}


def drawn(purpose, *shape):
    return torch.randn(*shape, generator=Streams(0).torch(purpose), dtype=torch.float64)


@every_kind
@pytest.mark.parametrize("delta", [1e-3, 0.03])
def test_an_outer_step_stays_in_the_trust_region_and_improves_what_policies_adapted_again_reach(kind, delta):
    suite = make_suite("half-cheetah-velocity[horizon=20]")
    learner, collector = learner_on(suite, f"bo-mrl-{kind}", delta=delta, **SMALL)
    sample = learner.sample(collector)
    gradient, _ = learner.hypergradient(sample)
    metrics = learner.outer_step(gradient, sample)
    policy = learner.distribution(stacked(learner.parameters, 3), sample.before)
    moved = sample.before.divergence(policy)
    assert 0.1 * delta < float(moved.mean()) <= delta
    assert metrics["kl"] == pytest.approx(float(moved.mean()), rel=1e-4)
    reached = learner.adapted(stacked(learner.parameters, 3), [sample.before], differentiable=False)
    values = [learner.lower.outer_objective(adapted, sample.after).mean() for adapted in (sample.solution, reached)]
    assert values[1] > values[0]
    assert metrics["predicted_improvement"] > 0


@every_kind
def test_a_hypergradient_of_a_batch_is_the_mean_of_its_tasks(kind):
    suite = make_suite("half-cheetah-velocity[horizon=20]")
    learner, collector = learner_on(suite, f"bo-mrl-{kind}", chunk=2, **SMALL)
    in_float64(learner)  # conjugate gradient multiplies rounding
    sample = learner.sample(collector)
    whole, _ = learner.hypergradient(sample)
    parts = [learner.hypergradient(sample.select(slice(task, task + 1)))[0] for task in range(3)]
    for name, value in whole.items():
        torch.testing.assert_close(value, sum(part[name] for part in parts) / 3, rtol=1e-6, atol=1e-9)


def test_training_adapts_once_whatever_is_evaluated():
    suite = make_suite("half-cheetah-velocity[horizon=20]")
    learner, collector = learner_on(suite, "bo-mrl-1", steps=3, **SMALL)
    metrics = learner.meta_step(collector)
    assert collector.ledger.spent == 2 * 3 * 4 * suite.horizon
    assert {"return_step0", "return_step1"} <= metrics.keys()


@every_kind
def test_a_further_adaptation_starts_at_the_adapted_policy_on_its_own_data(kind):
    suite = SmallTabular()
    learner, collector = learner_on(suite, f"bo-mrl-{kind}", tasks=3, trajectories=4)
    tasks = collector.sample_tasks(3)
    adaptation = learner.adapt(tasks)
    policy = next(adaptation)
    logits = policy.parameters["logits"]
    for _ in range(2):
        batch = collector.collect(policy, tasks, 50)
        policy = adaptation.send(batch)
        values, visitation = sampled_values(batch, suite.discount, STATES, ACTIONS)
        weight = learner.config.regularisation
        expected = adapt_tabular(learner.distance, logits.double(), values, weight, visitation)
        torch.testing.assert_close(policy.parameters["logits"].double(), expected, rtol=1e-5, atol=1e-5)
        logits = policy.parameters["logits"]


def test_sampled_action_values_and_visitation_approach_the_exact_ones():
    suite, tasks, batch, uniform = uniform_walks(4_000)
    values, visitation = sampled_values(batch, suite.discount, 16, 4)
    for row, task in enumerate(tasks):
        model = suite.model(suite.split.task(task.split, task.id))
        np.testing.assert_allclose(visitation[row], model.visitation(uniform), atol=0.02)
        error = (values[row] - torch.from_numpy(model.policy_values(uniform).action)).abs()
        assert float(error.max()) < 0.4
        assert float(error.mean()) < 0.08


def test_sampled_products_with_the_derivatives_of_values_and_visitation_approach_the_exact_ones():
    suite, tasks, batch, uniform = uniform_walks(20_000)
    policy = torch.from_numpy(uniform).expand(len(tasks), 16, 4)
    by_pair = drawn("pairs", len(tasks), 16, 4).double()
    visits = Visits(batch, suite.discount, 16, 4)
    values, _ = sampled_values(batch, suite.discount, 16, 4)
    mdp = TabularMDP.stack([suite.model(suite.split.task(task.split, task.id)) for task in tasks])
    exact = TabularTasks(mdp).evaluate(torch.zeros(len(tasks), 16, 4, dtype=torch.float64))
    for found, true in (
        (visits.values_vjp(by_pair, policy, values), exact.action_values_vjp(by_pair)),
        (visits.visitation_vjp(by_pair[..., 0], policy), exact.visitation_vjp(by_pair[..., 0])),
    ):
        assert float((found - true).norm() / true.norm()) < 0.1


def test_modelled_action_values_are_exact_in_a_deterministic_lake_that_was_walked_through():
    suite, tasks, batch, uniform = uniform_walks(400)
    values = modelled_values(batch, suite.discount, 16, 4)
    for row, task in enumerate(tasks):
        model = suite.model(suite.split.task(task.split, task.id))
        np.testing.assert_allclose(values[row], model.policy_values(uniform).action, atol=1e-6)


def test_modelled_action_values_of_stochastic_episodes_that_end_approach_the_exact_ones():
    suite = SmallTabular()
    learner, collector = learner_on(suite, "bo-mrl-2", tasks=3)
    tasks = [TaskRef("train", task.id) for task in suite.split.train]
    batch = collector.collect(learner.policy(stacked(learner.parameters, 3)), tasks, 20_000)
    values = modelled_values(batch, 0.9, STATES, ACTIONS)
    models = dataclasses.replace(suite.models, discount=0.9)
    exact = models.policy_values(np.full((3, STATES, ACTIONS), 1 / ACTIONS)).action
    np.testing.assert_allclose(values[:, :END], exact[:, :END], atol=0.25)


def uniform_walks(trajectories):
    """The uniform policy's episodes on two lakes, from every tile."""
    suite = make_suite("frozen-lake-low[start=uniform]")
    learner, collector = learner_on(suite, "bo-mrl-2")
    tasks = collector.sample_tasks(2)
    batch = collector.collect(learner.policy(stacked(learner.parameters, 2)), tasks, trajectories)
    return suite, tasks, batch, np.full((16, 4), 0.25)


def test_what_was_never_tried_has_no_advantage():
    learner, collector = learner_on(SmallTabular(), "bo-mrl-1", tasks=1, trajectories=1)
    batch = collector.collect(learner.policy(stacked(learner.parameters, 1)), collector.sample_tasks(1), 1)
    values, visitation = sampled_values(batch, 0.9, STATES, ACTIONS)
    steps = int(batch.lengths[0, 0])
    tried = {
        (int(s), int(a)) for s, a in zip(batch.observations[0, 0, :steps], batch.actions[0, 0, :steps], strict=True)
    }
    assert len(tried) < (STATES - 1) * ACTIONS
    for state in range(STATES):
        seen = [float(values[0, state, action]) for action in range(ACTIONS) if (state, action) in tried]
        unseen = {float(values[0, state, action]) for action in range(ACTIONS) if (state, action) not in tried}
        assert float(visitation[0, state]) == 0 if not seen else float(visitation[0, state]) > 0
        if seen and unseen:
            assert len(unseen) == 1
            assert min(seen) - 1e-9 <= unseen.pop() <= max(seen) + 1e-9
    assert not values[0, END].any()


def test_conjugate_gradient_solves_every_tasks_own_system_and_says_which_curve_down():
    basis = [torch.linalg.qr(drawn(f"basis{task}", 5, 5))[0] for task in range(3)]
    spectra = [torch.linspace(0.5, 4.0, 5).double(), torch.linspace(1.0, 9.0, 5).double(), -torch.ones(5).double()]
    matrices = torch.stack([axes @ torch.diag(scale) @ axes.T for axes, scale in zip(basis, spectra, strict=True)])
    target = drawn("target", 3, 5)

    def product(rows):
        return (matrices @ rows.unsqueeze(-1)).squeeze(-1)

    found = solve(product, target, 10)
    assert found.negative_curvature.tolist() == [False, False, True]
    torch.testing.assert_close(product(found.vectors)[:2], target[:2], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.vectors[2], target[2])


def test_a_network_with_state_dependent_variances_starts_as_the_one_without():
    space = make_suite("half-cheetah-velocity").action_space
    heads, plain = GaussianMLP(7, (8, 8), space, 0.5), MLP(7, (8, 8), space, 0.5)
    observations = drawn("observations", 2, 3, 4, 7).float()
    ours, theirs = (
        network.distribution(stacked(network.initial(Streams(0).torch("initial")), 2), observations)
        for network in (heads, plain)
    )
    torch.testing.assert_close(ours.mean, theirs.mean)
    torch.testing.assert_close(ours.log_std, theirs.log_std.expand_as(ours.log_std))
    parameters = {name: value + 0.3 for name, value in stacked(heads.initial(Streams(0).torch("initial")), 2).items()}
    stds = heads.distribution(parameters, observations).log_std
    assert float(stds.std()) > 0.01


@pytest.mark.parametrize(
    ("option", "value"),
    [("regularisation", 0.0), ("adam_steps", 0), ("chunk", 0), ("discount", 1.5), ("gae_lambda", -0.1), ("delta", 0.0)],
)
def test_an_option_out_of_range_is_refused_with_its_value(option, value):
    learner, _ = learner_on(SmallTabular(), "bo-mrl-1")
    with pytest.raises(ValueError, match=str(value)):
        dataclasses.replace(learner.config, **{option: value})
