"""`metarl bench`: the measures that the design must hold.

Ratios compare processor times within one process on one thread, repetition by repetition, so that a busy machine
hardly moves them.  The whole takes a few minutes.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch

from algorithms.maml_trpo import MamlTrpo
from algorithms.maml_vpg import MamlVpg
from algorithms.promp import Promp
from benchmarks.bench.against_finrl import against_finrl
from benchmarks.bench.collection import ROBOTS, closed_loop
from benchmarks.bench.cost import cost_parts
from benchmarks.bench.fresh_process import listing_time, peak_memory
from benchmarks.bench.iterations import meta_iteration
from benchmarks.bench.manipulation import SUITES as ARM_SUITES
from benchmarks.bench.manipulation import arm_collection, pictures_taken
from benchmarks.bench.measure import Measure, Size
from benchmarks.bench.stepping import PHYSICS, SUITES, steps_per_second
from environments.sawyer.assets import VARIABLE

Part = Callable[[], Measure]


def _to_standard_error(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def measure(
    parts: Iterable[Part] | None = None, tell: Callable[[str], None] = _to_standard_error
) -> list[dict[str, Any]]:
    """Takes the measures: dicts of "name", "value", "unit", "target" (text, or None) and "holds" (None: no target).

    parts: what to measure, everything at full size if None.  tell: is given a line after each measure.
    Raises ValueError if two measures have one name.
    """
    torch.set_num_threads(1)
    parts = list(everything(Size()) if parts is None else parts)
    measures: list[dict[str, Any]] = []
    for part in parts:
        taken = part().as_json()
        if any(taken["name"] == other["name"] for other in measures):
            raise ValueError(f"two measures are called {taken['name']!r}")
        measures.append(taken)
        tell(f"[{len(measures)}/{len(parts)}] {taken['name']}: {taken['value']} {taken['unit']}")
    return measures


def everything(size: Size) -> list[Part]:
    """Every measure; those in processes of their own first, while this one is still small."""
    return [
        partial(listing_time, size),
        partial(peak_memory, size),
        partial(meta_iteration, MamlTrpo, {}, 1.5, size),
        partial(meta_iteration, Promp, {"gradient_steps": 5}, 1.25, size),
        partial(meta_iteration, MamlVpg, {}, 1.3, size),  # what `cost_parts` measures the others against
        *cost_parts(size),
        *(partial(closed_loop, robot, size) for robot in ROBOTS),
        *(partial(steps_per_second, suite, size) for suite in SUITES),
        partial(steps_per_second, PHYSICS, size, at_least=3_000, episodes=1),
        *([partial(against_finrl, size)] if importlib.util.find_spec("finrl") else []),
        *(with_metaworld(size) if os.environ.get(VARIABLE) else []),
    ]


def with_metaworld(size: Size) -> list[Part]:
    """The measures that need Meta-World's models."""
    return [*(partial(arm_collection, suite, size) for suite in ARM_SUITES), partial(pictures_taken, size)]
