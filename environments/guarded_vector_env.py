"""A vector environment that charges every step, for libraries that own their loop."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from environments.ledger import Ledger
from environments.streams import Streams
from environments.suite import Suite
from environments.task import Task
from environments.task_env import TaskEnv


class GuardedVectorEnv(SyncVectorEnv):
    """gymnasium's own vector environment over tasks x trajectories single ones, in task-major order.

    Each row is at a time of its own: gymnasium's autoreset and its `reset(options={"reset_mask": mask})` begin one
    row's next episode while the others go on.  A step charges one for each row that really steps: a row that
    NEXT_STEP resets in it costs nothing.

    Unseeded, row r draws its episodes from a generator of its own, keyed by r; `reset(seed=...)` is gymnasium's.
    """

    def __init__(
        self,
        suite: Suite,
        tasks: Sequence[Task],
        trajectories: int,
        ledger: Ledger,
        streams: Streams,
        autoreset: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> None:
        rows = [partial(TaskEnv, suite, task) for task in tasks for _ in range(trajectories)]
        super().__init__(rows, autoreset_mode=autoreset)
        self._ledger, self._streams = ledger, streams
        self._begun = np.zeros(self.num_envs, dtype=bool)  # rows whose generator has its seed

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        if seed is None:
            seed = [None if begun else self._streams.integer("reset", row) for row, begun in enumerate(self._begun)]
        asked = dict(options or {})  # gymnasium takes the mask out of what it is given
        self._begun |= asked.get("reset_mask", True)
        return super().reset(seed=seed, options=asked)

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Raises BudgetSpent, and steps nothing, if the rows that step do not fit the budget.

        Raises RuntimeError where autoreset is DISABLED and a row that has ended was not reset.
        """
        ended = self._autoreset_envs
        if self.autoreset_mode is AutoresetMode.DISABLED and ended.any():
            raise RuntimeError(
                f"rows {np.flatnonzero(ended).tolist()} have ended; begin their next episodes by "
                'reset(options={"reset_mask": mask}), or take an autoreset mode'
            )
        resting = int(ended.sum()) if self.autoreset_mode is AutoresetMode.NEXT_STEP else 0
        self._ledger.charge(self.num_envs - resting)
        return super().step(actions)
