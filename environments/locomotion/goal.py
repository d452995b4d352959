"""Suites of goals in the plane: take the ant to the task's point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from environments.locomotion.locomotion import LocomotionBatch, LocomotionSuite
from environments.locomotion.locomotion_options import ContactOptions, dying_pays
from environments.locomotion.robots import ANT
from environments.task import Task
from environments.typed_options import option

#: metres; GMPS's radius around a goal within which sparse rewards show the way, and ours for success
NEAR = 0.8


class GoalBatch(LocomotionBatch):
    """-|x - g|_1 for the torso's position x and the task's goal g; success: within 0.8 m of the goal."""

    def _load_tasks(self, tasks: Sequence[Task]) -> None:
        self._goal = self.repeat([task.parameters["goal"] for task in tasks])

    def _task_reward(self, velocity: np.ndarray) -> np.ndarray:
        return -np.abs(self.position - self._goal).sum(1)

    def _succeeded(self) -> np.ndarray:
        return np.linalg.norm(self.position - self._goal, axis=1) <= NEAR


class SparseGoalBatch(GoalBatch):
    """The same within 0.8 m of the goal; elsewhere minus the episode's initial l1 distance, a constant."""

    def set_state(self, qpos: np.ndarray, qvel: np.ndarray) -> np.ndarray:
        observation = super().set_state(qpos, qvel)
        self._initial = super()._task_reward(np.empty(0))
        return observation

    def _task_reward(self, velocity: np.ndarray) -> np.ndarray:
        return np.where(self._succeeded(), super()._task_reward(velocity), self._initial)


@dataclass(frozen=True)
class GoalOptions(ContactOptions):
    """`goal_radius`: metres, of tasks drawn from the distribution; the fixed split keeps the suite's default."""

    terminate: bool = False
    goal_radius: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.goal_radius <= 0:
            raise ValueError(f"goal_radius must be above 0, got {self.goal_radius}")


class GoalSuite(LocomotionSuite):
    """An ant that observes where it is: x and y before gymnasium's observation."""

    robot = ANT
    environment = GoalBatch
    observes_position = True
    records_success = True
    Options = GoalOptions
    options: GoalOptions


class AntGoal(GoalSuite):
    """Ant, -|x - g|_1 - 0.1 |u|^2 - contact cost, goals uniform on the square [-3, 3]^2 (TMAML); never ends.

    goals=disc draws from the disc of radius 3, as the code of TMAML and ProMP does.  Horizon 200 as in ProMP's
    scripts; TMAML's table has 100, and two adaptation steps.  The contact cost as in `LocomotionBatch`.
    """

    name = "ant-goal"
    family = "locomotion"
    horizon = 200
    metric = "return"

    @dataclass(frozen=True)
    class Options(GoalOptions):
        control_cost: float = 0.1
        goal_radius: float = 3.0
        goals: Literal["square", "disc"] = "square"

    options: Options

    @property
    def cautions(self) -> tuple[str, ...]:
        return dying_pays(self.options)

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        """Uniform on the square of half side goal_radius, or on the disc of that radius."""
        goal = generator.uniform(-1, 1, size=2)
        while self.options.goals == "disc" and np.linalg.norm(goal) > 1:
            goal = generator.uniform(-1, 1, size=2)
        return Task(task_id, {"goal": (goal * self.options.goal_radius).round(6).tolist()})


class RingGoalSuite(GoalSuite):
    """Goals uniform on a quarter circle of radius 2 around the start (GMPS)."""

    alive_bonus = 4.0

    @dataclass(frozen=True)
    class Options(GoalOptions):
        control_cost: float = 0.005

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        angle = generator.uniform(0, np.pi / 2)
        goal = self.options.goal_radius * np.array([np.cos(angle), np.sin(angle)])
        return Task(task_id, {"goal": goal.round(6).tolist()})


class AntGoalGmps(RingGoalSuite):
    """Ant, -|x - g|_1 + 4 - 0.005 |u|^2 - contact cost, goals on a quarter circle of radius 2 (GMPS); never ends.

    GMPS's own ant has a lower gear and other dynamics; its code adds 0.05 a step and ends as ant-direction does
    (terminate=true).  The contact cost as in `LocomotionBatch`.
    """

    name = "ant-goal-gmps"
    family = "locomotion"
    horizon = 200
    metric = "return"


class AntGoalSparse(RingGoalSuite):
    """As ant-goal-gmps, but beyond 0.8 m of the goal -|x - g|_1 is that of the episode's first state (GMPS).

    train_reward=dense pays -|x - g|_1 everywhere in meta-training, as MAESN does; evaluation stays sparse.
    """

    name = "ant-goal-sparse"
    family = "locomotion"
    horizon = 200
    metric = "return"
    environment: ClassVar[type[GoalBatch]] = SparseGoalBatch

    @dataclass(frozen=True)
    class Options(RingGoalSuite.Options):
        train_reward: Literal["sparse", "dense"] = option("sparse", earlier="sparse")

    options: Options

    @property
    def training_suite(self) -> AntGoalSparse:
        if self.options.train_reward == "sparse":
            return self
        return _AntGoalSparseTraining(replace(self.options, train_reward="sparse"))


class _AntGoalSparseTraining(AntGoalSparse):
    """Its tasks under dense rewards."""

    environment = GoalBatch
