"""The distributions of a seed's luck that the simulations draw from, each with mean 0 and standard deviation 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Luck = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
#: a failing seed lies so many standard deviations of the others below them
DROP = 4.0
FAILING = 0.2


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return generator.standard_normal(shape, dtype=np.float32)


def heavy_tailed(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Student's t with 3 degrees of freedom."""
    return generator.standard_normal(shape, dtype=np.float32) / np.sqrt(
        2 * generator.standard_gamma(1.5, shape, dtype=np.float32)
    )


def skewed(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Few seeds far above the rest: exponential."""
    return generator.standard_exponential(shape, dtype=np.float32) - np.float32(1)


def failing(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """One seed in five fails; the others are normal."""
    drop = np.float32(DROP) * (generator.random(shape, dtype=np.float32) < FAILING)
    scale = np.float32((1 + DROP**2 * FAILING * (1 - FAILING)) ** -0.5)
    return (generator.standard_normal(shape, dtype=np.float32) - drop + np.float32(DROP * FAILING)) * scale


LUCKS: dict[str, Luck] = {
    "normal": normal,
    "heavy-tailed": heavy_tailed,
    "skewed": skewed,
    "one seed in five fails": failing,
}
