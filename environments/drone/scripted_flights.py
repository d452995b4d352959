"""Scripted flights around the obstacle, or straight into it: the same headings for two simulators to be compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from environments.drone.arena import goal_centres, obstacle_corners
from environments.drone.drone_options import DroneOptions
from environments.streams import Streams
from environments.task import Task

#: metres that a passage between obstacle and wall must have beyond the hull for a flight to be sent through
PASSAGE = 0.1


class ScriptedFlights:
    """One flight per environment, tasks x trajectories in task-major order, each a function from position to heading.

    A flight passes the obstacle on a side where the hull fits, at a distance of its own, or is meant to fly into it
    (`into_obstacle` [n] bool), then goes for a point of the goal square.  It steers by where it is, not by what it
    has done, so that it serves simulators that move differently.

    clearance: least and greatest distance in metres to the obstacle beyond the hull, each flight's uniform between
        them; at 0 a flight grazes the obstacle.
    noise: greatest standard deviation of the heading's angle in radians; each flight's is uniform up to it.
    bad: the share of flights into the obstacle, at random.
    streams: the draws are a function of its keys alone.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        trajectories: int,
        options: DroneOptions,
        streams: Streams,
        *,
        clearance: tuple[float, float] = (0.0, 0.6),
        noise: float = 0.6,
        bad: float = 0.2,
    ) -> None:
        self._streams = streams
        draw = streams.numpy("flights")
        count = len(tasks) * trajectories
        low, high = options.arena.obstacle_boxes(np.repeat(obstacle_corners(tasks), trajectories, axis=0))
        passage = 2 * options.inflate + PASSAGE
        left_open, right_open = low[:, 0] >= passage, high[:, 0] <= options.arena.width - passage
        self.into_obstacle = draw.random(count) < bad
        self.left = np.where(left_open & right_open, draw.random(count) < 0.5, left_open)
        apart = options.inflate + draw.uniform(*clearance, count)
        self._noise = noise * draw.random(count)

        # within the room: a wide clearance in a narrow passage is what there is
        (least, _), (greatest, _) = options.flyable
        beside = np.where(self.left, np.maximum(low[:, 0] - apart, least), np.minimum(high[:, 0] + apart, greatest))
        across = np.where(self.into_obstacle, draw.uniform(low[:, 0], high[:, 0]), beside)
        self._before = np.stack([across, np.where(self.into_obstacle, low[:, 1], low[:, 1] - apart)], axis=1)
        self._after = np.stack([across, high[:, 1] + apart], axis=1)
        centres = np.repeat(goal_centres(tasks), trajectories, axis=0)
        half = np.asarray(options.arena.goal_size) / 4
        self._goal = np.clip(draw.uniform(centres - half, centres + half), *options.flyable)

    def actions(self, positions: np.ndarray, decision: int) -> np.ndarray:
        """Headings (dx, dy, 0) [n, 3] of length 1 from positions (x, y, ...) [n, 2 or more], noise included.

        decision: its number in the episode, which keys the noise.
        """
        plane = positions[:, :2]
        reached_before = plane[:, 1] >= self._before[:, 1] - 1e-9
        reached_after = plane[:, 1] >= self._after[:, 1] - 1e-9
        target = np.where(reached_before[:, None], self._after, self._before)
        target = np.where(reached_after[:, None], self._goal, target)
        gap = target - plane
        noise = self._streams.numpy("noise", decision).standard_normal(len(plane))
        angle = np.arctan2(gap[:, 1], gap[:, 0]) + self._noise * noise
        return np.stack([np.cos(angle), np.sin(angle), np.zeros(len(plane))], axis=1)
