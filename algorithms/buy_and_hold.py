"""Buying and holding: what a market pays by itself."""

from __future__ import annotations

import torch

from algorithms.meta_learning.scripted_reference import ScriptedReference
from algorithms.policies.scripted import constant_policy
from environments.facts import SuiteFacts
from environments.policy import Policy


class BuyAndHold(ScriptedReference):
    """Buys as much of every stock as a day allows until the cash is spent, and never sells: scripted."""

    name = "buy-and-hold"
    scripted = True

    @classmethod
    def fits(cls, suite: SuiteFacts) -> str | None:
        return None if suite.family == "stocks" else f"it buys stocks, and {suite.name} has none"

    def policy(self) -> Policy:
        return constant_policy(torch.ones(self.problem.action_space.shape or ()))
