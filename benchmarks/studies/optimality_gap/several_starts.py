"""Meta-training from several starts, as many for each method, of which the best training objective is kept.

An exact meta-objective has local optima: what gradient ascent reaches from one start is that start's, not the method's,
and a start that suits one method need not suit another.  So every method is trained in two rounds: from the uniform
policy and from random ones, the same for all, and then from what each other method has found in the first round.  All
starts get equally many iterations, and nothing but the training objective decides between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from benchmarks.studies.optimality_gap.evaluation import TabularTasks
from benchmarks.studies.optimality_gap.meta_training import AdaptationRule, meta_train
from environments.streams import Streams

UNIFORM = "uniform"


@dataclass(frozen=True)
class Trained:
    """What one method has reached from each of its starts."""

    starts: tuple[str, ...]
    logits: torch.Tensor  # [start, S, A]: each start's best iterate
    objectives: torch.Tensor  # [start]: mean return over the training tasks after one adaptation

    @property
    def winner(self) -> int:
        """The start of the best training objective, the first of equals."""
        return int(self.objectives.argmax())

    @property
    def best(self) -> torch.Tensor:
        """Meta-policy [S, A]."""
        return self.logits[self.winner]

    @property
    def lost_by_uniform(self) -> float:
        """By how much the uniform start alone misses the best objective."""
        return float(self.objectives.max() - self.objectives[self.starts.index(UNIFORM)])

    def __add__(self, other: Trained) -> Trained:
        return Trained(
            self.starts + other.starts,
            torch.cat([self.logits, other.logits]),
            torch.cat([self.objectives, other.objectives]),
        )


def first_starts(tasks: TabularTasks, streams: Streams, random: int) -> dict[str, torch.Tensor]:
    """The uniform policy and random ones, logits [S, A] from N(0, 1), by name."""
    shape = (tasks.states, tasks.actions)
    drawn = {
        f"random {number}": torch.from_numpy(streams.numpy("training start", number).standard_normal(shape))
        for number in range(1, random + 1)
    }
    return {UNIFORM: torch.zeros(shape, dtype=torch.float64), **drawn}


def train_from(
    rule: AdaptationRule, tasks: TabularTasks, starts: Mapping[str, torch.Tensor], iterations: int
) -> Trained:
    """One round.  starts: logits [S, A] by name, at least one."""
    logits, objectives = meta_train(rule, tasks, torch.stack(list(starts.values())), iterations)
    return Trained(tuple(starts), logits, objectives)


def second_starts(name: str, first: Mapping[str, Trained]) -> dict[str, torch.Tensor]:
    """What each other method than the named one has found in the first round, [S, A] by the start's name."""
    return {f"solution of {other}": trained.best for other, trained in first.items() if other != name}
