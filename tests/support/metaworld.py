"""Meta-World itself, imported from where METARL_METAWORLD has it, to hold the Sawyer suites against."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest

from environments.catalogue import suites
from environments.sawyer.arm import arm_model
from environments.sawyer.assets import HOW, VARIABLE
from environments.sawyer.sawyer import SawyerBatch

#: for tests that simulate: without Meta-World's models there is nothing to simulate
needs_metaworld = pytest.mark.skipif(not os.environ.get(VARIABLE), reason=HOW)
#: names of suites, without those that need the models where there are none
AVAILABLE = [
    pytest.param(name, marks=needs_metaworld) if found.literals["family"] == "sawyer" else name
    for name, found in sorted(suites().items())
]
#: by the file of a suite's model, Meta-World's environment
CLASSES = {
    "sawyer_xyz/sawyer_push_v3.xml": ("sawyer_push_v3", "SawyerPushEnvV3"),
    "sawyer_xyz/sawyer_door_pull.xml": ("sawyer_door_v3", "SawyerDoorEnvV3"),
}


@contextmanager
def imported(folder: Path) -> Iterator[Any]:
    """The package `metaworld`, unpacked into the folder where it is still a wheel; forgotten in the end."""
    source = Path(os.environ[VARIABLE])
    if not source.is_dir():
        with zipfile.ZipFile(source) as archive:
            archive.extractall(folder)
        source = folder
    sys.path.insert(0, str(source))
    try:
        import metaworld.sawyer_xyz_env

        # its eleven numbers of a weld, for a MuJoCo that has twelve: the last one stays
        def reset_mocap_welds(env: Any) -> None:
            welds = env.model.eq_type == mujoco.mjtEq.mjEQ_WELD
            env.model.eq_data[welds, :11] = [0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 5]

        metaworld.sawyer_xyz_env.SawyerMocapBase.reset_mocap_welds = reset_mocap_welds
        yield metaworld
    finally:
        sys.path.remove(str(source))
        for name in [name for name in sys.modules if name.split(".")[0] == "metaworld"]:
            del sys.modules[name]


def metaworlds_own(file: str, random: np.ndarray) -> Any:
    """Meta-World's environment of the model, reset.

    random: what it would draw: the places of object and goal for the push, of the door for the door.
    """
    import importlib

    module, name = CLASSES[file]
    env = getattr(importlib.import_module(f"metaworld.envs.{module}"), name)()
    env._set_task_called, env._freeze_rand_vec, env._last_rand_vec = True, True, random
    env.reset()
    return env


def put(env: Any, batch: SawyerBatch, row: int) -> None:
    """Meta-World's environment into the state of the batch's row, all that its next step depends on."""
    full = mujoco.mjtState.mjSTATE_INTEGRATION.value
    model = arm_model(batch.suite.file)
    state = np.empty(mujoco.mj_stateSize(model, full))
    mujoco.mj_getState(model, batch.data(row), state, full)
    mujoco.mj_setState(env.model, env.data, state, full)
    mujoco.mj_forward(env.model, env.data)
