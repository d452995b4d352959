"""The augmentation's bilevel problem, one iteration of Algorithm 1 at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from algorithms.algorithm import Metrics
from algorithms.augmentation.coefficients import CoefficientDistribution
from algorithms.augmentation.hypergradient import (
    Curvature,
    Direction,
    Implicit,
    information_cotangents,
    lemma1_cotangents,
    through_posteriors,
)
from algorithms.augmentation.meta_gaussian import ExpectedObjective, Objective, as_gaussian, posterior
from algorithms.augmentation.mutual_information import calibrated_std, normals
from algorithms.augmentation.options import AugmentationConfig
from algorithms.policies.parameters import Parameters, flat, unflat

#: share of log N above which the components are called separate: what is left to gain is small, and so its gradient
SATURATED = 0.9
#: of the parameters' root mean square: the std until the means of a first iteration differ
FALLBACK_STD = 1e-2
#: products of the power iteration for the largest curvature, an estimate from below, and the multiple of it that the
#: lower level's weights are at least
POWER_ITERATIONS, CAUTION = 6, 1.5


@dataclass(frozen=True)
class Draws:
    """What an iteration leaves to chance, all standard normal.  coefficients: [set, critical].  parameters: [draw,
    parameter], of the lower level.  information: [draw, parameter]."""

    coefficients: torch.Tensor
    parameters: torch.Tensor
    information: torch.Tensor

    @classmethod
    def drawn(
        cls, config: AugmentationConfig, critical: int, gaussian: torch.Tensor, generator: torch.Generator
    ) -> Draws:
        size = gaussian.shape[1]
        return cls(
            torch.randn(config.coefficient_sets, critical, generator=generator, dtype=torch.float64),
            normals(config.parameter_draws, size, generator, gaussian.dtype),
            normals(config.information_draws, size, generator),
        )


class Bilevel:
    """Both levels at one distribution of the coefficients, a function of it once the draws are held.

    gaussian: [2, parameter], the warm start that the lower level stays near.  weights: [2, parameter], how near.
    floor: the least std.  `information`, in nats, of the solutions `gaussians` [set, 2, parameter].
    """

    def __init__(
        self,
        objective: Objective,
        like: Parameters,
        distribution: CoefficientDistribution,
        draws: Draws,
        gaussian: torch.Tensor,
        weights: torch.Tensor,
        floor: float,
        config: AugmentationConfig,
    ) -> None:
        self._distribution, self._weights, self._config = distribution, weights, config
        self.coefficients = distribution.drawn(draws.coefficients)
        self._values = self.coefficients.values.to(gaussian.dtype)
        self.expected = ExpectedObjective(objective, like, draws.parameters)
        self.posteriors = [
            posterior(self.expected, values, gaussian, weights, floor, config.posterior_steps)
            for values in self._values
        ]
        self.gaussians = torch.stack([solution.gaussian for solution in self.posteriors])
        self.information, self._cotangents = information_cotangents(self.gaussians, draws.information)

    def hypergradient(self, direction: Direction, stds_alone: bool = True) -> tuple[torch.Tensor, Implicit]:
        """The derivative of the information by the distribution's (mean, std), [2, size], or Lemma 1's in its place.

        stds_alone: as Lemma 1 has it, by the system of the stds with the means held; false for the whole system.
        """
        config, lemma1 = self._config, direction == "lemma1"
        implicit = through_posteriors(
            self.expected,
            self.posteriors,
            self._values,
            (lemma1_cotangents(self.gaussians) if lemma1 else self._cotangents).to(self._values.dtype),
            self._weights,
            config.hypergradient_iterations,
            config.hypergradient_tolerance,
            config.hessian_products,
            blocks=(not (lemma1 and stds_alone), True),
        )
        return self._distribution.gradient(self.coefficients, implicit.slopes), implicit


class Augmentation:
    """Learns the distribution of the mixture coefficients, and with it a Gaussian of the meta-parameters.

    An iteration draws sets of coefficients, solves the lower level (5) for each from the shared Gaussian of the
    iteration before, ascends the mutual information between the parameters and the set along its hypergradient, and
    makes the solutions' average the shared Gaussian.  The result's policy is the `mean`.

    parameters: where the mean starts.  critical: number of critical tasks, so of coefficients in a set.
    """

    def __init__(self, parameters: Parameters, critical: int, config: AugmentationConfig) -> None:
        if critical < 1:
            raise ValueError(f"critical must be at least 1, got {critical}")
        self.config, self._critical = config, critical
        self._like = {name: value.detach().clone() for name, value in parameters.items()}
        self._calibrated = config.parameter_std is not None
        self._gaussian = as_gaussian(parameters, config.parameter_std or self._fallback(parameters))
        self._slope: torch.Tensor | None = None
        self._step_size: float | None = None  # of the lower level; none: not yet held against the curvature
        self._floor = config.std_floor * float(self._gaussian[1, 0])
        size = critical if config.coefficient_sharing == "none" else 1
        self.coefficients = CoefficientDistribution.initial(config.coefficient_mean, config.coefficient_std, size)

    @property
    def mean(self) -> Parameters:
        """The policy's parameters."""
        return {name: value.clone() for name, value in unflat(self._gaussian[0], self._like).items()}

    @property
    def slope(self) -> torch.Tensor:
        """(7) in the mean at the last iteration's start, averaged over its sets of coefficients, [parameter]."""
        if self._slope is None:
            raise ValueError("no iteration has been made yet")
        return self._slope

    def recentre(self, parameters: Parameters) -> None:
        """The next iteration starts from these parameters; stds stay."""
        self._gaussian = torch.stack([flat(parameters).detach(), self._gaussian[1]])

    def step(self, objective: Objective, generator: torch.Generator) -> Metrics:
        """One iteration on this objective; `generator` alone decides the draws.

        With the default sizes it takes about 60 gradients of the objective: 24 for the lower level, 16 for each product
        of conjugate gradient, mostly one, and 16 for the mixed derivative.  The first takes 24 more, to set the std and
        the size of the lower level's steps: at most `posterior_step_size`, and so small that the problem is concave
        where it starts.  An iteration whose problem proves not to be, or takes back a step, quarters it.
        """
        config = self.config
        draws = Draws.drawn(config, self._critical, self._gaussian, generator)
        if self._step_size is None:
            self._step_size = self._concave(objective, draws, generator)
        step_size = self._step_size
        weights = torch.full_like(self._gaussian, 1 / step_size)
        if not self._calibrated:
            self._calibrate(objective, draws, weights, generator)
        before = self.coefficients
        levels = Bilevel(objective, self._like, before, draws, self._gaussian, weights, self._floor, config)
        hypergradient, implicit = levels.hypergradient(config.direction)
        self.coefficients = before.moved(hypergradient, config.coefficient_step_size, config.coefficient_bound)
        self._gaussian = levels.gaussians.mean(0)
        self._slope = torch.stack([solution.first for solution in levels.posteriors]).mean(0)
        share = levels.information / math.log(config.coefficient_sets)
        solutions = levels.posteriors
        if implicit.truncated or any(solution.refused for solution in solutions):
            self._step_size = step_size / 4
            self._calibrated = config.parameter_std is not None  # the solutions' means will differ by less
        return {
            "mutual_information": levels.information,
            "information_share": share,
            "saturated": float(share > SATURATED),
            "hypergradient_squared": float(hypergradient.square().sum()),
            "coefficient_mean": float(before.mean.mean()),
            "coefficient_std": float(before.std.mean()),
            "coefficients_clipped": levels.coefficients.clipped,
            "parameter_std": float(levels.gaussians[:, 1].mean()),
            "floored": 1 - float(torch.stack([solution.free[1] for solution in solutions]).double().mean()),
            "objective": sum(solution.value for solution in solutions) / len(solutions),
            "posterior_remainder": sum(solution.remainder for solution in solutions) / len(solutions),
            "posterior_step_size": step_size,
            "implicit_residual": implicit.residual,
            "implicit_truncated": implicit.truncated,
            "gradients": float(levels.expected.gradients),
            "hessian_products": float(levels.expected.products),
        }

    def state_dict(self) -> dict[str, Any]:
        return {
            "gaussian": self._gaussian.clone(),
            "floor": self._floor,
            "calibrated": self._calibrated,
            "step_size": self._step_size,
            "coefficients": torch.stack([self.coefficients.mean, self.coefficients.std]),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._gaussian = state["gaussian"].clone()
        self._floor, self._calibrated = state["floor"], state["calibrated"]
        self._step_size = state.get("step_size")
        self.coefficients = CoefficientDistribution(*state["coefficients"].clone())

    def _concave(self, objective: Objective, draws: Draws, generator: torch.Generator) -> float:
        """The size of the lower level's steps by the largest curvature, in absolute value, at its start."""
        at_mean = ExpectedObjective(objective, self._like, torch.zeros_like(self._gaussian[:1]))
        values = self.coefficients.drawn(draws.coefficients).values.to(self._gaussian.dtype).mean(0)
        curvature = Curvature(at_mean, self._gaussian, values, self.config.hessian_products)
        vector = torch.randn(self._gaussian.shape, generator=generator, dtype=self._gaussian.dtype)
        vector[1] = 0  # stds do not move the objective at the mean
        largest = 0.0
        for _ in range(POWER_ITERATIONS):
            vector = curvature(vector / vector.norm())
            largest = float(vector.norm())
            if largest == 0:
                return self.config.posterior_step_size
        return min(self.config.posterior_step_size, 1 / (CAUTION * largest))

    def _calibrate(self, objective: Objective, draws: Draws, weights: torch.Tensor, generator: torch.Generator) -> None:
        """Sets the std by the means that the lower level has without any, and the floor with it.

        Where these coincide, as with all coefficients clipped alike, the next iteration tries again.
        """
        values = self.coefficients.drawn(draws.coefficients).values.to(self._gaussian.dtype)
        at_mean = ExpectedObjective(objective, self._like, torch.zeros_like(self._gaussian[:1]))
        steps = self.config.posterior_steps
        found = calibrated_std(
            torch.stack([posterior(at_mean, its, self._gaussian, weights, 0.0, steps).gaussian[0] for its in values]),
            self.config.starting_information,
            generator,
        )
        if found is None:
            return
        self._gaussian = torch.stack([self._gaussian[0], torch.full_like(self._gaussian[1], found)])
        self._floor = self.config.std_floor * found
        self._calibrated = True

    @staticmethod
    def _fallback(parameters: Parameters) -> float:
        mean = as_gaussian(parameters, 0.0)[0]
        return FALLBACK_STD * max(float(mean.square().mean().sqrt()), FALLBACK_STD)
