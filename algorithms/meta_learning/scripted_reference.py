"""Controllers that learn nothing from their tasks: what a suite pays without any of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from algorithms.algorithm import Adaptation, Algorithm, Metrics
from environments.collector import Collector
from environments.policy import Policy
from environments.task import TaskRef


@dataclass(frozen=True)
class NoOptions:
    """There is nothing to choose, so that a profile's batches change none of its scores."""


class ScriptedReference(Algorithm):
    """One policy for all tasks, the same after every adaptation step."""

    scripted = True
    trains = False
    Config: ClassVar[Any] = NoOptions

    @abstractmethod
    def policy(self) -> Policy:
        """What it does in every task."""

    def meta_step(self, collector: Collector) -> Metrics:
        return {}

    def adapt(self, tasks: Sequence[TaskRef]) -> Adaptation:
        while True:
            yield self.policy()

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        return None
