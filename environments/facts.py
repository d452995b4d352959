"""What all tasks of a suite share, known before any is loaded: by it an algorithm says whether it fits the suite."""

from __future__ import annotations

from dataclasses import dataclass

import gymnasium

from environments.suite import Suite


@dataclass(frozen=True)
class SuiteFacts:
    """No task, parameter or model is among them, so that asking needs no access."""

    name: str  # without options
    family: str
    observation_space: gymnasium.Space
    action_space: gymnasium.Space
    horizon: int
    discount: float
    metric: str
    has_model: bool  # whether the exact MDP of each task is known

    @classmethod
    def of(cls, suite: Suite) -> SuiteFacts:
        return cls(
            suite.name,
            suite.family,
            suite.observation_space,
            suite.action_space,
            suite.horizon,
            suite.discount,
            suite.metric,
            type(suite).model is not Suite.model,
        )
