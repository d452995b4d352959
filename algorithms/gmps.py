"""GMPS: guided meta-policy search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle, islice
from typing import Any, ClassVar, Literal

import gymnasium
import torch

from algorithms.algorithm import Metrics
from algorithms.experts.expert import Expert, expert_of
from algorithms.imitation.demonstrations import Demonstrations
from algorithms.imitation.objectives import (
    effective_share,
    imitation_objective,
    importance_weights,
    off_policy_objective,
)
from algorithms.meta_learning.adam_meta_learner import AdamConfig, AdamMetaLearner
from algorithms.meta_learning.adapted_variables import AdaptedVariablesConfig
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.optimisation.task_chunks import chunks
from algorithms.policies.networks import NetworkPolicy
from algorithms.policies.parameters import Parameters, stacked
from algorithms.search_space import BATCH, COUNT, NOT_NEGATIVE, POSITIVE, Choice, searched, unsearched
from environments.collector import Collector
from environments.facts import SuiteFacts
from environments.policy import Distribution
from environments.problem import Problem
from environments.streams import Streams
from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch


@dataclass(frozen=True)
class GmpsConfig(AdaptedVariablesConfig, AdamConfig):
    """Defaults are those of the authors' launchers, where these name them."""

    inner_step_size: float = 0.5  # where every learned step size begins
    bias_dim: int = 4
    learned_step_sizes: bool = True
    # of the budget, for the expert's own training
    expert_share: float = unsearched(0.5, "how the budget is divided; no paper charges its experts to anyone")
    # the expert's trajectories on each training task, taken where the task first occurs
    demonstrations: int = unsearched(20, BATCH, domain=COUNT)
    # of Adam on one sample, between two rounds of sampling; the supplement's grid
    imitation_steps: int = searched(200, Choice((1, 200, 500, 1000, 2000)), domain=COUNT)
    # tasks of a round that one of these steps looks at, in turns; none: all, as the authors' code does
    step_tasks: int | None = unsearched(None, "how much of a round one step computes", domain=COUNT)
    imitation: Literal["squared", "likelihood"] = "squared"
    # of the variance in "squared"; 0: the inner step alone teaches the policy's std
    std_weight: float = unsearched(0.0, "that of the authors' last code; 1 is that of their first", domain=NOT_NEGATIVE)
    # what stands for the expert in its own trajectories: the actions taken, or their mean without its noise
    labels: Literal["taken", "mean"] = "taken"
    # weights of the inner objective's steps are kept within this factor of 1; none: as they are
    largest_weight: float | None = unsearched(None, "the authors' weights are not bounded", domain=POSITIVE)
    # trajectories of each adapted policy in a round that the expert labels, and which are kept (Appendix A's variant)
    aggregated: int = unsearched(0, "the supplement's experiments aggregate none", domain=NOT_NEGATIVE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.largest_weight is not None and self.largest_weight < 1:
            raise ValueError(f"largest_weight must be at least 1, got {self.largest_weight:g}")


class Gmps(AdamMetaLearner):
    """GMPS: inner policy gradient steps such that the adapted policy imitates an expert of the task.

    One meta-iteration is a round of the supplement's:
    1. training tasks; the expert's demonstrations on those of which there are none yet;
    2. trajectories after 0, ... K - 1 inner updates: none with the adapted policy, which is what this saves;
    3. `imitation_steps` steps of Adam on the meta-parameters: repeat the inner updates on these trajectories, each step
       weighted by how likely its action has become since (`off_policy_objective`), and compare the adapted policies
       with the demonstrations (`imitation_objective`).
    Only training needs the expert: it sees the tasks' parameters, which the policy never does.  The expert's training,
    the demonstrations and the sampling are all paid from the one budget.
    """

    name = "gmps"
    paper = "Mendonca, Gupta, Kralev, Abbeel, Levine and Finn 2019, Guided meta-policy search, arXiv:1904.00956"
    access = frozenset({"train", "parameters"})
    parents: ClassVar[Mapping[str, str]] = {"expert": "contextual-sac"}
    Config = GmpsConfig

    @classmethod
    def fits(cls, suite: SuiteFacts) -> str | None:
        vectors = isinstance(suite.action_space, gymnasium.spaces.Box)
        return super().fits(suite) or (None if vectors else f"its expert acts by vectors, not by {suite.action_space}")

    def __init__(self, problem: Problem, config: Any, streams: Streams) -> None:
        super().__init__(problem, config, streams)
        self.demonstrations = Demonstrations()

    @cached_property
    def expert(self) -> Expert:
        return expert_of(self.problem, self.streams)

    def inner_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        return off_policy_objective(policy, batch.trajectories, batch.advantages, self.config.largest_weight)

    def outer_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        return imitation_objective(policy, batch.trajectories, self.config.imitation, self.config.std_weight)

    def sample_on(
        self, tasks: Sequence[TaskRef], collector: Collector, trajectories: int | None = None
    ) -> InnerOuterBatches:
        """Trajectories after 0..K-1 inner updates, and last what experts show of the tasks."""
        config = self.config
        # tasks that were drawn afresh for an earlier round do not come again
        self.demonstrations = self.demonstrations.of([*self.problem.tasks("train"), *tasks])
        missing = self.demonstrations.missing(tasks)
        if missing:
            shown = collector.collect(self.expert.policy(missing), missing, config.demonstrations)
            self.demonstrations = self.demonstrations.added(missing, shown, self.labels(missing, shown))
        before = self.sampled_after(range(self.training_steps), tasks, collector, trajectories)
        if config.aggregated:
            adapted = self.adapted_by_chunks(stacked(self.parameters, len(tasks)), before)
            reached = collector.collect(NetworkPolicy(self.network, adapted), tasks, config.aggregated)
            labels = self.expert.label(tasks, reached.observations)
            self.demonstrations = self.demonstrations.added(tasks, reached, labels)
        shown = self.demonstrations.batch(tasks)
        return [*before, AdaptationBatch(shown, torch.zeros_like(shown.mask))]

    def labels(self, tasks: Sequence[TaskRef], shown: TrajectoryBatch) -> torch.Tensor:
        """The expert's actions in its own trajectories, as an environment takes them: within their bounds."""
        space = self.problem.action_space
        if self.config.labels == "mean":
            return self.expert.label(tasks, shown.observations)
        if isinstance(space, gymnasium.spaces.Box):
            return shown.actions.clamp(*(torch.from_numpy(side).to(shown.actions) for side in (space.low, space.high)))
        return shown.actions

    def meta_step(self, collector: Collector) -> Metrics:
        batches = self.sample(collector)
        returns = {f"return_step{k}": float(batch.trajectories.returns.mean()) for k, batch in enumerate(batches[:-1])}
        return {**returns, **self.update(batches)}

    def update(self, batches: InnerOuterBatches) -> Metrics:
        parts = list(chunks(batches[0].tasks, self.config.step_tasks or batches[0].tasks))
        turns = islice(cycle(parts), self.config.imitation_steps)
        objectives = [self.ascend([batch.select(part) for batch in batches]) for part in turns]
        first, last = (sum(few) / len(few) for few in (objectives[: len(parts)], objectives[-len(parts) :]))
        return {
            "objective": first,
            "improvement": last - first,
            "effective_share": self.effective_share(batches),
            **self.std_metrics(),
        }

    def effective_share(self, batches: InnerOuterBatches) -> float:
        """Of the first inner update's trajectories, at the present meta-parameters; 1 without any."""
        if len(batches) < 2:
            return 1.0

        def part(few: InnerOuterBatches) -> Parameters:
            trajectories = few[0].trajectories
            with torch.no_grad():
                policy = self.distribution(stacked(self.parameters, few[0].tasks), few[0])
                chosen = policy.log_prob(trajectories.actions)
            weights = importance_weights(chosen, trajectories, self.config.largest_weight)
            return {"share": effective_share(weights, trajectories.mask)}

        return float(torch.cat([found["share"] for found in self.each_chunk(part, batches)]).mean())

    def replay_state(self) -> dict[str, Any]:
        return self.demonstrations.state_dict()

    def load_replay_state(self, state: dict[str, Any]) -> None:
        self.demonstrations = Demonstrations.from_state(state)
