"""Noise: what a suite pays for moving about."""

from __future__ import annotations

from algorithms.meta_learning.scripted_reference import ScriptedReference
from algorithms.policies.scripted import unbounded, uniform_policy
from environments.facts import SuiteFacts
from environments.policy import Policy


class UniformNoise(ScriptedReference):
    """Every action drawn uniformly from the whole action space: scripted."""

    name = "noise"
    scripted = True

    @classmethod
    def fits(cls, suite: SuiteFacts) -> str | None:
        return unbounded(suite.action_space)

    def policy(self) -> Policy:
        return uniform_policy(self.problem.action_space)
