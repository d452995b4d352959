"""Which tasks a meta-policy adapts to worst."""

from __future__ import annotations

import torch

from environments.typed_options import UsageError


def poor_tasks(returns: torch.Tensor, count: int) -> tuple[int, ...]:
    """Indices of the tasks of the lowest mean return after adaptation, the worst first; equal ones in their order.

    returns: [task, trajectory].  Raises UsageError for fewer tasks than are asked for.
    """
    if not 1 <= count <= len(returns):
        raise UsageError(
            f"{count} poor tasks cannot be chosen among {len(returns)}; ask for 1 to {len(returns)} of them"
        )
    return tuple(torch.sort(returns.double().mean(1), stable=True).indices[:count].tolist())
