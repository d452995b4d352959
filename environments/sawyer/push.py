"""Push a puck to the task's goal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from environments.sawyer.sawyer import SawyerBatch, SawyerSuite
from environments.task import Task

#: metres from the goal within which a puck has arrived, Meta-World's and GMPS's
NEAR = 0.05
#: height of the goals, which the printed reward needs: half the puck's
HEIGHT = 0.02


class PushBatch(SawyerBatch):
    """With o the puck, f the middle between the finger tips, g the goal and c the distance that o began at from g:

    reward=authors: -|o - f| + 100 max(0, c - |o - g|), the second distance and c in the plane.
    reward=printed: -|o - f| + 100 |c - |g - f||, which pays for moving the hand, whatever becomes of the puck.
    Success: the puck ends within 5 cm of the goal, in the plane.
    """

    def _bind_object(self) -> np.ndarray:
        return self._positions.bind("xpos")[:, self._bare.body("obj").id]

    def _load_tasks(self, tasks: Sequence[Task]) -> None:
        goals = self.repeat([task.parameters["goal"] for task in tasks])
        self._goal = np.concatenate([goals, np.full((self.num_envs, 1), HEIGHT)], axis=1)

    def _reset(self, generator: np.random.Generator) -> np.ndarray:
        observation = super()._reset(generator)
        self._reach = _length((self._object - self._goal)[:, : self._dimensions])
        return observation

    @property
    def _dimensions(self) -> int:
        """In which the distance to the goal is measured: the plane's, or all."""
        return 2 if self.options.reward == "authors" else 3

    def _reward(self) -> tuple[np.ndarray, np.ndarray]:
        fingers = self.fingers
        nearness = -_length(self._object - fingers)
        left = _length((self._object - self._goal)[:, :2])
        if self.options.reward == "authors":
            gained = np.maximum(self._reach - left, 0)
        else:
            gained = np.abs(self._reach - _length(self._goal - fingers))
        return nearness + 100 * gained, left <= NEAR


class SawyerPush(SawyerSuite):
    """Sawyer pushes a puck 18 to 28 cm to an unknown goal; reward and observation of GMPS's code.

    The goal is uniform on x in [-0.1, 0.1], y in [0.7, 0.8] metres, as GMPS's; the puck begins at (0, 0.52).
    """

    name = "sawyer-push"
    family = "sawyer"
    horizon = 50
    metric = "return"
    file = "sawyer_xyz/sawyer_push_v3.xml"
    hand = (0.0, 0.4, 0.05)
    puck = (0.0, 0.52)
    environment = PushBatch

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        return Task(task_id, {"goal": generator.uniform((-0.1, 0.7), (0.1, 0.8), size=2).round(6).tolist()})


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
