"""The distances between policies that define BO-MRL's within-task algorithms Alg(1), Alg(2) and Alg(3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from algorithms.estimators.advantages import masked_mean
from algorithms.policies.networks import PolicyNetwork
from algorithms.policies.parameters import Parameters
from environments.policy import Distribution
from environments.trajectories import TrajectoryBatch

Distance = Literal["kl", "reverse_kl", "euclidean"]


@dataclass(frozen=True)
class Centre:
    """The policy that distances are measured from, at the states of a batch."""

    parameters: Parameters  # [task, ...]
    policy: Distribution  # [task, trajectory, time]

    @classmethod
    def of(cls, network: PolicyNetwork, parameters: Parameters, batch: TrajectoryBatch) -> Centre:
        return cls(parameters, network.distribution(parameters, batch.observations))


def squared_distance(
    distance: Distance, centre: Centre, parameters: Parameters, policy: Distribution, mask: torch.Tensor
) -> torch.Tensor:
    """D_i^2(pi_phi, pi_theta) of Section 3 of Xu and Zhu 2024, [task], phi the centre; means over valid steps.

    "kl", i = 1: KL(pi_phi || pi_theta).  "reverse_kl", i = 2: KL(pi_theta || pi_phi).
    "euclidean", i = 3: ||phi - theta||^2, which needs no states.
    """
    if distance == "kl":
        return masked_mean(centre.policy.kl(policy), mask)
    if distance == "reverse_kl":
        return masked_mean(policy.kl(centre.policy), mask)
    parts = [(value - centre.parameters[name]).square().flatten(1).sum(1) for name, value in parameters.items()]
    return torch.stack(parts).sum(0)
