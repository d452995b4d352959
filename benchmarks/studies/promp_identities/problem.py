"""A numbered random MDP with a random softmax policy, and all of its trajectories: what expectations are sums over."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from benchmarks.studies.hessian_estimates.enumeration import all_trajectories, random_mdp
from environments.streams import Streams
from environments.tabular import TabularMDP, differentiable_return


@dataclass(frozen=True)
class EnumeratedProblem:
    """n trajectories of `time` steps, under the softmax of `logits`; rewards are not discounted, as in the paper.

    logits: float64 [state, action], in whose order parameters are counted, P of them.
    states, actions: [n, time].  rewards: float64 [n, time].  probability: float64 [n].
    """

    mdp: TabularMDP
    logits: torch.Tensor
    states: torch.Tensor
    actions: torch.Tensor
    rewards: torch.Tensor
    probability: torch.Tensor

    @classmethod
    def numbered(cls, number: int, states: int, actions: int, horizon: int, logit_std: float) -> EnumeratedProblem:
        """The same MDP and policy for the same number, whatever the horizon."""
        mdp, logits = drawn(number, states, actions, logit_std)
        return cls.of(mdp, logits, horizon)

    @classmethod
    def of(cls, mdp: TabularMDP, logits: torch.Tensor, horizon: int) -> EnumeratedProblem:
        batch, probability = all_trajectories(mdp, logits, horizon)
        return cls(mdp, logits, batch.observations[:, 0], batch.actions[:, 0], batch.rewards[:, 0], probability)

    @property
    def horizon(self) -> int:
        return self.rewards.shape[1]

    @property
    def returns(self) -> torch.Tensor:
        """R(tau), [n]."""
        return self.rewards.sum(1)

    @property
    def rewards_to_go(self) -> torch.Tensor:
        """The sum of rewards from t on, [n, time]."""
        return self.rewards.flip(1).cumsum(1).flip(1)

    def expectation(self, values: torch.Tensor) -> torch.Tensor:
        """Of [n, ...]."""
        return torch.tensordot(self.probability, values, 1)

    def expected_return(self, flat: torch.Tensor) -> torch.Tensor:
        """Of parameters [P], without trajectories; differentiable to any order."""
        return differentiable_return(self.mdp, torch.softmax(flat.view_as(self.logits), -1), self.horizon)

    def scores(self) -> torch.Tensor:
        """The gradient of log pi(a_t | s_t), [n, time, P]."""
        return torch.func.jacrev(self._log_table)(self.logits.flatten())[self.states, self.actions]

    def score_slopes(self) -> torch.Tensor:
        """The Hessian of log pi(a_t | s_t), [n, time, P, P]."""
        return torch.func.hessian(self._log_table)(self.logits.flatten())[self.states, self.actions]

    def action_values(self, flat: torch.Tensor) -> torch.Tensor:
        """Q_t(s, a) of parameters [P], [time, state, action], differentiable."""
        policy = torch.softmax(flat.view_as(self.logits), -1)
        reward, transition = torch.from_numpy(self.mdp.reward), torch.from_numpy(self.mdp.transition)
        values = [reward]
        for _ in range(self.horizon - 1):
            values.append(reward + transition @ (policy * values[-1]).sum(-1))
        return torch.stack(values[::-1])

    def along(self, table: torch.Tensor) -> torch.Tensor:
        """What a table [time, state, action, ...] has at every trajectory's steps, [n, time, ...]."""
        return table[torch.arange(self.horizon), self.states, self.actions]

    def _log_table(self, flat: torch.Tensor) -> torch.Tensor:
        return torch.log_softmax(flat.view_as(self.logits), -1)


def drawn(number: int, states: int, actions: int, logit_std: float) -> tuple[TabularMDP, torch.Tensor]:
    """A random MDP and logits [state, action] of its policy."""
    generator = Streams(number).numpy("independent mdp")
    mdp = random_mdp(generator, states, actions)
    return mdp, torch.from_numpy(generator.normal(0.0, logit_std, size=(states, actions)))


def relative(found: torch.Tensor, exact: torch.Tensor) -> float:
    """Norm of the difference over that of the exact one."""
    return float((found - exact).norm() / exact.norm())
