"""The harness's vector environment as stable-baselines3 expects one: budget, guard and draws stay the harness's.

Imports stable-baselines3, so that it is imported where that is installed alone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from stable_baselines3.common.vec_env import VecEnv

from environments.guarded_vector_env import GuardedVectorEnv


class TaskVecEnv(VecEnv):
    """Rows of training tasks, each observation followed by its task's context where there are contexts.

    door: `collector.vector_env(..., autoreset="SameStep")`; None for one that only says which spaces there are.
    contexts: float32 [row, context].  reward_scale: by which rewards are multiplied.
    """

    def __init__(
        self,
        door: GuardedVectorEnv | None,
        observation_space: Box,
        action_space: gymnasium.Space,
        contexts: np.ndarray,
        reward_scale: float = 1.0,
    ) -> None:
        self._door, self._contexts, self._scale = door, contexts, reward_scale
        seen = int(observation_space.shape[0]) + contexts.shape[1]
        super().__init__(len(contexts), Box(-np.inf, np.inf, (seen,), np.float32), action_space)
        self._earned = np.zeros(self.num_envs)
        #: of the episodes that have ended, as the suite pays them
        self.returns: list[float] = []
        #: wall time within the door, for the timing record alone
        self.seconds = 0.0

    def reset(self) -> np.ndarray:
        observations, _ = self._opened.reset()
        self._earned[:] = 0
        return self._shown(observations)

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        started = time.perf_counter()
        observations, rewards, terminated, truncated, info = self._opened.step(self._actions)
        self.seconds += time.perf_counter() - started
        ended = terminated | truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        self._earned += rewards
        for row in np.flatnonzero(ended):
            last = np.concatenate([info["final_obs"][row], self._contexts[row]]).astype(np.float32)
            infos[row] = {"terminal_observation": last, "TimeLimit.truncated": bool(truncated[row])}
            self.returns.append(float(self._earned[row]))
        self._earned[ended] = 0
        return self._shown(observations), (self._scale * rewards).astype(np.float32), ended, infos

    def close(self) -> None:
        self._opened.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        if attr_name != "render_mode":
            raise AttributeError(f"a row has no attribute {attr_name!r}")
        return [None] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise AttributeError(f"a row takes no attribute {attr_name!r}")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        raise AttributeError(f"a row has no method {method_name!r}")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * self.num_envs

    @property
    def _opened(self) -> GuardedVectorEnv:
        if self._door is None:
            raise RuntimeError("there is no door to an environment outside meta_step")
        return self._door

    def _shown(self, observations: np.ndarray | Sequence[Any]) -> np.ndarray:
        return np.concatenate([observations, self._contexts], axis=1).astype(np.float32)
