"""Exact meta-gradients on small tabular MDPs, and how far from them those are that a learner samples."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from algorithms.estimators.advantages import discounted_sums
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from environments.collector import Collector
from environments.suite import Suite
from environments.tabular import TabularMDP, differentiable_return
from environments.trajectories import TrajectoryBatch
from tests.support.tabular_problem import END, drawn_logits, learner_on

STEP_SIZE = 2.0  # large, so that curvature is half of the meta-gradient and more
TASKS = 3


class ExactMetaGradient:
    """Meta-gradients by dynamic programming and autograd, with one of three inner objectives.

    "ratio" and "log-probability": the expectations of the sampled surrogates, states and rewards-to-go held fixed as
    the sampled data are.  "return": the expected return itself, so that the meta-gradient is that of formulation I.
    """

    def __init__(self, mdp: TabularMDP, horizon: int) -> None:
        self.mdp, self.horizon = mdp, horizon
        self.transition, self.reward, self.initial = (
            torch.from_numpy(array) for array in (mdp.transition, mdp.reward, mdp.initial)
        )

    def occupancy(self, policy: torch.Tensor) -> torch.Tensor:
        """P(s_t = s) of states that are not the end, [task, time, state]."""
        chain = torch.einsum("isa,isat->ist", policy, self.transition)
        states = [self.initial]
        for _ in range(self.horizon - 1):
            states.append(torch.einsum("is,ist->it", states[-1], chain))
        living = torch.stack(states, dim=1)
        return living * (torch.arange(living.shape[-1]) != END)

    def rewards_to_go(self, policy: torch.Tensor) -> torch.Tensor:
        """Q_t(s, a), the expected sum of rewards until the horizon, [task, time, state, action]."""
        values = [self.reward]
        for _ in range(self.horizon - 1):
            following = (policy * values[0]).sum(-1)
            values.insert(0, self.reward + torch.einsum("isat,it->isa", self.transition, following))
        return torch.stack(values, dim=1)

    def mean_length(self, logits: torch.Tensor) -> torch.Tensor:
        return self.occupancy(torch.softmax(logits, -1)).sum((1, 2)).detach()

    def returns(self, logits: torch.Tensor) -> torch.Tensor:
        """J, [task]."""
        return differentiable_return(self.mdp, torch.softmax(logits, -1), self.horizon)

    def objective(self, kind: str, logits: torch.Tensor) -> torch.Tensor:
        """What an inner step ascends, summed over time, [task]."""
        if kind == "return":
            return self.returns(logits)
        policy = torch.softmax(logits, -1)
        fixed = policy.detach()
        weight = self.occupancy(fixed).unsqueeze(-1) * self.rewards_to_go(fixed)
        chosen = policy if kind == "ratio" else fixed * torch.log(policy)
        return torch.einsum("itsa,isa->i", weight, chosen)

    def __call__(self, kind: str, start: torch.Tensor, steps: int) -> torch.Tensor:
        start = start.clone().requires_grad_()
        point = start.expand(TASKS, *start.shape)
        for _ in range(steps):
            value = self.objective(kind, point) / self.mean_length(point)
            (slope,) = torch.autograd.grad(value.sum(), point, create_graph=True)
            point = point + STEP_SIZE * slope
        reached = self.returns(point) / self.mean_length(point)
        return torch.autograd.grad(reached.mean(), start)[0]


def rewards_to_go(batch: TrajectoryBatch) -> AdaptationBatch:
    """Step data without baseline, discount and standardisation, float64."""
    return AdaptationBatch(batch, discounted_sums(batch.rewards.double() * batch.mask, 1.0))


def prepared(
    suite: Suite,
    method: str,
    monkeypatch: pytest.MonkeyPatch,
    steps: int = 1,
    trajectories: int = 20,
    **config: Any,
) -> tuple[Any, Collector]:
    """A learner at drawn logits in float64 that takes rewards-to-go for advantages, and its collector."""
    config = {"tasks": TASKS, "trajectories": trajectories, "inner_step_size": STEP_SIZE, "chunk": 2, **config}
    learner, collector = learner_on(suite, method, steps, **config)
    monkeypatch.setattr(learner, "adaptation_batch", rewards_to_go)
    learner.parameters = {"logits": drawn_logits()}
    return learner, collector


def estimate(learner: Any, collector: Collector, repeat: int) -> torch.Tensor:
    """One estimated meta-gradient from fresh data; the post-adaptation data come from the policies adapted to it."""
    collector.begin_iteration(repeat)
    return learner.meta_gradient(learner.parameters, learner.sample(collector))[1]["logits"]


def relative_error(learner: Any, collector: Collector, exact: torch.Tensor, trajectories: int, repeats: int) -> float:
    """Root mean square over repeats of |estimate - exact| / |exact|."""
    learner.config = dataclasses.replace(learner.config, trajectories=trajectories)
    errors = [(estimate(learner, collector, repeat) - exact).norm() / exact.norm() for repeat in range(repeats)]
    return float(torch.stack(errors).square().mean().sqrt())
