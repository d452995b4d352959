"""What the paper leaves open about the drone's MDP, as options that both simulators share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from environments.drone.arena import GOAL_Y, OBSTACLE_X, Arena, goal_distance
from environments.drone.shortest_way import Boxes, ShortestWay
from environments.suite import SuiteOptions


@dataclass(frozen=True)
class DroneOptions(SuiteOptions):
    """Lengths in metres; `docs/drone.md` gives the reason for each default."""

    width: float = 7.0
    length: float = 12.0
    start: tuple[float, float] = (3.5, 1.0)
    height: float = 1.0
    step_length: float = 0.1  # per decision
    inflate: float = 0.26  # the drone's centre stays this far from walls and obstacle: half its hull
    walls: Literal["stop", "crash"] = "stop"  # "crash": touching a wall counts as hitting the obstacle
    collision: Literal["swept", "end"] = "swept"  # goal and obstacle tested along the whole step, or at its end alone
    terminal: bool = True  # goal and obstacle end the episode
    reward_goal: float = 1.0
    reward_obstacle: float = -1.0
    shaping: Literal["progress", "potential", "sparse"] = "progress"
    shaping_weight: float = 1.0  # per metre
    shaping_distance: Literal["way", "straight"] = "way"  # to the goal around the obstacle, or as if it were not there
    normalise_observations: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        arena = Arena()
        narrow, short = OBSTACLE_X[1] + arena.obstacle_size[0], GOAL_Y[1] + arena.goal_size[1] / 2
        if self.width < narrow:
            raise ValueError(f"width must be at least {narrow:g}, which obstacles and goals span, got {self.width:g}")
        if self.length < short:
            raise ValueError(f"length must be at least {short:g}, where the farthest goals end, got {self.length:g}")
        if not 0 <= self.inflate < 1:
            raise ValueError(f"inflate must be at least 0 and below 1, got {self.inflate:g}")
        for name in ("height", "step_length"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name):g}")
        if self.shaping_weight < 0:
            raise ValueError(f"shaping_weight must be at least 0, got {self.shaping_weight:g}")
        low, high = self.flyable
        if not (low[0] <= self.start[0] <= high[0] and low[1] <= self.start[1] <= high[1]):
            raise ValueError(
                f"start must be within {low[0]:g}:{low[1]:g} and {high[0]:g}:{high[1]:g}, got "
                f"{self.start[0]:g}:{self.start[1]:g}"
            )

    @property
    def arena(self) -> Arena:
        return Arena(self.width, self.length, self.start, self.height)

    @property
    def flyable(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Least and greatest (x, y) of the drone's centre between the walls."""
        return (self.inflate, self.inflate), (self.width - self.inflate, self.length - self.inflate)

    def observe(self, positions: np.ndarray) -> np.ndarray:
        """Observations [n, 3] of positions (x, y, z) [n, 3].

        The paper's are the positions.  Normalised: the arena's floor becomes [-1, 1]^2 and z is taken from `height`,
        so that it is 0 where the height is held.
        """
        if not self.normalise_observations:
            return positions
        half = np.array([self.width / 2, self.length / 2, 1.0])
        return (positions - np.array([self.width / 2, self.length / 2, self.height])) / half

    def reward(
        self, reached: np.ndarray, hit: np.ndarray, before: np.ndarray, after: np.ndarray, discount: float
    ) -> np.ndarray:
        """[n], from who reached the goal or hit the obstacle (bool) and the distances to the goal around the step.

        "progress" pays weight * (before - after); "potential" weight * (before - gamma * after), the difference of
        potentials -weight * distance (Ng, Harada and Russell 1999).  The distance is 0 at the goal.
        """
        earned = self.reward_goal * reached + self.reward_obstacle * hit
        if self.shaping == "sparse":
            return earned
        kept = discount if self.shaping == "potential" else 1.0
        return earned + self.shaping_weight * (before - kept * after)

    def distance(self, goals: Boxes, obstacles: Boxes) -> Callable[[np.ndarray], np.ndarray]:
        """Positions [n, 2] -> distances to the goal squares [n], as the shaping measures them."""
        if self.shaping_distance == "straight":
            return lambda positions: goal_distance(positions, *goals)
        return ShortestWay(goals, obstacles, self.flyable)
