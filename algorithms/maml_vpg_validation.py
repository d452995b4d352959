"""MAML-VPG on the training and the validation tasks: a control for methods that look at the latter."""

from __future__ import annotations

from dataclasses import dataclass

from algorithms.maml_vpg import MamlVpg
from algorithms.meta_learning.adam_meta_learner import AdamConfig
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.search_space import unsearched
from environments.collector import Collector
from environments.task import TaskRef


@dataclass(frozen=True)
class ValidationConfig(AdamConfig):
    # the first so many of them, none for all; 0 makes it maml-vpg
    validation_tasks: int | None = unsearched(None, "what the control controls for")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.validation_tasks is not None and self.validation_tasks < 0:
            raise ValueError(f"validation_tasks must be none or at least 0, got {self.validation_tasks}")


class MamlVpgValidation(MamlVpg):
    """MAML-VPG whose tasks are drawn uniformly from the training and the validation tasks together.

    XMRL-G chooses its critical tasks by the validation tasks that are adapted to worst, so it has seen these; Remark 2
    says that more training tasks are a simple way to generalise better.  This is that way with the same tasks, and no
    explanation: what XMRL-G earns beyond it, access to more tasks does not account for.

    Where training tasks are drawn from a distribution, it counts as many as the training split has.
    """

    name = "maml-vpg-validation"
    paper = "XMRL-G, Remark 2, over Finn, Abbeel and Levine 2017, arXiv:1703.03400"
    access = frozenset({"train", "validation"})
    Config = ValidationConfig

    def sample(self, collector: Collector) -> InnerOuterBatches:
        return self.sample_on(self.drawn_tasks(collector), collector)

    def drawn_tasks(self, collector: Collector) -> list[TaskRef]:
        """Of this meta-iteration, without repeats while both splits last."""
        validation = self.problem.tasks("validation")[: self.config.validation_tasks]
        training = len(self.problem.tasks("train"))
        generator = self.streams.numpy("tasks of both splits", collector.iteration)
        order: list[int] = []
        while len(order) < self.config.tasks:
            order.extend(generator.permutation(training + len(validation)).tolist())
        chosen = [validation[place - training] for place in order[: self.config.tasks] if place >= training]
        others = self.config.tasks - len(chosen)
        return [*(collector.sample_tasks(others) if others else []), *chosen]
