"""Open a door as far as the task says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from environments.sawyer.sawyer import SawyerBatch, SawyerSuite
from environments.task import Task

#: metres from the handle within which the authors' reward pays
NEAR = 0.1
#: radians from the target within which a door stands right: 5 degrees
TOLERANCE = float(np.radians(5))


class DoorBatch(SawyerBatch):
    """With x the door's angle and x* the task's, in radians from the closed door:

    reward=authors: max(10 x, 0) up to x*, beyond it max(10 (2 x* - x), 0), both only while the middle between the
    finger tips is within 0.1 m of the handle.
    reward=printed: |10 x| up to x*, beyond it |10 (2 x* - x)|, wherever the hand is.
    Success: the door ends within 5 degrees of the target.
    """

    def _bind_object(self) -> np.ndarray:
        self._hinge = int(self.model.joint("doorjoint").qposadr[0])
        return self._positions.bind("geom_xpos")[:, self._bare.geom("handle").id]

    def _load_tasks(self, tasks: Sequence[Task]) -> None:
        self._angle = self.repeat([task.parameters["angle"] for task in tasks])

    @property
    def opening(self) -> np.ndarray:
        """The doors' angles [num_envs]; the model's hinge turns the other way."""
        return -self._qpos[:, self._hinge]

    def _reward(self) -> tuple[np.ndarray, np.ndarray]:
        opening = self.opening
        pays = 10 * np.where(opening <= self._angle, opening, 2 * self._angle - opening)
        if self.options.reward == "authors":
            gap = self._object - self.fingers
            pays = np.where(np.einsum("ij,ij->i", gap, gap) < NEAR**2, np.maximum(pays, 0), 0.0)
        else:
            pays = np.abs(pays)
        return pays, np.abs(opening - self._angle) <= TOLERANCE


class SawyerDoor(SawyerSuite):
    """Sawyer opens a door to an unknown angle, uniform on 0 to 60 degrees; the reward of GMPS's code.

    The door stands where Meta-World's file has it, and the hand begins where its resets lead it; GMPS's own door was
    another model.
    """

    name = "sawyer-door"
    family = "sawyer"
    horizon = 100
    metric = "return"
    file = "sawyer_xyz/sawyer_door_pull.xml"
    hand = (0.0, 0.6, 0.2)
    environment = DoorBatch

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        return Task(task_id, {"angle": round(generator.uniform(0, np.pi / 3), 6)})
