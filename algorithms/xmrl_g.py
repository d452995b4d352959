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
from algorithms.explanation.poor_tasks import poor_tasks, ranked_by
from algorithms.maml_vpg import MamlVpg
from algorithms.meta_learning.adam_meta_learner import AdamConfig
from algorithms.meta_learning.gradient_meta_learner import GradientMetaLearner, InnerOuterBatches
from algorithms.policies.parameters import Parameters, stacked, unflat
from algorithms.search_space import unsearched
from environments.collector import Collector
from environments.facts import SuiteFacts
from environments.ledger import BudgetSpent
from environments.problem import Problem
from environments.streams import Streams
from environments.task import TaskRef
from environments.typed_options import UsageError


@dataclass(frozen=True)
class XmrlConfig(AugmentationConfig, ExplanationConfig):
    """Shares of the budget; what they leave is meta-training on the plain tasks, which comes first."""

    # pays for every validation task and, in what is left of it, for as many training tasks as fit
    explanation_share: float = unsearched(0.2, "the paper charges it to nobody; here it is taken from the training")
    augmentation_share: float = unsearched(0.4, "how the budget is divided, as explanation_share is")
    # per task and adaptation step in the explanation's data; none: half of `trajectories`, so that more tasks are seen
    evidence_trajectories: int | None = unsearched(None, "how the explanation's share is divided")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.evidence_trajectories is not None and self.evidence_trajectories < 1:
            raise ValueError(f"evidence_trajectories must be at least 1, got {self.evidence_trajectories}")
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
       costs what one of the first part does: up to half of its tasks are critical ones, the others are not, each kind
       weighted by its share of the training tasks, so that the objective is (3) on average.
    A state in which critical tasks are named goes on with the third part, whatever trained it before.
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
        """Sets `critical`, the ids of the critical tasks.  What chose the poor tasks does not explain them."""
        config, problem = self.config, self.problem
        validation = problem.tasks("validation")
        training = self._looked_at(collector)
        chosen = evidence(self, validation, collector, 1, self._trajectories)[-1].trajectories
        values = ranked_by(chosen, problem.metric, problem.discount)
        worst = poor_tasks(values, config.poor_tasks)
        poor = [validation[index] for index in worst]
        found = explain(
            self,
            evidence(self, training, collector, config.replicates, self._trajectories),
            evidence(self, poor, collector, config.replicates, self._trajectories),
            config,
            self.streams.numpy("permutations"),
            problem.mdp_keys(training),
        )
        self.critical = [training[index].id for index in found.critical]
        return {
            "explained_tasks": float(len(training)),
            "poor_score": float(values[list(worst)].mean()),
            "validation_score": float(values.mean()),
            "largest_weight": found.largest * len(training),
            "null_band": found.band * len(training),
            "explanation_p": found.p_value,
            "slope_left": found.slope_left,
            "implicit_residual": found.residual,
        }

    def augmented_step(self, collector: Collector) -> Metrics:
        """One iteration of the third part."""
        if self.augmentation is None:
            self.augmentation = Augmentation(self.parameters, len(self.critical), self.config)
        iteration = collector.iteration
        most = max(1, self.config.tasks // 2)
        order = self.streams.numpy("critical tasks", iteration).permutation(len(self.critical))
        chosen = sorted(order[:most].tolist())
        critical = [TaskRef("train", self.critical[index]) for index in chosen]
        others = self._others(collector, self.config.tasks - len(critical))
        batches = self.sample_on([*critical, *others], collector)
        generator = self.streams.torch("augmentation", iteration)
        objective = AugmentedObjective(self, batches, chosen, self._critical_share(), generator)
        self.augmentation.recentre(self.parameters)
        metrics = self.augmentation.step(objective, generator)
        self.parameters = self.settled(self.augmentation)
        returns = {f"return_step{k}": float(batch.trajectories.returns.mean()) for k, batch in enumerate(batches)}
        return {**returns, **metrics, **self.std_metrics(), "part": 3.0}

    def settled(self, augmentation: Augmentation) -> Parameters:
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
        """The smallest budget whose shares pay for every part, and for twice as many training tasks as are critical."""
        config = self.config
        seen = self._poor_cost(collector) + 2 * config.critical_tasks * self._training_cost(collector)
        return max(seen / config.explanation_share, self._cost(collector, config.tasks) / config.augmentation_share)

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

    def _cost(self, collector: Collector, tasks: int, trajectories: int | None = None) -> int:
        return (self.training_steps + 1) * collector.cost(tasks, trajectories or self.config.trajectories)

    @property
    def _trajectories(self) -> int:
        """Of each task and adaptation step in the explanation's data."""
        return self.config.evidence_trajectories or max(2, self.config.trajectories // 2)

    def _poor_cost(self, collector: Collector) -> int:
        """Of choosing the poor tasks among all validation tasks, and of their evidence."""
        seen = len(self.problem.tasks("validation")) + self.config.replicates * self.config.poor_tasks
        return self._cost(collector, seen, self._trajectories)

    def _training_cost(self, collector: Collector) -> int:
        """Of one training task's evidence."""
        return self._cost(collector, self.config.replicates, self._trajectories)

    def _explanation_cost(self, collector: Collector) -> int:
        """Less than the explanation's share where that pays for more than all training tasks."""
        return self._poor_cost(collector) + len(self._looked_at(collector)) * self._training_cost(collector)

    def _looked_at(self, collector: Collector) -> Sequence[TaskRef]:
        """As many training tasks, drawn by chance, as the explanation's share pays for."""
        config, limit = self.config, collector.ledger.limit
        training, validation = (self.problem.tasks(split) for split in ("train", "validation"))
        if config.poor_tasks > len(validation) or config.critical_tasks > len(training):
            raise UsageError(
                f"{self.name} asks for {config.poor_tasks} poor of {len(validation)} validation tasks and "
                f"{config.critical_tasks} critical of {len(training)} training tasks"
            )
        count = len(training)
        if limit is not None:
            left = config.explanation_share * limit - self._poor_cost(collector)
            count = min(count, max(config.critical_tasks, int(left / self._training_cost(collector))))
        order = self.streams.numpy("evidence").permutation(len(training))
        return [training[index] for index in sorted(order[:count].tolist())]

    def _others(self, collector: Collector, count: int) -> list[TaskRef]:
        """A draw of training tasks that are not critical."""
        known = set(self.critical)
        drawn = collector.sample_tasks(min(count + len(known), len(self.problem.tasks("train"))))
        return [task for task in drawn if task.id not in known][:count]

    def _critical_share(self) -> float:
        return len(self.critical) / len(self.problem.tasks("train"))


class AugmentedObjective:
    """(3) on one iteration's data, of parameters and the critical tasks' coefficients.

    The partners of a step are drawn once, so that it is a function.  chosen: which of the critical tasks have data,
    the batches' first tasks; the other tasks are not critical.
    """

    def __init__(
        self,
        learner: Explained,
        batches: InnerOuterBatches,
        chosen: Sequence[int],
        share: float,
        generator: torch.Generator,
    ) -> None:
        self._learner, self._share, self._chosen = learner, share, list(chosen)
        self._critical = [batch.select(slice(0, len(chosen))) for batch in batches]
        self._others = [batch.select(slice(len(chosen), None)) for batch in batches]
        self._partners = [partners(batch.trajectories.mask, generator) for batch in self._critical]
        self._acting = [None] * len(batches) if not learner.ratios else _acting(learner, self._critical)

    def __call__(self, parameters: Parameters, coefficients: torch.Tensor) -> torch.Tensor:
        parts = zip(self._critical, self._partners, self._acting, strict=True)
        blended = [mixed(batch, coefficients[self._chosen], others, acting) for batch, others, acting in parts]
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

    def settled(self, augmentation: Augmentation) -> Parameters:
        if self.config.meta_update == "posterior":
            return augmentation.mean
        gradient = unflat(augmentation.slope, self.parameters)
        return self.optimiser.ascend(self.parameters, gradient)


class XmrlGRandom(XmrlG):
    """The control of the paper's Table 3: random training tasks are augmented in place of the critical ones.

    All else is XMRL-G's: what the explanation would have cost stays unspent.
    """

    name = "xmrl-g-random"

    def augmented_step(self, collector: Collector) -> Metrics:
        cost = self._cost(collector, self.config.tasks)
        if collector.ledger.limit is not None and collector.remaining - cost < self._explanation_cost(collector):
            raise BudgetSpent("the rest is what the explanation would have cost")
        return super().augmented_step(collector)

    def find_critical(self, collector: Collector) -> Metrics:
        training = self.problem.tasks("train")
        order = self.streams.numpy("random tasks").permutation(len(training))
        self.critical = [training[index].id for index in order[: self.config.critical_tasks].tolist()]
        return {}


def _acting(learner: GradientMetaLearner, batches: InnerOuterBatches) -> list[Acting]:
    """The policies that collected the batches: the meta-parameters' after 0, 1, ... inner updates."""
    points = [stacked(learner.parameters, batches[0].tasks)]
    for count in range(1, len(batches)):
        points.append(learner.adapted_by_chunks(points[0], batches[:count]))
    return [partial(learner.distribution, point) for point in points]
