"""The rule that within a batch a trajectory sees itself alone: what it does must not move when its neighbours do.

An adaptation is recorded once, and then acted out again from the record, without an environment.  In each repetition
the neighbours of one trajectory are given other observations, actions, rewards, flags and states; what the policy does
there must stay the same to rounding.  Within a batch everyone else is a neighbour; between batches only other tasks
are, so that these alone have other data sent to the adaptation.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from types import ModuleType
from typing import Any

import gymnasium
import numpy as np
import torch

from algorithms.algorithm import Adaptation, Algorithm
from benchmarks.conformance.small_parents import PROTOCOL
from benchmarks.conformance.trial import Violation
from benchmarks.execution.evaluation import adapted_batches, begun_adaptation, harness_collector
from environments.policy import Distribution, Policy, Previous
from environments.problem import EvaluationProtocol
from environments.streams import Streams
from environments.suite import Suite
from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch

#: a product that is no usual width of a network, by which the rows of a recurrent state are told
TASKS, TRAJECTORIES = 3, 5
#: of the larger of 1 and an output's size: what rounding may do, where rows are summed together
TOLERANCE = 2e-6

#: parameters of the action distributions [task, trajectory, ...], by phase and step
Outputs = list[list[dict[str, torch.Tensor]]]


@dataclass(frozen=True)
class Phase:
    """What was shown to the policy after so many adaptation steps, and the batch that came of it."""

    shown: list[tuple[torch.Tensor, Previous]]
    batch: TrajectoryBatch


def check_neighbours(make: Callable[[], Algorithm], suite: Suite, streams: Streams, siblings: bool) -> None:
    """Raises Violation if the adapted policies of instances by `make` look at their neighbours.

    siblings: the trajectories of one task may see each other, so that other tasks alone are neighbours.
    """
    stage, usual = _staged(make, suite, streams)
    every = range(len(usual))
    for kept, sign in ((0, 1.0), (TASKS - 1, -1.0)):
        own_task = _mask(kept, slice(None))
        moved = stage.outputs(_Disturbance(own_task, sign, every, adapts=True))
        _compare(usual, moved, own_task, every, "another task's data")
    if siblings:
        return
    for phase in every:
        for (task, trajectory), sign in (((0, 1), 1.0), ((TASKS - 1, 0), -1.0)):
            itself = _mask(task, trajectory)
            moved = stage.outputs(_Disturbance(itself, sign, [phase]), phase)
            _compare(usual, moved, itself, [phase], "what other trajectories of its batch see, do and earn")


def check_neighbours_late(make: Callable[[], Algorithm], suite: Suite, streams: Streams, siblings: bool) -> None:
    """As `check_neighbours`, of a trajectory's acting after the last adaptation alone: for suites of long horizons."""
    stage, usual = _staged(make, suite, streams)
    last = len(usual) - 1
    itself = _mask(0, slice(None) if siblings else 1)
    moved = stage.outputs(_Disturbance(itself, 1.0, [last]), last)
    who = "another task's data" if siblings else "what other trajectories of its batch see, do and earn"
    _compare(usual, moved, itself, [last], who)


def _staged(make: Callable[[], Algorithm], suite: Suite, streams: Streams) -> tuple[_Stage, Outputs]:
    """A recorded adaptation, and what its policies do when it is acted out as it was."""
    split = suite.split.validation
    tasks = [TaskRef("validation", split[index % len(split)].id) for index in range(TASKS)]
    stage = _Stage(make, suite, tasks, _recorded(make(), suite, tasks, streams), streams)
    return stage, stage.outputs()


def _mask(task: int, trajectory: int | slice) -> torch.Tensor:
    mask = torch.zeros(TASKS, TRAJECTORIES, dtype=torch.bool)
    mask[task, trajectory] = True
    return mask


def _compare(usual: Outputs, moved: Outputs, kept: torch.Tensor, phases: Sequence[int], neighbours: str) -> None:
    for phase in phases:
        for step, (before, after) in enumerate(zip(usual[phase], moved[phase], strict=True)):
            for name, value in before.items():
                ours, theirs = value[kept].double(), after[name][kept].double()
                gap = (ours - theirs).abs().max().item()
                if not gap <= TOLERANCE * max(1.0, ours.abs().max().item()):
                    raise Violation(
                        "neighbours",
                        f"after {phase} adaptation steps, at step {step}, the policy's {name} of a trajectory moves by "
                        f"{gap:.2g} with {neighbours}",
                    )


class _Recording:
    """A policy, and all that it was shown."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.shown: list[tuple[torch.Tensor, Previous]] = []

    def begin(self, tasks: int, trajectories: int, stream: Streams) -> Any:
        return self._policy.begin(tasks, trajectories, stream)

    def act(self, observation: torch.Tensor, previous: Previous, state: Any) -> tuple[Distribution, Any]:
        self.shown.append((observation.clone(), _mapped(previous, torch.clone)))
        return self._policy.act(observation, previous, state)


def _recorded(algorithm: Algorithm, suite: Suite, tasks: Sequence[TaskRef], streams: Streams) -> list[Phase]:
    policies: list[_Recording] = []

    def watched(tasks: Sequence[TaskRef]) -> Adaptation:
        adaptation = type(algorithm).adapt(algorithm, tasks)
        policy = next(adaptation)
        while True:
            policies.append(_Recording(policy))
            policy = adaptation.send((yield policies[-1]))

    protocol = EvaluationProtocol(PROTOCOL.adaptation_steps, TRAJECTORIES)
    algorithm.adapt = watched  # type: ignore[method-assign]
    batches = list(adapted_batches(algorithm, tasks, protocol, harness_collector(suite, streams), streams))
    return [Phase(policy.shown, batch) for policy, batch in zip(policies, batches, strict=True)]


@dataclass(frozen=True)
class _Disturbance:
    """Rows that are not `kept` [task, trajectory] are shown something else in `phases`.

    sign: whether their rewards rise or fall.  adapts: their part of the batches sent is changed as well.
    """

    kept: torch.Tensor
    sign: float
    phases: Sequence[int]
    adapts: bool = False


class _Stage:
    """Acts out recorded adaptations, each with an instance of its own."""

    def __init__(
        self,
        make: Callable[[], Algorithm],
        suite: Suite,
        tasks: Sequence[TaskRef],
        phases: Sequence[Phase],
        streams: Streams,
    ) -> None:
        self._make, self._suite, self._tasks, self._phases, self._streams = make, suite, tasks, phases, streams

    def outputs(self, disturbance: _Disturbance | None = None, last: int | None = None) -> Outputs:
        """What the policies do in phases 0 to `last` (None: all)."""
        algorithm, streams = self._make(), self._streams.child("neighbours")
        streams.seed_globals("adaptation")
        found: Outputs = []
        last = len(self._phases) - 1 if last is None else last
        with begun_adaptation(algorithm, self._tasks) as adaptation:
            policy = next(adaptation)
            for index, phase in enumerate(self._phases[: last + 1]):
                change = disturbance if disturbance is not None and index in disturbance.phases else None
                with torch.no_grad():
                    found.append(self._acted(policy, phase, change, streams.child("phase", index)))
                if index < last:
                    sent = phase.batch
                    if disturbance is not None and disturbance.adapts:
                        sent = self._changed_batch(sent, disturbance, streams.torch("batch", index))
                    policy = adaptation.send(sent)
        return found

    def _acted(
        self, policy: Policy, phase: Phase, change: _Disturbance | None, streams: Streams
    ) -> list[dict[str, torch.Tensor]]:
        lead = (TASKS, TRAJECTORIES)
        state = policy.begin(*lead, streams.child("begin"))
        outputs = []
        for step, (observation, previous) in enumerate(phase.shown):
            observation, previous = observation.clone(), _mapped(previous, torch.clone)
            state = _mapped(state, torch.clone)
            if change is not None:
                generator = streams.torch("change", step)
                observation = self._changed_observation(observation, change, generator)
                previous = self._changed_previous(previous, change, generator)
                state = _mapped(state, lambda value: _replaced_rows(value, change.kept, change.sign))
            distribution, state = policy.act(observation, previous, state)
            outputs.append({name: value.expand(*lead, *value.shape[2:]).clone()
                            for name, value in distribution.parameters.items()})  # fmt: skip
        return outputs

    def _changed_observation(
        self, value: torch.Tensor, change: _Disturbance, generator: torch.Generator
    ) -> torch.Tensor:
        return _replaced(value, _noisy(value, self._suite.observation_space, generator, 1.0), change.kept)

    def _changed_previous(self, previous: Previous, change: _Disturbance, generator: torch.Generator) -> Previous:
        if previous.start:
            return previous
        action = _noisy(previous.action, self._suite.action_space, generator, 1.0)
        alive = torch.rand(previous.alive.shape, generator=generator) < 0.7
        return Previous(
            _replaced(previous.action, action, change.kept),
            _replaced(previous.reward, _paid(previous.reward, change.sign, generator), change.kept),
            previous.start,
            _replaced(previous.alive, alive, change.kept),
        )

    def _changed_batch(
        self, batch: TrajectoryBatch, change: _Disturbance, generator: torch.Generator
    ) -> TrajectoryBatch:
        """Other tasks get the kept task's episodes, which are possible ones, with other rewards and observations."""
        kept = change.kept.any(dim=1)
        batch = replace(
            batch, **{field.name: _mapped(getattr(batch, field.name), lambda value: _replaced_tasks(value, kept))
                      for field in fields(batch)}
        )  # fmt: skip
        observations = _noisy(batch.observations, self._suite.observation_space, generator, 0.1)
        if not batch.observations.is_floating_point():
            observations = batch.observations
        rewards = _paid(batch.rewards, change.sign, generator) * batch.mask
        return replace(
            batch,
            observations=_replaced(batch.observations, observations, change.kept),
            rewards=_replaced(batch.rewards, rewards, change.kept),
            success=_replaced(batch.success, ~batch.success, change.kept),
        )


def _noisy(value: torch.Tensor, space: gymnasium.Space, generator: torch.Generator, size: float) -> torch.Tensor:
    if isinstance(space, gymnasium.spaces.Discrete):
        return torch.randint(int(space.n), value.shape, generator=generator, dtype=value.dtype)
    return value + size * (1 + value.abs()) * torch.randn(value.shape, generator=generator, dtype=value.dtype)


def _paid(reward: torch.Tensor, sign: float, generator: torch.Generator) -> torch.Tensor:
    return reward + sign * (1 + reward.abs().max()) * (1 + torch.rand(reward.shape, generator=generator))


def _replaced(value: torch.Tensor, other: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    return torch.where(kept.reshape(*kept.shape, *[1] * (value.dim() - 2)), value, other)


def _replaced_tasks(value: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """Every task [task, ...] as the one that is kept."""
    return value[kept].expand_as(value).clone()


def _replaced_rows(value: torch.Tensor, kept: torch.Tensor, sign: float) -> torch.Tensor:
    """A state's tensor in which all rows that are not kept are as the largest (or least) of them, if it has rows.

    Rows are the first two dimensions [task, trajectory], or one of task times trajectory, as recurrent layers have.
    """
    flat = kept.flatten()
    if value.shape[:2] == kept.shape:
        return _as_one(value.flatten(0, 1), flat, sign).reshape(value.shape)
    for dimension, length in enumerate(value.shape):
        if length == len(flat):
            return _as_one(value.movedim(dimension, 0), flat, sign).movedim(0, dimension)
    return value


def _as_one(rows: torch.Tensor, kept: torch.Tensor, sign: float) -> torch.Tensor:
    sizes = sign * rows.double().reshape(len(rows), -1).sum(1)
    donor = sizes.masked_fill(kept, -torch.inf).argmax()
    made = rows.clone()
    made[~kept] = rows[donor]
    return made


def _mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor], depth: int = 8) -> Any:
    """The same nested value with every tensor and array changed, in containers and plain objects of their own.

    depth: how deep objects are entered, since they may refer to each other in a circle.
    """
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, np.ndarray):
        return change(torch.from_numpy(value)).numpy() if value.dtype.kind in "fiub" else value
    if depth == 0:
        return value
    if isinstance(value, dict):
        return {key: _mapped(item, change, depth - 1) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_mapped(item, change, depth - 1) for item in value))
    if isinstance(value, (list, tuple)):
        return type(value)(_mapped(item, change, depth - 1) for item in value)
    if callable(value) or isinstance(value, ModuleType) or not hasattr(value, "__dict__"):
        return value  # networks and functions are no state of a row
    made = copy.copy(value)
    for name, item in vars(value).items():
        object.__setattr__(made, name, _mapped(item, change, depth - 1))
    return made
