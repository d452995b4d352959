"""ProMP: proximal meta-policy search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from algorithms.algorithm import Metrics
from algorithms.estimators.surrogates import clipped_objective, ratio_objective
from algorithms.meta_learning.adam_meta_learner import AdamConfig, AdamMetaLearner
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch, PolicyConfig
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.policies.parameters import Parameters, stacked
from algorithms.search_space import BOUND, COUNT, NOT_NEGATIVE, POSITIVE, Integers, searched, unsearched
from environments.policy import Distribution


@dataclass(frozen=True)
class PrompConfig(AdamConfig):
    gradient_steps: int = searched(5, Integers(1, 10), domain=COUNT)  # full-batch outer steps on one sample
    clip: float = unsearched(0.3, BOUND, domain=POSITIVE)
    kl_penalty: float = unsearched(
        5e-4, BOUND, domain=NOT_NEGATIVE
    )  # eta; 1e-3 in the paper's suites with random dynamics


class Promp(AdamMetaLearner):
    """ProMP: low-variance curvature in the inner step, clipped outer surrogate with a KL penalty.

    One meta-iteration (Algorithm 1 of the paper), with K inner updates:
    1. collect K + 1 batches, before the first inner update and after each (`sample`);
    2. estimate advantages on each batch, standardised per task (`adaptation_batch`);
    3. `gradient_steps` times: repeat the inner updates theta' = theta + alpha grad J^LR(theta), whose likelihood ratios
       make the meta-gradient low in variance (`inner_objective`), and take a step of Adam on Equation (7)
       (`task_objectives`): J^CLIP of theta' less eta times the KL divergence from the policies that acted.
    """

    name = "promp"
    paper = "Rothfuss, Lee, Clavera, Asfour and Abbeel 2019, arXiv:1810.06784"
    Config: ClassVar[type[PolicyConfig]] = PrompConfig

    def inner_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        return ratio_objective(policy, batch.trajectories, batch.advantages)

    def outer_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        return clipped_objective(policy, batch.trajectories, batch.advantages, self.config.clip)

    def task_objectives(self, parameters: Parameters, batches: InnerOuterBatches) -> torch.Tensor:
        """J^CLIP(theta') - eta * mean over inner steps of KL(pi_theta_o || pi_theta), Equation (7), [task]."""
        divergences: list[torch.Tensor] = []
        point = self.adapted(
            stacked(parameters, batches[0].tasks),
            batches[:-1],
            differentiable=True,
            seen=lambda policy, batch: divergences.append(batch.divergence(policy)),
        )
        reward = self.outer_objective(self.distribution(point, batches[-1]), batches[-1])
        return reward - self.config.kl_penalty * torch.stack(divergences).mean(0) if divergences else reward

    def update(self, batches: InnerOuterBatches) -> Metrics:
        objectives = [self.ascend(batches) for _ in range(self.config.gradient_steps)]
        return {
            "objective": objectives[0],
            "improvement": objectives[-1] - objectives[0],
            **self.kl_metrics(batches),
            **self.std_metrics(),
        }

    def kl_metrics(self, batches: InnerOuterBatches) -> Metrics:
        """How far the update moved the policies before and after adaptation."""

        def part(few: InnerOuterBatches) -> tuple[float, float]:
            divergences: list[float] = []

            def note(policy: Distribution, batch: AdaptationBatch) -> None:
                with torch.no_grad():
                    divergences.append(float(batch.divergence(policy).sum()))

            point = self.adapted(stacked(self.parameters, few[0].tasks), few[:-1], differentiable=False, seen=note)
            with torch.no_grad():
                note(self.distribution(point, few[-1]), few[-1])
            return divergences[0], divergences[-1]

        before, after = zip(*self.each_chunk(part, batches), strict=True)
        tasks = batches[0].tasks
        return {"kl_before_adaptation": sum(before) / tasks, "kl_after_adaptation": sum(after) / tasks}
