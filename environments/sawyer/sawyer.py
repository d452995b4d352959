"""What the Sawyer suites share: an arm whose hand follows a target, stepped as one batch exactly as Meta-World does."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal

import gymnasium
import mujoco
import mujoco.batch
import numpy as np

from environments.batch_env import BatchEnv
from environments.sawyer.arm import HIGH, LOW, ORIENTATION, REACH, SUBSTEPS, Start, arm_model, positions_model, settled
from environments.sawyer.assets import DIGESTS, VERSION, check_assets
from environments.suite import Suite, SuiteOptions


@dataclass(frozen=True)
class SawyerOptions(SuiteOptions):
    """The policy acts in [-action_scale, action_scale]^3, of which the ends move the hand's target by 1 cm.

    `reward`: "authors" is the code that GMPS was run with, "printed" its supplement's formula; see the suite.
    """

    action_scale: float = 1.0
    reward: Literal["authors", "printed"] = "authors"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.action_scale <= 0:
            raise ValueError(f"action_scale must be above 0, got {self.action_scale:g}")


class SawyerSuite(Suite):
    """Observation: the positions of the hand and of what it is to move, in metres.  Action: where the hand goes.

    An episode never ends before the horizon, and every one begins in the same state.
    """

    #: Meta-World's file
    file: ClassVar[str]
    #: where the hand begins, in metres; and the puck, where there is one
    hand: ClassVar[tuple[float, float, float]]
    puck: ClassVar[tuple[float, float] | None] = None
    environment: ClassVar[type[SawyerBatch]]
    records_success = True
    split_sizes: ClassVar[tuple[int, int, int]] = (20, 20, 20)
    Options: ClassVar[type[SawyerOptions]] = SawyerOptions
    options: SawyerOptions

    @property
    def observation_space(self) -> gymnasium.spaces.Box:
        return gymnasium.spaces.Box(-np.inf, np.inf, (6,), np.float64)

    @property
    def action_space(self) -> gymnasium.spaces.Box:
        scale = self.options.action_scale
        return gymnasium.spaces.Box(-scale, scale, (3,), np.float32)

    @property
    def data_digest(self) -> str:
        return DIGESTS[self.file]

    @property
    def data_source(self) -> str:
        return f"{self.file} of Meta-World {VERSION} (MIT licence), files {self.data_digest[:12]}"

    def check_data(self) -> None:
        """Raises UsageError, saying what to run, where Meta-World's files are missing or others."""
        check_assets(self.file)

    def start(self) -> Start:
        """The state in which every episode begins."""
        return _start(arm_model(self.file), self.hand, self.puck)

    def make_batch(self, tasks: int, trajectories: int) -> SawyerBatch:
        return self.environment(self, tasks, trajectories)


@cache
def _start(model: mujoco.MjModel, hand: tuple[float, float, float], puck: tuple[float, float] | None) -> Start:
    return settled(model, hand, puck)


class SawyerBatch(BatchEnv):
    """Arms stepped by MuJoCo's own batch engine.  A subclass adds what is observed beside the hand, and the reward.

    A control step: the target moves by the action, clipped to 1 and within its bounds; then five physics steps of
    2.5 ms, in which a weld draws the hand after it.  The fingers are held open by nothing but their joints.
    Positions are those after the last physics step, as Meta-World's, which calls `mj_forward` for them; here a second
    batch of a barer model computes them, to the same bits in a tenth of the time.
    """

    def __init__(self, suite: SawyerSuite, tasks: int, trajectories: int) -> None:
        super().__init__(tasks, trajectories, suite.horizon, suite.observation_space, suite.action_space)
        self.suite, self.options = suite, suite.options
        self.model = arm_model(suite.file)
        self._start = suite.start()
        self._batch = mujoco.batch.Batch(self.model, self.num_envs, nthread=1)
        self._qpos, self._qvel = self._batch.bind("qpos"), self._batch.bind("qvel")
        self._target = self._batch.bind("mocap_pos")[:, 0]
        self._bare = positions_model(suite.file)
        self._positions = mujoco.batch.Batch(self._bare, self.num_envs, nthread=1)
        self._joints = self._positions.bind("qpos")
        self._hand = self._positions.bind("xpos")[:, self._bare.body("hand").id]
        self._fingers = [
            self._positions.bind("site_xpos")[:, self._bare.site(f"{side}EndEffector").id] for side in ("right", "left")
        ]
        self._object = self._bind_object()

    def _reset(self, generator: np.random.Generator) -> np.ndarray:
        self._batch.reset(stage=mujoco.mjtStage.mjSTAGE_NONE.value)
        self._qpos[:], self._qvel[:] = self._start.qpos, self._start.qvel
        self._batch.bind("qacc_warmstart")[:] = self._start.warmstart
        self._target[:] = self._start.target
        self._batch.bind("mocap_quat")[:] = ORIENTATION
        self._locate()
        return self._observation()

    def _step(self, actions: np.ndarray, alive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        moved = self._target + self.shifts(actions)
        if alive.all():
            np.clip(moved, LOW, HIGH, out=self._target)
            self._batch.step(nstep=SUBSTEPS)
        else:
            self._target[alive] = np.clip(moved[alive], LOW, HIGH)
            self._batch.step(np.flatnonzero(alive), nstep=SUBSTEPS)
        self._locate()
        reward, success = self._reward()
        # what counts is where things stand in the end, not that they have passed there
        last = self.elapsed + 1 >= self.horizon
        return self._observation(), reward, np.zeros(self.num_envs, dtype=bool), success & last

    def shifts(self, actions: np.ndarray) -> np.ndarray:
        """By how many metres the actions [..., 3] move the hand's target."""
        return np.clip(np.asarray(actions, dtype=np.float64) / self.options.action_scale, -1, 1) * REACH

    @property
    def state(self) -> tuple[np.ndarray, np.ndarray]:
        """Copies of the positions [num_envs, nq] and velocities [num_envs, nv] of the joints."""
        return self._qpos.copy(), self._qvel.copy()

    def data(self, row: int) -> mujoco.MjData:
        """A copy of one environment's state, for any of MuJoCo's functions; run `mj_forward` for what derives of it."""
        return self._batch.get_data(row)

    @property
    def fingers(self) -> np.ndarray:
        """The middle between the finger tips, [num_envs, 3]."""
        return (self._fingers[0] + self._fingers[1]) / 2

    def _locate(self) -> None:
        self._joints[:] = self._qpos
        self._positions.forward(stage=mujoco.mjtStage.mjSTAGE_POS.value)

    def _observation(self) -> np.ndarray:
        return np.concatenate([self._hand, self._object], axis=1)

    @abstractmethod
    def _bind_object(self) -> np.ndarray:
        """A live view of the position [num_envs, 3] of what the hand is to move."""

    @abstractmethod
    def _reward(self) -> tuple[np.ndarray, np.ndarray]:
        """Rewards [num_envs], and whether the task is solved as things stand."""
