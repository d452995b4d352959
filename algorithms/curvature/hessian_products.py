"""Products with the Hessian of every task's own objective, from one gradient graph that is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import torch

from algorithms.policies.parameters import Parameters

TaskFunction = Callable[[Parameters], torch.Tensor]


class Hessian(Protocol):
    """H v of every task at once; names that `of` lacks are left out of the result."""

    gradient: Parameters

    def __call__(self, vector: Parameters, of: Iterable[str] | None = None) -> Parameters: ...


class HessianProduct:
    """H v of every task at once, or of blocks of H alone.

    objective: parameters [task, ...] -> [task], where a task's value depends on its own row alone.
    `value` [task] and `gradient` [task, ...] are the objective's at the given parameters.
    """

    def __init__(self, objective: TaskFunction, parameters: Parameters) -> None:
        self._leaves = {name: value.detach().contiguous().requires_grad_() for name, value in parameters.items()}
        with torch.enable_grad():
            values = objective(self._leaves)
            slopes = torch.autograd.grad(values.sum(), list(self._leaves.values()), create_graph=True)
        self._slopes = dict(zip(self._leaves, slopes, strict=True))
        self.value = values.detach()
        self.gradient = {name: slope.detach() for name, slope in self._slopes.items()}

    def __call__(self, vector: Parameters, of: Iterable[str] | None = None) -> Parameters:
        """H v [task, ...]; names that `vector` lacks are 0 in it, names that `of` lacks are left out of the result.

        H being symmetric, the rows `of` of H times the columns in `vector` cost one pass through both alone.
        """
        return self.mixed(vector, {name: self._leaves[name] for name in (self._leaves if of is None else of)})

    def mixed(self, vector: Parameters, others: Parameters) -> Parameters:
        """vector^T d2J / d parameters d others, [task, ...]; others: leaves of the objective's graph."""
        products = torch.autograd.grad(
            [self._slopes[name] for name in vector],
            list(others.values()),
            grad_outputs=list(vector.values()),
            retain_graph=True,
            materialize_grads=True,
        )
        return dict(zip(others, products, strict=True))
