"""The arena's geometry in metres: walls, start, goal square, obstacle, the drone's hull, and the exact hit test.

Seen from above, x to the right and y ahead, with the origin in the arena's near left corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from environments.task import Task

#: goal centre and lower left corner of the obstacle, each drawn uniformly (Appendix K.1 of the XMRL-G paper)
GOAL_X, GOAL_Y = (0.5, 6.5), (10.0, 11.0)
OBSTACLE_X, OBSTACLE_Y = (0.0, 4.0), (4.0, 5.0)


@dataclass(frozen=True)
class Arena:
    """A room of `width` x `length` that the drone crosses at a fixed height."""

    width: float = 7.0
    length: float = 12.0
    start: tuple[float, float] = (3.5, 1.0)
    height: float = 1.0
    goal_size: tuple[float, float] = (1.0, 1.0)
    obstacle_size: tuple[float, float] = (3.0, 1.0)
    hull: tuple[float, float, float] = (0.52, 0.52, 0.11)  # AR.Drone 2.0 with its indoor hull

    @property
    def margin(self) -> float:
        """Half the hull's width: how near the drone's centre comes to what the hull touches."""
        return self.hull[0] / 2

    def goal_boxes(self, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lower left and upper right corners of the goal squares around `centres` [n, 2]."""
        half = np.asarray(self.goal_size) / 2
        return centres - half, centres + half

    def obstacle_boxes(self, corners: np.ndarray, inflate: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Lower left and upper right corners of the obstacles at `corners` [n, 2], grown by `inflate` on every side."""
        return corners - inflate, corners + np.asarray(self.obstacle_size) + inflate


def goal_centres(tasks: Sequence[Task]) -> np.ndarray:
    """[task, 2]"""
    return np.array([task.parameters["goal"] for task in tasks], dtype=np.float64)


def obstacle_corners(tasks: Sequence[Task]) -> np.ndarray:
    """Lower left corners [task, 2]."""
    return np.array([task.parameters["obstacle"] for task in tasks], dtype=np.float64)


def unit_headings(actions: np.ndarray) -> np.ndarray:
    """Directions of length 1 [n, 2] of actions (dx, dy, dz) [n, 3], dz taken as 0; (0, 0) where dx = dy = 0.

    Actions are cut at their box first: a Gaussian policy whose mean grows beyond it keeps some noise in its heading.
    """
    plane = actions[:, :2].clip(-1, 1).astype(np.float64)
    length = np.hypot(plane[:, 0], plane[:, 1])[:, None]
    return plane / np.where(length > 0, length, 1.0)


def goal_distance(positions: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Distances [n] from `positions` [n, 2] to the goal squares from `low` to `high` [n, 2]; 0 inside."""
    gap = np.maximum(np.maximum(low - positions, positions - high), 0.0)
    return np.hypot(gap[:, 0], gap[:, 1])


def entry(start: np.ndarray, end: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Where segments from `start` to `end` [n, 2] first touch the closed boxes from `low` to `high` [n, 2].

    The slab test: a segment is in the box while it is between both pairs of edges.
    Returns fractions of the segment [n] in [0, 1], infinity for a miss; a segment may be a single point.
    """
    along = end - start
    with np.errstate(all="ignore"):
        first, second = (low - start) / along, (high - start) / along
    parallel = along == 0
    if parallel.any():  # to a pair of edges: then a segment is between them always or never
        between = (low <= start) & (start <= high)
        first = np.where(parallel, np.where(between, -np.inf, np.inf), first)
        second = np.where(parallel, np.inf, second)
    near, far = np.minimum(first, second), np.maximum(first, second)
    enter = np.maximum(np.maximum(near[:, 0], near[:, 1]), 0.0)
    leave = np.minimum(np.minimum(far[:, 0], far[:, 1]), 1.0)
    return np.where(enter <= leave, enter, np.inf)


def hits_box(start: np.ndarray, end: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Whether segments from `start` to `end` [n, 2] touch the closed boxes from `low` to `high` [n, 2]: bool [n]."""
    return np.isfinite(entry(start, end, low, high))
