"""The baselines that adapt by the policy gradient, MAML and random initialisation, at each step size of a grid.

The paper prints no step size.  A baseline is not worse than it is at its best one: for each number of adaptation steps
the best of the grid stands as `maml, best step size` and `random-init, best step size`, with that size as `x`.  `maml`
and `random-init` are those at Appendix H's size.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from benchmarks.specs.study import Rows
from benchmarks.studies.optimality_gap.hypergradient import policy_gradient_step
from benchmarks.studies.optimality_gap.lake import STEPS, Lake, appendix_h_step
from benchmarks.studies.optimality_gap.meta_training import PolicyGradientStep, returns_after_steps
from benchmarks.studies.optimality_gap.random_initialisation import Draws, difference_rows, error_rows

BEST = ", best step size"


def policy_gradient_rows(lake: Lake, trained: Mapping[float, torch.Tensor], drawn: Mapping[float, Draws]) -> Rows:
    """Exact MAML and random initialisation, by step size.  trained: meta-policies [S, A]."""
    returns = {
        size: returns_after_steps(PolicyGradientStep(size), lake.tasks, logits, STEPS)
        for size, logits in trained.items()
    }
    random = {size: draws.mean for size, draws in drawn.items()}
    rows = _rows(lake, "maml", returns) + _rows(lake, "random-init", random)
    printed = appendix_h_step(lake.suite)
    rows += error_rows(lake, "random-init", drawn[printed], printed)
    for name, sizes in (("maml", [printed] * 2), (f"maml{BEST}", best_sizes(returns))):
        rows += [
            lake.row("optimality gap", lake.gap(returns[sizes[step]][step]), name, index=step, x=sizes[step])
            for step in (0, 1)
        ]
    for step, (own, other) in enumerate(zip(best_sizes(returns), best_sizes(random), strict=True)):
        rows.append(error_rows(lake, f"random-init{BEST}", drawn[other], other)[step])
        if step:
            mean = float(returns[own][step].mean())
            rows += difference_rows(lake, f"maml{BEST}", mean, drawn[other], step, own)
    return rows


def best_sizes(returns: Mapping[float, torch.Tensor]) -> list[float]:
    """The step size of highest mean return [steps + 1, task] for each number of steps, for none that for one."""
    by_step = [max(returns, key=lambda size: float(returns[size][step].mean())) for step in range(1, STEPS + 1)]
    return [by_step[0], *by_step]


def step_from(lake: Lake, algorithm: str, logits: torch.Tensor, sizes: tuple[float, ...]) -> Rows:
    """One policy-gradient step from another method's meta-policy [S, A]: at each size, at Appendix H's, at the best."""
    quantity = "optimality gap of a policy-gradient step from its meta-policy"
    before = lake.tasks.evaluate(logits)
    gaps = {size: lake.gap(lake.tasks.evaluate(policy_gradient_step(before, size)).expected_return) for size in sizes}
    best = min(gaps, key=gaps.__getitem__)
    named = [(f"{quantity}, by step size", size) for size in sizes]
    named += [(quantity, appendix_h_step(lake.suite)), (f"{quantity}, best step size", best)]
    return [lake.row(name, gaps[size], algorithm, index=1, x=size) for name, size in named]


def _rows(lake: Lake, name: str, returns: Mapping[float, torch.Tensor]) -> Rows:
    """The whole grid, then by task at Appendix H's size and at the best; returns [steps + 1, task] by size."""
    rows = [
        lake.row("return after k steps by step size", mean, name, index=step, x=size)
        for size, values in returns.items()
        for step, mean in enumerate(values.mean(-1).tolist())
    ]
    rows += lake.steps("return after k steps", name, returns[appendix_h_step(lake.suite)], appendix_h_step(lake.suite))
    for step, size in enumerate(best_sizes(returns)):
        rows += lake.step("return after k steps", f"{name}{BEST}", returns[size], step, size)
    return rows
