"""First-order MAML in one file: the meta-gradient takes an inner update's shift of the parameters as constant."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from algorithms.estimators.surrogates import log_probability_objective
from algorithms.meta_learning.adam_meta_learner import AdamConfig, AdamMetaLearner
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.policies.parameters import Parameters, stacked
from algorithms.search_space import Range, searched
from environments.policy import Distribution


@dataclass(frozen=True)
class FirstOrderConfig(AdamConfig):
    before: float = searched(0.0, Range(0.0, 0.5))  # weight of the objective before adaptation


class FirstOrderMaml(AdamMetaLearner):
    """First-order MAML: the adapted policies' policy gradient moves the start of adaptation as it is."""

    name = "first-order-maml"
    paper = "Finn, Abbeel and Levine 2017, Section 5.2, arXiv:1703.03400"
    Config = FirstOrderConfig

    def outer_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        return log_probability_objective(policy, batch.trajectories, batch.advantages)

    def task_objectives(self, parameters: Parameters, batches: InnerOuterBatches) -> torch.Tensor:
        start = stacked(parameters, batches[0].tasks)
        final = self.adapted(start, batches[:-1], differentiable=False)
        adapted = {name: value + (final[name] - value).detach() for name, value in start.items()}
        after = self.outer_objective(self.distribution(adapted, batches[-1]), batches[-1])
        before = self.outer_objective(self.distribution(start, batches[0]), batches[0])
        return after + self.config.before * before
