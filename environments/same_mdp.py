"""Which tasks of a suite are one MDP, whatever their parameters say."""

from __future__ import annotations

from collections.abc import Hashable

from environments.stocks.stock_trading import StockSuite
from environments.suite import Suite
from environments.task import Task
from environments.task_digest import task_digest


def mdp_key(suite: Suite, task: Task) -> Hashable:
    """Equal for tasks that are the same MDP on the suite; it never depends on results.

    A suite with a method `mdp_key(task)` decides itself.  Of the stock suites, thresholds between the same two days'
    turbulences are one; elsewhere tasks of equal parameters are.
    """
    own = getattr(suite, "mdp_key", None)
    if own is not None:
        return own(task)
    if isinstance(suite, StockSuite):
        return int((suite.episode.turbulence[: suite.horizon] >= task.parameters["threshold"]).sum())
    return task_digest(task)
