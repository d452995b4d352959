"""The best of a few constant actions: what a suite pays without looking."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch

from algorithms.algorithm import Metrics
from algorithms.meta_learning.scripted_reference import ScriptedReference
from algorithms.policies.scripted import constant_policy, one_action_each, unbounded
from algorithms.search_space import COUNT, NOT_NEGATIVE, unsearched
from environments.collector import Collector
from environments.facts import SuiteFacts
from environments.ledger import BudgetSpent
from environments.option_domains import check_domains
from environments.policy import Policy

#: of a Box, at most
CORNERS = 8


@dataclass(frozen=True)
class BestConstantConfig:
    """`draws`: actions drawn uniformly beside zero and corners of the box; `training_tasks`: on how many each is tried,
    for one episode on each."""

    draws: int = unsearched(12, "a scripted reference, which is not tuned", domain=NOT_NEGATIVE)
    training_tasks: int = unsearched(10, "a scripted reference, which is not tuned", domain=COUNT)

    def __post_init__(self) -> None:
        check_domains(self)


class BestConstant(ScriptedReference):
    """Of a few constant actions the one with the best mean return on training tasks: scripted.

    All are tried in one batch, which is charged to the budget; where that is small, on fewer tasks and then fewer of
    them.  The rest of the budget stays unspent.
    """

    name = "best-constant"
    scripted = True
    trains = True
    Config = BestConstantConfig

    @classmethod
    def fits(cls, suite: SuiteFacts) -> str | None:
        return unbounded(suite.action_space)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._candidates = candidates(
            self.problem.action_space, self.config.draws, self.streams.numpy("constant actions")
        )
        self._action = self._candidates[0]

    def policy(self) -> Policy:
        return constant_policy(self._action)

    def meta_step(self, collector: Collector) -> Metrics:
        wanted = collector.cost(self.config.training_tasks, len(self._candidates))
        steps = int(min(collector.remaining, wanted))
        tried = self._candidates[: steps // collector.cost(1, 1)]
        if not len(tried):
            raise BudgetSpent("no episode fits into the budget")
        tasks = collector.sample_tasks(min(self.config.training_tasks, steps // collector.cost(1, len(tried))))
        batch = collector.collect(one_action_each(tried), tasks, len(tried))
        returns = batch.returns.mean(0)
        best = int(returns.argmax())
        self._action = tried[best].clone()
        self.trains = False
        return {"return": float(returns[best]), "actions": float(len(tried)), "tasks": float(len(tasks))}

    def state_dict(self) -> dict[str, Any]:
        return {"action": self._action.clone(), "chosen": not self.trains}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._action, self.trains = state["action"].clone(), not state["chosen"]


def candidates(space: gymnasium.Space, draws: int, generator: np.random.Generator) -> torch.Tensor:
    """Actions [action, *shape] of the space, which must not be `unbounded`; the same for equal generators.

    Of a Box zero, if it holds that; its corners, of many the lowest, the highest and others drawn; and `draws` uniform
    ones.  Of a Discrete space all.
    """
    if isinstance(space, gymnasium.spaces.Discrete):
        return torch.arange(int(space.n))
    assert isinstance(space, gymnasium.spaces.Box)
    size = space.shape[0]
    if 2**size <= CORNERS:
        signs = np.array(list(itertools.product((0.0, 1.0), repeat=size)))
    else:
        signs = np.vstack([np.zeros(size), np.ones(size), generator.integers(2, size=(CORNERS - 2, size))])
    shares = np.vstack([signs, generator.uniform(size=(draws, size))])
    actions = (space.low + shares * (space.high - space.low)).astype(np.float32)
    still = np.zeros((1, size), np.float32)
    found = np.vstack([still, actions]) if space.contains(still[0].astype(space.dtype)) else actions
    return torch.from_numpy(found)
