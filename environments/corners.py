"""A point in the plane that must find which of four corners pays: Section 4.3 of the ProMP paper.

`corners` is `MetaPointEnvCorner` of jonasrothfuss/ProMP (meta_policy_search/envs/point_envs), paid by a potential in
place of the published reward, which can be pumped; `corners-momentum` is its `MetaPointEnvMomentum`, which the paper's
exploration figure used.  Both adapt in three steps in the paper.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import gymnasium
import numpy as np

from environments.batch_env import BatchEnv
from environments.suite import Suite, SuiteOptions
from environments.task import Task
from environments.typed_options import option

CORNERS = ((-2.0, -2.0), (2.0, -2.0), (-2.0, 2.0), (2.0, 2.0))
#: success: the point came at least this near to its goal
SUCCESS_RADIUS = 0.5
#: distance of each corner from the centre
REACH = float(np.hypot(2.0, 2.0))
#: |s|_1 below this is the start zone
START_ZONE = 0.5
#: steps to a goal from the start that is farthest from it
FARTHEST = 11
PUMPED = (
    "this option can be exploited: a step out of the goal's quadrant costs nothing and the step back in pays, so that "
    "bouncing on its border earns up to 14.1 an episode and walking straight to the goal 2.8"
)


@dataclass(frozen=True)
class PointOptions(SuiteOptions):
    """`action_scale` s: policy actions in [-s, s] map linearly onto the motor's range, beyond it they are clipped.

    The default 1 makes an untrained policy's standard deviation 1 a full step of 0.2: such a policy meets its goal's
    quadrant outside the start zone in 67 % of the episodes.  ProMP's script has 10, under which it does so in 11 %,
    drifts 0.2 in a whole episode and earns about 0.01.
    """

    action_scale: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.action_scale <= 0:
            raise ValueError(f"action_scale must be above 0, got {self.action_scale:g}")


@dataclass(frozen=True)
class CornersOptions(PointOptions):
    """`reward`: "potential" pays progress that cannot be pumped, "published" is ProMP's; see `Corners`."""

    reward: Literal["potential", "published"] = option("potential", earlier="published")


@dataclass(frozen=True)
class MomentumOptions(PointOptions):
    """The default 10 is ProMP's: accelerations of 0.01 keep an untrained policy near the corners.

    It then earns in 10 % of its steps; at scale 1 it has soon left the plane's populated part for good (3 %).
    """

    action_scale: float = 10.0


class CornerSuite(Suite):
    """Four tasks, one per corner; an episode never ends early."""

    Options: ClassVar[type[PointOptions]] = PointOptions
    options: PointOptions
    records_success = True
    split_sizes: ClassVar[tuple[int, int, int]] = (4, 4, 4)
    observation_size: ClassVar[int]

    @property
    def observation_space(self) -> gymnasium.spaces.Box:
        return gymnasium.spaces.Box(-np.inf, np.inf, (self.observation_size,), np.float64)

    @property
    def action_space(self) -> gymnasium.spaces.Box:
        scale = self.options.action_scale
        return gymnasium.spaces.Box(-scale, scale, (2,), np.float32)

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        """One of the four corners, each as likely."""
        return Task(task_id, {"goal": CORNERS[generator.integers(len(CORNERS))]})

    def all_tasks(self) -> tuple[Task, ...]:
        """The four tasks that there are."""
        return tuple(Task(f"corner-{index}", {"goal": corner}) for index, corner in enumerate(CORNERS))


class Corners(CornerSuite):
    """A point that is paid for approaching its goal, but only within the goal's own quadrant.

    Observation: the position.  Each coordinate moves by at most 0.2 a step, from a start in U(-0.2, 0.2)^2.

    Reward: F(s') - F(s) for a step from s to s'.  F is 0 in the start zone |s|_1 < 0.5 and wherever another corner is
    nearer, so that nothing is learned there, and else 2 sqrt 2 - |s - g|: how much nearer than the centre s is to the
    goal g.  A step within the quadrant pays the decrease of the distance, as published; who enters is paid what has
    been gained since the centre, and who leaves pays it back.
    No path earns more than one straight to where it ends: the sum of the rewards up to time T is F(s_T) - F(s_0), and
    F(s_0) = 0 since every start lies in the start zone, so it is at most F(g) = 2 sqrt 2.  Nor does discounting help:
    sum_t c^t (F(s_t+1) - F(s_t)) = (1 - c) sum_{0<t<T} c^(t-1) F(s_t) + c^(T-1) F(s_T) is an average of F's values.

    reward=published: 0 where F is 0 at s', else the decrease of the distance.  A step out of the quadrant costs
    nothing then, and the step back in pays again: up to 50 x 0.2 sqrt 2 = 14.1 an episode without going anywhere.
    """

    name = "corners"
    family = "corners"
    metric = "return"
    horizon = 100
    observation_size = 2
    Options = CornersOptions
    options: CornersOptions
    earlier_versions = ("reward=published",)

    @property
    def best_score(self) -> float | None:
        """F at the goal, less that of a start, which is 0; 11 steps of 0.2 suffice for the farthest way of 2.2."""
        return REACH if self.options.reward == "potential" and self.horizon >= FARTHEST else None

    @property
    def cautions(self) -> tuple[str, ...]:
        return (PUMPED,) if self.options.reward == "published" else ()

    def make_batch(self, tasks: int, trajectories: int) -> CornersBatch:
        return CornersBatch(self, tasks, trajectories)


class CornersMomentum(CornerSuite):
    """A point with momentum, paid by how near it is to its goal.

    Observation: position, velocity.  Each coordinate's velocity changes by at most 0.1 a step, from a start in
    U(-0.2, 0.2)^2 with velocity U(-0.1, 0.1)^2.  Reward: max(2 - distance to the goal, 0) after the step.
    """

    name = "corners-momentum"
    family = "corners"
    metric = "return"
    horizon = 100
    observation_size = 4
    Options = MomentumOptions

    def make_batch(self, tasks: int, trajectories: int) -> MomentumBatch:
        return MomentumBatch(self, tasks, trajectories)


class PointBatch(BatchEnv):
    """Points in the plane, stepped together; a subclass says how an action moves them and what it earns."""

    limit: ClassVar[float]  # the motor's range in each coordinate
    _state: np.ndarray

    def __init__(self, suite: CornerSuite, tasks: int, trajectories: int) -> None:
        super().__init__(tasks, trajectories, suite.horizon, suite.observation_space, suite.action_space)
        self._unit = self.limit / suite.options.action_scale

    def _load_tasks(self, tasks: Sequence[Task]) -> None:
        self._goal = self.repeat([task.parameters["goal"] for task in tasks])

    def _step(self, actions: np.ndarray, alive: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
        control = np.clip(actions.astype(np.float64) * self._unit, -self.limit, self.limit)
        state = self._move(control)
        before, self._state = self._state, state if alive.all() else np.where(alive[:, None], state, self._state)
        distance = self._distance(self._state)
        reward = self._reward(before, distance)
        return self._state, reward, np.zeros(self.num_envs, dtype=bool), distance < SUCCESS_RADIUS

    def _distance(self, state: np.ndarray) -> np.ndarray:
        gap = state[:, :2] - self._goal
        return np.sqrt(gap[:, 0] ** 2 + gap[:, 1] ** 2)

    @abstractmethod
    def _move(self, control: np.ndarray) -> np.ndarray:
        """The next state [num_envs, size], for motor commands [num_envs, 2] within the limit."""

    @abstractmethod
    def _reward(self, before: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """[num_envs], from the state before the step and the distance to the goal after it."""


class CornersBatch(PointBatch):
    """Positions [num_envs, 2]."""

    limit = 0.2

    def __init__(self, suite: Corners, tasks: int, trajectories: int) -> None:
        super().__init__(suite, tasks, trajectories)
        self._published = suite.options.reward == "published"

    def _reset(self, generator: np.random.Generator) -> np.ndarray:
        self._state = generator.uniform(-0.2, 0.2, (self.num_envs, 2))
        return self._state

    def _move(self, control: np.ndarray) -> np.ndarray:
        return self._state + control

    def _reward(self, before: np.ndarray, distance: np.ndarray) -> np.ndarray:
        earlier, paid = self._distance(before), self._paid(self._state)
        if self._published:
            return np.where(paid, earlier - distance, 0.0)
        return np.where(paid, REACH - distance, 0.0) - np.where(self._paid(before), REACH - earlier, 0.0)

    def _paid(self, state: np.ndarray) -> np.ndarray:
        """Whether positions [num_envs, 2] lie outside the start zone and nearest to their goal; bool [num_envs]."""
        across, up = state[:, 0], state[:, 1]
        left_start = np.abs(across) + np.abs(up) >= START_ZONE
        # the goal's corner is the nearest exactly where both coordinates have the goal's signs
        return left_start & (across * self._goal[:, 0] >= 0) & (up * self._goal[:, 1] >= 0)


class MomentumBatch(PointBatch):
    """Positions and velocities [num_envs, 4]."""

    limit = 0.1

    def _reset(self, generator: np.random.Generator) -> np.ndarray:
        position = generator.uniform(-0.2, 0.2, (self.num_envs, 2))
        self._state = np.concatenate([position, generator.uniform(-0.1, 0.1, (self.num_envs, 2))], axis=1)
        return self._state

    def _move(self, control: np.ndarray) -> np.ndarray:
        velocity = self._state[:, 2:] + control
        return np.concatenate([self._state[:, :2] + velocity, velocity], axis=1)

    def _reward(self, before: np.ndarray, distance: np.ndarray) -> np.ndarray:
        return np.maximum(2.0 - distance, 0.0)
