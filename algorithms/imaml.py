"""Implicit MAML: adaptation solves a proximal problem, the meta-gradient differentiates its solution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from algorithms.adapted_curvature import AdaptedCurvature
from algorithms.algorithm import Adaptation, Metrics
from algorithms.batched_conjugate_gradient import Solution
from algorithms.gradient_adaptation import StepData
from algorithms.gradient_meta_learner import MetaData
from algorithms.implicit_differentiation import through_proximal_solution
from algorithms.maml_trpo import MamlTrpo, MamlTrpoConfig
from algorithms.networks import NetworkPolicy, Parameters, stacked
from algorithms.proximal_ascent import proximal_ascent
from algorithms.surrogates import ratio_objective
from environments.collector import Collector
from environments.policy import Distribution
from environments.problem import Problem
from environments.streams import Streams
from environments.task import TaskRef


@dataclass(frozen=True)
class ImamlConfig(MamlTrpoConfig):
    """`inner_step_size` is 1 / lambda, the inverse of the proximal term's weight: with one proximal step at rate 1
    adaptation is MAML's, so that the same value suits a suite as it does the other methods."""

    proximal_steps: int = 5  # of gradient ascent on the proximal objective
    proximal_rate: float = 1.0  # their size in units of 1 / lambda; halved where it overshoots
    implicit_iterations: int = 5  # of conjugate gradient, for the implicit derivative
    implicit_damping: float = 0.0  # added to the diagonal of I - grad^2 J / lambda

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.inner_step_size <= 0:
            raise ValueError(f"inner_step_size is 1 / lambda and must be positive, got {self.inner_step_size}")
        if self.proximal_steps < 1 or self.implicit_iterations < 0:
            raise ValueError(
                "proximal_steps must be at least 1 and implicit_iterations at least 0, "
                f"got {self.proximal_steps} and {self.implicit_iterations}"
            )
        if not 0 < self.proximal_rate < 2:
            raise ValueError(f"proximal_rate must be in (0, 2), beyond which no step converges, got {self.proximal_rate}")
        if self.implicit_damping < 0:
            raise ValueError(f"implicit_damping must not be negative, got {self.implicit_damping}")


class Imaml(MamlTrpo):
    """Implicit MAML: a proximal problem solved on each task's data, outer trust region on its implicit gradient.

    Adaptation ascends J(psi) - lambda / 2 |psi - theta|^2 with J the likelihood-ratio surrogate on the step's data.
    With several adaptation steps each solves the problem of its own, newer data, about the same centre theta and from
    the solution before: the implicit gradient is then that of the last one alone, whatever path led there.

    The paper has no reinforcement learning.  The outer update here is TRPO's on the implicit gradient; its
    direction takes the Fisher information at the adapted policies as if they moved with theta (their Jacobian, an
    inverse, would cost two more solves per product), while the divergence that bounds the step is measured after
    solving every proximal problem anew.
    """

    name = "imaml"
    paper = "Rajeswaran, Finn, Kakade and Levine 2019, arXiv:1909.04630"
    Config = ImamlConfig

    def __init__(self, problem: Problem, config: Any, streams: Streams) -> None:
        super().__init__(problem, config, streams)
        self._solved: list[Solution] = []  # of the update under way

    @property
    def proximal_weight(self) -> float:
        """lambda."""
        return 1 / self.config.inner_step_size

    def inner_objective(self, policy: Distribution, step: StepData) -> torch.Tensor:
        return ratio_objective(policy, step.batch, step.advantages)

    def solution(self, centre: Parameters, start: Parameters, step: StepData) -> Parameters:
        """Of one step's proximal problem, [task, ...], detached."""
        config = self.config
        return proximal_ascent(
            self.inner_value(step), centre, start, self.proximal_weight, config.proximal_steps, config.proximal_rate
        )

    def adapted(self, parameters: Parameters, data: Sequence[StepData], differentiable: bool) -> Parameters:
        """Parameters [task, ...] after each step's proximal problem in turn, all about the given ones.

        differentiable: once, through the last problem's solution.
        """
        point = parameters
        for step in data:
            point = self.solution(parameters, point, step)
        if not differentiable or not data:
            return point
        config = self.config
        return through_proximal_solution(
            self.inner_value(data[-1]),
            parameters,
            point,
            self.proximal_weight,
            config.implicit_iterations,
            config.implicit_damping,
            self._solved.append,
        )

    def adapt(self, tasks: Sequence[TaskRef]) -> Adaptation:
        centre = stacked(self.parameters, len(tasks))
        point = centre
        while True:
            batch = yield NetworkPolicy(self.network, point)
            point = self.solution(centre, point, self.step_data(batch))

    def sample(self, collector: Collector) -> MetaData:
        tasks = collector.sample_tasks(self.config.tasks)
        adaptation, data = self.adapt(tasks), []
        policy = next(adaptation)
        for step in range(self.training_steps + 1):
            batch = collector.collect(policy, tasks, self.config.trajectories)
            data.append(self.step_data(batch))
            if step < self.training_steps:
                policy = adaptation.send(batch)
        return data

    def update(self, data: MetaData) -> Metrics:
        self._solved.clear()
        metrics = super().update(data)
        if not self._solved:
            return metrics
        residuals = torch.cat([solved.residuals for solved in self._solved])
        truncated = torch.cat([solved.truncated for solved in self._solved])
        return {
            **metrics,
            "implicit_residual": float(residuals.mean()),
            "implicit_truncated": float(truncated.float().mean()),
        }

    def curvature(self, data: MetaData) -> AdaptedCurvature:
        """Fisher information at these tasks' adapted policies, summed."""
        last = data[-1]
        start = stacked(self.parameters, len(last.advantages))
        return AdaptedCurvature(
            [],
            0.0,
            self.adapted(start, data[:-1], differentiable=False),
            lambda parameters: self.distribution(parameters, last),
            last.batch.mask,
        )
