"""GMPS guided by soft-optimal experts of tasks whose MDPs are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from algorithms.gmps import Gmps, GmpsConfig
from algorithms.policies.networks import NetworkPolicy, TabularSoftmax
from algorithms.search_space import POSITIVE, unsearched
from benchmarks.studies.gmps_bound.bound import soft_optimal
from environments.policy import Policy
from environments.problem import Problem
from environments.streams import Streams
from environments.task import TaskRef


@dataclass(frozen=True)
class SoftlyGuidedConfig(GmpsConfig):
    temperature: float = unsearched(0.1, "the study's own", domain=POSITIVE)  # of the experts


class SoftExpert:
    """Acts by the soft-optimal policy, and labels by its draws: choices have no mean."""

    def __init__(self, problem: Problem, temperature: float, streams: Streams) -> None:
        self._problem, self._temperature, self._streams = problem, temperature, streams
        self._labelled = 0

    def policy(self, tasks: Sequence[TaskRef]) -> Policy:
        logits = torch.stack([self._logits(task) for task in tasks])
        return NetworkPolicy(TabularSoftmax(*logits.shape[1:]), {"logits": logits})

    def label(self, tasks: Sequence[TaskRef], observations: torch.Tensor) -> torch.Tensor:
        self._labelled += 1
        chances, _ = self.policy(tasks).act(observations, None, None)  # type: ignore[arg-type]
        return chances.sample(self._streams.torch("labels", self._labelled))

    def _logits(self, task: TaskRef) -> torch.Tensor:
        return torch.from_numpy(soft_optimal(self._problem.model(task), self._temperature)).log().float()


class SoftlyGuided(Gmps):
    """It is told the tasks' models, which only a study may do."""

    access = Gmps.access | {"model"}
    parents = {}  # noqa: RUF012 that of `Algorithm` is declared
    Config = SoftlyGuidedConfig

    @cached_property
    def expert(self) -> SoftExpert:
        return SoftExpert(self.problem, self.config.temperature, self.streams.child("expert"))
