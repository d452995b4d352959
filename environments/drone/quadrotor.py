"""MuJoCo's model of an AR.Drone 2.0 in the drone suite's arena, true to scale.

The vehicle's numbers are those of the TU Munich simulator (tum-vision/tum_simulator: quadrotor URDF and its simple
controller plugin); its shape is a plain box of the indoor hull's size.
"""

from __future__ import annotations

from functools import cache

import mujoco
import numpy as np

from environments.drone.arena import Arena

MASS = 1.477  # kg
INERTIA = (0.01152, 0.01152, 0.0218)  # kg m^2 about the hull's axes x, y, z
GRAVITY = 9.81  # m/s^2
MAX_THRUST = 30.0  # N
MAX_TILT = 0.5  # rad

TIMESTEP = 0.005  # s, one physics step
#: (P, D) of the attitude loop, in 1/s^2 and 1/s: torque = inertia * (P * angle error + D * rate error)
ATTITUDE_GAINS = {"roll": (10.0, 5.0), "pitch": (10.0, 5.0), "yaw": (2.0, 1.0)}
#: order of the controls: set-points of angle and rate about x, y, z in rad and rad/s, then the thrust in N
ROLL, PITCH, YAW, THRUST = slice(0, 2), slice(2, 4), slice(4, 6), 6

WALLS = ("left", "right", "near", "far")


def quadrotor_spec(arena: Arena) -> mujoco.MjSpec:
    """Arena and vehicle, ready to compile; names: bodies "drone" and "obstacle", geoms "hull" and "obstacle".

    Roll, pitch and yaw are the rotation vector's components, each under a `pid` actuator (MuJoCo 3.12) that the engine
    evaluates in every physics step.  Contacts are without friction, so that a drone that is pressed against a wall
    slides along it as in the kinematic suite.  The sensor "hit" counts contacts of hull and obstacle.  Cameras:
    "overview" and, on board, "front".  The obstacle stands at the origin until it is moved (`obstacle_positions`).
    """
    spec = mujoco.MjSpec()
    spec.modelname = "drone-obstacles"
    spec.option.timestep = TIMESTEP
    spec.option.gravity = (0, 0, -GRAVITY)
    _add_room(spec, arena)
    _add_obstacle(spec, arena)
    _add_drone(spec, arena)
    for name in ("floor", *WALLS, "obstacle"):
        # the only pairs that can touch, listed: the engine skips its general search for them
        spec.add_pair(geomname1="hull", geomname2=name, condim=1)
    spec.add_sensor(
        name="hit",
        type=mujoco.mjtSensor.mjSENS_CONTACT,
        objtype=mujoco.mjtObj.mjOBJ_GEOM,
        objname="hull",
        reftype=mujoco.mjtObj.mjOBJ_GEOM,
        refname="obstacle",
        intprm=(1, 0, 1),  # report whether any was found, in one slot
    )
    return spec


@cache
def load_quadrotor(arena: Arena) -> mujoco.MjModel:
    """The compiled model, made once; a batch copies it."""
    return quadrotor_spec(arena).compile()


def obstacle_positions(arena: Arena, corners: np.ndarray) -> np.ndarray:
    """Positions [n, 3] of the obstacle's body for lower left corners [n, 2]: its centre on the floor."""
    centres = corners + np.asarray(arena.obstacle_size) / 2
    return np.concatenate([centres, np.zeros((len(corners), 1))], axis=1)


def _add_room(spec: mujoco.MjSpec, arena: Arena) -> None:
    """Floor and walls as planes, which nothing passes however fast; cameras."""
    width, length = arena.width, arena.length
    middle = (width / 2, length / 2)
    planes = {
        "floor": ((*middle, 0), (0, 0, 1)),
        "left": ((0, middle[1], 0), (1, 0, 0)),
        "right": ((width, middle[1], 0), (-1, 0, 0)),
        "near": ((middle[0], 0, 0), (0, 1, 0)),
        "far": ((middle[0], length, 0), (0, -1, 0)),
    }
    for name, (position, normal) in planes.items():
        geom = spec.worldbody.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_PLANE, pos=position, size=(1, 1, 1))
        geom.alt.type = mujoco.mjtOrientation.mjORIENTATION_ZAXIS
        geom.alt.zaxis = normal
        _touches_listed_pairs_alone(geom)
    # from the right wall's side, so that the flight goes from left to right
    spec.worldbody.add_camera(
        name="overview",
        pos=(middle[0] + 0.62 * length, middle[1], 0.95 * length),
        xyaxes=(0, 1, 0, -0.85, 0, 0.53),
        fovy=36,
    )
    spec.worldbody.add_site(name="room")


def _add_obstacle(spec: mujoco.MjSpec, arena: Arena) -> None:
    """A body of its own, whose position is each simulation's; twice as high as the flight."""
    body = spec.worldbody.add_body(name="obstacle")
    size = (arena.obstacle_size[0] / 2, arena.obstacle_size[1] / 2, arena.height)
    geom = body.add_geom(name="obstacle", type=mujoco.mjtGeom.mjGEOM_BOX, pos=(0, 0, arena.height), size=size)
    _touches_listed_pairs_alone(geom)


def _add_drone(spec: mujoco.MjSpec, arena: Arena) -> None:
    body = spec.worldbody.add_body(name="drone", pos=(*arena.start, arena.height))
    body.explicitinertial = True
    body.mass, body.inertia, body.ipos = MASS, INERTIA, (0, 0, 0)
    body.add_freejoint()
    half = tuple(side / 2 for side in arena.hull)
    _touches_listed_pairs_alone(body.add_geom(name="hull", type=mujoco.mjtGeom.mjGEOM_BOX, size=half, mass=0))
    body.add_site(name="centre")
    # the nose points along y, ahead
    body.add_camera(name="front", pos=(0, half[1], 0), xyaxes=(1, 0, 0, 0, 0, 1), fovy=64)
    for index, (name, (proportional, derivative)) in enumerate(ATTITUDE_GAINS.items()):
        servo = spec.add_actuator(
            name=name,
            trntype=mujoco.mjtTrn.mjTRN_SITE,
            target="centre",
            refsite="room",
            gear=np.eye(6)[3 + index],
        )
        servo.set_to_pid(kp=proportional * INERTIA[index], kv=derivative * INERTIA[index])
    thrust = spec.add_actuator(
        name="thrust",
        trntype=mujoco.mjtTrn.mjTRN_SITE,
        target="centre",
        gear=np.eye(6)[2],
        ctrllimited=True,
        ctrlrange=(0, MAX_THRUST),
    )
    thrust.set_to_motor()


def _touches_listed_pairs_alone(geom: mujoco.MjsGeom) -> None:
    geom.contype = geom.conaffinity = 0
