"""Implicit MAML: adaptation solves a proximal problem, the meta-gradient differentiates its solution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from algorithms.algorithm import Adaptation, Metrics
from algorithms.curvature.adapted_fisher import NeumannInverse
from algorithms.curvature.implicit_differentiation import proximal_vjp, through_proximal_solution
from algorithms.estimators.surrogates import log_probability_objective, ratio_objective
from algorithms.maml_trpo import Linearisation, MamlTrpo
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch, GradientConfig, Seen
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.optimisation.proximal_ascent import proximal_ascent
from algorithms.optimisation.task_chunks import each_chunk, joined
from algorithms.optimisation.trust_region import TrustRegionConfig
from algorithms.policies.networks import NetworkPolicy
from algorithms.policies.parameters import Parameters, from_task_vectors, stacked
from algorithms.search_space import COUNT, NOT_NEGATIVE, PROXIMAL, unsearched
from environments.collector import Collector
from environments.policy import Distribution
from environments.task import TaskRef


@dataclass(frozen=True)
class ImamlConfig(TrustRegionConfig, GradientConfig):
    """`inner_step_size` is 1 / lambda, the inverse of the proximal term's weight: with one proximal step at rate 1
    adaptation is MAML's, so that the same value suits a suite as it does the other methods."""

    # J of the proximal problem, of equal slope at the policy that acted.  The first has the smaller Hessian, half to a
    # twentieth of the other's: less has to be asked of lambda for the problem to stay concave.
    surrogate: Literal["log-probability", "ratio"] = "log-probability"
    # of gradient ascent on the proximal objective
    proximal_steps: int = unsearched(5, PROXIMAL, domain=COUNT)
    # their size in units of 1 / lambda; halved where it overshoots
    proximal_rate: float = unsearched(1.0, PROXIMAL)
    # of conjugate gradient, for the implicit derivative
    implicit_iterations: int = unsearched(5, "numerics of the implicit derivative", domain=COUNT)
    # added to the diagonal of I - grad^2 J / lambda
    implicit_damping: float = unsearched(0.0, "numerics of the implicit derivative", domain=NOT_NEGATIVE)
    # of the adapted parameters' Jacobian in the trust region's metric, beyond the identity
    curvature_terms: int = unsearched(
        1, "accuracy of the trust region's metric, whose size delta sets", domain=NOT_NEGATIVE
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.inner_step_size <= 0:
            raise ValueError(f"inner_step_size is 1 / lambda and must be positive, got {self.inner_step_size}")
        if not 0 < self.proximal_rate < 2:
            raise ValueError(
                f"proximal_rate must be in (0, 2), beyond which no step converges, got {self.proximal_rate}"
            )


class Imaml(MamlTrpo):
    """Implicit MAML: a proximal problem solved on each task's data, outer trust region on its implicit gradient.

    Adaptation ascends J(psi) - lambda / 2 |psi - theta|^2 with J a policy-gradient surrogate on the batch.
    With several adaptation steps each solves the problem of its own, newer data, about the same centre theta and from
    the solution before: the implicit gradient is then that of the last one alone, whatever path led there.

    The paper has no reinforcement learning.  The outer update here is TRPO's: the implicit gradient, within a bound on
    the divergence of the adapted policies that is measured after solving every proximal problem anew.

    Where a proximal problem is not concave (the Hessian grows as the policy's std shrinks), its steps are shortened
    until they ascend, and its implicit gradient is taken along directions of positive curvature alone; the share of
    such tasks is the metric `implicit_truncated`.
    """

    name = "imaml"
    paper = "Rajeswaran, Finn, Kakade and Levine 2019, arXiv:1909.04630"
    Config = ImamlConfig

    @property
    def proximal_weight(self) -> float:
        """lambda."""
        return 1 / self.config.inner_step_size

    def inner_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        objective = log_probability_objective if self.config.surrogate == "log-probability" else ratio_objective
        return objective(policy, batch.trajectories, batch.advantages)

    def solution(self, centre: Parameters, start: Parameters, batch: AdaptationBatch) -> Parameters:
        """The solution of one batch's proximal problem, [task, ...], detached."""
        config = self.config
        steps, rate = config.proximal_steps, config.proximal_rate
        return proximal_ascent(self.inner_value(batch), centre, start, self.proximal_weight, steps, rate)

    def adapted(
        self,
        parameters: Parameters,
        batches: Sequence[AdaptationBatch],
        differentiable: bool,
        seen: Seen | None = None,
    ) -> Parameters:
        """Parameters [task, ...] after each batch's proximal problem in turn, all about the given ones.

        differentiable: once, through the last problem's solution.
        """
        point = parameters
        for batch in batches:
            if seen is not None:
                seen(self.distribution(point, batch), batch)
            point = self.solution(parameters, point, batch)
        if not differentiable or not batches:
            return point
        config = self.config
        return through_proximal_solution(
            self.inner_value(batches[-1]),
            parameters,
            point,
            self.proximal_weight,
            config.implicit_iterations,
            config.implicit_damping,
        )

    def adapt(self, tasks: Sequence[TaskRef]) -> Adaptation:
        centre = stacked(self.parameters, len(tasks))
        point = centre
        while True:
            trajectories = yield NetworkPolicy(self.network, point)
            batch, start = self.adaptation_batch(trajectories), point

            def part(tasks: slice, start: Parameters = start, batch: AdaptationBatch = batch) -> Parameters:
                own, first = ({name: value[tasks] for name, value in each.items()} for each in (centre, start))
                return self.solution(own, first, batch.select(tasks))

            point = joined(each_chunk(part, batch.tasks, self.config.chunk))

    def sample_on(self, tasks: Sequence[TaskRef], collector: Collector) -> InnerOuterBatches:
        adaptation, batches = self.adapt(tasks), []
        policy = next(adaptation)
        for k in range(self.training_steps + 1):
            trajectories = collector.collect(policy, tasks, self.config.trajectories)
            batches.append(self.adaptation_batch(trajectories))
            if k < self.training_steps:
                policy = adaptation.send(trajectories)
        return batches

    def update(self, batches: InnerOuterBatches) -> Metrics:
        return {**self._adaptation_metrics(batches), **super().update(batches)}

    def _adaptation_metrics(self, batches: InnerOuterBatches) -> Metrics:
        """How far adaptation moved the acting policies, as a divergence on the states of the data after it."""
        if len(batches) < 2:
            return {}
        last = batches[-1]
        with torch.no_grad():
            before = self.distribution(stacked(self.parameters, last.tasks), last)
            moved = last.divergence(before)
        return {"kl_of_adaptation": float(moved.mean())}

    def linearised(self, batches: InnerOuterBatches) -> Linearisation:
        """The implicit gradient and the metric's Jacobian are of the last problem's solution, whatever path led there:
        from one graph of its Hessian."""
        config, last = self.config, batches[-1]
        adapted = self.adapted(stacked(self.parameters, last.tasks), batches[:-1], differentiable=False)
        hessian = self.hessian(batches[-2], adapted) if len(batches) > 1 else None
        jacobians = [] if hessian is None else [NeumannInverse(hessian, self.proximal_weight, config.curvature_terms)]
        fisher = self.fisher(jacobians, adapted, last)
        objectives, slopes = fisher.derivative(lambda policy: self.outer_objective(policy, last))
        if hessian is None:
            return Linearisation(objectives, self.summed(slopes), fisher)
        solved = proximal_vjp(
            hessian, slopes, self.proximal_weight, config.implicit_iterations, config.implicit_damping
        )
        metrics = {
            "implicit_residual": solved.residuals,
            "implicit_truncated": solved.negative_curvature.to(solved.residuals.dtype),
        }
        return Linearisation(objectives, self.summed(from_task_vectors(solved.vectors, slopes)), fisher, metrics)
