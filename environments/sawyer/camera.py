"""The camera of `sawyer-push-vision`: small pictures of the table, rendered off screen by MuJoCo."""

from __future__ import annotations

import atexit
import copy
from contextlib import ExitStack
from functools import cache

import mujoco
import numpy as np

from environments.off_screen import render_context
from environments.sawyer.arm import arm_model

#: pixels, width and height, of what is rendered, and the rows and columns of it that are kept, as in GMPS's code
SIZE = (84, 84)
ROWS, COLUMNS = slice(0, 48), slice(10, 74)
IMAGE = (48, 64, 3)
#: a place on the table in metres, the distance to it, and degrees: opposite the arm, which hides neither puck nor goals
LOOK_AT, DISTANCE, AZIMUTH, ELEVATION = (0.0, 0.79, 0.0), 0.72, -90.0, -50.0
#: geoms that a scene has beside the model's
ROOM = 50


class Camera:
    """An open buffer for pictures of one model.

    Without shadows, reflections and smoothed edges, of which one picture on a processor would take thirty times as
    long, and without sites: Meta-World's file shows a goal by one, at the same place in every task.
    """

    def __init__(self, file: str, resources: ExitStack) -> None:
        self._model = copy.copy(arm_model(file))
        visual = self._model.vis
        visual.quality.offsamples, visual.quality.shadowsize = 0, 0
        visual.global_.offwidth, visual.global_.offheight = SIZE
        self._context, self._make_current = resources.enter_context(render_context(self._model, SIZE))
        #: OpenGL's name of what draws
        self.renderer = _renderer()
        self._data = mujoco.MjData(self._model)
        self._scene = mujoco.MjvScene(self._model, maxgeom=self._model.ngeom + ROOM)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = False
        self._scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        self._shown = mujoco.MjvOption()
        self._shown.sitegroup[:] = 0
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_FREE
        self._view.lookat[:], self._view.distance = LOOK_AT, DISTANCE
        self._view.azimuth, self._view.elevation = AZIMUTH, ELEVATION
        self._pixels = np.empty((SIZE[1], SIZE[0], 3), dtype=np.uint8)

    def pictures(self, qpos: np.ndarray) -> np.ndarray:
        """uint8 [n, 48, 64, 3] of the joint positions [n, nq]."""
        self._make_current()
        taken = np.empty((len(qpos), *IMAGE), dtype=np.uint8)
        for row, joints in enumerate(qpos):
            taken[row] = self._picture(joints)
        return taken

    def _picture(self, joints: np.ndarray) -> np.ndarray:
        model, data, scene = self._model, self._data, self._scene
        data.qpos[:] = joints
        mujoco.mj_kinematics(model, data)
        mujoco.mj_camlight(model, data)
        everything = mujoco.mjtCatBit.mjCAT_ALL.value
        mujoco.mjv_updateScene(model, data, self._shown, mujoco.MjvPerturb(), self._view, everything, scene)
        rectangle = mujoco.MjrRect(0, 0, *SIZE)
        mujoco.mjr_render(rectangle, scene, self._context)
        mujoco.mjr_readPixels(self._pixels, None, rectangle, self._context)
        return self._pixels[::-1][ROWS, COLUMNS]


def _renderer() -> str:
    from OpenGL import GL  # only once there is a context; PyOpenGL chooses its platform as it is imported

    return bytes(GL.glGetString(GL.GL_RENDERER)).decode()


@cache
def open_camera(file: str) -> Camera:
    """One for all batches of a process, freed at its end.  Raises UsageError where there is no OpenGL for it."""
    resources = ExitStack()
    camera = Camera(file, resources)
    atexit.register(resources.close)
    return camera
