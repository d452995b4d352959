"""MAESN: exploration by a latent of the whole episode, adapted to a task in its distribution alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

import torch

from algorithms.algorithm import Adaptation, Metrics
from algorithms.estimators.advantages import advantages
from algorithms.estimators.latents import (
    first_advantages,
    latent_divergence,
    latent_objective,
    prior_divergence,
    standardised_over_episodes,
)
from algorithms.estimators.surrogates import ratio_objective
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch, GradientAdaptation, PolicyConfig
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.optimisation.inner_update import inner_update
from algorithms.optimisation.task_chunks import added, each_chunk, scaled
from algorithms.optimisation.trust_region import TrustRegion, TrustRegionConfig
from algorithms.policies.latent_mlp import LatentMLP, LatentPolicy
from algorithms.policies.parameters import Parameters, stacked
from algorithms.search_space import COUNT, NOT_NEGATIVE, POSITIVE, SHARE, LogRange, searched, unsearched
from environments.collector import Collector
from environments.policy import Distribution
from environments.problem import Problem
from environments.streams import Streams
from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch

#: the parameters that are no weights of the network: the latents' distributions [training task, latent], and the inner
#: step's sizes [latent]
MEAN, LOG_STD, MEAN_STEP, LOG_STD_STEP = "latent_mean", "latent_log_std", "latent_mean_step", "latent_log_std_step"
LATENTS = (MEAN, LOG_STD, MEAN_STEP, LOG_STD_STEP)


@dataclass(frozen=True)
class MaesnConfig(TrustRegionConfig, PolicyConfig):
    """No `inner_step_size`, which profiles set for all of a network's parameters: the latents' has its own scale."""

    latent_size: int = unsearched(2, "the authors'", domain=COUNT)
    # where the step sizes begin, which are learned
    latent_step_size: float = searched(1.0, LogRange(0.1, 10.0), domain=POSITIVE)
    kl_weight: float = searched(0.1, LogRange(0.01, 1.0), domain=NOT_NEGATIVE)  # kappa
    # of the step sizes in evaluation from the second adaptation step on
    later_steps: float = unsearched(0.5, "the authors'", domain=SHARE)


class Maesn(GradientAdaptation):
    """A policy that observes a latent z ~ N(mu, sigma^2), drawn once an episode; each training task has its own mu and
    sigma, and adaptation moves these alone.

    One meta-iteration, with K inner updates:
    1. collect K + 1 batches on training tasks, the first with the tasks' latents, each later one after an inner update
       of mu and log sigma along `latent_objective`, by step sizes that are learned for each dimension (`sample_on`);
    2. a trust-region step of all parameters - the network's, every sampled task's mu and log sigma, the step sizes -
       on the surrogate after the last inner update less kappa KL(N(mu, sigma^2) || N(0, 1)) before the first
       (`task_objectives`), z = mu + sigma eps with the eps that were drawn.

    A task that is evaluated starts from the prior.  Beyond the authors' code the trust region bounds how far the
    latents' distributions move before adaptation, too: the divergence of the policies alone does not see them while
    the network ignores z, and kappa's gradient would throw them about.
    """

    name = "maesn"
    paper = "Gupta, Mendonca, Liu, Abbeel and Levine 2018, arXiv:1802.07245"
    Config: ClassVar[type[PolicyConfig]] = MaesnConfig
    network: LatentMLP  # type: ignore[assignment]

    def __init__(self, problem: Problem, config: Any, streams: Streams) -> None:
        super().__init__(problem, config, streams)
        tasks = problem.tasks("train")
        self._rows = {task: row for row, task in enumerate(tasks)}
        size = config.latent_size
        self.network = LatentMLP(
            problem.observation_space, problem.action_space, config.hidden, size, config.initial_std, config.activation
        )
        self.parameters = self.network.initial(streams.torch("initial parameters"))
        generator = streams.torch("initial latents")
        self.parameters[MEAN] = torch.randn(len(tasks), size, generator=generator)
        self.parameters[LOG_STD] = torch.zeros(len(tasks), size)
        for name in (MEAN_STEP, LOG_STD_STEP):
            self.parameters[name] = torch.full((size,), config.latent_step_size)

    def meta_step(self, collector: Collector) -> Metrics:
        batches = self.sample_on(collector.sample_tasks(self.config.tasks), collector)
        metrics = {f"return_step{k}": float(batch.trajectories.returns.mean()) for k, batch in enumerate(batches)}
        return {**metrics, **self.update(batches)}

    def sample_on(self, tasks: Sequence[TaskRef], collector: Collector) -> InnerOuterBatches:
        """Trajectories after 0..K inner updates of the tasks' latents."""
        rows = torch.tensor([self._rows.get(task, len(self._rows)) for task in tasks])
        latents = latents_of(self.parameters, rows)
        batches: InnerOuterBatches = []
        for k in range(self.problem.protocol.adaptation_steps + 1):
            if k > 0:
                latents = self.adapted_latents(self.parameters, latents, batches[-1:], differentiable=False)
            trajectories = collector.collect(self.policy(latents), tasks, self.config.trajectories)
            batches.append(self.latent_batch(trajectories, latents).with_extra(rows=rows))
        return batches

    def policy(self, latents: Parameters) -> LatentPolicy:
        network = stacked(self._network(self.parameters), len(latents[MEAN]))
        return LatentPolicy(self.network, network, latents[MEAN], latents[LOG_STD])

    def latent_batch(self, trajectories: TrajectoryBatch, latents: Parameters) -> AdaptationBatch:
        """With the noise of which the latents were made [task, trajectory, latent], and what each draw was worth."""
        assert trajectories.latent is not None
        discount, states = self.problem.discount, self._states
        values = advantages(trajectories, discount, self.config.gae_lambda, states)
        noise = (trajectories.latent - latents[MEAN][:, None]) * torch.exp(-latents[LOG_STD])[:, None]
        credit = standardised_over_episodes(first_advantages(trajectories, discount, states))
        return AdaptationBatch(trajectories, values, {"noise": noise, "credit": credit})

    def adapted_latents(
        self,
        parameters: Parameters,
        latents: Parameters,
        batches: Sequence[AdaptationBatch],
        differentiable: bool,
        share: float = 1.0,
    ) -> Parameters:
        """The latents' distributions [task, latent] after an inner update on each batch, by `share` of the steps."""
        steps = {MEAN: share * parameters[MEAN_STEP], LOG_STD: share * parameters[LOG_STD_STEP]}
        for batch in batches:
            drawn = batch.trajectories.latent
            assert drawn is not None
            latents = inner_update(
                lambda moved, batch=batch, drawn=drawn: latent_objective(  # type: ignore[misc]
                    moved[MEAN], moved[LOG_STD], drawn, batch.extra("credit")
                ),
                latents,
                steps,
                differentiable,
            )
        return latents

    def after(self, parameters: Parameters, batches: InnerOuterBatches) -> tuple[Parameters, Distribution]:
        """The latents before adaptation, and the policies after it on the last batch, z by the noise drawn there."""
        start = latents_of(parameters, batches[0].extra("rows"))
        latents = self.adapted_latents(parameters, start, batches[:-1], differentiable=True)
        last = batches[-1]
        drawn = latents[MEAN][:, None] + latents[LOG_STD].exp()[:, None] * last.extra("noise")
        network = stacked(self._network(parameters), last.tasks)
        return start, self.network.distribution(network, last.trajectories.observations, drawn)

    def task_objectives(self, parameters: Parameters, batches: InnerOuterBatches) -> torch.Tensor:
        """[task], differentiable in all parameters."""
        start, policy = self.after(parameters, batches)
        reward = ratio_objective(policy, batches[-1].trajectories, batches[-1].advantages)
        return reward - self.config.kl_weight * prior_divergence(start[MEAN], start[LOG_STD])

    def divergences(self, parameters: Parameters, batches: InnerOuterBatches) -> torch.Tensor:
        """KL(old || new) of the policies after adaptation and of the latents before it, [task]."""
        start, policy = self.after(parameters, batches)
        old = latents_of(self.parameters, batches[0].extra("rows"))
        moved = latent_divergence(old[MEAN], old[LOG_STD], start[MEAN], start[LOG_STD])
        return batches[-1].divergence(policy) + moved

    def update(self, batches: InnerOuterBatches) -> Metrics:
        """One step of the trust region."""
        tasks = batches[0].tasks
        parts = self._each_chunk(batches, lambda few: _Chunk(self, few))
        self.parameters, metrics = TrustRegion(self.config).ascend(
            self.parameters,
            objective := sum(part.objective for part in parts) / tasks,
            scaled(added(part.gradient for part in parts), 1 / tasks),
            lambda vector: scaled(added(part.curvature(vector) for part in parts), 1 / tasks),
            lambda parameters: self._evaluate(parameters, batches),
        )
        start = latents_of(self.parameters, batches[0].extra("rows"))
        return {
            "objective": objective,
            **metrics,
            "kl_before_adaptation": self.kl_before_adaptation(batches),
            "latent_kl": float(prior_divergence(start[MEAN], start[LOG_STD]).mean()),
            "latent_step": float(torch.cat([self.parameters[MEAN_STEP], self.parameters[LOG_STD_STEP]]).mean()),
            **self.std_metrics(),
        }

    def kl_before_adaptation(self, batches: InnerOuterBatches) -> float:
        """KL(old || new) of the policy before adaptation by the same noise, which the trust region does not bound."""

        def part(few: InnerOuterBatches) -> float:
            with torch.no_grad():
                return float(few[0].divergence(self.after(self.parameters, few)[1]).sum())

        return sum(self._each_chunk(batches[:1], part)) / batches[0].tasks

    def adapt(self, tasks: Sequence[TaskRef]) -> Adaptation:
        """From the prior; the network stays as it is."""
        shape = (len(tasks), self.config.latent_size)
        latents = {MEAN: torch.zeros(shape), LOG_STD: torch.zeros(shape)}
        for step in count():
            trajectories = yield self.policy(latents)
            batch = self.latent_batch(trajectories, latents)
            share = 1.0 if step == 0 else self.config.later_steps
            latents = self.adapted_latents(self.parameters, latents, [batch], differentiable=False, share=share)

    def _each_chunk(self, batches: InnerOuterBatches, work: Any) -> list[Any]:
        part = lambda tasks: work([batch.select(tasks) for batch in batches])  # noqa: E731
        return each_chunk(part, batches[0].tasks, self.config.chunk)

    def _evaluate(self, parameters: Parameters, batches: InnerOuterBatches) -> tuple[float, float]:
        def part(few: InnerOuterBatches) -> tuple[float, float]:
            leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}
            reached, moved = self.task_objectives(leaves, few), self.divergences(leaves, few)
            return float(reached.detach().sum()), float(moved.detach().sum())

        reached, moved = zip(*self._each_chunk(batches, part), strict=True)
        return sum(reached) / batches[0].tasks, sum(moved) / batches[0].tasks

    def _network(self, parameters: Parameters) -> Parameters:
        return {name: value for name, value in parameters.items() if name not in LATENTS}


class _Chunk:
    """The summed objectives of a few tasks at the present parameters, their gradient, and products with the Hessian of
    the summed divergences there, from one graph that is kept."""

    def __init__(self, learner: Maesn, batches: InnerOuterBatches) -> None:
        self._leaves = {name: value.detach().requires_grad_() for name, value in learner.parameters.items()}
        objective = learner.task_objectives(self._leaves, batches).sum()
        self.objective = float(objective.detach())
        self.gradient = self._named(torch.autograd.grad(objective, list(self._leaves.values()), allow_unused=True))
        divergence = learner.divergences(self._leaves, batches).sum()
        self._slopes = torch.autograd.grad(
            divergence, list(self._leaves.values()), create_graph=True, materialize_grads=True, allow_unused=True
        )

    def curvature(self, vector: Parameters) -> Parameters:
        """The Hessian's product with a vector of the parameters' shapes."""
        moving = {name: slope for name, slope in zip(self._leaves, self._slopes, strict=True) if slope.requires_grad}
        return self._named(
            torch.autograd.grad(
                list(moving.values()),
                list(self._leaves.values()),
                [vector[name] for name in moving],
                retain_graph=True,
                allow_unused=True,
            )
        )

    def _named(self, slopes: Sequence[torch.Tensor | None]) -> Parameters:
        """What nothing depends on, such as the step sizes where no step is taken, has the slope 0."""
        pairs = zip(self._leaves.items(), slopes, strict=True)
        return {name: torch.zeros_like(value) if slope is None else slope for (name, value), slope in pairs}


def latents_of(parameters: Parameters, rows: torch.Tensor) -> Parameters:
    """Mean and log-std [task, latent] of the training tasks in these rows; a row beyond the last is the prior's."""
    return {
        name: torch.cat([parameters[name], torch.zeros_like(parameters[name][:1])])[rows] for name in (MEAN, LOG_STD)
    }
