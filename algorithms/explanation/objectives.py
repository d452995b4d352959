"""The meta-objectives of many tasks on fixed data: weighted sums, gradients and products with Hessians, by chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch

from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner, InnerOuterBatches
from algorithms.optimisation.task_chunks import each_chunk
from algorithms.policies.parameters import Parameters, flat, unflat
from environments.typed_options import UsageError

Curvature = Literal["automatic", "exact", "differences"]


class Objectives:
    """J_row(theta) of every row of a batch, where a row is a task, or one of several collections of it.

    Meta-parameters are vectors [parameter] in float64; a learner's own type decides in which one its objectives are
    evaluated.  Memory is that of a few rows at a time.
    """

    def __init__(self, learner: GradientMetaLearner, batches: InnerOuterBatches, curvature: Curvature) -> None:
        """Raises UsageError for exact curvature where the meta-objective can be differentiated once alone."""
        self.learner, self.batches = learner, batches
        self.rows = batches[0].tasks
        self.like = {name: value.detach() for name, value in learner.parameters.items()}
        self.start = flat(self.like).double()
        self.precision = torch.finfo(next(iter(self.like.values())).dtype).eps
        self.exact = curvature != "differences" and self._twice_differentiable()
        if curvature == "exact" and not self.exact:
            raise UsageError(
                f"{learner.name}'s meta-objective can be differentiated only once; take curvature=differences"
            )

    def weighted(self, point: torch.Tensor, weights: torch.Tensor) -> tuple[float, torch.Tensor]:
        """sum_row weights_row J_row and its gradient [parameter], float64.  weights: [row]."""

        def part(rows: slice) -> tuple[torch.Tensor, torch.Tensor]:
            leaves, values = self._evaluated(point, rows)
            total = (values * weights[rows].to(values.dtype)).sum()
            return total.detach().double(), self._slope(total, leaves)

        values, slopes = zip(*each_chunk(part, self.rows, self.learner.config.chunk), strict=True)
        return float(sum(values)), torch.stack(slopes).sum(0)

    def gradients(self, point: torch.Tensor) -> torch.Tensor:
        """Of every row's objective, float64 [row, parameter]."""

        def part(row: slice) -> torch.Tensor:
            leaves, values = self._evaluated(point, row)
            return self._slope(values.sum(), leaves)

        return torch.stack(each_chunk(part, self.rows, 1))

    def hessian(self, point: torch.Tensor, weights: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
        """v -> (sum_row weights_row grad^2 J_row) v, vectors [parameter]."""
        if self.exact:
            return lambda vector: self._product(point, weights, vector)
        return lambda vector: self._difference(point, weights, vector)

    def _product(self, point: torch.Tensor, weights: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
        direction = list(self._parameters(vector).values())

        def part(rows: slice) -> torch.Tensor:
            leaves, values = self._evaluated(point, rows)
            total = (values * weights[rows].to(values.dtype)).sum()
            slopes = torch.autograd.grad(total, leaves, create_graph=True, materialize_grads=True)
            if not any(slope.requires_grad for slope in slopes):
                return torch.zeros_like(vector)  # the objective is linear
            along = torch.stack([(slope * part).sum() for slope, part in zip(slopes, direction, strict=True)]).sum()
            return self._slope(along, leaves)

        return torch.stack(each_chunk(part, self.rows, self.learner.config.chunk)).sum(0)

    def _difference(self, point: torch.Tensor, weights: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
        """Central: its error is that of the third derivative and of rounding, which this step balances."""
        length = float(vector.norm())
        if length == 0:
            return torch.zeros_like(vector)
        step = self.precision ** (1 / 3) * max(1.0, float(point.norm())) / length
        ahead, behind = (self.weighted(point + sign * step * vector, weights)[1] for sign in (1, -1))
        return (ahead - behind) / (2 * step)

    def _parameters(self, vector: torch.Tensor) -> Parameters:
        return {name: part.to(self.like[name].dtype) for name, part in unflat(vector, self.like).items()}

    def _evaluated(self, point: torch.Tensor, rows: slice) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Leaves, and the objectives of some rows [row] as functions of them."""
        leaves = {name: value.clone().requires_grad_() for name, value in self._parameters(point).items()}
        with torch.enable_grad():
            return list(leaves.values()), self.learner.task_objectives(
                leaves, [batch.select(rows) for batch in self.batches]
            )

    @staticmethod
    def _slope(value: torch.Tensor, leaves: list[torch.Tensor]) -> torch.Tensor:
        return torch.cat(
            [part.reshape(-1) for part in torch.autograd.grad(value, leaves, materialize_grads=True)]
        ).double()

    def _twice_differentiable(self) -> bool:
        """Asked of one row, since no method says it.

        By `backward`, which goes through all of the graph: `grad` would take what is differentiable once for constant.
        """
        try:
            leaves, values = self._evaluated(self.start, slice(0, 1))
            slopes = torch.autograd.grad(values.sum(), leaves, create_graph=True, materialize_grads=True)
            total = torch.stack([slope.sum() for slope in slopes]).sum()
            if total.requires_grad:
                total.backward()
        except RuntimeError as error:
            if "once_differentiable" in str(error):
                return False
            raise
        return True
