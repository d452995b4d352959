"""The smallest true effect that a comparison of so many seeds decides often enough, known before its seeds are run."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import optimize, stats

from reports.statistics.worst_case import SMALLEST_P, Samples, critical_value

POWER = 0.8
_NODES = 400  # of the quadrature: more of them move no digit that a page shows


def power(effect: float, seeds: int, level: float, samples: Samples) -> float:
    """The chance that the test of `mean_difference` decides at `level`, for the side on which the effect truly is.

    effect: in standard deviations over seeds, which are normal and of equal spread on either side.
    seeds: of each side, at least 2.  Raises ValueError for a level that is not in [1e-9, 1).

    The test decides where D >= c s sqrt(2 / n), s the larger of the two sides' standard deviations; D, the difference
    of means, is independent of s, and so the chance is the mean of Phi(effect / sqrt(2 / n) - c s) over s.  For one
    sample it is that of the noncentral t distribution.
    """
    critical = critical_value(level, seeds, samples)
    error = np.sqrt((2 if samples == "two" else 1) / seeds)
    spreads, weights = _spreads(seeds, samples)
    return float(weights @ stats.norm.cdf(abs(effect) / error - critical * spreads))


@cache
def decidable_effect(seeds: int, level: float, samples: Samples, wanted: float = POWER) -> float:
    """The effect, in standard deviations over seeds, that is decided with a chance of `wanted`; otherwise as `power`.

    Raises ValueError for a chance that no effect of 0 leaves open.
    """
    if not power(0.0, seeds, level, samples) < wanted < 1:
        raise ValueError(f"the chance must lie between that without an effect and 1, got {wanted}")
    most = 1.0
    while power(most, seeds, level, samples) < wanted:
        most *= 2
    return float(optimize.brentq(lambda effect: power(effect, seeds, level, samples) - wanted, 0.0, most))


def first_level(tests: int, level: float = 0.05) -> float:
    """What Holm's correction asks of the first of so many tests, and so of each of them whatever the others say."""
    return max(level / max(tests, 1), SMALLEST_P)


@cache
def _spreads(seeds: int, samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of s, its true value being 1, with their weights: of one standard deviation or of the larger of two."""
    places, weights = np.polynomial.legendre.leggauss(_NODES)
    chances = (1 + places) / 2
    single = np.sqrt(chances) if samples == "two" else chances  # the larger is below q where both are
    return np.sqrt(stats.chi2.ppf(single, seeds - 1) / (seeds - 1)), weights / 2
