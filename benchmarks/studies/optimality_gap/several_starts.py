"""Meta-training from several starts, as many for each method, of which the best training objective is kept.

An exact meta-objective has local optima: what gradient ascent reaches from one start is that start's, not the method's,
and a start that suits one method need not suit another.  So every method is trained in two rounds: from the uniform
policy and from random ones, and then from what methods have found in the first round; both lists are the same for all.
All starts get equally many iterations, and nothing but the training objective decides between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from benchmarks.specs.study import Rows
from benchmarks.studies.optimality_gap.evaluation import TabularTasks
from benchmarks.studies.optimality_gap.lake import Lake
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


def second_starts(first: Mapping[str, Trained]) -> dict[str, torch.Tensor]:
    """What methods have found in the first round, [S, A] by the start's name."""
    return {f"solution of {name}": trained.best for name, trained in first.items()}


def start_rows(lake: Lake, algorithm: str, x: float, trained: Trained, where: str = "") -> Rows:
    """What each start has reached, which was kept, and what the uniform one alone would have missed.

    `task` is the start's name, `index` its place.  where: ends the quantities' names.
    """
    rows = [
        lake.row(f"training objective by start{where}", objective, algorithm, task=start, index=place, x=x)
        for place, (start, objective) in enumerate(zip(trained.starts, trained.objectives.tolist(), strict=True))
    ]
    won = trained.winner
    best = float(trained.objectives[won])
    lost = f"training objective lost by the uniform start alone{where}"
    return [
        *rows,
        lake.row(f"start that won{where}", best, algorithm, task=trained.starts[won], index=won, x=x),
        lake.row(lost, trained.lost_by_uniform, algorithm, x=x),
    ]
