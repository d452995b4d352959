"""Options of the stock suites: FinRL's settings, the price of risk, and what is observed."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal

from environments.suite import SuiteOptions
from environments.typed_options import option


@dataclass(frozen=True)
class StockOptions(SuiteOptions):
    """FinRL's settings, the price of risk, and what is observed; `docs/stocks.md` says why each default.

    `data`: a CSV file of daily bars; "synthetic"; "auto" takes the file that METARL_STOCK_DATA names, if it is set,
    and else the synthetic market.  `start`, `end`: the episode's first and last day (ISO).  `initial_cash` in dollars,
    `hmax` shares of a stock a day at most, `transaction_cost` as a share of what is traded, `reward_scaling` per
    dollar.  `purchase_penalty`: kappa, per dollar bought while turbulence is at or above the task's threshold.
    `finrl_rule`: FinRL's own threshold, from which it sells everything; none is off.
    `observe_turbulence`, `normalise_observations`: false for FinRL's own observation.
    `tie_order`: in which order purchases of equal size are made; "numpy" is FinRL's, which depends on the processor.
    `features`: who computes indicators and turbulence, we or FinRL (the extra `finrl`; equal to rounding).
    """

    data: str = "auto"
    start: str = "2021-01-04"
    end: str = "2021-12-31"
    initial_cash: float = 1e6
    hmax: int = 100
    transaction_cost: float = 1e-3
    reward_scaling: float = 1e-4
    purchase_penalty: float = 0.01
    finrl_rule: float | None = None
    observe_turbulence: bool = True
    normalise_observations: bool = True
    tie_order: Literal["stable", "numpy"] = "stable"
    features: Literal["own", "finrl"] = "own"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("initial_cash", "hmax", "reward_scaling"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name):g}")
        if self.hmax > 2**24:
            raise ValueError(f"hmax must be at most {2**24}, which float32 still counts, got {self.hmax}")
        if not 0 <= self.transaction_cost < 1:
            raise ValueError(f"transaction_cost must be in [0, 1), got {self.transaction_cost:g}")
        if self.purchase_penalty < 0:
            raise ValueError(f"purchase_penalty must be at least 0, got {self.purchase_penalty:g}")
        for name in ("start", "end"):
            _check_date(name, getattr(self, name))
        if not self.start < self.end:
            raise ValueError(f"start must be before end, got {self.start} and {self.end}")


@dataclass(frozen=True)
class RiskOptions(StockOptions):
    """`tasks`: "levels" of the year's turbulence, or "thresholds" as numbers; see `Dow30Risk`."""

    tasks: Literal["levels", "thresholds"] = option("levels", earlier="thresholds")


def _check_date(name: str, text: str) -> None:
    try:
        valid = datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(f"{name} must be a date such as 2021-01-04, got {text!r}")
