"""Policies that were never meta-trained: random logits, adapted to each task, with the spread over their draws.

The unit is the independently drawn initialisation: what is left to chance is said by a standard error over draws, and
a trained method's difference from each draw is recorded, so that it can be tested.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from benchmarks.specs.study import Rows
from benchmarks.studies.optimality_gap.lake import STEPS, Lake
from benchmarks.studies.optimality_gap.meta_training import AdaptationRule, returns_after_steps
from environments.streams import Streams

#: draws in a batch
CHUNK = 100


@dataclass(frozen=True)
class Draws:
    """Exact returns [steps + 1, draw, task] from random initialisations."""

    returns: torch.Tensor

    @staticmethod
    def of(rule: AdaptationRule, lake: Lake, streams: Streams, count: int) -> Draws:
        """The first `count` initialisations, logits from N(0, 1), which are the same for every rule."""
        shape = tuple(lake.uniform.shape)
        logits = torch.stack(
            [
                torch.from_numpy(streams.numpy("random initialisation", draw).standard_normal(shape))
                for draw in range(count)
            ]
        )
        parts = [returns_after_steps(rule, lake.tasks, chunk[:, None], STEPS) for chunk in logits.split(CHUNK)]
        return Draws(torch.cat(parts, 1))

    @cached_property
    def mean(self) -> torch.Tensor:
        """Over draws, [steps + 1, task]."""
        return self.returns.mean(1)

    @cached_property
    def by_draw(self) -> torch.Tensor:
        """Means over tasks, [steps + 1, draw]."""
        return self.returns.mean(-1)

    @cached_property
    def standard_error(self) -> torch.Tensor:
        """Of the mean over draws and tasks, [steps + 1]."""
        return self.by_draw.std(1) / self.by_draw.shape[1] ** 0.5


def error_rows(lake: Lake, algorithm: str, draws: Draws, x: float) -> Rows:
    return [
        lake.row("standard error of the return after k steps", error, algorithm, index=step, x=x)
        for step, error in enumerate(draws.standard_error.tolist())
    ]


def difference_rows(lake: Lake, algorithm: str, own: float, draws: Draws, step: int, x: float) -> Rows:
    """By how much a method's mean return is above that of each draw after as many adaptations; `task` is the draw."""
    quantity = "return above random initialisation's after k steps, by draw"
    return [
        lake.row(quantity, own - other, algorithm, task=f"draw {number}", index=step, x=x)
        for number, other in enumerate(draws.by_draw[step].tolist())
    ]
