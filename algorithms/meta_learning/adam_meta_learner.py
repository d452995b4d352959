"""Meta-learners whose outer update is Adam's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from algorithms.algorithm import Metrics
from algorithms.meta_learning.gradient_adaptation import GradientConfig, PolicyConfig
from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner, InnerOuterBatches
from algorithms.optimisation.adam import Adam
from algorithms.search_space import LogRange, searched
from environments.problem import Problem
from environments.streams import Streams


@dataclass(frozen=True)
class AdamConfig(GradientConfig):
    step_size: float = searched(1e-3, LogRange(3e-4, 3e-2), tabular=LogRange(3e-3, 0.3))  # Adam's


class AdamMetaLearner(GradientMetaLearner):
    """Owns the optimiser and its state; one step on each iteration's data unless a method overrides `update`."""

    Config: ClassVar[type[PolicyConfig]] = AdamConfig

    def __init__(self, problem: Problem, config: Any, streams: Streams) -> None:
        super().__init__(problem, config, streams)
        self.optimiser = Adam(self.parameters, config.step_size)

    def update(self, batches: InnerOuterBatches) -> Metrics:
        return {"objective": self.ascend(batches), **self.std_metrics()}

    def ascend(self, batches: InnerOuterBatches) -> float:
        """One step of Adam on the meta-objective; its value before, a mean over tasks."""
        objective, gradient = self.meta_gradient(self.parameters, batches)
        self.parameters = self.optimiser.ascend(self.parameters, gradient)
        return objective

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "optimizer": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.optimiser.load_state_dict(state["optimizer"])
