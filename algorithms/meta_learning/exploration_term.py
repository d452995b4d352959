"""E-MAML's exploration term: the return after adaptation credits the trajectories that adaptation used."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from algorithms.meta_learning.gradient_adaptation import GradientConfig, StepData
from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner, MetaData
from algorithms.policies.parameters import Parameters, stacked
from environments.collector import Collector
from environments.policy import Distribution
from environments.trajectories import TrajectoryBatch


@dataclass(frozen=True)
class ExplorationConfig(GradientConfig):
    # log pi over a task's trajectories and steps: a mean, as ProMP's public code takes, or the sum of its Appendix A.2,
    # divided by a trajectory's steps after adaptation as the outer objective is
    exploration_scale: Literal["mean", "sum"] = "mean"
    exploration: float = 1.0  # weight of the term; 0 makes it MAML

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.exploration >= 0:
            raise ValueError(f"exploration must be at least 0, got {self.exploration}")


@dataclass(frozen=True)
class CreditedStep(StepData):
    """The post-adaptation data, with the weight of each task's exploration term [task]."""

    credit: torch.Tensor

    def select(self, tasks: slice) -> CreditedStep:
        return CreditedStep(self.batch.select(tasks), self.advantages[tasks], self.credit[tasks])


class ExploringMetaLearner(GradientMetaLearner):
    """Formulation II of the meta-objective (Al-Shedivat et al. 2018; Stadie et al. 2018): to a method's own outer
    objective it adds w_i * log pi of task i's pre-update steps, w_i the standardised return after adaptation.

    The trajectories before adaptation are drawn from pi_theta, so that E[R(tau')] depends on theta through their
    distribution too; the score function of that distribution times R(tau') is what Rothfuss et al. 2019 derive in
    Appendix A.2.  Standardising R over the tasks of an iteration is a baseline and a scale.  With several inner steps
    the data of each count, at the parameters that drew them, differentiable through the adaptations before.
    """

    @abstractmethod
    def pre_update_terms(self, policy: Distribution, batch: TrajectoryBatch) -> torch.Tensor:
        """[task, trajectory, time], with the gradient of log pi(a|s) at the policy that acted."""

    def credit(self, last: StepData) -> torch.Tensor:
        """w_i from all tasks of the iteration, [task]."""
        returns = last.batch.returns.mean(1)
        deviation = returns.std(correction=0)
        return ((returns - returns.mean()) / (deviation + 1e-8)).to(last.advantages.dtype)

    def sample(self, collector: Collector) -> MetaData:
        """The weights compare all tasks, so they are made before the data are divided into chunks."""
        *before, last = super().sample(collector)
        return [*before, CreditedStep(last.batch, last.advantages, self.credit(last))]

    def task_objectives(self, parameters: Parameters, data: MetaData) -> torch.Tensor:
        start = stacked(parameters, len(data[0].advantages))
        explored, final = self.explored(start, data[:-1], differentiable=True)
        reached = self.outer_objective(self.distribution(final, data[-1]), data[-1])
        return reached + self.weights(data) * explored

    def explored(
        self, point: Parameters, data: Sequence[StepData], differentiable: bool
    ) -> tuple[torch.Tensor, Parameters]:
        """The pre-update steps' terms added up, [task], and the adapted parameters [task, ...]."""
        total = torch.zeros(len(next(iter(point.values()))), dtype=next(iter(point.values())).dtype)
        for step in data:
            mask = step.batch.mask
            terms = (self.pre_update_terms(self.distribution(point, step), step.batch) * mask).sum((1, 2))
            total = total + (terms if self.config.exploration_scale == "sum" else terms / mask.sum((1, 2)))
            point = self.adapted(point, [step], differentiable)
        return total, point

    def weights(self, data: MetaData) -> torch.Tensor:
        """Of the exploration term, [task].  Raises TypeError for data that `sample` did not make."""
        last = data[-1]
        if not isinstance(last, CreditedStep):
            raise TypeError(f"the last step must be a CreditedStep, made by `sample` of all tasks, got {type(last)}")
        credit = self.config.exploration * last.credit
        if self.config.exploration_scale == "sum":
            return credit / last.batch.mask.sum(-1).mean(1)
        return credit
