"""What weights would look like if no training task mattered more than another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

#: a band holds the largest weight of this share of permutations, and a p-value decides at the rest
LEVEL = 0.95


@dataclass(frozen=True)
class Null:
    """Mean influences against noise; `largest` and `band` are above the mean of all."""

    largest: float  # as found
    band: float  # what it stays within in 95 % of the permutations
    p_value: float  # of all being equal but for noise

    @property
    def stands_out(self) -> bool:
        return self.p_value <= 1 - LEVEL and self.largest > self.band


def permutation_null(
    influence: torch.Tensor, sizes: torch.Tensor, permutations: int, generator: np.random.Generator
) -> Null:
    """Compares mean influences with those of permuted ones.

    influence: [replicate, group], from independent collections.  sizes: [group], how many identical tasks each is the
    mean of, whose noise is by so much smaller.

    If nothing matters, a group's influences in different replicates have nothing to do with each other, so that every
    replicate may be permuted by itself.  The p-value is the share of permutations in which the means over replicates
    vary at least as much as found (the data's own arrangement among them): exact, whatever the noise is like.

    The band is of the permutations' largest mean.  With a signal in it the permuted influences have it too: where ten
    tasks out of fifty matter, chance brings two of them together in most permutations, and the largest mean is as large
    as found.  So once the p-value has proven a signal, only what replicates of a group differ in is permuted.
    """
    replicates, groups = influence.shape
    weight = sizes.sqrt().numpy()
    values = influence.numpy()
    values = values - (values * weight**2).sum(1, keepdims=True) / (weight**2).sum()
    means = values.mean(0)
    largest = float(means.max())
    if groups < 2:
        return Null(largest, float("inf"), 1.0)
    order = generator.permuted(np.broadcast_to(np.arange(groups), (permutations, replicates, groups)), axis=-1)

    def permuted(rows: np.ndarray) -> np.ndarray:
        """Means over replicates [permutation, group] of rows [replicate, group] of equal variances, in their units."""
        return np.take_along_axis(np.broadcast_to(rows, order.shape), order, axis=-1).mean(1)

    drawn = permuted(values * weight)
    found = float(((means * weight) ** 2).sum())
    reached = int(((drawn**2).sum(1) >= found * (1 - 1e-12)).sum())
    p_value = (1 + reached) / (1 + permutations)
    if p_value <= 1 - LEVEL:
        # residuals have (replicates - 1) / replicates of the noise's variance
        noise = (values - means) * weight * (replicates / (replicates - 1)) ** 0.5
        drawn = permuted(noise - noise.mean(1, keepdims=True))
    return Null(largest, float(np.quantile((drawn / weight).max(1), LEVEL)), p_value)
