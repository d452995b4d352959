"""ProMP: proximal meta-policy search."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from algorithms.algorithm import Metrics
from algorithms.estimators.surrogates import clipped_objective, mean_kl, ratio_objective
from algorithms.meta_learning.adam_meta_learner import AdamConfig, AdamMetaLearner
from algorithms.meta_learning.gradient_adaptation import StepData
from algorithms.meta_learning.gradient_meta_learner import MetaData
from algorithms.policies.parameters import Parameters, stacked
from environments.policy import Distribution


@dataclass(frozen=True)
class PrompConfig(AdamConfig):
    gradient_steps: int = 5  # full-batch outer steps on one sample
    clip: float = 0.3
    kl_penalty: float = 5e-4  # eta; 1e-3 in the paper's suites with random dynamics


class Promp(AdamMetaLearner):
    """ProMP: low-variance curvature in the inner step, clipped outer surrogate with a KL penalty."""

    name = "promp"
    paper = "Rothfuss, Lee, Clavera, Asfour and Abbeel 2019, arXiv:1810.06784"
    Config = PrompConfig

    def inner_objective(self, policy: Distribution, step: StepData) -> torch.Tensor:
        return ratio_objective(policy, step.batch, step.advantages)

    def outer_objective(self, policy: Distribution, step: StepData) -> torch.Tensor:
        return clipped_objective(policy, step.batch, step.advantages, self.config.clip)

    def task_objectives(self, parameters: Parameters, data: MetaData) -> torch.Tensor:
        """J^CLIP(theta') - eta * mean over inner steps of KL(pi_theta_o || pi_theta), Equation (7), [task]."""
        point = stacked(parameters, len(data[0].advantages))
        penalty = torch.zeros(len(data[0].advantages), dtype=data[0].advantages.dtype)
        for step in data[:-1]:
            policy = self.distribution(point, step)
            penalty = penalty + mean_kl(step.acting(type(policy)), policy, step.batch.mask)
            point = self.adapted(point, [step], differentiable=True)
        reward = self.outer_objective(self.distribution(point, data[-1]), data[-1])
        return reward - self.config.kl_penalty * penalty / max(len(data) - 1, 1)

    def update(self, data: MetaData) -> Metrics:
        objectives = [self.ascend(data) for _ in range(self.config.gradient_steps)]
        return {
            "objective": objectives[0],
            "improvement": objectives[-1] - objectives[0],
            **self.kl_metrics(data),
            **self.std_metrics(),
        }

    def kl_metrics(self, data: MetaData) -> Metrics:
        """How far the update moved the policies before and after adaptation, and how far one inner step goes."""
        point = stacked(self.parameters, len(data[0].advantages))
        divergences = []
        for step in data:
            with torch.no_grad():
                policy = self.distribution(point, step)
                old = step.acting(type(policy))
                divergences.append(float(mean_kl(old, policy, step.batch.mask).mean()))
            if step is not data[-1]:
                point = self.adapted(point, [step], differentiable=False)
        return {"kl_before_adaptation": divergences[0], "kl_after_adaptation": divergences[-1]}
