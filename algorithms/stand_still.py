"""Doing nothing: what a suite pays for being alive, or where one happens to be."""

from __future__ import annotations

import gymnasium
import numpy as np
import torch

from algorithms.meta_learning.scripted_reference import ScriptedReference
from algorithms.policies.scripted import constant_policy
from environments.facts import SuiteFacts
from environments.policy import Policy


class StandStill(ScriptedReference):
    """Always the zero action, which moves no motor and trades no stock: scripted."""

    name = "stand-still"
    scripted = True

    @classmethod
    def fits(cls, suite: SuiteFacts) -> str | None:
        space = suite.action_space
        if isinstance(space, gymnasium.spaces.Box) and space.contains(np.zeros(space.shape, space.dtype)):
            return None
        return f"no action of {suite.name} is known to do nothing: its action space is {space}"

    def policy(self) -> Policy:
        return constant_policy(torch.zeros(self.problem.action_space.shape or ()))
