"""Mixed data: every step of a task with a random other one, observation and advantage by weight, the action of one.

XMRL-G, Section 5.1 and Appendix C (after mixture regularisation, Wang et al. 2020): with a task's coefficient lambda,

    s = lambda s_j + (1 - lambda) s_j',  A = lambda A_j + (1 - lambda) A_j',  a = a_j if lambda >= 1/2, else a_j'.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import gymnasium
import torch

from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from environments.policy import Distribution
from environments.trajectories import TrajectoryBatch

#: what the policy that acted said of its own states, and not of mixed ones
_ACTED = frozenset({"log_probabilities", "distribution"})
#: what comes after a step, which a mixture of two has not
_AFTER = frozenset({"final_observations", "next_observations"})

#: the policy that acted, at a batch's observations
Acting = Callable[[AdaptationBatch], Distribution]


@dataclass(frozen=True, eq=False)
class MixedTrajectories(TrajectoryBatch):
    """Trajectories whose steps are mixed: rewards, lengths and success are still those of the episodes.

    It has no next observations, and unless the policy that acted was given no log-probabilities and distribution of
    it: to ask for them raises TypeError, so that a ratio or a divergence is never one to another state's policy.
    """

    acted: bool = False  # whether log-probabilities and distribution are those at the mixed observations

    __repr__ = object.__repr__

    def __getattribute__(self, name: str) -> Any:
        if name in _AFTER:
            raise TypeError(f"mixed trajectories have no {name}: nothing comes after a mixture of two steps")
        if name in _ACTED and not self.acted:
            raise TypeError(
                f"mixed trajectories have no {name}: the policy that acted did so at the states before mixing; "
                "give `mixed` that policy, or take an objective without likelihood ratios and divergences"
            )
        return super().__getattribute__(name)

    def select(self, tasks: torch.Tensor | slice) -> TrajectoryBatch:
        return MixedTrajectories(**_stored(TrajectoryBatch(**_stored(self)).select(tasks)), acted=self.acted)


def unmixable(observation_space: gymnasium.Space) -> str | None:
    """Why no two observations can be mixed, in one sentence; None if they can."""
    if isinstance(observation_space, gymnasium.spaces.Box):
        return None
    return f"it mixes observations, which must be numbers in a Box for that, got {observation_space}"


def partners(mask: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """For every valid step a random other valid step of its task, uniformly: int64 [task, trajectory, time].

    mask: [task, trajectory, time].  A partner is a place in a task's flattened steps, trajectory * times + time.
    Padding, and a task's only valid step, is its own partner.
    """
    valid = mask.flatten(1) > 0
    counts = valid.sum(1, keepdim=True)
    # a task's valid places come first, in their order; a step's partner lies 1 to counts - 1 places after it, in a ring
    places = torch.argsort(~valid, dim=1, stable=True)
    draws = torch.rand(valid.shape, generator=generator, dtype=torch.float64)
    offsets = 1 + (draws * (counts - 1)).long().clamp(max=(counts - 2).clamp(min=0))
    ranks = (valid.cumsum(1) - 1 + offsets) % counts.clamp(min=1)
    own = torch.arange(valid.shape[1]).expand_as(ranks)
    return torch.where(valid, places.gather(1, ranks), own).reshape(mask.shape)


def mixed(
    batch: AdaptationBatch,
    coefficients: torch.Tensor,
    partners: torch.Tensor,
    acting: Acting | None = None,
) -> AdaptationBatch:
    """The batch with each step mixed with its partner, differentiable in the coefficients.

    coefficients: lambda in [0, 1], [task]; at 1 a task's data stay as they are.  Observations and advantages take the
    more precise type of theirs and the coefficients', so that whole numbers, as of pictures, become real ones.
    acting: gives the distributions of the policy that acted at the mixed observations; without it none are there.
    Padding stays as it is.  Rewards stay those of the episodes.
    Raises TypeError for discrete observations and for extras of each step, whose order in time mixing destroys.
    """
    trajectories = batch.trajectories
    _check(batch)
    valid = trajectories.mask > 0
    weights = coefficients[:, None, None]
    chosen = torch.where(_like(weights, trajectories.actions) >= 0.5, *_pair(trajectories.actions, partners))
    parts = {
        **_stored(trajectories),
        "observations": _mixture(trajectories.observations, partners, weights, valid),
        "actions": torch.where(_like(valid, chosen), chosen, trajectories.actions),
        "final_observations": None,
    }
    values = _mixture(batch.advantages, partners, weights, valid)
    result = AdaptationBatch(MixedTrajectories(**parts), values, batch.extras)
    if acting is None:
        return result
    policy = acting(result)
    lead = valid.shape
    said = {name: value.expand(*lead, *value.shape[3:]) for name, value in policy.parameters.items()}
    parts |= {"distribution": said, "log_probabilities": policy.log_prob(parts["actions"])}
    return AdaptationBatch(MixedTrajectories(**parts, acted=True), values, batch.extras)


def _mixture(values: torch.Tensor, partners: torch.Tensor, weights: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """lambda v + (1 - lambda) v', and v itself where it is padding."""
    own, others = _pair(values, partners)
    weights = _like(weights, values)
    return torch.where(_like(valid, values), weights * own + (1 - weights) * others, own)


def _pair(values: torch.Tensor, partners: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The values [task, trajectory, time, ...] and their partners'."""
    tasks = torch.arange(len(values))[:, None]
    return values, values.flatten(1, 2)[tasks, partners.flatten(1)].reshape(values.shape)


def _like(lead: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """[task, ., .] with as many axes as the values."""
    return lead.reshape(*lead.shape, *[1] * (values.ndim - lead.ndim))


def _stored(trajectories: TrajectoryBatch) -> dict[str, Any]:
    """The fields as they are stored, those that may not be asked for among them."""
    return {field.name: trajectories.__dict__[field.name] for field in fields(TrajectoryBatch)}


def _check(batch: AdaptationBatch) -> None:
    trajectories = batch.trajectories
    if trajectories.observations.dtype == torch.int64 and trajectories.observations.ndim == trajectories.mask.ndim:
        raise TypeError("discrete observations cannot be mixed: between two states there is none")
    if isinstance(trajectories, MixedTrajectories):
        raise TypeError("the data are mixed already; mix those that were collected")
    for name, value in batch.extras.items():
        if value.shape[:3] == trajectories.mask.shape:
            raise TypeError(f"extra {name!r} belongs to single steps and their order in time, which mixing destroys")
