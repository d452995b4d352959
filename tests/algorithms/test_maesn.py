"""MAESN: its latent update against exact expectations, its meta-gradient, what adaptation moves and from where."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from algorithms.estimators.advantages import advantages
from algorithms.estimators.latents import (
    first_advantages,
    latent_divergence,
    latent_objective,
    prior_divergence,
    standardised_over_episodes,
)
from algorithms.maesn import LATENTS, LOG_STD, LOG_STD_STEP, MEAN, MEAN_STEP, Maesn, _Chunk, latents_of
from algorithms.policies.distributions import Gaussian
from algorithms.policies.latent_mlp import LatentMLP
from algorithms.policies.parameters import Parameters, flat, stacked, unflat
from benchmarks.execution.session import Session
from environments.catalogue import make_suite
from environments.problem import EvaluationProtocol
from environments.streams import Streams
from environments.tabular import TabularMDP, differentiable_return
from environments.trajectories import TrajectoryBatch
from environments.typed_options import make_options
from tests.support.enumerated_trajectories import enumerated
from tests.support.tabular_problem import STATES, SmallTabular, in_float64, learner_on

SUITES = {"tabular": SmallTabular(), "gaussian": make_suite("half-cheetah-velocity[horizon=6]")}
SMALL: dict[str, Any] = {"tasks": 3, "trajectories": 5, "chunk": 2, "hidden": (8, 8)}
NODES, HORIZON = 48, 3

on_both_kinds = pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)


def drawn(purpose: str, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=Streams(0).torch(purpose), dtype=torch.float64)


def sampled(suite: Any, steps: int = 1, **config: Any) -> tuple[Any, Any, Any]:
    """MAESN in float64 away from its initialisation, and data."""
    learner, collector = learner_on(suite, "maesn", steps, **{**SMALL, **config})
    in_float64(learner)
    learner.parameters = {name: value + 0.3 * drawn(name, *value.shape) for name, value in learner.parameters.items()}
    tasks = collector.sample_tasks(3)
    return learner, learner.sample_on(tasks, collector), tasks


@pytest.fixture(scope="module")
def exact() -> tuple[torch.Tensor, torch.Tensor, Any, TrajectoryBatch, torch.Tensor, torch.Tensor]:
    """A latent's distribution, every node z of it with every episode of the policy at z, and their probabilities.

    Also the expected return as a function of the distribution, by the tabular MDP's exact values.
    """
    suite = SmallTabular()
    mdp = suite.model(suite.split.train[0])
    network = LatentMLP(suite.observation_space, suite.action_space, (8,), 1)
    initial = network.initial(Streams(0).torch("exact"), torch.float64)
    parameters = stacked({name: value + 0.7 * drawn(name, *value.shape) for name, value in initial.items()}, 1)
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    place, share = torch.from_numpy(nodes), torch.from_numpy(weights / weights.sum())

    def logits(latents: torch.Tensor) -> torch.Tensor:
        """[node, state, action] of latents [node]."""
        observations = torch.arange(STATES).expand(1, len(latents), STATES)
        return network.distribution(parameters, observations, latents[None, :, None]).parameters["logits"][0]

    def expected_return(mean: torch.Tensor, log_std: torch.Tensor) -> torch.Tensor:
        policy = torch.softmax(logits(mean + log_std.exp() * place), -1)
        stack = TabularMDP.stack([mdp] * NODES)
        return (share * differentiable_return(stack, policy, HORIZON)).sum()

    mean, log_std = torch.tensor(0.4, dtype=torch.float64), torch.tensor(-0.3, dtype=torch.float64)
    latents = mean + log_std.exp() * place
    parts = [enumerated(mdp, rows.detach(), HORIZON) for rows in logits(latents)]
    batch = TrajectoryBatch(
        **{
            name: torch.cat([getattr(part.batch, name) for part in parts]).transpose(0, 1)
            for name in ("observations", "actions", "rewards", "mask", "log_probabilities")
        },
        distribution={},
        success=torch.zeros(1, 1, dtype=torch.bool),
        terminated=torch.zeros(1, 1, dtype=torch.bool),
        latent=torch.cat([z.expand(1, len(part), 1) for z, part in zip(latents, parts, strict=True)], 1),
    )
    probability = torch.cat([w * part.probability for w, part in zip(share, parts, strict=True)])
    return mean, log_std, expected_return, batch, probability, torch.tensor(float(len(probability)))


def expected_update(exact: Any, credit: torch.Tensor) -> list[float]:
    """The expectation of the inner gradient in mean and log-std, the credit [task, trajectory] being given."""
    mean, log_std, _, batch, probability, count = exact
    leaves = [value.reshape(1, 1).clone().requires_grad_() for value in (mean, log_std)]
    weights = count * probability  # so that a mean over episodes is an expectation
    value = latent_objective(leaves[0], leaves[1], batch.latent, weights * credit)
    return [float(slope) for slope in torch.autograd.grad(value.sum(), leaves)]


def exact_update(exact: Any) -> list[float]:
    leaves = [value.clone().requires_grad_() for value in exact[:2]]
    return [float(slope) for slope in torch.autograd.grad(exact[2](*leaves), leaves)]


def test_the_latents_update_is_the_exact_gradient_of_the_expected_return(exact: Any) -> None:
    credit = first_advantages(in_double(exact[3]), 1.0, STATES).double()
    truth = exact_update(exact)
    assert expected_update(exact, credit) == pytest.approx(truth, abs=1e-5)
    assert min(map(abs, truth)) > 0.01  # there is something to find
    assert expected_update(exact, exact[3].returns) == pytest.approx(truth, abs=1e-5)  # without any baseline as well


def test_no_other_steps_advantage_gives_that_gradient(exact: Any) -> None:
    """Those of later steps miss what the latent earned before; their mean over steps is what policy gradients take."""
    values = advantages(in_double(exact[3]), 1.0, 1.0, STATES, standardise=False).double()
    truth = exact_update(exact)
    for credit in (values[..., 1], values.mean(-1), values.sum(-1)):
        assert expected_update(exact, credit) != pytest.approx(truth, rel=0.05)


def test_standardising_over_episodes_changes_the_updates_length_alone(exact: Any) -> None:
    """For a baseline and a scale that are given; those of the sample itself are biased as a sample's mean is."""
    truth = exact_update(exact)
    scaled = expected_update(exact, 2.5 * (exact[3].returns - 7.0))
    assert scaled == pytest.approx([2.5 * slope for slope in truth], rel=1e-4)
    standard = standardised_over_episodes(torch.tensor([[1.0, 2.0, 3.0, 6.0]]))
    assert standard.mean() == pytest.approx(0, abs=1e-6) and standard.std(correction=0) == pytest.approx(1)


def in_double(batch: TrajectoryBatch) -> TrajectoryBatch:
    return replace(batch, rewards=batch.rewards.double())


def test_divergences_are_those_of_torchs_normals() -> None:
    mean, log_std, other, other_std = (drawn(name, 3, 2) for name in ("mean", "std", "other", "other std"))
    ours, theirs = (torch.distributions.Normal(m, s.exp()) for m, s in ((mean, log_std), (other, other_std)))
    expected = torch.distributions.kl_divergence(ours, theirs).sum(-1)
    torch.testing.assert_close(latent_divergence(mean, log_std, other, other_std), expected)
    prior = torch.distributions.Normal(torch.zeros(2).double(), torch.ones(2).double())
    expected = torch.distributions.kl_divergence(ours, prior).sum(-1)
    torch.testing.assert_close(prior_divergence(mean, log_std), expected)


@on_both_kinds
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_the_meta_gradient_equals_finite_differences_in_every_kind_of_parameter(suite: Any, steps: int) -> None:
    learner, batches, _ = sampled(suite, steps)
    gradient = _Chunk(learner, batches).gradient

    def objective(parameters: Parameters) -> float:
        leaves = {name: value.clone().requires_grad_() for name, value in parameters.items()}
        return float(learner.task_objectives(leaves, batches).sum().detach())

    for name in ("weight0", *LATENTS):
        direction, step = drawn(f"towards {name}", *learner.parameters[name].shape), 1e-5
        ends = [
            objective({**learner.parameters, name: learner.parameters[name] + sign * step * direction})
            for sign in (1, -1)
        ]
        found = (ends[0] - ends[1]) / (2 * step)
        assert float((gradient[name] * direction).sum()) == pytest.approx(found, rel=1e-5, abs=1e-7), name
        moves = steps > 0 or name not in (MEAN_STEP, LOG_STD_STEP)
        assert (abs(found) > 1e-6) == moves, name


@on_both_kinds
def test_the_trust_regions_curvature_is_the_divergences_hessian(suite: Any) -> None:
    learner, batches, _ = sampled(suite)
    chunk = _Chunk(learner, batches)
    vector = unflat(drawn("vector", len(flat(learner.parameters))), learner.parameters)

    def slope(step: float) -> torch.Tensor:
        leaves = {
            name: (value + step * vector[name]).detach().requires_grad_() for name, value in learner.parameters.items()
        }
        total = learner.divergences(leaves, batches).sum()
        return flat(dict(zip(leaves, torch.autograd.grad(total, list(leaves.values())), strict=True)))

    found = flat(chunk.curvature(vector))
    torch.testing.assert_close(found, (slope(1e-5) - slope(-1e-5)) / 2e-5, rtol=1e-4, atol=1e-5)
    assert float(slope(0.0).abs().max()) < 1e-8  # at the parameters that acted nothing has moved


@on_both_kinds
def test_adaptation_starts_from_the_prior_and_moves_the_latents_alone_by_halved_steps_later(suite: Any) -> None:
    learner, collector = learner_on(suite, "maesn", 2, **SMALL)
    tasks = collector.sample_tasks(3)
    before = {name: value.clone() for name, value in learner.parameters.items()}
    adaptation = learner.adapt(tasks)
    policy = next(adaptation)
    latents = {MEAN: torch.zeros(3, 2), LOG_STD: torch.zeros(3, 2)}
    for share in (1.0, 0.5):
        assert torch.equal(policy._mean, latents[MEAN]) and torch.equal(policy._std, latents[LOG_STD].exp())
        batch = collector.collect(policy, tasks, 5)
        assert batch.latent is not None
        credit = standardised_over_episodes(first_advantages(batch, suite.discount, learner._states))
        leaves = {name: value.clone().requires_grad_() for name, value in latents.items()}
        value = latent_objective(leaves[MEAN], leaves[LOG_STD], batch.latent, credit).sum()
        slopes = dict(zip(leaves, torch.autograd.grad(value, list(leaves.values())), strict=True))
        latents = {name: latents[name] + share * slopes[name] for name in latents}  # steps begin at 1
        policy = adaptation.send(batch)
        for name, kept in policy._parameters.items():
            assert torch.equal(kept, stacked(before, 3)[name])
    torch.testing.assert_close(policy._mean, latents[MEAN])
    assert all(torch.equal(learner.parameters[name], value) for name, value in before.items())


@on_both_kinds
def test_an_episode_keeps_its_latent_and_episodes_differ(suite: Any) -> None:
    learner, batches, _ = sampled(suite)
    drawn_latents = batches[0].trajectories.latent
    assert drawn_latents is not None and drawn_latents.shape == (3, 5, 2)
    assert len({tuple(row.tolist()) for row in drawn_latents.reshape(-1, 2)}) == 15
    leaves = {name: value.clone().requires_grad_() for name, value in learner.parameters.items()}
    _, policy = learner.after(leaves, batches[:1])
    acted = type(policy).from_parameters(batches[0].trajectories.distribution)
    assert float(acted.kl(policy).detach().abs().max()) < 1e-9  # one latent throughout gives what acted


def test_each_training_task_has_latents_of_its_own_and_others_stay() -> None:
    suite = make_suite("half-cheetah-velocity[horizon=6]")
    learner, collector = learner_on(suite, "maesn", **SMALL)
    before = {name: learner.parameters[name].clone() for name in (MEAN, LOG_STD)}
    assert before[MEAN].shape == (50, 2) and 0.7 < float(before[MEAN].std()) < 1.3
    tasks = collector.sample_tasks(3)
    learner.update(learner.sample_on(tasks, collector))
    rows = [learner._rows[task] for task in tasks]
    for name, value in before.items():
        moved = (learner.parameters[name] != value).any(1)
        assert moved[rows].all() and int(moved.sum()) == 3
    prior = latents_of(learner.parameters, torch.tensor([50]))
    assert not prior[MEAN].any() and not prior[LOG_STD].any()


def test_an_update_records_how_far_the_policy_before_adaptation_moved() -> None:
    """By the same observations and noise, task by task, against one network's pass at a time."""
    suite = make_suite("corners[horizon=6]")
    learner, collector = learner_on(suite, "maesn", **SMALL)
    batches = learner.sample_on(collector.sample_tasks(3), collector)
    metrics = learner.update(batches)
    first, moved = batches[0], []
    latents = latents_of(learner.parameters, first.extra("rows"))
    for task in range(3):
        drawn = latents[MEAN][task] + latents[LOG_STD][task].exp() * first.extra("noise")[task]
        network = stacked(learner._network(learner.parameters), 1)
        seen = first.trajectories.observations[task : task + 1]
        policy = learner.network.distribution(network, seen, drawn[None])
        before = Gaussian(*(first.trajectories.distribution[name][task : task + 1] for name in ("mean", "log_std")))
        moved.append(float(before.kl(policy).mean()))
    assert metrics["kl_before_adaptation"] == pytest.approx(float(np.mean(moved)), rel=1e-4) and min(moved) > 0


def test_adapting_the_latent_finds_the_corner() -> None:
    suite = make_suite("corners[horizon=40]")
    config = make_options(Maesn.Config, {"tasks": 4, "trajectories": 20, "hidden": (32, 32)}, "maesn")
    session = Session(suite, Maesn, config, Streams(0), EvaluationProtocol(2, 20), 150_000)
    while session.iterate() is not None:
        pass
    rows = session.evaluate("test", "final")
    before, after = (np.mean([row["return"] for row in rows if row["step"] == step]) for step in (0, 2))
    assert after > before + 0.5  # the corner itself pays 2.83


def test_the_ant_trains_on_dense_rewards_and_is_scored_on_sparse_ones() -> None:
    suite: Any = make_suite("ant-goal-sparse[train_reward=dense]")
    assert suite.full_name == "ant-goal-sparse[train_reward=dense]"
    plain, training = make_suite("ant-goal-sparse"), suite.training_suite
    assert training.split == suite.split == plain.split and plain.training_suite is plain
    assert training.observation_space == suite.observation_space
    rewards = {}
    for name, each in (("trained", training), ("scored", suite), ("plain", plain)):
        batch: Any = each.make_batch(2, 2)
        batch.set_tasks(suite.split.train[:2])
        batch.reset(seed=0)
        actions = np.random.default_rng(0).uniform(-1, 1, (20, 4, batch.single_action_space.shape[0]))
        rewards[name] = np.array([batch.step(action)[1] for action in actions.astype(np.float32)])
        if name == "trained":
            goals = np.repeat([task.parameters["goal"] for task in suite.split.train[:2]], 2, axis=0)
            distance = np.abs(batch.position - goals).sum(1)
    assert (rewards["scored"] == rewards["plain"]).all()
    gap = rewards["trained"] - rewards["scored"]  # far from the goal the one is told how far, the other is not
    assert np.ptp(gap, axis=0).min() > 1e-4
    assert distance.min() > 0.8
