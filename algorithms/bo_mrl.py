"""BO-MRL: a meta-policy for one-time policy adaptation, meta-trained by the implicit hypergradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import gymnasium
import torch

from algorithms.algorithm import Config, Metrics
from algorithms.curvature.adapted_curvature import AdaptedCurvature
from algorithms.estimators.advantages import advantages, discounted_sums, standardised
from algorithms.estimators.surrogates import mean_kl, ratio_objective
from algorithms.meta_learning.gradient_adaptation import GradientAdaptation, StepData
from algorithms.one_time_adaptation.adaptation import OneTimeAdaptation
from algorithms.one_time_adaptation.distances import Kind
from algorithms.one_time_adaptation.hypergradient import Hessian, ImplicitGradient
from algorithms.one_time_adaptation.tabular_sampled import SampledTabularAdaptation
from algorithms.optimisation.trust_region import TrustRegion
from algorithms.policies.gaussian_mlp import GaussianHeads, flat_inputs
from algorithms.policies.networks import NetworkPolicy, TabularSoftmax
from algorithms.policies.parameters import Parameters, flat, stacked, unflat
from environments.collector import Collector
from environments.problem import Problem
from environments.streams import Streams
from environments.trajectories import TrajectoryBatch


@dataclass(frozen=True)
class BoMrlConfig(Config):
    """What the paper prints, and for what it leaves open: its authors' 4 tasks, and our own choices.

    Tables, which are solved and differentiated exactly, have no use for Adam, `hessian`, `hypergradient_iterations`,
    `hypergradient_damping`, `first_order`, `baseline` and `standardise`.
    """

    tasks: int = 4  # not printed; the authors' code takes 4
    hidden: tuple[int, ...] = (64, 64)  # tanh layers
    initial_std: float = 1.0
    state_dependent_std: bool = True  # the network gives variances as well as means; False: a learned constant
    regularisation: float = 0.5  # lambda; on the robots Alg(3)'s is not printed
    adam_steps: int = 50  # of one adaptation
    adam_step_size: float = 2e-3  # not printed
    # Q by Monte Carlo (gae_lambda 1).  Less a baseline and in units of its standard deviation over the task's batch,
    # so that lambda means the same whatever a suite's rewards are worth; on tabular policies Q is never standardised.
    baseline: bool = True
    standardise: bool = True
    gae_lambda: float = 1.0
    modelled: bool = False  # tables alone: Q by the Bellman equation of the batch's own transitions, a departure
    discount: float | None = None  # gamma; not printed for the robots; none: the suite's
    hessian: Hessian = "bounded"  # d2L/dtheta2 with h as solved, as Equation (8) prints it, or of the distance alone
    hypergradient_iterations: int = 10  # of conjugate gradient
    hypergradient_damping: float = 0.0
    first_order: bool = False  # Appendix G: the gain linearised at phi; with bo-mrl-3 Appendix H's policy gradient
    value_derivative: bool | None = None  # keep dQ/dphi; none: on tables, as Propositions 1 and 2; (8) omits it
    visitation_derivative: bool = False  # and the visitation's, which Proposition 2 drops; both: Appendix H's MAML
    delta: float = 1e-3  # bound on the meta-policy's mean KL divergence
    cg_iterations: int = 10
    damping: float = 1e-5
    backtrack_ratio: float = 0.8
    backtracks: int = 15
    chunk: int = 1  # tasks per backward pass: bounds memory and keeps activations in the cache

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.chunk < 1 or self.adam_steps < 1:
            raise ValueError(f"chunk and adam_steps must be at least 1, got {self.chunk} and {self.adam_steps}")
        if not self.regularisation > 0:
            raise ValueError(f"regularisation must be above 0, got {self.regularisation}")
        if not 0 <= self.gae_lambda <= 1:
            raise ValueError(f"gae_lambda must be in [0, 1], got {self.gae_lambda}")
        if self.discount is not None and not 0 < self.discount <= 1:
            raise ValueError(f"discount must be in (0, 1], got {self.discount}")
        if not self.delta > 0:
            raise ValueError(f"delta must be above 0, got {self.delta}")


class LowerLevel(Protocol):
    """How a policy adapts to a batch, what adapted ones are worth, and derivatives; everything [task, ...]."""

    def solve(self, start: Parameters, step: StepData) -> Parameters: ...

    def outer_objective(self, parameters: Parameters, step: StepData) -> torch.Tensor:
        """A surrogate of the adapted policies' return, [task]; its gradient where they acted is the policy gradient."""

    def pull_back(
        self, gradient: Parameters, solution: Parameters, start: Parameters, step: StepData
    ) -> tuple[Parameters, torch.Tensor]: ...


@dataclass(frozen=True)
class MetaSample:
    """One meta-iteration's data: the meta-policy's batch, what it adapts to, the adapted policies' batch."""

    before: StepData
    solution: Parameters  # [task, ...]
    after: StepData

    def select(self, tasks: slice) -> MetaSample:
        solution = {name: value[tasks] for name, value in self.solution.items()}
        return MetaSample(self.before.select(tasks), solution, self.after.select(tasks))


class BoMrl(GradientAdaptation):
    """Algorithm 2 of Xu and Zhu 2024, with one-time adaptation Alg(`kind`).

    Meta-training takes one adaptation however many steps are evaluated, as the paper does; each further one starts
    at the adapted policy, on that policy's own data and with distances measured from it (Section 5.4).
    """

    kind: ClassVar[Kind]
    Config = BoMrlConfig  # type: ignore[assignment]  # shares no option of an inner gradient step

    def __init__(self, problem: Problem, config: Any, streams: Streams) -> None:
        super().__init__(problem, config, streams)
        space = problem.action_space
        if config.state_dependent_std and isinstance(space, gymnasium.spaces.Box):
            inputs = flat_inputs(problem.observation_space)
            self.network = GaussianHeads(inputs, config.hidden, space, config.initial_std)
            self.parameters = self.network.initial(streams.torch("initial parameters"))
        self.discount = problem.discount if config.discount is None else config.discount
        self.lower = self.make_lower_level()

    def make_lower_level(self) -> LowerLevel:
        if isinstance(self.network, TabularSoftmax):
            config = self.config
            return SampledTabularAdaptation(
                self.kind,
                config.regularisation,
                self.discount,
                self.network.states,
                self.network.actions,
                config.value_derivative is not False,
                config.visitation_derivative,
                config.modelled,
            )
        return self.network_lower_level()

    def network_lower_level(self) -> NetworkLowerLevel:
        config = self.config
        adaptation = OneTimeAdaptation(
            self.network,
            self.kind,
            config.regularisation,
            config.adam_steps,
            config.adam_step_size,
            config.first_order,
        )
        return NetworkLowerLevel(
            adaptation,
            ImplicitGradient(
                adaptation,
                config.hessian,
                config.hypergradient_iterations,
                config.hypergradient_damping,
                bool(config.value_derivative),
                config.visitation_derivative,
                self.discount,
            ),
        )

    def step_data(self, batch: TrajectoryBatch) -> StepData:
        config = self.config
        if config.baseline:
            return StepData(
                batch, advantages(batch, self.discount, config.gae_lambda, self._states, config.standardise)
            )
        values = discounted_sums(batch.rewards.double() * batch.mask, self.discount) * batch.mask
        if config.standardise:
            values = standardised(values, batch.mask.double())
        return StepData(batch, values.to(batch.rewards.dtype))

    def adapted(self, parameters: Parameters, data: Sequence[StepData], differentiable: bool) -> Parameters:
        """Parameters [task, ...] after one adaptation to each step's data in turn."""
        if differentiable:
            raise ValueError("a one-time adaptation is differentiated implicitly, by `hypergradient`")
        for step in data:
            tasks = len(step.advantages)
            parts = [
                self.lower.solve({name: value[part] for name, value in parameters.items()}, step.select(part))
                for part in self.parts(tasks)
            ]
            parameters = {name: torch.cat([part[name] for part in parts]) for name in parameters}
        return parameters

    def parts(self, tasks: int) -> Iterator[slice]:
        """Slices of a few tasks at a time."""
        for start in range(0, tasks, self.config.chunk):
            yield slice(start, start + self.config.chunk)

    def meta_step(self, collector: Collector) -> Metrics:
        sample = self.sample(collector)
        gradient, metrics = self.hypergradient(sample)
        return {**self.sample_metrics(sample), **metrics, **self.outer_step(gradient, sample)}

    def sample(self, collector: Collector) -> MetaSample:
        """Trajectories before and after one adaptation on a fresh draw of training tasks."""
        tasks = collector.sample_tasks(self.config.tasks)
        start = stacked(self.parameters, len(tasks))
        before = self.step_data(collector.collect(self.policy(start), tasks, self.config.trajectories))
        solution = self.adapted(start, [before], differentiable=False)
        after = self.step_data(collector.collect(self.policy(solution), tasks, self.config.trajectories))
        return MetaSample(before, solution, after)

    def policy(self, parameters: Parameters) -> NetworkPolicy:
        return NetworkPolicy(self.network, parameters)

    def hypergradient(self, sample: MetaSample) -> tuple[Parameters, Metrics]:
        """The mean over tasks of Equation (8), and how many of their Hessians did not curve as they must."""
        tasks = len(sample.before.advantages)
        total = {name: torch.zeros_like(value) for name, value in self.parameters.items()}
        failed = 0.0
        for part in self.parts(tasks):
            few = sample.select(part)
            leaves = {name: value.detach().requires_grad_() for name, value in few.solution.items()}
            objective = self.lower.outer_objective(leaves, few.after).sum()
            gradient = dict(zip(leaves, torch.autograd.grad(objective, list(leaves.values())), strict=True))
            start = stacked(self.parameters, len(few.before.advantages))
            image, bent = self.lower.pull_back(gradient, few.solution, start, few.before)
            failed += float(bent.sum())
            for name, value in image.items():
                total[name] += value.sum(0)
        return {name: value / tasks for name, value in total.items()}, {"bent_hessians": failed / tasks}

    def outer_step(self, gradient: Parameters, sample: MetaSample) -> Metrics:
        """TRPO with the hypergradient on the meta-policy's batches, whose mean KL divergence is what is bounded.

        The step is shortened until it keeps the bound; that it improves is predicted by the gradient.  To confirm it
        takes a whole adaptation, and in 150 meta-iterations on half-cheetah-velocity it refused no step.
        """
        config = self.config
        before = sample.before
        tasks = len(before.advantages)
        curvature = self.curvature(before)

        def product(vector: torch.Tensor) -> torch.Tensor:
            return flat(curvature(unflat(vector, self.parameters))) / tasks

        start, slope = flat(self.parameters), flat(gradient)

        def evaluate(point: torch.Tensor) -> tuple[float, float]:
            predicted = float(slope.dot(point - start))
            return predicted, self.divergence(unflat(point, self.parameters), before)

        region = TrustRegion(
            config.delta, config.cg_iterations, config.damping, config.backtrack_ratio, config.backtracks
        )
        point, metrics = region.step(start, slope, product, evaluate)
        self.parameters = {name: value.clone() for name, value in unflat(point, self.parameters).items()}
        predicted = metrics.pop("improvement")
        return {**metrics, "predicted_improvement": predicted}

    def curvature(self, step: StepData) -> Callable[[Parameters], Parameters]:
        """Products with the Hessian of the summed KL(old || new) of the meta-policy on these tasks' batches."""
        parts = [step.select(part) for part in self.parts(len(step.advantages))]
        curvatures = [self.graph_curvature(part) for part in parts]

        def product(vector: Parameters) -> Parameters:
            images = [curvature.product(vector) for curvature in curvatures]
            return {name: torch.stack([image[name] for image in images]).sum(0) for name in vector}

        return product

    def graph_curvature(self, step: StepData) -> AdaptedCurvature:
        start = stacked(self.parameters, len(step.advantages))
        return AdaptedCurvature([], 0.0, start, lambda parameters: self.distribution(parameters, step), step.batch.mask)

    def divergence(self, parameters: Parameters, step: StepData) -> float:
        """Mean KL(old || new) of the meta-policy on its own batches."""
        with torch.no_grad():
            policy = self.distribution(stacked(parameters, len(step.advantages)), step)
            return float(mean_kl(step.acting(type(policy)), policy, step.batch.mask).mean())

    def sample_metrics(self, sample: MetaSample) -> Metrics:
        """Returns before and after adaptation, and how far adaptation goes."""
        with torch.no_grad():
            policy = self.distribution(sample.solution, sample.before)
            moved = mean_kl(sample.before.acting(type(policy)), policy, sample.before.batch.mask)
        log_std = sample.before.batch.distribution.get("log_std")
        std = {} if log_std is None else {"policy_std": float(log_std.exp().mean())}
        return {
            "return_step0": float(sample.before.batch.returns.mean()),
            "return_step1": float(sample.after.batch.returns.mean()),
            "adaptation_kl": float(moved.mean()),
            **std,
        }


@dataclass(frozen=True)
class NetworkLowerLevel:
    """Adam and the implicit function theorem."""

    adaptation: OneTimeAdaptation
    implicit: ImplicitGradient

    def outer_objective(self, parameters: Parameters, step: StepData) -> torch.Tensor:
        policy = self.adaptation.network.distribution(parameters, step.batch.observations)
        return ratio_objective(policy, step.batch, step.advantages)

    def solve(self, start: Parameters, step: StepData) -> Parameters:
        return self.adaptation.solve(start, step)

    def pull_back(
        self, gradient: Parameters, solution: Parameters, start: Parameters, step: StepData
    ) -> tuple[Parameters, torch.Tensor]:
        return self.implicit.pull_back(gradient, solution, start, step)


class BoMrl1(BoMrl):
    """BO-MRL with Alg(1): one-time policy adaptation within KL(pi_phi || pi_theta)."""

    name = "bo-mrl-1"
    paper = "Xu and Zhu 2024, Meta-Reinforcement Learning with Universal Policy Adaptation (NeurIPS)"
    kind = 1


class BoMrl2(BoMrl):
    """BO-MRL with Alg(2): one-time policy adaptation within KL(pi_theta || pi_phi)."""

    name = "bo-mrl-2"
    paper = "Xu and Zhu 2024, Meta-Reinforcement Learning with Universal Policy Adaptation (NeurIPS)"
    kind = 2


class BoMrl3(BoMrl):
    """BO-MRL with Alg(3): one-time policy adaptation within ||phi - theta||^2."""

    name = "bo-mrl-3"
    paper = "Xu and Zhu 2024, Meta-Reinforcement Learning with Universal Policy Adaptation (NeurIPS)"
    kind = 3
