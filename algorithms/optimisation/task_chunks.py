"""Work on a few tasks at a time: where tasks are divided, and in which order what comes of them is added up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import torch

from algorithms.policies.parameters import Parameters
from environments.threads import each_part

T = TypeVar("T")


def chunks(tasks: int, size: int) -> Iterator[slice]:
    """Slices of `size` tasks; the last may be shorter."""
    for start in range(0, tasks, size):
        yield slice(start, min(start + size, tasks))


def each_chunk(work: Callable[[slice], T], tasks: int, size: int) -> list[T]:
    """What comes of every chunk, in the tasks' order, on as many threads as the run may use.

    Every sum over tasks is made of these results by `added`, so that its bytes depend on the size of a chunk, which is
    part of a configuration, and never on who works on which chunk, or on which is done first.
    """
    return each_part(work, list(chunks(tasks, size)))


def added(results: Iterable[Parameters]) -> Parameters:
    """Their sum, from the first to the last.  Raises ValueError for none."""
    first, *others = results
    total = {name: value.clone() for name, value in first.items()}
    for result in others:
        for name, value in result.items():
            total[name] += value
    return total


def joined(results: Sequence[Parameters]) -> Parameters:
    """Parameters [task, ...] of all tasks, from those of every chunk."""
    return {name: torch.cat([result[name] for result in results]) for name in results[0]}


def scaled(parameters: Parameters, factor: float) -> Parameters:
    return {name: factor * value for name, value in parameters.items()}
