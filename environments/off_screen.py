"""OpenGL without a screen: EGL, or OSMesa where the variable MUJOCO_GL says so.

On Debian and Ubuntu `apt-get install libegl1 libgl1 libgl1-mesa-dri` brings EGL with a software renderer.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import mujoco

from environments.typed_options import UsageError

INSTALL = "on Debian and Ubuntu: apt-get install libegl1 libgl1 libgl1-mesa-dri"


@contextmanager
def render_context(model: mujoco.MjModel, size: tuple[int, int]) -> Iterator[mujoco.MjrContext]:
    """An off-screen buffer of `size`, freed at the end.  Raises UsageError where there is no OpenGL for it."""
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
            yield context
        finally:
            context.free()
    finally:
        window.free()
