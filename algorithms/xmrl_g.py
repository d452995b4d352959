"""XMRL-G: the training tasks that decide the poorly adapted ones are found, and augmented by learned mixtures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import torch

from algorithms.algorithm import Metrics
from algorithms.augmentation.bilevel import Augmentation
from algorithms.augmentation.mixing import Acting, mixed, partners, unmixable
from algorithms.augmentation.options import AugmentationConfig
from algorithms.explanation.explain import evidence, explain
from algorithms.explanation.options import ExplanationConfig
from algorithms.explanation.poor_tasks import poor_tasks
from algorithms.maml_vpg import MamlVpg
from algorithms.meta_learning.adam_meta_learner import AdamConfig
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner, InnerOuterBatches
from algorithms.policies.parameters import Parameters, stacked, unflat
from algorithms.search_space import unsearched
from environments.collector import Collector
from environments.facts import SuiteFacts
from environments.problem import Problem
from environments.streams import Streams
from environments.task import TaskRef
from environments.typed_options import UsageError


@dataclass(frozen=True)
class XmrlConfig(AugmentationConfig, ExplanationConfig):
    """Shares of the budget; what they leave is meta-training on the plain tasks, which comes first."""

    # as many validation and training tasks are looked at as it pays for
    explanation_share: float = unsearched(0.25, "the paper charges it to nobody; here it is taken from the training")
    augmentation_share: float = unsearched(0.3, "how the budget is divided, as explanation_share is")

    def __post_init__(self) -> None:
        super().__post_init__()
        shares = (self.explanation_share, self.augmentation_share)
        if min(shares) <= 0 or sum(shares) >= 1:
            raise ValueError(
                f"explanation_share and augmentation_share must be above 0 and below 1 together, got {shares}"
            )


@dataclass(frozen=True)
class XmrlGConfig(XmrlConfig, AdamConfig):
    # the meta-parameters follow the base's own optimiser along the gradient (7), or are the lower level's solution
    meta_update: Literal["adam", "posterior"] = "adam"


class Explained(GradientMetaLearner):
    """XMRL-G over the gradient-based meta-learner that a class inherits from beside it.

    One run has three parts within its one budget:
    1. the base's own meta-training;
    2. one iteration that adapts to validation tasks, takes the worst as the poor ones, and finds the critical training
       tasks (`algorithms.explanation`, the paper's Algorithm 2);
    3. meta-training on (3), the critical tasks' data mixed in the inner and the outer objective, where each iteration
       improves the distribution of the mixture coefficients too (`algorithms.augmentation`, Algorithm 1).  An iteration
       samples every critical task and as many others as the configuration has tasks, each kind weighted by its share
       of the training tasks, so that the objective is (3) on average.
    """

    access: ClassVar[frozenset[str]] = frozenset({"train", "validation"})
    #: whether the base's objectives hold likelihood ratios or divergences: for these mixed data need who acted
    ratios: ClassVar[bool] = True

    @classmethod
    def fits(cls, suite: SuiteFacts) -> str | None:
        return super().fits(suite) or unmixable(suite.observation_space)

    def __init__(self, problem: Problem, config: Any, streams: Streams) -> None:
        super().__init__(problem, config, streams)
        self.critical: list[str] = []  # ids; none before the second part
        self.augmentation: Augmentation | None = None

    def meta_step(self, collector: Collector) -> Metrics:
        if collector.iteration == 0:
            self._refuse_small(collector)
        if self.critical:
            return self.augmented_step(collector)
        if self._learns(collector):
            return {**super().meta_step(collector), "part": 1.0}
        metrics = self.find_critical(collector)
        self.augmentation = Augmentation(self.parameters, len(self.critical), self.config)
        return {**metrics, "part": 2.0}

    def find_critical(self, collector: Collector) -> Metrics:
        """Sets `critical`, the ids of the critical tasks."""
        config = self.config
        draws = self.streams.numpy("evidence")
        validation, training = (self._some(split, collector, draws) for split in ("validation", "train"))
        seen = evidence(self, validation, collector, config.replicates)
        returns = seen[-1].trajectories.returns.view(config.replicates, len(validation), -1)
        worst = poor_tasks(torch.cat(list(returns), dim=1), config.poor_tasks)
        rows = torch.tensor([k * len(validation) + task for k in range(config.replicates) for task in worst])
        found = explain(
            self,
            evidence(self, training, collector, config.replicates),
            [_rows(batch, rows) for batch in seen],
            config,
            self.streams.numpy("permutations"),
        )
        self.critical = [training[index].id for index in found.critical]
        return {
            "explained_tasks": float(len(training)),
            "poor_return": float(returns[:, list(worst)].mean()),
            "validation_return": float(returns.mean()),
            "largest_weight": found.largest * len(training),
            "null_band": found.band * len(training),
            "explanation_p": found.p_value,
            "slope_left": found.slope_left,
            "implicit_residual": found.residual,
        }

    def augmented_step(self, collector: Collector) -> Metrics:
        """One iteration of the third part."""
        assert self.augmentation is not None
        iteration = collector.iteration
        critical = [TaskRef("train", id) for id in self.critical]
        others = self._others(collector)
        batches = self.sample_on([*critical, *others], collector)
        generator = self.streams.torch("augmentation", iteration)
        objective = AugmentedObjective(self, batches, len(critical), self._critical_share(), generator)
        self.augmentation.recentre(self.parameters)
        metrics = self.augmentation.step(objective, generator)
        self.parameters = self.moved(self.augmentation)
        returns = {f"return_step{k}": float(batch.trajectories.returns.mean()) for k, batch in enumerate(batches)}
        return {**returns, **metrics, **self.std_metrics(), "part": 3.0}

    def moved(self, augmentation: Augmentation) -> Parameters:
        """The meta-parameters after an iteration of the third part: the mean of the lower level's solutions."""
        return augmentation.mean

    def state_dict(self) -> dict[str, Any]:
        state = {**super().state_dict(), "critical": list(self.critical)}
        return state if self.augmentation is None else {**state, "augmentation": self.augmentation.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.critical, self.augmentation = list(state["critical"]), None
        if "augmentation" in state:
            self.augmentation = Augmentation(self.parameters, len(self.critical), self.config)
            self.augmentation.load_state_dict(state["augmentation"])

    @property
    def kept(self) -> float:
        """The share of the budget that is kept from the first part."""
        return self.config.explanation_share + self.config.augmentation_share

    def least(self, collector: Collector) -> float:
        """The smallest budget whose shares pay for every part."""
        config = self.config
        explained = self._cost(collector, config.replicates * (config.poor_tasks + config.critical_tasks))
        augmented = self._cost(collector, config.tasks + config.critical_tasks)
        return max(explained / config.explanation_share, augmented / config.augmentation_share)

    def _refuse_small(self, collector: Collector) -> None:
        """A run that ended in its first part would be its base under another name."""
        limit, least = collector.ledger.limit, math.ceil(self.least(collector))
        if limit is not None and limit < least:
            raise UsageError(
                f"{self.name} cannot go through its parts within {limit:,} environment steps: with this horizon and "
                f"these batches it needs {least:,}; give it a larger budget, or fewer tasks, trajectories, poor_tasks "
                "or critical_tasks"
            )

    def _learns(self, collector: Collector) -> bool:
        """Whether an iteration of the first part leaves the other parts their shares."""
        limit = collector.ledger.limit
        if limit is None:
            return True
        return collector.remaining - self._cost(collector, self.config.tasks) >= self.kept * limit

    def _cost(self, collector: Collector, tasks: int) -> int:
        return (self.training_steps + 1) * collector.cost(tasks, self.config.trajectories)

    def _some(self, split: str, collector: Collector, draws: Any) -> Sequence[TaskRef]:
        """As many of the split's tasks as the explanation's share pays for, both splits in proportion."""
        config, limit = self.config, collector.ledger.limit
        every = {name: self.problem.tasks(name) for name in ("validation", "train")}
        least = {"validation": config.poor_tasks, "train": config.critical_tasks}
        each = self._cost(collector, config.replicates)
        whole = sum(map(len, every.values()))
        share = 1.0 if limit is None else min(1.0, config.explanation_share * limit / (each * whole))
        count = {name: max(least[name], int(share * len(tasks))) for name, tasks in every.items()}
        if any(count[name] > len(tasks) for name, tasks in every.items()):
            raise UsageError(
                f"{self.name} asks for {config.poor_tasks} poor of {len(every['validation'])} validation tasks and "
                f"{config.critical_tasks} critical of {len(every['train'])} training tasks"
            )
        chosen = sorted(draws.permutation(len(every[split]))[: count[split]].tolist())
        return [every[split][index] for index in chosen]

    def _others(self, collector: Collector) -> list[TaskRef]:
        """A draw of training tasks that are not critical."""
        known = set(self.critical)
        drawn = collector.sample_tasks(min(self.config.tasks + len(known), len(self.problem.tasks("train"))))
        return [task for task in drawn if task.id not in known][: self.config.tasks]

    def _critical_share(self) -> float:
        return len(self.critical) / len(self.problem.tasks("train"))


class AugmentedObjective:
    """(3) on one iteration's data, of parameters and the critical tasks' coefficients.

    The partners of a step are drawn once, so that it is a function.
    """

    def __init__(
        self,
        learner: Explained,
        batches: InnerOuterBatches,
        critical: int,
        share: float,
        generator: torch.Generator,
    ) -> None:
        self._learner, self._share = learner, share
        self._critical = [batch.select(slice(0, critical)) for batch in batches]
        self._others = [batch.select(slice(critical, None)) for batch in batches]
        self._partners = [partners(batch.trajectories.mask, generator) for batch in self._critical]
        self._acting = [None] * len(batches) if not learner.ratios else _acting(learner, self._critical)

    def __call__(self, parameters: Parameters, coefficients: torch.Tensor) -> torch.Tensor:
        parts = zip(self._critical, self._partners, self._acting, strict=True)
        blended = [mixed(batch, coefficients, others, acting) for batch, others, acting in parts]
        value = self._share * self._learner.task_objectives(parameters, blended).mean()
        if self._others[0].tasks:
            value = value + (1 - self._share) * self._learner.task_objectives(parameters, self._others).mean()
        return value


class XmrlG(Explained, MamlVpg):
    """XMRL-G over MAML with plain policy gradients, as in the paper's experiments."""

    name = "xmrl-g"
    ratios = False
    paper = "Improving Generalization of Meta Reinforcement Learning via Explanation, 2024, under review"
    Config = XmrlGConfig

    def moved(self, augmentation: Augmentation) -> Parameters:
        if self.config.meta_update == "posterior":
            return augmentation.mean
        gradient = unflat(augmentation.slope, self.parameters)
        return self.optimiser.ascend(self.parameters, gradient)


class XmrlGRandom(XmrlG):
    """The control of the paper's Table 3: random training tasks are augmented in place of the critical ones.

    What the explanation would have cost goes to the first part.
    """

    name = "xmrl-g-random"

    def find_critical(self, collector: Collector) -> Metrics:
        training = self.problem.tasks("train")
        order = self.streams.numpy("random tasks").permutation(len(training))
        self.critical = [training[index].id for index in order[: self.config.critical_tasks].tolist()]
        return {}

    @property
    def kept(self) -> float:
        return self.config.augmentation_share

    def least(self, collector: Collector) -> float:
        return self._cost(collector, self.config.tasks + self.config.critical_tasks) / self.config.augmentation_share


def _acting(learner: GradientMetaLearner, batches: InnerOuterBatches) -> list[Acting]:
    """The policies that collected the batches: the meta-parameters' after 0, 1, ... inner updates."""
    points = [stacked(learner.parameters, batches[0].tasks)]
    for count in range(1, len(batches)):
        points.append(learner.adapted_by_chunks(points[0], batches[:count]))
    return [partial(learner.distribution, point) for point in points]


def _rows(batch: AdaptationBatch, rows: torch.Tensor) -> AdaptationBatch:
    """The given tasks of a batch, in that order."""
    extras = {name: value[rows] for name, value in batch.extras.items()}
    return AdaptationBatch(batch.trajectories.select(rows), batch.advantages[rows], extras)
