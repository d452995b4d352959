"""The physics of a collection alone: the same controls from the same states by MuJoCo's own loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import mujoco.batch
import numpy as np

from benchmarks.bench.measure import processor_seconds
from environments.access import Guard
from environments.collector import Collector
from environments.ledger import Ledger
from environments.locomotion.locomotion import LocomotionBatch, LocomotionSuite
from environments.locomotion.robots import load_model
from environments.policy import Policy
from environments.streams import Streams
from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch


@dataclass(frozen=True)
class Collection:
    """What it takes to repeat a collection, and the positions where it ended, [num_envs, nq]."""

    environment: LocomotionBatch
    seed: int
    actions: np.ndarray  # [num_envs, time, motors], as drawn
    end: np.ndarray


class NotingCollector(Collector):
    """Notes every collection in `collections`, with as good as no work of its own."""

    def __init__(self, suite: LocomotionSuite, streams: Streams) -> None:
        super().__init__(suite, streams, Ledger(None), Guard("measuring", {"train", "validation"}))
        self.collections: list[Collection] = []

    def collect(self, policy: Policy, tasks: Sequence[TaskRef], trajectories: int) -> TrajectoryBatch:
        batch = super().collect(policy, tasks, trajectories)
        environment = self._prepared(tasks, trajectories)  # the one that was used: it is kept
        assert isinstance(environment, LocomotionBatch) and environment.np_random_seed is not None
        actions = batch.actions.flatten(0, 1).numpy()
        self.collections.append(Collection(environment, environment.np_random_seed, actions, environment.state[0]))
        return batch


class BarePhysics:
    """`mj_step` in C++ over one environment after the other, by `mujoco.batch.Batch.rollout` on one thread.

    Nothing is observed, rewarded or recorded; no loop over `mj_step` that was tried is faster.
    """

    def __init__(self, suite: LocomotionSuite, environments: int) -> None:
        self._suite = suite
        self._batch = mujoco.batch.Batch(load_model(suite.robot), environments, nthread=1)
        self._qpos, self._qvel = self._batch.bind("qpos"), self._batch.bind("qvel")

    def seconds(self, collection: Collection) -> float:
        """Processor time of the collection's physics, no episode of which may have ended early.

        Leaves the collection's environment at its start.  Raises RuntimeError if the replay ends elsewhere than the
        collection did, to the bit: what they cost would not compare.
        """
        collection.environment.reset(seed=collection.seed)
        self._batch.reset(stage=mujoco.mjtStage.mjSTAGE_NONE.value)
        self._qpos[:], self._qvel[:] = collection.environment.state
        self._batch.forward()
        controls = np.repeat(self._controls(collection.actions), self._suite.robot.frame_skip, axis=1)
        seconds = processor_seconds(lambda: self._batch.rollout(controls.shape[1], controls, record=()))
        if not np.array_equal(self._qpos, collection.end):
            raise RuntimeError(f"{self._suite.full_name}: the replayed controls led to another state")
        return seconds

    def _controls(self, actions: np.ndarray) -> np.ndarray:
        """What is sent to the motors for the actions, float64 [num_envs, time, motors]."""
        low, high = load_model(self._suite.robot).actuator_ctrlrange.T
        return np.clip(actions / (self._suite.options.action_scale / high), low, high)
