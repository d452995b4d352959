"""Options of an explanation: what XMRL-G leaves open, each with a default and its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from algorithms.algorithm import Config
from algorithms.search_space import unsearched

COUNT = "the paper's: 5 of 10 validation tasks are poor, 5 of 50 training tasks critical"
NUMERICS = "numerics of the bilevel problem, whose residuals every explanation reports"


@dataclass(frozen=True)
class ExplanationConfig(Config):
    """Algorithm 2 of XMRL-G and what it leaves open.

    Weights start at 1 / N and are unconstrained, as in the paper.  An iteration moves the weight of the training task
    of the largest absolute influence by `importance_rate` / N and the others in proportion, so that neither the scale
    of rewards nor that of parameters matters; by default none can leave [0, 2 / N].

    On fixed data the weighted surrogate has no maximum.  The lower level therefore has a proximal term,
    sum_i omega_i J_i(theta) - rho / 2 |theta - theta_0|^2, with rho = `proximity` x the largest curvature (absolute
    eigenvalue) of the uniformly weighted objective at theta_0, as far as the poor tasks' gradient can tell.  Above 1 it
    makes that problem concave about theta_0; at 4 a step of gradient ascent leaves a quarter of the way to the
    solution.  Where the steps do not solve it, since the curvature grows on the way, rho is doubled; where there is
    hardly any curvature (the surrogate of a table of logits is linear) rho is what keeps the solution within `reach` of
    theta_0.  It is the damping of the conjugate gradient as well, so that the implicit derivative is that of the
    problem which is solved.
    """

    poor_tasks: int = unsearched(5, COUNT)  # of the validation tasks, the worst after adaptation
    critical_tasks: int = unsearched(5, COUNT)  # of the training tasks, those of the largest weight
    # independent collections of every task: the permutation null compares them
    replicates: int = unsearched(2, "2 are the fewest from which noise can be told")
    importance_iterations: int = unsearched(5, NUMERICS)  # K-bar, of the upper level
    importance_rate: float = unsearched(0.2, NUMERICS)  # alpha of the upper level, in units of 1 / N
    lower_steps: int = unsearched(10, NUMERICS)  # of gradient ascent at most, from the solution before
    lower_rate: float = unsearched(1.0, NUMERICS)  # their size in units of 1 / rho, halved where one overshoots
    proximity: float = unsearched(4.0, NUMERICS)  # rho in units of the largest curvature
    reach: float = unsearched(1.0, NUMERICS)  # the solution's distance from theta_0 at most, about, as a norm
    implicit_iterations: int = unsearched(10, NUMERICS)  # of conjugate gradient at most
    # the remaining slope of the lower level and the remaining residual of the conjugate gradient that are small enough,
    # as a share of the slope at theta_0 and of the poor tasks' gradient
    tolerance: float = unsearched(0.01, NUMERICS)
    # products with Hessians: by double backward, by central differences of gradients, or the former where the method's
    # meta-objective can be differentiated twice (iMAML's solution of a proximal problem cannot)
    curvature: Literal["automatic", "exact", "differences"] = "automatic"
    permutations: int = unsearched(2000, "they cost nothing, and p-values come in steps of their inverse")

    def __post_init__(self) -> None:
        super().__post_init__()
        least = {
            "poor_tasks": 1,
            "critical_tasks": 1,
            "replicates": 2,
            "importance_iterations": 1,
            "lower_steps": 1,
            "implicit_iterations": 1,
            "permutations": 100,
        }
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise ValueError(f"{name} must be at least {bound}, got {getattr(self, name)}")
        for name in ("importance_rate", "proximity", "reach", "tolerance"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name):g}")
        if not 0 < self.lower_rate < 2:
            raise ValueError(f"lower_rate must be in (0, 2), beyond which no step converges, got {self.lower_rate:g}")
