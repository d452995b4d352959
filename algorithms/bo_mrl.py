"""BO-MRL: a meta-policy for one-time policy adaptation, meta-trained by the implicit hypergradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import gymnasium
import torch

from algorithms.algorithm import Metrics
from algorithms.curvature.adapted_fisher import AdaptedFisher
from algorithms.curvature.policy_maps import policies_at
from algorithms.estimators.advantages import advantages, discounted_sums, standardised
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch, GradientAdaptation, PolicyConfig, Seen
from algorithms.one_time_adaptation.adaptation import OneTimeAdaptation, OneTimeConfig
from algorithms.one_time_adaptation.distances import Distance
from algorithms.one_time_adaptation.tabular_sampled import SampledTabularAdaptation
from algorithms.optimisation.task_chunks import added, each_chunk, scaled
from algorithms.optimisation.trust_region import TrustRegion, TrustRegionConfig
from algorithms.policies.gaussian_mlp import GaussianMLP, flat_inputs
from algorithms.policies.networks import NetworkPolicy, TabularSoftmax
from algorithms.policies.parameters import Parameters, flat, stacked
from algorithms.search_space import DISCOUNT, LAMBDAS, UNUSED_ON_TABLES, Choice, searched, unsearched
from environments.collector import Collector
from environments.problem import Problem
from environments.streams import Streams
from environments.trajectories import TrajectoryBatch


@dataclass(frozen=True)
class BoMrlConfig(OneTimeConfig, TrustRegionConfig, PolicyConfig):
    """Defaults are the paper's where it prints them; elsewhere its authors' (4 tasks) or our own.

    Tables have no use for `state_dependent_std`, `gae_lambda`, `baseline` and `standardise` either.
    """

    tasks: int = 4  # not printed; the authors' code takes 4
    gae_lambda: float = searched(1.0, LAMBDAS, tabular=UNUSED_ON_TABLES)
    state_dependent_std: bool = True  # the network gives variances as well as means; False: a learned constant
    # Q by Monte Carlo (gae_lambda 1).  Less a baseline and in units of its standard deviation over the task's batch,
    # so that lambda means the same whatever a suite's rewards are worth; on tabular policies Q is never standardised.
    baseline: bool = True
    standardise: bool = searched(True, Choice((True, False)), tabular=UNUSED_ON_TABLES)
    modelled: bool = False  # tables alone: Q by the Bellman equation of the batch's own transitions, a departure
    # gamma; not printed for the robots; none: the suite's
    discount: float | None = unsearched(None, "the suite's, so that all methods have the same aim", domain=DISCOUNT)
    delta: float = 1e-3  # bound on the meta-policy's mean KL divergence
    chunk: int = 1


class LowerLevel(Protocol):
    """How a policy adapts to a batch, what adapted policies are worth, and the adaptation's derivative."""

    def solve(self, start: Parameters, batch: AdaptationBatch) -> Parameters:
        """The adapted parameters [task, ...]."""

    def outer_objective(self, parameters: Parameters, batch: AdaptationBatch) -> torch.Tensor:
        """A surrogate of the adapted policies' return, [task]; its gradient where they acted is the policy gradient."""

    def vjp(
        self, cotangent: Parameters, solution: Parameters, start: Parameters, batch: AdaptationBatch
    ) -> tuple[Parameters, torch.Tensor]:
        """The product of a cotangent of the solution with its derivative by the start, [task, ...]; and, bool [task],
        where a Hessian that must be positive definite had a direction of negative curvature."""


@dataclass(frozen=True)
class MetaSample:
    """One meta-iteration's data: the meta-policy's batch, what it adapts to, the adapted policies' batch."""

    before: AdaptationBatch
    solution: Parameters  # [task, ...]
    after: AdaptationBatch

    def select(self, tasks: slice) -> MetaSample:
        solution = {name: value[tasks] for name, value in self.solution.items()}
        return MetaSample(self.before.select(tasks), solution, self.after.select(tasks))


class BoMrl(GradientAdaptation):
    """Algorithm 2 of Xu and Zhu 2024, with one-time adaptation Alg(1), Alg(2) or Alg(3), which differ in the distance.

    Meta-training takes one adaptation however many steps are evaluated, as the paper does; each further one starts
    at the adapted policy, on that policy's own data and with distances measured from it (Section 5.4).
    """

    distance: ClassVar[Distance]
    Config = BoMrlConfig

    def __init__(self, problem: Problem, config: Any, streams: Streams) -> None:
        super().__init__(problem, config, streams)
        space = problem.action_space
        if config.state_dependent_std and isinstance(space, gymnasium.spaces.Box):
            inputs = flat_inputs(problem.observation_space)
            self.network = GaussianMLP(inputs, config.hidden, space, config.initial_std, config.activation)
            self.parameters = self.network.initial(streams.torch("initial parameters"))
        self.discount = problem.discount if config.discount is None else config.discount
        self.lower = self.make_lower_level()

    def make_lower_level(self) -> LowerLevel:
        if isinstance(self.network, TabularSoftmax):
            return SampledTabularAdaptation(
                self.distance,
                self.config,
                self.discount,
                self.network.states,
                self.network.actions,
                self.config.modelled,
            )
        return OneTimeAdaptation(self.network, self.distance, self.config, self.discount)

    def adaptation_batch(self, trajectories: TrajectoryBatch) -> AdaptationBatch:
        config, mask = self.config, trajectories.mask
        if config.baseline:
            values = advantages(trajectories, self.discount, config.gae_lambda, self._states, config.standardise)
            return AdaptationBatch(trajectories, values)
        values = discounted_sums(trajectories.rewards.double() * mask, self.discount) * mask
        if config.standardise:
            values = standardised(values, mask.double())
        return AdaptationBatch(trajectories, values.to(trajectories.rewards.dtype))

    def adapted(
        self,
        parameters: Parameters,
        batches: Sequence[AdaptationBatch],
        differentiable: bool,
        seen: Seen | None = None,
    ) -> Parameters:
        """Parameters [task, ...] after one adaptation to each batch in turn."""
        if differentiable or seen is not None:
            raise ValueError("a one-time adaptation is differentiated implicitly, by `hypergradient`")
        for batch in batches:
            parameters = self.lower.solve(parameters, batch)
        return parameters

    def meta_step(self, collector: Collector) -> Metrics:
        sample = self.sample(collector)
        gradient, metrics = self.hypergradient(sample)
        return {**self.sample_metrics(sample), **metrics, **self.outer_step(gradient, sample)}

    def sample(self, collector: Collector) -> MetaSample:
        """Trajectories before and after one adaptation on a fresh draw of training tasks."""
        tasks = collector.sample_tasks(self.config.tasks)
        start = stacked(self.parameters, len(tasks))
        before = self.adaptation_batch(collector.collect(self.policy(start), tasks, self.config.trajectories))
        solution = self.adapted_by_chunks(start, [before])
        after = self.adaptation_batch(collector.collect(self.policy(solution), tasks, self.config.trajectories))
        return MetaSample(before, solution, after)

    def policy(self, parameters: Parameters) -> NetworkPolicy:
        return NetworkPolicy(self.network, parameters)

    def hypergradient(self, sample: MetaSample) -> tuple[Parameters, Metrics]:
        """The mean over tasks of Equation (8), and the share of tasks whose Hessian had negative curvature."""

        def part(tasks: slice) -> tuple[Parameters, float]:
            few = sample.select(tasks)
            leaves = {name: value.detach().requires_grad_() for name, value in few.solution.items()}
            objective = self.lower.outer_objective(leaves, few.after).sum()
            gradient = dict(zip(leaves, torch.autograd.grad(objective, list(leaves.values())), strict=True))
            start = stacked(self.parameters, few.before.tasks)
            image, negative_curvature = self.lower.vjp(gradient, few.solution, start, few.before)
            return {name: value.sum(0) for name, value in image.items()}, float(negative_curvature.sum())

        tasks = sample.before.tasks
        slopes, negative = zip(*each_chunk(part, tasks, self.config.chunk), strict=True)
        return scaled(added(slopes), 1 / tasks), {"bent_hessians": sum(negative) / tasks}

    def outer_step(self, gradient: Parameters, sample: MetaSample) -> Metrics:
        """TRPO with the hypergradient, within a bound on the meta-policy's mean KL divergence on its own batches.

        The step is shortened until it keeps the bound; the gradient alone predicts that it improves.  To confirm that
        costs a whole adaptation, and in 150 meta-iterations on half-cheetah-velocity it refused no step.
        """
        before, chunk = sample.before, self.config.chunk
        fishers = each_chunk(lambda part: self.fisher(before.select(part)), before.tasks, chunk)
        start, slope = flat(self.parameters), flat(gradient)

        def curvature(vector: Parameters) -> Parameters:
            return scaled(added(fisher(vector) for fisher in fishers), 1 / before.tasks)

        def evaluate(parameters: Parameters) -> tuple[float, float]:
            return float(slope.dot(flat(parameters) - start)), self.divergence(parameters, before)

        self.parameters, metrics = TrustRegion(self.config).ascend(self.parameters, 0.0, gradient, curvature, evaluate)
        predicted = metrics.pop("improvement")
        return {**metrics, "predicted_improvement": predicted, "kl_before_adaptation": metrics["kl"]}

    def fisher(self, batch: AdaptationBatch) -> AdaptedFisher:
        """The Hessian of the summed KL(old || new) of the meta-policy on these tasks' batches."""
        start, mask = stacked(self.parameters, batch.tasks), batch.trajectories.mask
        return AdaptedFisher([], start, policies_at(self.network, start, batch.trajectories.observations), mask)

    def divergence(self, parameters: Parameters, batch: AdaptationBatch) -> float:
        """Mean KL(old || new) of the meta-policy on its own batches."""

        def part(tasks: slice) -> float:
            few = batch.select(tasks)
            with torch.no_grad():
                return float(few.divergence(self.distribution(stacked(parameters, few.tasks), few)).sum())

        return sum(each_chunk(part, batch.tasks, self.config.chunk)) / batch.tasks

    def sample_metrics(self, sample: MetaSample) -> Metrics:
        """Returns before and after adaptation, and how far adaptation goes."""
        with torch.no_grad():
            moved = sample.before.divergence(self.distribution(sample.solution, sample.before))
        log_std = sample.before.trajectories.distribution.get("log_std")
        std = {} if log_std is None else {"policy_std": float(log_std.exp().mean())}
        return {
            "return_step0": float(sample.before.trajectories.returns.mean()),
            "return_step1": float(sample.after.trajectories.returns.mean()),
            "adaptation_kl": float(moved.mean()),
            **std,
        }


class BoMrl1(BoMrl):
    """BO-MRL with Alg(1): one-time policy adaptation within KL(pi_phi || pi_theta)."""

    name = "bo-mrl-1"
    paper = "Xu and Zhu 2024, Meta-Reinforcement Learning with Universal Policy Adaptation (NeurIPS)"
    distance = "kl"


class BoMrl2(BoMrl):
    """BO-MRL with Alg(2): one-time policy adaptation within KL(pi_theta || pi_phi)."""

    name = "bo-mrl-2"
    paper = "Xu and Zhu 2024, Meta-Reinforcement Learning with Universal Policy Adaptation (NeurIPS)"
    distance = "reverse_kl"


class BoMrl3(BoMrl):
    """BO-MRL with Alg(3): one-time policy adaptation within ||phi - theta||^2."""

    name = "bo-mrl-3"
    paper = "Xu and Zhu 2024, Meta-Reinforcement Learning with Universal Policy Adaptation (NeurIPS)"
    distance = "euclidean"
