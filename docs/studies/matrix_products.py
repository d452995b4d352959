"""How much of a meta-iteration its matrix products alone would take: `python -m docs.studies.matrix_products`.

Notes the shapes of every product that a meta-iteration makes, repeats each by itself with its operands at hand, and
prints the sum as a share of the physics, beside the whole iteration as `metarl bench` measures it.  What is left of the
method's own work are elementwise operations and calls: no other arrangement of the same products is faster than they.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from algorithms.maml_trpo import MamlTrpo
from algorithms.maml_vpg import MamlVpg
from algorithms.promp import Promp
from benchmarks.bench.iterations import Training
from benchmarks.bench.measure import Size, processor_seconds
from benchmarks.bench.physics import BarePhysics
from benchmarks.commands.text_table import text_table

PRODUCTS = {"mm", "bmm", "addmm", "baddbmm", "addmm_", "baddbmm_", "mv", "dot"}
METHODS: tuple[tuple[type, Mapping[str, Any]], ...] = ((MamlVpg, {}), (MamlTrpo, {}), (Promp, {"gradient_steps": 5}))
#: measured iterations, and repetitions of each product, of which the fastest counts
ITERATIONS, REPETITIONS = 5, 7

#: of both operands: shape, strides and type
Operands = tuple[tuple[tuple[int, ...], tuple[int, ...], torch.dtype], ...]


class Noted(TorchDispatchMode):
    """Within, the operands of every matrix product are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[Operands] = Counter()

    def __torch_dispatch__(self, call: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if call._schema.name.partition("::")[2] in PRODUCTS:
            factors = [each for each in args if isinstance(each, torch.Tensor)][-2:]
            self.calls[tuple((tuple(each.shape), each.stride(), each.dtype) for each in factors)] += 1
        return call(*args, **(kwargs or {}))


def seconds_alone(calls: Mapping[Operands, int]) -> float:
    """Of all products, each as often as it was counted."""
    return sum(count * _fastest(operands) for operands, count in calls.items())


def _fastest(operands: Operands) -> float:
    one, other = (
        torch.randn(1 + sum((size - 1) * step for size, step in zip(*layout[:2], strict=True)), dtype=layout[2])
        .as_strided(*layout[:2])
        for layout in operands
    )  # fmt: skip
    product: Callable[..., torch.Tensor] = torch.bmm if one.dim() == 3 else torch.matmul
    out = product(one, other)
    taken = []
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        product(one, other, out=out)
        taken.append(time.perf_counter() - started)
    return min(taken)


def measured(algorithm: type, settings: Mapping[str, Any], size: Size) -> tuple[str, str, str]:
    """The method, its iteration and its products alone, both in times its physics."""
    training = Training(algorithm, settings, size)
    physics, wholes, bare = BarePhysics(training.suite, size.tasks * size.trajectories), [], []
    for _ in range(ITERATIONS):
        training.collector.collections.clear()
        whole = processor_seconds(training.iterate)
        bare.append(sum(physics.seconds(collection) for collection in training.collector.collections))
        wholes.append(whole / bare[-1])
    with Noted() as noted:
        training.iterate()
    alone = seconds_alone(noted.calls) / median(bare)
    return algorithm.__name__, f"{median(wholes):.2f}", f"{alone:.2f}"


def main() -> None:
    torch.set_num_threads(1)
    rows = [measured(algorithm, settings, Size()) for algorithm, settings in METHODS]
    print("\n".join(text_table([("method", "iteration / physics", "its matrix products alone / physics"), *rows])))


if __name__ == "__main__":
    main()
