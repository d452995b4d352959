"""Which tasks a meta-policy adapts to worst."""

from __future__ import annotations

import torch

from environments.trajectories import TrajectoryBatch
from environments.typed_options import UsageError

#: of a return, beside a success, where tasks are ranked: among those of equal success it decides
TIE = 1e-4


def ranked_by(trajectories: TrajectoryBatch, metric: str, discount: float) -> torch.Tensor:
    """[task, trajectory], float64: what makes a task poor, the suite's metric; returns tell equal success apart."""
    if metric == "discounted_return":
        return trajectories.discounted_returns(discount).double()
    returns = trajectories.returns.double()
    return trajectories.success.double() + TIE * returns if metric == "success" else returns


def poor_tasks(returns: torch.Tensor, count: int) -> tuple[int, ...]:
    """Indices of the tasks of the lowest mean return after adaptation, the worst first; equal ones in their order.

    returns: [task, trajectory].  Raises UsageError for fewer tasks than are asked for.
    """
    if not 1 <= count <= len(returns):
        raise UsageError(
            f"{count} poor tasks cannot be chosen among {len(returns)}; ask for 1 to {len(returns)} of them"
        )
    return tuple(torch.sort(returns.double().mean(1), stable=True).indices[:count].tolist())
