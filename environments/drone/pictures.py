"""Pictures and animations of recorded flights, rendered off screen by MuJoCo.

Rendering needs OpenGL without a screen, see `environments.off_screen`.
"""

from __future__ import annotations

import io
import itertools
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import mujoco
import numpy as np
from PIL import Image

from environments.drone.arena import Arena, goal_centres, obstacle_corners
from environments.drone.quadrotor import WALLS, obstacle_positions, quadrotor_spec
from environments.off_screen import render_context
from environments.task import Task
from environments.typed_options import UsageError

if TYPE_CHECKING:
    from environments.drone.drone_options import DroneOptions
    from environments.trajectories import TrajectoryBatch

SIZE = (800, 450)  # pixels, width and height
ANIMATION_SIZE = (480, 270)
FRAMES = 60  # of an animation, at most
FRAME_SECONDS = 0.08

BLUE, GREEN, RED, DARK = (0.12, 0.35, 0.75, 1), (0.2, 0.65, 0.3, 1), (0.8, 0.25, 0.2, 1), (0.15, 0.15, 0.17, 1)
GLASS = (0.55, 0.65, 0.75, 0.25)
#: geoms that a scene has beside the model's and the path's: lights, cameras
ROOM = 100


def flight_picture(
    task: Task,
    positions: np.ndarray,
    arena: Arena | None = None,
    *,
    camera: Literal["overview", "front"] = "overview",
    size: tuple[int, int] = SIZE,
) -> bytes:
    """A PNG of the arena with the whole path, the drone at its end.

    positions: [time, 2 or 3] in metres, the drone's centre; without z it flies at the arena's height.
    camera: from beside the arena, or on board.  size: width and height in pixels.
    Raises UsageError if positions are not of that shape or nothing can be rendered here.
    """
    arena = arena or Arena()
    path = _path(positions, arena)
    with _stage(task, arena, size, len(path)) as stage:
        return _encoded(Image.fromarray(stage.shot(path, camera)), format="PNG", optimize=True)


def flight_animation(
    task: Task,
    positions: np.ndarray,
    arena: Arena | None = None,
    *,
    camera: Literal["overview", "front"] = "overview",
    size: tuple[int, int] = ANIMATION_SIZE,
) -> bytes:
    """A GIF of the flight, the path growing behind the drone; arguments and errors as of `flight_picture`."""
    arena = arena or Arena()
    path = _path(positions, arena)
    ends = np.unique(np.linspace(1, len(path), min(FRAMES, len(path))).round().astype(int))
    with _stage(task, arena, size, len(path)) as stage:
        shots = [Image.fromarray(stage.shot(path[:end], camera)) for end in ends]
    # one palette, the last frame's, so that what stands still is the same in all frames and costs nothing
    palette = shots[-1].quantize(256, dither=Image.Dither.NONE)
    frames = [shot.quantize(palette=palette, dither=Image.Dither.NONE) for shot in shots]
    durations = [round(1000 * FRAME_SECONDS)] * (len(frames) - 1) + [1500]
    return _encoded(frames[0], format="GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)


def adapted_flight(
    options: DroneOptions, tasks: Sequence[Task], adapted: TrajectoryBatch, animated: bool = True
) -> dict[str, bytes]:
    """`flight.png`, and `flight.gif`, of the first successful trajectory on the first task, else of the first one.

    adapted: a batch whose first row is that task's.  Warns and returns nothing where there is no OpenGL, which must
    not cost a finished run.
    """
    trajectory = int(adapted.success[0].int().argmax())
    observed = adapted.observations[0, trajectory, : int(adapted.lengths[0, trajectory])].double().numpy()
    # what is observed is affine in the position
    origin, unit = options.observe(np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]))
    path = (observed - origin) / (unit - origin)
    try:
        pictures = {"flight.png": flight_picture(tasks[0], path, options.arena)}
        if animated:
            pictures["flight.gif"] = flight_animation(tasks[0], path, options.arena)
        return pictures
    except UsageError as error:
        warnings.warn(f"{tasks[0].id}: {error}", RuntimeWarning, stacklevel=2)
        return {}


class _Stage:
    """A decorated arena that is open for rendering."""

    def __init__(
        self, model: mujoco.MjModel, context: mujoco.MjrContext, size: tuple[int, int], positions: int
    ) -> None:
        self._model, self._context, self._size = model, context, size
        self._data = mujoco.MjData(model)
        self._scene = mujoco.MjvScene(model, maxgeom=model.ngeom + positions + ROOM)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = True

    def shot(self, path: np.ndarray, camera: str) -> np.ndarray:
        """Pixels [height, width, 3] with the drone at the end of `path` [time, 3]."""
        model, data, scene = self._model, self._data, self._scene
        data.qpos[:3] = path[-1]
        mujoco.mj_forward(model, data)
        view = mujoco.MjvCamera()
        view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        view.fixedcamid = model.camera(camera).id
        everything = mujoco.mjtCatBit.mjCAT_ALL.value
        mujoco.mjv_updateScene(model, data, mujoco.MjvOption(), mujoco.MjvPerturb(), view, everything, scene)
        for start, end in itertools.pairwise(path):
            _add_segment(scene, start, end)
        width, height = self._size
        rectangle = mujoco.MjrRect(0, 0, width, height)
        mujoco.mjr_render(rectangle, scene, self._context)
        pixels = np.empty((height, width, 3), dtype=np.uint8)
        mujoco.mjr_readPixels(pixels, None, rectangle, self._context)
        return pixels[::-1]


@contextmanager
def _stage(task: Task, arena: Arena, size: tuple[int, int], positions: int) -> Iterator[_Stage]:
    """The task's arena, for a path of so many positions; everything is freed at the end."""
    spec = quadrotor_spec(arena)
    spec.body("obstacle").pos = obstacle_positions(arena, obstacle_corners([task]))[0]
    _decorate(spec, arena, goal_centres([task])[0], size)
    model = spec.compile()
    with render_context(model, size) as (context, _):
        yield _Stage(model, context, size, positions)


def _path(positions: np.ndarray, arena: Arena) -> np.ndarray:
    """[time, 3]"""
    path = np.asarray(positions, dtype=np.float64)
    if path.ndim != 2 or path.shape[1] not in (2, 3) or not len(path) or not np.isfinite(path).all():
        raise UsageError(f"positions must be finite, [time, 2 or 3] with at least one, got shape {list(path.shape)}")
    if path.shape[1] == 2:
        path = np.column_stack([path, np.full(len(path), arena.height)])
    return path


def _decorate(spec: mujoco.MjSpec, arena: Arena, goal: np.ndarray, size: tuple[int, int]) -> None:
    """What is to be seen and never touched: floor tiles, low walls, goal square, start mark, a vehicle, light."""
    geoms, world = mujoco.mjtGeom, spec.worldbody
    visual = spec.visual
    visual.global_.offwidth, visual.global_.offheight = size
    visual.headlight.ambient, visual.headlight.diffuse = (0.45, 0.45, 0.45), (0.3, 0.3, 0.3)
    visual.quality.shadowsize = 2048
    visual.quality.numslices, visual.quality.numstacks = 16, 8  # the path's many round pieces are small
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=(0.95, 0.96, 0.98),
        rgb2=(0.75, 0.8, 0.87),
        width=64,
        height=64,
    )
    spec.add_texture(
        name="tiles",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        rgb1=(0.8, 0.8, 0.78),
        rgb2=(0.72, 0.72, 0.7),
        width=256,
        height=256,
    )
    tiles = spec.add_material(name="tiles", texuniform=True, texrepeat=(0.5, 0.5), reflectance=0)
    tiles.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "tiles"

    width, length = arena.width, arena.length
    for name in WALLS:
        spec.geom(name).rgba = (0, 0, 0, 0)
    floor = spec.geom("floor")
    floor.size, floor.material = (width / 2, length / 2, 0.1), "tiles"
    spec.geom("obstacle").rgba = RED
    low, thick = 0.3, 0.04
    for position, half in (
        ((-thick, length / 2, low), (thick, length / 2 + 2 * thick, low)),
        ((width + thick, length / 2, low), (thick, length / 2 + 2 * thick, low)),
        ((width / 2, -thick, low), (width / 2, thick, low)),
        ((width / 2, length + thick, low), (width / 2, thick, low)),
    ):
        _untouchable(world, geoms.mjGEOM_BOX, position, half, GLASS)
    _untouchable(world, geoms.mjGEOM_BOX, (*goal, 0.01), (*np.asarray(arena.goal_size) / 2, 0.01), GREEN)
    _untouchable(world, geoms.mjGEOM_CYLINDER, (*arena.start, 0.01), (0.2, 0.01, 0), BLUE)
    world.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=(width / 2, length / 2, 10),
        dir=(0, 0, -1),  # the path's shadow is then its track on the floor
        diffuse=(0.4, 0.4, 0.4),
        specular=(0, 0, 0),
        castshadow=True,
    )
    _add_vehicle(spec, arena)


def _add_vehicle(spec: mujoco.MjSpec, arena: Arena) -> None:
    """A body, two crossed arms and four rotors in their guard rings' place, within the hull."""
    geoms, drone = mujoco.mjtGeom, spec.body("drone")
    spec.geom("hull").rgba = (0, 0, 0, 0)
    half, high = arena.hull[0] / 2, arena.hull[2] / 2
    _untouchable(drone, geoms.mjGEOM_ELLIPSOID, (0, 0, 0), (0.09, 0.16, high), (0.95, 0.6, 0.1, 1))
    reach, radius = half / 2, half / 2
    for x, y in ((-reach, -reach), (-reach, reach), (reach, -reach), (reach, reach)):
        arm = drone.add_geom(type=geoms.mjGEOM_CAPSULE, fromto=(0, 0, 0, x, y, 0), size=(0.015, 0, 0), rgba=DARK)
        arm.contype = arm.conaffinity = 0
        arm.mass = 0
        _untouchable(drone, geoms.mjGEOM_CYLINDER, (x, y, high / 2), (radius, 0.008, 0), (0.2, 0.2, 0.22, 0.85))


def _untouchable(
    body: mujoco.MjsBody, shape: mujoco.mjtGeom, position: Any, size: Any, colour: tuple[float, ...]
) -> None:
    body.add_geom(type=shape, pos=position, size=size, rgba=colour, contype=0, conaffinity=0, mass=0)


def _add_segment(scene: mujoco.MjvScene, start: np.ndarray, end: np.ndarray) -> None:
    """A piece of the path."""
    geom = scene.geoms[scene.ngeom]
    capsule = mujoco.mjtGeom.mjGEOM_CAPSULE
    mujoco.mjv_initGeom(geom, capsule, np.zeros(3), np.zeros(3), np.zeros(9), np.array(BLUE, dtype=np.float32))
    mujoco.mjv_connector(geom, capsule, 0.03, start, end)
    scene.ngeom += 1


def _encoded(image: Image.Image, **how: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, **how)
    return stream.getvalue()
