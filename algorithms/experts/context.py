"""What distinguishes a task, as a vector that a policy can observe: the context of those with access "parameters"."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from environments.problem import Problem
from environments.task import TaskRef

#: parameters of this name are radians, told by cosine and sine, so that a full turn changes nothing
ANGLE = "angle"

#: by name one number, or one character of a text
_Leaves = dict[str, float | str]


def context_of(problem: Problem, tasks: Sequence[TaskRef]) -> torch.Tensor:
    """The tasks' parameters as float32 [task, context], standardised over the suite's training tasks; see `Contexts`.

    Raises AccessDenied as `problem.parameters` does.
    """
    return Contexts(problem).of(tasks)


class Contexts:
    """The coding of a suite's parameters, fixed by its training tasks; `size` numbers a task.

    Numbers are taken as they are, angles by cosine and sine; of a text every character's place has an indicator for
    each character that training tasks have there, but for one.  Each number is shifted and scaled to mean 0 and
    standard deviation 1 over the training tasks; what is the same in all of them is left out.

    Raises AccessDenied unless the training tasks' parameters may be read, ValueError where their parts differ.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        training = [self._leaves(task) for task in problem.tasks("train")]
        self._characters: dict[str, list[str]] = {}
        for name in training[0]:
            if isinstance(training[0][name], str):
                self._characters[name] = sorted({str(leaves[name]) for leaves in training if name in leaves})[1:]
        self._names = list(training[0])
        vectors = torch.tensor([self._coded(leaves) for leaves in training], dtype=torch.float64)
        vectors = vectors.reshape(len(training), -1)
        self._varies = (vectors != vectors[0]).any(0)
        self._mean = vectors[:, self._varies].mean(0)
        self._deviation = vectors[:, self._varies].std(0, correction=0)

    @property
    def size(self) -> int:
        return len(self._mean)

    def of(self, tasks: Sequence[TaskRef]) -> torch.Tensor:
        """float32 [task, size].  Raises AccessDenied, and ValueError for a task of other parts than the training's."""
        coded = [self._coded(self._leaves(task)) for task in tasks]
        vectors = torch.tensor(coded, dtype=torch.float64).reshape(len(coded), -1)[:, self._varies]
        return ((vectors - self._mean) / self._deviation).float()

    def _leaves(self, task: TaskRef) -> _Leaves:
        return dict(_parts("", self._problem.parameters(task)))

    def _coded(self, leaves: _Leaves) -> list[float]:
        if list(leaves) != self._names:
            raise ValueError(
                f"suite {self._problem.suite_name}: a task has the parameters {', '.join(leaves)}, the first training "
                f"task {', '.join(self._names)}; tasks of unlike parts have no common context"
            )
        numbers: list[float] = []
        for name, value in leaves.items():
            if name in self._characters:
                numbers += [float(value == character) for character in self._characters[name]]
            else:
                numbers.append(float(value))
        return numbers


def _parts(name: str, value: Any) -> Iterator[tuple[str, float | str]]:
    """Every number and character of nested parameters, by a name that tells its place."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _parts(f"{name}.{key}" if name else str(key), value[key])
    elif isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            yield from _parts(f"{name}[{place}]", item)
    elif isinstance(value, str):
        for place, character in enumerate(value):
            yield f"{name}[{place}]", character
    elif name.rpartition(".")[2] == ANGLE:
        yield f"cos {name}", math.cos(value)
        yield f"sin {name}", math.sin(value)
    else:
        yield name, float(value)
