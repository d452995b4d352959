"""E-MAML's exploration term: the return after adaptation credits the trajectories that adaptation used."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from algorithms.meta_learning.gradient_adaptation import AdaptationBatch, GradientConfig
from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner, InnerOuterBatches
from algorithms.policies.parameters import Parameters, stacked
from algorithms.search_space import NOT_NEGATIVE, LogRange, searched
from environments.collector import Collector
from environments.policy import Distribution
from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch


@dataclass(frozen=True)
class ExplorationConfig(GradientConfig):
    # log pi over a task's trajectories and steps: a mean, as ProMP's public code takes, or the sum of its Appendix A.2,
    # divided by a trajectory's steps after adaptation as the outer objective is
    exploration_scale: Literal["mean", "sum"] = "mean"
    exploration: float = searched(1.0, LogRange(0.03, 3.0), domain=NOT_NEGATIVE)  # weight of the term; 0 makes it MAML


class ExploringMetaLearner(GradientMetaLearner):
    """Formulation II of the meta-objective (Al-Shedivat et al. 2018; Stadie et al. 2018): to a method's own outer
    objective it adds w_i * log pi of task i's pre-update steps, w_i the standardised return after adaptation.

    The trajectories before adaptation are drawn from pi_theta, so that E[R(tau')] depends on theta through their
    distribution too; the score function of that distribution times R(tau') is what Rothfuss et al. 2019 derive in
    Appendix A.2.  Standardising R over the tasks of an iteration is a baseline and a scale.  With several inner steps
    the data of each count, at the parameters that drew them, differentiable through the adaptations before.

    The post-adaptation batch has the extra "credit": w_i, [task].
    """

    @abstractmethod
    def pre_update_terms(self, policy: Distribution, trajectories: TrajectoryBatch) -> torch.Tensor:
        """[task, trajectory, time], with the gradient of log pi(a|s) at the policy that acted."""

    def credit(self, last: AdaptationBatch) -> torch.Tensor:
        """w_i from all tasks of the iteration, [task]."""
        returns = last.trajectories.returns.mean(1)
        deviation = returns.std(correction=0)
        return ((returns - returns.mean()) / (deviation + 1e-8)).to(last.advantages.dtype)

    def sample_on(
        self, tasks: Sequence[TaskRef], collector: Collector, trajectories: int | None = None
    ) -> InnerOuterBatches:
        """Adds the weights before the data are divided into chunks, since they compare all tasks."""
        *before, last = super().sample_on(tasks, collector, trajectories)
        return [*before, last.with_extra(credit=self.credit(last))]

    def task_objectives(self, parameters: Parameters, batches: InnerOuterBatches) -> torch.Tensor:
        start = stacked(parameters, batches[0].tasks)
        explored, final = self.explored(start, batches[:-1], differentiable=True)
        reached = self.outer_objective(self.distribution(final, batches[-1]), batches[-1])
        return reached + self.weights(batches) * explored

    def explored(
        self, point: Parameters, batches: Sequence[AdaptationBatch], differentiable: bool
    ) -> tuple[torch.Tensor, Parameters]:
        """The pre-update steps' terms added up, [task], and the adapted parameters [task, ...]."""
        terms = [torch.zeros(len(next(iter(point.values()))), dtype=next(iter(point.values())).dtype)]
        point = self.adapted(
            point, batches, differentiable, lambda policy, batch: terms.append(self.exploration(policy, batch))
        )
        return torch.stack(terms).sum(0), point

    def exploration(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        """One pre-update step's terms, summed or their mean, [task]."""
        mask = batch.trajectories.mask
        terms = (self.pre_update_terms(policy, batch.trajectories) * mask).sum((1, 2))
        return terms if self.config.exploration_scale == "sum" else terms / mask.sum((1, 2))

    def weights(self, batches: InnerOuterBatches) -> torch.Tensor:
        """The exploration term's weight, [task].  Raises TypeError for data that `sample` did not make."""
        credit = self.config.exploration * batches[-1].extra("credit")
        if self.config.exploration_scale == "sum":
            return credit / batches[-1].trajectories.mask.sum(-1).mean(1)
        return credit
