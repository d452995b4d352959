"""How large the largest weight would be if no training task mattered more than another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

#: the band holds the largest weight of this share of permutations
LEVEL = 0.95


@dataclass(frozen=True)
class Null:
    """Of the largest mean influence, above the mean of all."""

    largest: float  # as found
    band: float  # 95 % of the permutations stay within
    p_value: float  # share of the permutations, the data's own arrangement among them, that reach what was found


def permutation_null(
    influence: torch.Tensor, sizes: torch.Tensor, permutations: int, generator: np.random.Generator
) -> Null:
    """Compares the largest influence with that of permuted noise.

    influence: [replicate, group], from independent collections.  sizes: [group], how many identical tasks each is the
    mean of, whose noise is by so much smaller.

    What replicates of one group differ in is noise.  It is permuted between groups, in every replicate by itself, and
    the largest mean over replicates taken.  Permuting the influences themselves would do as well where nothing matters;
    but where ten tasks out of fifty do, chance brings two of them together in most permutations, so that the largest
    permuted mean is as large as the largest found, and nothing would ever stand out of a cluster.
    """
    replicates, groups = influence.shape
    means = influence.mean(0)
    centre = float((means * sizes).sum() / sizes.sum())
    largest = float(means.max()) - centre
    if groups < 2:
        return Null(largest, float("inf"), 1.0)
    weight = sizes.sqrt()
    # residuals have (replicates - 1) / replicates of the noise's variance
    noise = ((influence - means) * weight * (replicates / (replicates - 1)) ** 0.5).numpy()
    noise = noise - noise.mean(1, keepdims=True)
    order = generator.permuted(np.broadcast_to(np.arange(groups), (permutations, replicates, groups)), axis=-1)
    drawn = np.take_along_axis(np.broadcast_to(noise, order.shape), order, axis=-1).mean(1) / weight.numpy()
    highest = drawn.max(1)
    reached = int((highest >= largest).sum())
    return Null(largest, float(np.quantile(highest, LEVEL)), (1 + reached) / (1 + permutations))
