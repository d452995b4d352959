"""How a policy of stable-baselines3 acts, as distributions of this project.

Imports stable-baselines3, so that it is imported where that is installed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import torch
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.sac.policies import SACPolicy

from algorithms.policies.distributions import Categorical, Gaussian
from algorithms.policies.squashed_gaussian import SquashedGaussian, bounds_of
from environments.policy import Distribution, Previous

#: the log-std of a policy that draws nothing, and the logit of its choice
CERTAIN_LOG_STD, CERTAIN_LOGIT = -10.0, 40.0


class Sb3Policy:
    """Stateless: task i is acted on by the i-th policy, or each by the only one.

    contexts: float32 [task, context], which every observation is followed by.
    """

    def __init__(self, policies: Sequence[BasePolicy], contexts: torch.Tensor, space: gymnasium.Space) -> None:
        self._policies, self._contexts, self._space = policies, contexts, space

    def begin(self, tasks: int, trajectories: int, stream: object) -> None:
        return None

    def act(self, observation: torch.Tensor, previous: Previous, state: None) -> tuple[Distribution, None]:
        seen = with_contexts(observation, self._contexts)
        if len(self._policies) == 1:
            return _distribution(self._policies[0], seen, self._space), None
        each = [_distribution(one, row[None], self._space) for one, row in zip(self._policies, seen, strict=True)]
        joined = {name: torch.cat([one.parameters[name] for one in each]) for name in each[0].parameters}
        return type(each[0]).from_parameters(joined), None


def with_contexts(observations: torch.Tensor, contexts: torch.Tensor) -> torch.Tensor:
    """float32 [task, ..., observation and context] of observations [task, ..., observation]."""
    lead = observations.shape[:-1]
    spread = contexts.reshape(len(contexts), *[1] * (len(lead) - 1), -1).expand(*lead, -1)
    return torch.cat([observations.float(), spread], -1)


def _distribution(policy: BasePolicy, seen: torch.Tensor, space: gymnasium.Space) -> Distribution:
    """Of [task, trajectory, ...] for what is seen, [task, trajectory, dimensions]."""
    policy.set_training_mode(False)
    flat = seen.reshape(-1, seen.shape[-1])
    found: Any
    if isinstance(policy, ActorCriticPolicy):
        theirs = policy.get_distribution(flat).distribution
        if isinstance(theirs, torch.distributions.Normal):
            found = Gaussian(theirs.mean, theirs.stddev.log())
        else:
            found = Categorical(theirs.logits)  # type: ignore[union-attr]
    elif isinstance(policy, SACPolicy):
        mean, log_std, _ = policy.actor.get_action_dist_params(flat)
        assert isinstance(space, gymnasium.spaces.Box)
        centre, half = (side.expand_as(mean) for side in bounds_of(space))
        found = SquashedGaussian(mean, log_std, centre, half)
    else:
        actions = torch.from_numpy(policy.predict(flat.numpy(), deterministic=True)[0])
        if isinstance(space, gymnasium.spaces.Discrete):
            found = Categorical(CERTAIN_LOGIT * torch.nn.functional.one_hot(actions.long(), int(space.n)).float())
        else:
            found = Gaussian(actions.float(), torch.full_like(actions.float(), CERTAIN_LOG_STD))
    shaped = {name: value.reshape(*seen.shape[:-1], -1) for name, value in found.parameters.items()}
    return type(found).from_parameters(shaped)
