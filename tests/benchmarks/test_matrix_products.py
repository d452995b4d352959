"""`docs.studies.matrix_products`: every product is noted with its operands, and the study runs at a small size."""

from __future__ import annotations

import torch

from algorithms.maml_trpo import MamlTrpo
from benchmarks.bench.measure import Size
from docs.studies.matrix_products import Noted, measured, seconds_alone


def test_every_product_is_noted_as_often_as_it_is_made() -> None:
    one, other, bias = torch.randn(3, 4, 5), torch.randn(3, 6, 5).transpose(1, 2), torch.randn(3, 4, 6)
    with Noted() as noted:
        torch.bmm(one, other)
        torch.baddbmm(bias, one, other)  # the bias is no factor
        one[0] @ other[0]
        one * 2
    shapes = {tuple(shape for shape, _, _ in operands): count for operands, count in noted.calls.items()}
    assert shapes == {((3, 4, 5), (3, 5, 6)): 2, ((4, 5), (5, 6)): 1}
    assert seconds_alone(noted.calls) > 0


def test_a_small_meta_iteration_is_measured() -> None:
    name, iteration, products = measured(MamlTrpo, {}, Size(tasks=2, trajectories=2, horizon=5))
    assert name == "MamlTrpo" and 0 < float(products) < float(iteration)
