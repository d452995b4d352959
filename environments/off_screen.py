"""OpenGL without a screen: EGL, or OSMesa where the variable MUJOCO_GL says so.

On Debian and Ubuntu `apt-get install libegl1 libgl1 libgl1-mesa-dri` brings EGL with a software renderer.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import mujoco

from environments.typed_options import UsageError

INSTALL = "on Debian and Ubuntu: apt-get install libegl1 libgl1 libgl1-mesa-dri"


class OffScreen(NamedTuple):
    """make_current: makes it what OpenGL draws to, in this thread; another buffer may have been since."""

    context: mujoco.MjrContext
    make_current: Callable[[], None]


@contextmanager
def render_context(model: mujoco.MjModel, size: tuple[int, int]) -> Iterator[OffScreen]:
    """An off-screen buffer of `size`, current at first, freed at the end.

    Raises UsageError where there is no OpenGL for it.
    """
    # by hand, since mujoco.Renderer takes the kind that MUJOCO_GL named when mujoco was imported: by default a window
    # system's
    if sys.platform == "linux":
        kind = "osmesa" if os.environ.get("MUJOCO_GL", "").lower() == "osmesa" else "egl"
    else:
        kind = "gl_context"
    try:
        window = importlib.import_module(f"mujoco.{kind}").GLContext(*size)
    except Exception as error:  # drivers and PyOpenGL fail in their own ways: ImportError, AttributeError, GLError, ...
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(f"no picture without OpenGL off screen ({reason}); {INSTALL}") from error
    try:
        window.make_current()
        context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        try:
            mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, context)
            yield OffScreen(context, window.make_current)
        finally:
            window.make_current()
            context.free()
    finally:
        window.free()
