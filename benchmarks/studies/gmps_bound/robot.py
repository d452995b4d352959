"""GMPS on a robot, guided by an expert that was trained for it: what of Theorem A.1 can be known there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from algorithms.contextual_sac import ContextualSac
from algorithms.gmps import Gmps
from algorithms.policies.distributions import Gaussian
from algorithms.policies.squashed_gaussian import SquashedGaussian
from benchmarks.execution.evaluation import begun_adaptation, harness_collector
from benchmarks.execution.session import Session
from benchmarks.studies.gmps_bound.executed import executed_divergence
from environments.catalogue import make_suite
from environments.problem import EvaluationProtocol, Parent
from environments.streams import Streams
from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch
from environments.typed_options import make_options


@dataclass(frozen=True)
class RobotTask:
    """One task's costs, c = (largest reward - r) / (largest - smallest) of all rewards that were met, over H steps."""

    learned: float  # J(pi')
    expert: float  # J(pi*)
    divergence: float  # mean KL(pi' || pi*) of executed actions where the learned policy goes
    largest: float  # the largest of them
    horizon: int

    @property
    def least_delta(self) -> float:
        """The smallest delta with which J(pi') <= J(pi*) + delta sqrt(epsilon) H, epsilon the largest divergence; H at
        the most would do for any two policies."""
        return max(self.learned - self.expert, 0.0) / (self.largest**0.5 * self.horizon)


def robot_session(name: str, expert_steps: int, streams: Streams, guided: dict[str, Any]) -> Session:
    """GMPS's session after the expert's training.  guided: GMPS's options."""
    suite, protocol = make_suite(name), EvaluationProtocol(1, 10)
    config = make_options(ContextualSac.Config, {"tasks": guided["tasks"], "trajectories": 1}, "contextual-sac")
    expert = Session(suite, ContextualSac, config, streams.child("expert"), protocol, expert_steps)
    while expert.iterate() is not None:
        pass
    parents = {"expert": Parent(expert.state["algorithm"], expert.spent)}
    options = make_options(Gmps.Config, guided, "gmps")
    return Session(suite, Gmps, options, streams.child("guided"), protocol, None, parents=parents)


def robot_tasks(session: Session, tasks: int, trajectories: int, streams: Streams) -> list[RobotTask]:
    """Of the first training tasks, after one adaptation."""
    learner, suite = session.algorithm, session.suite
    assert isinstance(learner, Gmps)
    chosen = [TaskRef("train", task.id) for task in suite.split.train[:tasks]]
    collector = harness_collector(suite, streams)
    with begun_adaptation(learner, chosen) as adaptation:
        before = collector.collect(next(adaptation), chosen, trajectories)
        learned = collector.collect(adaptation.send(before), chosen, trajectories)
    shown = learner.expert.policy(chosen)
    expert = collector.collect(shown, chosen, trajectories)
    acted, _ = shown.act(learned.observations, None, None)  # type: ignore[arg-type]
    assert isinstance(acted, SquashedGaussian)
    divergence = executed_divergence(Gaussian.from_parameters(learned.distribution), acted)
    met = torch.cat([batch.rewards[batch.mask > 0] for batch in (learned, expert)])
    low, high = float(met.min()), float(met.max())

    def cost(batch: TrajectoryBatch, row: int) -> float:
        lost = (high - batch.rewards[row].double()) / (high - low) * batch.mask[row]
        return float(lost.sum(-1).mean())

    found = []
    for row in range(len(chosen)):
        seen = divergence[row][learned.mask[row] > 0]
        found.append(
            RobotTask(cost(learned, row), cost(expert, row), float(seen.mean()), float(seen.max()), suite.horizon)
        )
    return found
