"""Collection: the doors between a policy and the environment, with guard, ledger and keyed streams."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode

from environments.access import Guard
from environments.batch_env import BatchEnv
from environments.guarded_vector_env import GuardedVectorEnv
from environments.ledger import Ledger
from environments.policy import Distribution, Policy, Previous
from environments.streams import Streams
from environments.suite import Suite
from environments.task import Task, TaskRef
from environments.trajectories import TrajectoryBatch

#: batches kept alive between collections; building one costs more than a step
KEPT_BATCHES = 3


class Collector:
    """Collects trajectories on granted tasks and charges them to the budget.

    Draws are keyed by (iteration, call), so a resumed run repeats them without any stored generator state.
    """

    def __init__(self, suite: Suite, streams: Streams, ledger: Ledger, guard: Guard) -> None:
        self._suite = suite
        self._streams = streams
        self.ledger = ledger
        self._guard = guard
        self.drawn: dict[str, Task] = {}  # this meta-iteration's fresh training tasks by id
        self._batches: OrderedDict[tuple[int, int], BatchEnv] = OrderedDict()
        self.seconds = 0.0  # wall time spent collecting, for the timing record alone
        self.begin_iteration(0)

    @property
    def remaining(self) -> float:
        """Environment steps left in the budget."""
        return self.ledger.remaining

    def begin_iteration(self, iteration: int) -> None:
        """Called by the training loop before each meta-iteration: draws are keyed by it."""
        self.iteration = iteration
        self._calls = 0
        self.drawn.clear()

    def sample_tasks(self, count: int) -> list[TaskRef]:
        """Training tasks for this meta-iteration: from the split, without repeats while it lasts, or fresh draws."""
        self._calls += 1
        generator = self._streams.numpy("tasks", self.iteration, self._calls)
        if self._suite.options.train_tasks == "distribution":
            references = []
            for index in range(count):
                task = self._suite.draw_task(generator, f"drawn-{self.iteration}-{self._calls}-{index}")
                while self._guard.withholds(task):
                    task = self._suite.draw_task(generator, task.id)
                self.drawn[task.id] = task
                references.append(TaskRef("train", task.id))
            return references
        tasks = self._suite.split.train
        order: list[int] = []
        while len(order) < count:
            order.extend(generator.permutation(len(tasks)).tolist())
        return [TaskRef("train", tasks[index].id) for index in order[:count]]

    def cost(self, tasks: int, trajectories: int) -> int:
        """Environment steps that one collection charges."""
        return tasks * trajectories * self._suite.horizon

    def collect(self, policy: Policy, tasks: Sequence[TaskRef], trajectories: int) -> TrajectoryBatch:
        """One batch of trajectories on each task.  Charges tasks x trajectories x horizon, early ends included.

        Raises AccessDenied for a forbidden task and BudgetSpent if the batch does not fit the budget.
        """
        env = self._prepared(tasks, trajectories)
        self.ledger.charge(self.cost(len(tasks), trajectories))
        self._calls += 1
        streams = self._streams.child("collect", self.iteration, self._calls)
        started = time.perf_counter()
        with torch.no_grad():
            batch = rollout(env, policy, streams)
        self.seconds += time.perf_counter() - started
        return batch

    def vector_env(
        self,
        tasks: Sequence[TaskRef],
        trajectories: int = 1,
        autoreset: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> GuardedVectorEnv:
        """The second door: a gymnasium vector environment, for libraries that own their loop.

        autoreset: when gymnasium begins the next episode of a row that has ended; `GuardedVectorEnv` says more.
        Charges one step for each row that steps; raises BudgetSpent when the budget is gone.
        Raises AccessDenied for a forbidden task.
        """
        self._check(tasks, trajectories)
        self._calls += 1
        streams = self._streams.child("vector_env", self.iteration, self._calls)
        resolved = self._resolved(tasks)
        return GuardedVectorEnv(self._suite, resolved, trajectories, self.ledger, streams, autoreset)

    def _prepared(self, tasks: Sequence[TaskRef], trajectories: int) -> BatchEnv:
        self._check(tasks, trajectories)
        resolved = self._resolved(tasks)
        key = (len(tasks), trajectories)
        env = self._batches.pop(key, None)
        if env is None:
            while len(self._batches) >= KEPT_BATCHES:
                self._batches.popitem(last=False)[1].close()
            env = self._suite.make_batch(*key)
        self._batches[key] = env
        if env.tasks != resolved:
            env.set_tasks(resolved)
        return env

    def _check(self, tasks: Sequence[TaskRef], trajectories: int) -> None:
        if not tasks or trajectories < 1:
            raise ValueError(f"need at least one task and one trajectory, got {len(tasks)} and {trajectories}")
        self._guard.check_tasks(tasks)

    def _resolved(self, references: Sequence[TaskRef]) -> tuple[Task, ...]:
        tasks = tuple(self._resolve(reference) for reference in references)
        self._guard.check_parameters(tasks)
        return tasks

    def _resolve(self, reference: TaskRef) -> Task:
        drawn = self.drawn.get(reference.id)
        return drawn if drawn is not None else self._suite.split.task(reference.split, reference.id)


def rollout(env: BatchEnv, policy: Policy, streams: Streams) -> TrajectoryBatch:
    """One episode in every environment of the batch; stops early once all have ended.

    What is recorded shares no memory with what the policy or the environment holds: either may work in place.
    """
    tasks, trajectories, horizon = env.task_count, env.trajectories, env.horizon
    lead = (tasks, trajectories)
    shown = (*lead, *(env.single_observation_space.shape or ()))
    asked = (env.num_envs, *(env.single_action_space.shape or ()))
    generator = streams.torch("actions")
    state = policy.begin(tasks, trajectories, streams.child("begin"))
    latent = getattr(state, "latent", None)
    latent = None if latent is None else latent.clone()
    discrete = isinstance(env.single_observation_space, gymnasium.spaces.Discrete)

    observations = np.zeros((horizon, *shown), dtype=np.int64 if discrete else np.float32)
    actions: list[torch.Tensor] = []
    parameters: list[dict[str, torch.Tensor]] = []
    rewards = np.zeros((horizon, *lead), dtype=np.float32)
    alive = np.zeros((horizon, *lead), dtype=np.float32)
    distribution: Distribution
    previous = _before_first(env, lead)
    raw, _ = env.reset(seed=streams.integer("reset"))
    info: dict[str, Any] = {"success": np.zeros(env.num_envs, dtype=bool)}
    terminated = np.zeros(env.num_envs, dtype=bool)
    for step in range(horizon):
        observations[step] = np.asarray(raw).reshape(shown)
        distribution, state = policy.act(torch.from_numpy(observations[step].copy()), previous, state)
        parameters.append({key: value.clone() for key, value in distribution.parameters.items()})
        action = distribution.sample(generator)
        actions.append(action.clone())
        alive[step] = env.alive.reshape(lead)
        flat_action = action.numpy().reshape(asked).copy()
        raw, reward, terminated, _, info = env.step(flat_action)
        rewards[step] = reward.reshape(lead)
        living = torch.from_numpy(env.alive.reshape(lead).copy())
        previous = Previous(action, torch.from_numpy(rewards[step].copy()), False, living)
        if not env.alive.any():
            break
    steps = len(actions)
    stacked = {key: _padded([p[key] for p in parameters], horizon, lead) for key in parameters[0]}
    taken = _padded(actions, horizon, lead)
    observations[steps:] = observations[steps - 1]
    final = np.asarray(raw).reshape(shown).astype(observations.dtype)  # an ended episode's has stayed its last
    family = type(distribution)
    return TrajectoryBatch(
        observations=_time_last(observations),
        actions=taken,
        rewards=_time_last(rewards),
        mask=_time_last(alive),
        log_probabilities=family.from_parameters(stacked).log_prob(taken)
        * (torch.arange(horizon) < steps),  # padding holds zeros, not the density of a zero action
        distribution=stacked,
        success=torch.from_numpy(info["success"].reshape(lead).copy()),
        terminated=torch.from_numpy(terminated.reshape(lead).copy()),
        latent=latent,
        final_observations=torch.from_numpy(final),
    )


def _before_first(env: BatchEnv, lead: tuple[int, int]) -> Previous:
    """What a policy is told of the step before an episode's first: zeros."""
    space = env.single_action_space
    kind = torch.int64 if isinstance(space, gymnasium.spaces.Discrete) else torch.float32
    action = torch.zeros(*lead, *(space.shape or ()), dtype=kind)
    return Previous(action, torch.zeros(lead), True, torch.ones(lead, dtype=torch.bool))


def _time_last(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values).movedim(0, 2).contiguous()


def _padded(values: list[torch.Tensor], horizon: int, lead: tuple[int, int]) -> torch.Tensor:
    """[task, trajectory, horizon, ...] from one [task, trajectory, ...] tensor per step taken.

    After the last step the last value repeats, so that distributions stay well defined under the mask.
    """
    values = [value if value.shape[:2] == lead else value.expand(*lead, *value.shape[2:]) for value in values]
    stacked = torch.stack(values + [values[-1]] * (horizon - len(values)), dim=2)
    return stacked.contiguous()
