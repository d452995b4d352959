"""Meta-regularization: MAML-VPG with an inverted regulariser in the inner objective, an ordinary one in the outer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from algorithms.algorithm import Adaptation
from algorithms.maml_vpg import MamlVpg
from algorithms.meta_learning.adam_meta_learner import AdamConfig
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch, Seen
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.policies.parameters import Parameters, stacked, task_vectors
from algorithms.search_space import LogRange, searched
from environments.task import TaskRef

#: an inner step on a table is hundreds of times a network's, and the regulariser is a part of it
_TABLES = LogRange(1e-8, 1e-4)


@dataclass(frozen=True)
class MetaRegularizationConfig(AdamConfig):
    # gamma_in and gamma_out; both are 0 in maml-vpg, and at the spaces' lower ends next to nothing
    inverted_weight: float = searched(1e-3, LogRange(1e-6, 0.1), tabular=_TABLES)
    ordinary_weight: float = searched(1e-3, LogRange(1e-6, 0.1))
    # whose norm the outer regulariser takes: the meta-parameters', XMRL-G's "upper level", or the adapted ones'
    ordinary_point: Literal["meta", "adapted"] = "meta"
    # the paper inverts "during training"; what is adapted to test tasks then is MAML's
    inverted_at_evaluation: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("inverted_weight", "ordinary_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name):g}")


class MetaRegularization(MamlVpg):
    """Meta-regularization: inner steps are pushed away from 0, the meta-parameters pulled towards it.

    With J the MAML-VPG objectives, all of which are maximised, and theta all parameters of the policy:

        theta_i' = theta + alpha grad [J_i(theta) + gamma_in / 2 |theta|^2]      (inverted: a penalty's sign is -)
        theta <- Adam of mean_i J_i'(theta_i') - gamma_out / 2 |theta|^2         (ordinary)

    The inverted regulariser makes it harder for an adapted policy to generalise from its own few trajectories, so
    that the outer objective, on others, asks more of theta.  The paper employs it "during training" (its abstract),
    to shape theta: at evaluation the inner step is MAML's own (`inverted_at_evaluation` keeps it there).

    Left open by what is at hand, its abstract and XMRL-G's "quadratic regularization to the upper level and inverted
    regularization to the lower level": both weights, whether the outer norm is of theta or theta_i', and which
    parameters count.  Here biases and the policy's log-std do too: an inner step has no reason to spare them.
    """

    name = "meta-regularization"
    paper = "Wang, Zhou, Zhang, Chu, Chang and Zhu 2023, Inverted regularization at inner-level, CVPR"
    Config = MetaRegularizationConfig

    def inner_value(self, batch: AdaptationBatch, seen: Seen | None = None) -> Callable[[Parameters], torch.Tensor]:
        weight, plain = self.config.inverted_weight, super().inner_value(batch, seen)
        if not weight:
            return plain
        return lambda parameters: plain(parameters) + weight * half_square(parameters)

    def task_objectives(self, parameters: Parameters, batches: InnerOuterBatches) -> torch.Tensor:
        start = stacked(parameters, batches[0].tasks)
        final = self.adapted(start, batches[:-1], differentiable=True)
        reached = self.outer_objective(self.distribution(final, batches[-1]), batches[-1])
        weight = self.config.ordinary_weight
        if not weight:
            return reached
        return reached - weight * half_square(start if self.config.ordinary_point == "meta" else final)

    def adapt(self, tasks: Sequence[TaskRef]) -> Adaptation:
        if self.config.inverted_at_evaluation:
            return super().adapt(tasks)
        plain = MamlVpg(self.problem, self.config, self.streams)
        plain.parameters = self.parameters
        return plain.adapt(tasks)


def half_square(parameters: Parameters) -> torch.Tensor:
    """|theta|^2 / 2 of parameters [task, ...], [task]."""
    return task_vectors(parameters).square().sum(1) / 2
