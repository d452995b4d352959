"""A vector environment that charges every step, for libraries that own their loop."""

from __future__ import annotations

from typing import Any

from gymnasium.vector import VectorWrapper

from environments.batch_env import BatchEnv
from environments.ledger import Ledger
from environments.streams import Streams


class GuardedVectorEnv(VectorWrapper):
    """Charges `num_envs` steps before each step; unseeded resets draw from keyed streams, one key per reset."""

    def __init__(self, env: BatchEnv, ledger: Ledger, streams: Streams) -> None:
        super().__init__(env)
        self._ledger = ledger
        self._streams = streams
        self._resets = 0

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self._resets += 1
        if seed is None:
            seed = self._streams.integer("reset", self._resets)
        return self.env.reset(seed=seed, options=options)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        self._ledger.charge(self.num_envs)
        return self.env.step(actions)
