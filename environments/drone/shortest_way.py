"""How far the goal is by the shortest way around the obstacle."""

from __future__ import annotations

import numpy as np

from environments.drone.arena import goal_distance, hits_box

#: by so much the obstacle is shrunk, so that a way along its edge counts as free
TOUCH = 1e-9

Boxes = tuple[np.ndarray, np.ndarray]


class ShortestWay:
    """Distances to each drone's goal square around its obstacle, which no goal square touches.

    The way around a rectangle bends at its corners alone: straight to the goal where nothing stands between, else by
    one corner or by two.  goals, obstacles: lower left and upper right corners [n, 2].  flyable: least and greatest
    (x, y); a corner beyond them is no way.
    """

    def __init__(
        self, goals: Boxes, obstacles: Boxes, flyable: tuple[tuple[float, float], tuple[float, float]]
    ) -> None:
        self._goals = goals
        low, high = obstacles
        self._obstacles = low + TOUCH, high - TOUCH
        ways = []
        for side in (0, 1):
            x = (low, high)[side][:, 0]
            far, near = np.stack([x, high[:, 1]], axis=1), np.stack([x, low[:, 1]], axis=1)
            within = (flyable[0][0] <= x) & (x <= flyable[1][0])
            from_far = np.where(within, goal_distance(far, *goals), np.inf)
            by_far = high[:, 1] - low[:, 1] + from_far
            from_near = np.where(within & self._free(near, goals), goal_distance(near, *goals), by_far)
            ways += [(far, from_far), (near, from_near)]
        self._corners = np.stack([corner for corner, _ in ways])  # [4, n, 2]
        self._beyond = np.stack([length for _, length in ways])  # [4, n], from there to the goal

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        """Distances [n] from positions [n, 2]; from within the obstacle, by its corners."""
        distance = goal_distance(positions, *self._goals)
        low, high = self._obstacles
        inside = np.all((low < positions) & (positions < high), axis=1)
        blocked = np.flatnonzero(inside | ~self._free(positions, self._goals))
        if len(blocked):
            distance[blocked] = self._around(positions[blocked], inside[blocked], blocked)
        return distance

    def _free(self, positions: np.ndarray, goals: Boxes) -> np.ndarray:
        return ~hits_box(positions, np.clip(positions, *goals), *self._obstacles)

    def _around(self, positions: np.ndarray, inside: np.ndarray, ids: np.ndarray) -> np.ndarray:
        low, high = self._obstacles[0][ids], self._obstacles[1][ids]
        lengths = []
        for corner, beyond in zip(self._corners[:, ids], self._beyond[:, ids], strict=True):
            free = inside | ~hits_box(positions, corner, low, high)
            leg = corner - positions
            lengths.append(np.where(free, np.hypot(leg[:, 0], leg[:, 1]) + beyond, np.inf))
        return np.min(lengths, axis=0)
