"""Importing this registers every suite with gymnasium: `gymnasium.make("MetaRL/half-cheetah-velocity-v0", task=...)`.

`gymnasium.make("environments.registration:MetaRL/half-cheetah-velocity-v0")` imports it by itself.
A suite whose defaults have changed has a new version, and its earlier ones are still what they were: `corners-v0`.
Nothing is simulated until an environment is made: neither mujoco nor torch is imported here.
"""

from __future__ import annotations

from gymnasium.envs.registration import register, registry

from environments.catalogue import suites
from environments.discovery import ClassEntry

NAMESPACE = "MetaRL"


def environment_id(suite: str, version: int | None = None) -> str:
    """Gymnasium's id of a suite, in its newest version if none is given."""
    return f"{NAMESPACE}/{suite}-v{len(_earlier(suites()[suite])) if version is None else version}"


def register_suites() -> None:
    """Register every version of every suite that is not registered yet."""
    for name, found in suites().items():
        earlier = [f"{name}[{options}]" for options in _earlier(found)]
        for version, text in enumerate([*earlier, name]):
            if environment_id(name, version) not in registry:
                entry = "environments.single:SingleEnv"
                register(environment_id(name, version), entry_point=entry, kwargs={"suite": text})


def _earlier(found: ClassEntry) -> tuple[str, ...]:
    return found.literals.get("earlier_versions", ())


register_suites()
