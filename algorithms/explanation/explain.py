"""Which training tasks decide how well a meta-policy adapts to its poor tasks: Algorithm 2 of XMRL-G."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from algorithms.explanation.importance import ImportanceProblem
from algorithms.explanation.objectives import Objectives
from algorithms.explanation.options import ExplanationConfig
from algorithms.explanation.permutation_null import permutation_null
from algorithms.explanation.pooling import Groups, Pool, grouped
from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner, InnerOuterBatches
from algorithms.policies.parameters import Parameters, unflat
from environments.collector import Collector
from environments.task import TaskRef
from environments.typed_options import UsageError


@dataclass(frozen=True)
class Explanation:
    """Weights of training tasks, and whether the largest is more than noise.

    weights: omega, float64 [task]: 1 / N plus the mean over replicates of `influence`, float64 [replicate, task], the
    sum of the upper level's steps as each replicate alone has them.  critical: indices of training tasks, the best
    first.  largest: of the weights.  band: what it stays within in 95 % of permutations.  p_value: of all weights being
    equal but for noise.  stands_out: whether both say that there is more (`permutation_null`).  parameters:
    theta*(omega), the weighted meta-policy of Remark 1.  groups: of identical MDPs, whose weight is one number.
    """

    weights: torch.Tensor
    influence: torch.Tensor
    critical: tuple[int, ...]
    largest: float
    band: float
    p_value: float
    stands_out: bool
    parameters: Parameters
    groups: Groups
    proximity: float  # rho
    before: float  # the poor tasks' mean objective at theta_0
    after: float  # the same at theta*(omega)
    slope_left: float  # the largest over iterations of the lower level's, as a share
    residual: float  # the largest over iterations of the conjugate gradient's, as a share
    truncated: int  # iterations in which negative curvature ended it

    @property
    def not_identifiable(self) -> tuple[int, ...]:
        """Training tasks that share their MDP with some but not all of which are critical: which ones is arbitrary."""
        chosen = set(self.critical)
        cut = [group for group in self.groups if chosen & set(group) and set(group) - chosen]
        return tuple(sorted(index for group in cut for index in group))

    def to_state(self) -> dict[str, Any]:
        """Tensors and plain values."""
        state = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            **state,
            "parameters": dict(self.parameters),
            "critical": list(self.critical),
            "groups": [list(group) for group in self.groups],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Explanation:
        critical, groups = tuple(state["critical"]), tuple(tuple(group) for group in state["groups"])
        return cls(**{**state, "critical": critical, "groups": groups})


def evidence(
    learner: GradientMetaLearner,
    tasks: Sequence[TaskRef],
    collector: Collector,
    replicates: int,
    trajectories: int | None = None,
) -> InnerOuterBatches:
    """Independent collections of every task: batches whose rows are replicates x tasks, a replicate after the other.

    trajectories: of each, the learner's own number if None.
    """
    return learner.sample_on(list(tasks) * replicates, collector, trajectories)


def explain(
    learner: GradientMetaLearner,
    training: InnerOuterBatches,
    poor: InnerOuterBatches,
    options: ExplanationConfig,
    generator: np.random.Generator,
    identical: Sequence[Hashable] | None = None,
) -> Explanation:
    """Algorithm 2 about the learner's meta-parameters, which stay as they are.

    training, poor: `evidence` that these meta-parameters collected.  generator: of permutations.  identical: a key for
    every training task, equal for equal MDPs; none: all differ.
    Raises UsageError where the training tasks are fewer than the critical ones, and for exact curvature where there is
    none.
    """
    tasks = _tasks(training, options.replicates, "training")
    _tasks(poor, options.replicates, "poor")
    if tasks < options.critical_tasks:
        raise UsageError(f"critical_tasks={options.critical_tasks} of {tasks} training tasks cannot be chosen")
    if identical is not None and len(identical) != tasks:
        raise ValueError(f"identical must have a key for each of {tasks} training tasks, got {len(identical)}")
    pool = Pool(grouped(range(tasks) if identical is None else identical))
    seen, of_poor = (Objectives(learner, batches, options.curvature) for batches in (training, poor))
    problem = ImportanceProblem(seen, of_poor, options)

    uniform = torch.full((tasks,), 1 / tasks, dtype=torch.float64)
    influence = torch.zeros(options.replicates, tasks, dtype=torch.float64)
    weights, direction = uniform, None
    point, slope = problem.settled(_rows(weights, options.replicates))
    left, residuals, truncated = [slope], [], 0
    for _ in range(options.importance_iterations):
        found = problem.hypergradient(_rows(weights, options.replicates), point, direction)
        direction = found.direction
        steps = pool.shared(pool.means(found.corrected.view(options.replicates, tasks)))
        largest = float(steps.mean(0).abs().max())
        if largest > 0:
            influence = influence + options.importance_rate / tasks / largest * steps
        weights = uniform + influence.mean(0)
        point, slope = problem.solution(_rows(weights, options.replicates), point)
        left.append(slope)
        residuals.append(found.residual)
        truncated += found.truncated
    null = permutation_null(pool.means(influence), pool.sizes, options.permutations, generator)
    mean = float(weights.mean())
    return Explanation(
        weights=weights,
        influence=influence,
        critical=tuple(torch.sort(weights, descending=True, stable=True).indices[: options.critical_tasks].tolist()),
        largest=mean + null.largest,
        band=mean + null.band,
        p_value=null.p_value,
        stands_out=null.stands_out,
        parameters=_parameters(learner, point),
        groups=pool.groups,
        proximity=problem.proximity,
        before=problem.poor_objective(problem.start),
        after=problem.poor_objective(point),
        slope_left=max(left),
        residual=max(residuals),
        truncated=truncated,
    )


def _tasks(batches: InnerOuterBatches, replicates: int, kind: str) -> int:
    rows = batches[0].tasks
    if rows % replicates:
        raise ValueError(f"{rows} rows of {kind} tasks are not {replicates} replicates of equally many")
    return rows // replicates


def _rows(weights: torch.Tensor, replicates: int) -> torch.Tensor:
    """Each replicate's share of its task's weight, [replicate x task]."""
    return (weights / replicates).repeat(replicates)


def _parameters(learner: GradientMetaLearner, point: torch.Tensor) -> Parameters:
    like = {name: value.detach() for name, value in learner.parameters.items()}
    return {name: part.to(like[name].dtype).clone() for name, part in unflat(point, like).items()}
