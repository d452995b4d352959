"""The budget: every environment step is charged before it is taken."""

from __future__ import annotations


class BudgetSpent(Exception):
    """A collection would go beyond the budget; the last completed meta-iteration stands."""


class Ledger:
    """Counts environment steps against a limit (None: unlimited, for the harness's own evaluations)."""

    def __init__(self, limit: int | None, spent: int = 0) -> None:
        self.limit = limit
        self.spent = spent

    @property
    def remaining(self) -> float:
        return float("inf") if self.limit is None else self.limit - self.spent

    def charge(self, steps: int) -> None:
        """Raises BudgetSpent, charging nothing, if the steps do not fit."""
        if self.limit is not None and self.spent + steps > self.limit:
            raise BudgetSpent(f"{steps} environment steps asked for, {self.limit - self.spent} of {self.limit} left")
        self.spent += steps
