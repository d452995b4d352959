"""What the paper leaves open about the augmentation's bilevel problem, and what the default is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from algorithms.algorithm import Config
from algorithms.search_space import LogRange, Range, searched, unsearched

COST = "it multiplies the objective's evaluations"
ESTIMATE = "accuracy of an estimate, whose cost is small beside the objective's"
BOUNDED = "it bounds a step that is searched"


@dataclass(frozen=True)
class AugmentationConfig(Config):
    """Anonymous (XMRL-G), Algorithm 1; the paper prints none of these values."""

    # sets of mixture coefficients in an iteration, the paper's N^zeta-bar; the information is at most their logarithm
    coefficient_sets: int = unsearched(4, COST)
    # of a coefficient's Gaussian at the start.  From 0.5 up a step keeps its own action, at 1 a task stays as it is, so
    # the search is between; a draw of the default lies in (0.5, 1) nine times of ten, where it has a gradient.
    coefficient_mean: float = searched(0.8, Range(0.55, 0.95))
    coefficient_std: float = unsearched(0.12, "learned; at the start it keeps most draws unclipped")
    # one Gaussian for all critical tasks, which the paper writes, or one for each
    coefficient_sharing: Literal["all", "none"] = "all"
    # beta, of the ascent on the information; it is flat where the components separate and steep where they are narrow,
    # hence the bound on how far the mean or the std moves in an iteration (none: as printed)
    coefficient_step_size: float = unsearched(0.05, "coefficient_bound decides most of its steps")
    coefficient_bound: float | None = unsearched(0.05, BOUNDED)
    # the information's own gradient, or what Lemma 1 prints
    direction: Literal["information", "lemma1"] = "information"
    # normal draws of the parameters' Gaussian, N^zeta: pairs of opposite ones, shared by all sets and held during an
    # iteration, so that the sets' solutions differ by their coefficients alone
    parameter_draws: int = unsearched(2, COST)
    # of ascent on the lower level, beyond one gradient at the start
    posterior_steps: int = unsearched(2, COST)
    # 1 / rho: about the warm start the lower level pays rho / 2 times the squared distance, without which fixed data
    # have no best parameters.  The first ascent step has this size
    posterior_step_size: float = searched(0.3, LogRange(0.03, 3.0))
    # of the parameters' Gaussian at the start; none: such that the information starts at `starting_information`
    parameter_std: float | None = unsearched(None, "set by starting_information")
    # share of log N
    starting_information: float = unsearched(0.5, "the middle, so that the information can rise and fall")
    # the least std, a share of that at the start: (5) has no entropy term, and its optimum may have none at all
    std_floor: float = unsearched(0.5, BOUNDED)
    # of each component, for the mutual information
    information_draws: int = unsearched(64, ESTIMATE)
    # of conjugate gradient for the hypergradient, and the residual that is small enough
    hypergradient_iterations: int = unsearched(5, COST)
    hypergradient_tolerance: float = unsearched(0.01, ESTIMATE)
    # central differences of gradients serve every objective; in float32 they differ from double backward by 4e-5 of the
    # product's norm and cost a third of it, through a policy gradient of 64 by 64 units and one inner step
    hessian_products: Literal["differences", "exact"] = "differences"

    def __post_init__(self) -> None:
        super().__post_init__()
        counts = {
            "coefficient_sets": (self.coefficient_sets, 2),
            "parameter_draws": (self.parameter_draws, 1),
            "posterior_steps": (self.posterior_steps, 1),
            "information_draws": (self.information_draws, 1),
            "hypergradient_iterations": (self.hypergradient_iterations, 1),
        }
        for name, (value, least) in counts.items():
            if value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        positive = {
            "coefficient_std": self.coefficient_std,
            "coefficient_bound": self.coefficient_bound,
            "posterior_step_size": self.posterior_step_size,
            "parameter_std": self.parameter_std,
            "std_floor": self.std_floor,
        }
        for name, number in positive.items():
            if number is not None and number <= 0:
                raise ValueError(f"{name} must be above 0, got {number:g}")
        shares = {
            "coefficient_mean": (self.coefficient_mean, True),
            "hypergradient_tolerance": (self.hypergradient_tolerance, True),
            "starting_information": (self.starting_information, False),
        }
        for name, (share, ends) in shares.items():
            if not (0 <= share <= 1 if ends else 0 < share < 1):
                raise ValueError(f"{name} must be in {'[0, 1]' if ends else '(0, 1)'}, got {share:g}")
