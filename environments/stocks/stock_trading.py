"""Stock trading under different willingness to take risks: Section 6.2 and Appendix K.2 of the XMRL-G paper.

The market is the Dow 30 in 2021, the environment FinRL's; a task is a threshold of the market's turbulence from which
buying is charged for.
"""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import gymnasium
import numpy as np

from environments.stocks.bars import TICKERS, Bars
from environments.stocks.indicators import INDICATORS
from environments.stocks.market import Episode, load_bars, load_episode
from environments.stocks.stock_env import StockEnv
from environments.suite import Suite, SuiteOptions
from environments.task import Task
from environments.typed_options import UsageError

#: names the file of bars where the option `data` is "auto"
DATA_VARIABLE = "METARL_STOCK_DATA"


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


class StockSuite(Suite):
    """Thresholds drawn uniformly from `thresholds`; an episode never ends before the horizon."""

    Options: ClassVar[type[StockOptions]] = StockOptions
    options: StockOptions
    thresholds: ClassVar[tuple[float, float]]

    def __init__(self, options: SuiteOptions | None = None) -> None:
        super().__init__(options)
        data = self.options.data
        file = os.environ.get(DATA_VARIABLE) or "synthetic" if data == "auto" else data
        self._file = None if file == "synthetic" else file

    @property
    def observation_space(self) -> gymnasium.spaces.Box:
        size = 1 + (2 + len(INDICATORS)) * len(TICKERS) + self.options.observe_turbulence
        return gymnasium.spaces.Box(-np.inf, np.inf, (size,), np.float64)

    @property
    def action_space(self) -> gymnasium.spaces.Box:
        return gymnasium.spaces.Box(-1, 1, (len(TICKERS),), np.float32)

    @property
    def bars(self) -> Bars:
        """The bars behind the suite.  Raises UsageError if they cannot be read."""
        return load_bars(self._file)

    @property
    def data_digest(self) -> str:
        return self.bars.digest

    @property
    def data_source(self) -> str:
        return self.bars.source

    @cached_property
    def episode(self) -> Episode:
        """The days traded.  Raises UsageError if the bars do not cover them and a year before, or the horizon."""
        options = self.options
        episode = load_episode(self._file, options.features, options.start, options.end)
        steps = len(episode.dates) - 1
        if steps < self.horizon:
            period = f"{options.start} to {options.end} has {steps + 1} trading days"
            raise UsageError(f"suite {self.name}: {period}, so horizon must be at most {steps}, got {self.horizon}")
        return episode

    def make_batch(self, tasks: int, trajectories: int) -> StockEnv:
        return StockEnv(self, tasks, trajectories)

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        return Task(task_id, {"threshold": round(generator.uniform(*self.thresholds), 6)})

    def distinct_mdps(self) -> int:
        """How many different MDPs the split's tasks are: thresholds between the same two days' values are the same."""
        turbulence = self.episode.turbulence[: self.horizon]
        tasks = [*self.split.train, *self.split.validation, *self.split.test]
        return len({int((turbulence >= task.parameters["threshold"]).sum()) for task in tasks})


class Dow30Turbulence(StockSuite):
    """Dow 30 in 2021, buying charged for from a turbulence of U(45, 50): the paper's tasks, five MDPs on real bars.

    In 2021 four days have a turbulence between 45 and 50, so all thresholds come to five different rewards;
    `distinct_mdps` counts them.  `dow30-risk` spreads the thresholds.
    """

    name = "dow30-turbulence"
    family = "stocks"
    metric = "return"
    horizon = 251
    thresholds = (45.0, 50.0)


class Dow30Risk(StockSuite):
    """Dow 30 in 2021, buying charged for from a turbulence of 10 to 70, the year's 10th to 95th percentile.

    Thresholds are log-uniform on a grid of 121 values, each 1.6 % above the last.  Days crowd at low turbulence, so
    that 80 draws uniform on [10, 70] come to about 50 different rewards; 80 different values of the grid to over 60.
    """

    name = "dow30-risk"
    family = "stocks"
    metric = "return"
    horizon = 251
    thresholds = (10.0, 70.0)
    grid: ClassVar[int] = 120  # steps from the lowest threshold to the highest

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        low, high = self.thresholds
        share = int(generator.integers(self.grid + 1)) / self.grid
        return Task(task_id, {"threshold": round(low * (high / low) ** share, 6)})


def _check_date(name: str, text: str) -> None:
    try:
        valid = datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(f"{name} must be a date such as 2021-01-04, got {text!r}")
