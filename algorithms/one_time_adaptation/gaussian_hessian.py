"""Second derivatives of a one-time adaptation's objective in a `GaussianHeads` network, written out.

Equal to those by automatic differentiation (tests hold them to that) in half their time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

from algorithms.meta_learning.gradient_adaptation import StepData
from algorithms.one_time_adaptation.adaptation import LARGEST_LOG_RATIO, OneTimeAdaptation
from algorithms.one_time_adaptation.gaussian_output_curvature import (
    OutputCurvature,
    Outputs,
    distance_derivatives,
    mixed_distance,
)
from algorithms.one_time_adaptation.gaussian_passes import HeadsPasses, HeadsTangents, columns
from algorithms.policies.gaussian_mlp import GaussianHeads
from algorithms.policies.parameters import Parameters, stacked

#: mean(h(ratio) Q) or mean(ratio Q)
Gain = Literal["bounded", "bare"]


class GaussianHeadsHessian:
    """Calls give products with d2(regularisation D_kind^2 - gain)/dtheta2 at theta, [task, ...] -> [task, ...].

    solution: theta, start: the distance's centre, both [task, ...].  gain: None where it has no second derivative.
    """

    def __init__(
        self,
        network: GaussianHeads,
        lower: OneTimeAdaptation,
        gain: Gain | None,
        solution: Parameters,
        start: Parameters,
        step: StepData,
    ) -> None:
        self._from_distance = 2 * lower.regularisation if lower.kind == 3 else 0.0
        self._tangents: HeadsTangents | None = None
        if lower.kind == 3 and gain is None:
            return
        self._tangents = HeadsTangents(network, step.batch.observations, solution)
        policy = Outputs.of(self._tangents.output)
        self._curvature = OutputCurvature(policy)
        share = step_shares(step, policy.mean.dtype)
        if lower.kind != 3:
            centre = centre_outputs(network, start, step)
            self._curvature.add(lower.regularisation * share, distance_derivatives(lower.kind, centre, policy))
        if gain is not None:
            self._add_gain(policy, gain, step, share)
        self._tangents.keep_backward(self._curvature.slope)

    def _add_gain(self, policy: Outputs, gain: Gain, step: StepData, share: torch.Tensor) -> None:
        dimensions, dtype = policy.mean.shape[1], policy.mean.dtype
        mask = columns(step.batch.mask, 1, dtype)
        actions = columns(step.batch.actions, dimensions, dtype)
        acted = columns(step.batch.log_probabilities, 1, dtype)
        log_ratio = (policy.log_density(actions) - acted) * mask
        ratio = torch.exp(log_ratio.clamp(max=LARGEST_LOG_RATIO))
        weight = -columns(step.advantages, 1, dtype) * share * (log_ratio <= LARGEST_LOG_RATIO)
        first = second = ratio
        if gain == "bounded":
            half = torch.sigmoid(2 * (ratio - 1))  # h = 2 half, h' = 4 half (1 - half), h'' = 2 (1 - 2 half) h'
            first = 4 * half * (1 - half) * ratio
            second = first * (1 + 2 * ratio * (1 - 2 * half))
        self._curvature.add_density(policy, actions, weight * first, weight * second)

    def __call__(self, vector: Parameters) -> Parameters:
        if self._tangents is None:
            return {name: self._from_distance * value for name, value in vector.items()}
        upper = self._curvature.product(self._tangents.tangent(vector))
        image = self._tangents.backward_tangent(vector, upper)
        if self._from_distance:
            return {name: image[name] + self._from_distance * value for name, value in vector.items()}
        return image


def mixed_distance_product(
    network: GaussianHeads,
    lower: OneTimeAdaptation,
    vector: Parameters,
    solution: Parameters,
    start: Parameters,
    step: StepData,
) -> Parameters:
    """vector^T d2(-regularisation D_kind^2)/dtheta dphi for a `kind` of distance between distributions, [task, ...]."""
    tangents = HeadsTangents(network, step.batch.observations, solution)
    policy = Outputs.of(tangents.output)
    passes = HeadsPasses(network, step.batch.observations, policy.mean.dtype)
    centre = Outputs.of(passes.forward(start))
    upper = mixed_distance(lower.kind, centre, policy, tangents.tangent(vector))
    return passes.backward(-lower.regularisation * step_shares(step, upper.dtype) * upper)


class GaussianHeadsFisher:
    """Calls give products with the Hessian of the summed mean KL(old || new) over tasks at old, [...] -> [...].

    The Gauss-Newton matrix, which is exact there as `AdaptedCurvature` explains.  parameters: old, [...].
    parts: a few tasks' batches each, no part larger than the first.
    """

    def __init__(self, network: GaussianHeads, parameters: Parameters, parts: Sequence[StepData]) -> None:
        self._parts: list[tuple[HeadsTangents, torch.Tensor]] = []
        for step in parts:
            start = stacked(parameters, len(step.advantages))
            lender = self._parts[0][0] if self._parts else None
            tangents = HeadsTangents(network, step.batch.observations, start, lender)
            policy = Outputs.of(tangents.output)
            fisher = torch.cat([policy.precision, 2 * policy.active], 1)
            self._parts.append((tangents, step_shares(step, fisher.dtype) * fisher))

    def __call__(self, vector: Parameters) -> Parameters:
        total = {name: torch.zeros_like(value) for name, value in vector.items()}
        for tangents, fisher in self._parts:
            image = tangents.backward(fisher * tangents.tangent(stacked(vector, len(fisher))))
            for name, value in total.items():
                value += image[name].sum(0)
        return total


def centre_outputs(network: GaussianHeads, start: Parameters, step: StepData) -> Outputs:
    return Outputs.of(HeadsPasses(network, step.batch.observations, start["weight0"].dtype).forward(start))


def step_shares(step: StepData, dtype: torch.dtype) -> torch.Tensor:
    """Each step's weight in a mean over a task's valid steps, [task, 1, step]."""
    mask = columns(step.batch.mask, 1, dtype)
    return mask / mask.sum(-1, keepdim=True)
