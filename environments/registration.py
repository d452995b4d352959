"""Importing this registers every suite with gymnasium: `gymnasium.make("MetaRL/half-cheetah-velocity-v0", task=...)`.

`gymnasium.make("environments.registration:MetaRL/half-cheetah-velocity-v0")` imports it by itself.
Nothing is simulated until an environment is made: neither mujoco nor torch is imported here.
"""

from __future__ import annotations

from gymnasium.envs.registration import register, registry

from environments.catalogue import suites

NAMESPACE = "MetaRL"


def environment_id(suite: str) -> str:
    """Gymnasium's id of a suite."""
    return f"{NAMESPACE}/{suite}-v0"


def register_suites() -> None:
    """Register every suite that is not registered yet."""
    for name in suites():
        if environment_id(name) not in registry:
            register(environment_id(name), entry_point="environments.single:SingleEnv", kwargs={"suite": name})


register_suites()
