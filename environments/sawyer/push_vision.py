"""Push a puck that is seen by a camera."""

from __future__ import annotations

from typing import Any

import numpy as np

from environments.image_space import ImageBox
from environments.sawyer.camera import IMAGE, open_camera
from environments.sawyer.push import PushBatch, SawyerPush
from environments.sawyer.sawyer import SawyerSuite
from environments.task import Task


class VisionPushBatch(PushBatch):
    """As `PushBatch`, the puck's position replaced by a picture.  A picture is taken of every environment in turn."""

    def __init__(self, suite: SawyerSuite, tasks: int, trajectories: int) -> None:
        super().__init__(suite, tasks, trajectories)
        self._camera = open_camera(suite.file)

    def _observation(self) -> np.ndarray:
        pictures = self._camera.pictures(self._qpos).reshape(self.num_envs, -1) / 255.0
        return np.concatenate([pictures, self._hand], axis=1)


class SawyerPushVision(SawyerSuite):
    """Sawyer pushes a puck that it sees: 48 x 64 pixels and the hand's position; the rest as sawyer-push.

    Observation: the picture's numbers in [0, 1], row by row, three a pixel, then the hand's (x, y, z).  GMPS's camera
    is not in Meta-World's models; ours stands opposite the arm.  Pixels may differ between OpenGL's drivers.
    """

    name = "sawyer-push-vision"
    family = "sawyer"
    horizon = 50
    metric = "return"
    file = SawyerPush.file
    hand = SawyerPush.hand
    puck = SawyerPush.puck
    environment = VisionPushBatch

    def check_data(self) -> None:
        """Also raises UsageError where there is no OpenGL to take pictures with."""
        super().check_data()
        open_camera(self.file)

    def describe(self) -> dict[str, Any]:
        """Who takes the pictures: OpenGL's renderer, on which their last bits depend."""
        return {"renderer": open_camera(self.file).renderer}

    @property
    def observation_space(self) -> ImageBox:
        return ImageBox(IMAGE, 3)

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        return SawyerPush().draw_task(generator, task_id)
