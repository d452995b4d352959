"""Which tasks of a suite are one MDP, whatever their parameters say."""

from __future__ import annotations

from collections.abc import Hashable

from environments.suite import Suite
from environments.task import Task
from environments.task_digest import task_digest


def mdp_key(suite: Suite, task: Task) -> Hashable:
    """Equal for tasks that are the same MDP on the suite; it never depends on results.

    A suite with a method `mdp_key(task)` decides itself; elsewhere tasks of equal parameters are one.
    """
    own = getattr(suite, "mdp_key", None)
    return task_digest(task) if own is None else own(task)
