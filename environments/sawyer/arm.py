"""The arm's models as both suites step them, and the states that their episodes begin in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

import mujoco
import numpy as np

from environments.sawyer.assets import VARIABLE, load_xml

#: physics steps in a control step, of 2.5 ms each
SUBSTEPS = 5
#: metres that the hand's target moves at an action of 1
REACH = 0.01
#: least and greatest (x, y, z) of the hand's target, in metres
LOW, HIGH = np.array([-0.5, 0.4, 0.05]), np.array([0.5, 1.0, 0.5])
#: of the target, so that the fingers point downwards
ORIENTATION = (1.0, 0.0, 1.0, 0.0)
#: control steps in which the hand is led to where episodes begin
SETTLING = 50
#: what holds the fingers apart while it is
OPEN = (-1.0, 1.0)
#: of the weld between target and hand, as Meta-World sets it: anchor, position, quaternion, weight of the torque
WELD = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 5.0)


@dataclass(frozen=True, eq=False)
class Start:
    """A state of the simulator, one row of each array; read-only."""

    qpos: np.ndarray
    qvel: np.ndarray
    warmstart: np.ndarray  # accelerations from which the constraint solver sets out
    target: np.ndarray  # of the hand, [3]


def arm_model(file: str) -> mujoco.MjModel:
    """Meta-World's model, welded as Meta-World does; loaded once, to be left as it is.

    file: as in `assets.load_xml`, whose errors it raises.
    """
    return _loaded(file, os.environ.get(VARIABLE))[0]


def positions_model(file: str) -> mujoco.MjModel:
    """One of which only the positions for given joints are asked for, and those to the same bits, in less time."""
    return _loaded(file, os.environ.get(VARIABLE))[1]


@cache
def _loaded(file: str, source: str | None) -> tuple[mujoco.MjModel, mujoco.MjModel]:
    model, positions = load_xml(file)
    welds = model.eq_type == mujoco.mjtEq.mjEQ_WELD
    model.eq_data[welds, : len(WELD)] = WELD
    return model, positions


def settled(model: mujoco.MjModel, hand: tuple[float, float, float], puck: tuple[float, float] | None) -> Start:
    """The state after the hand was led to `hand` with open fingers, as Meta-World's resets do.

    puck: (x, y) of the free body, which lies there all the time, at rest in the end; None where the model has none.
    """
    data = mujoco.MjData(model)
    joint = model.joint("objjoint") if puck is not None else None
    if joint is not None:
        data.qpos[joint.qposadr[0] :][:2] = puck
    for _ in range(SETTLING):
        data.mocap_pos[0], data.mocap_quat[0], data.ctrl[:] = hand, ORIENTATION, OPEN
        mujoco.mj_step(model, data, SUBSTEPS)
    if joint is not None:
        data.qpos[joint.qposadr[0] :][:2] = puck
        data.qpos[joint.qposadr[0] + 3 :][:4] = 1.0, 0.0, 0.0, 0.0
        data.qvel[joint.dofadr[0] :][:6] = 0.0
    return Start(data.qpos.copy(), data.qvel.copy(), data.qacc_warmstart.copy(), np.array(hand))
