"""Stock trading under different willingness to take risks: Section 6.2 and Appendix K.2 of the XMRL-G paper.

The market is the Dow 30 in 2021, the environment FinRL's; a task is a threshold of the market's turbulence from which
buying is charged for.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import gymnasium
import numpy as np

from environments.batch_env import BatchEnv
from environments.splits import Split, load_split
from environments.stocks.bars import TICKERS, Bars
from environments.stocks.indicators import BOUNDED, INDICATORS
from environments.stocks.market import Episode, check_calendar, load_bars, load_episode
from environments.stocks.stock_options import RiskOptions, StockOptions
from environments.suite import Suite, SuiteOptions
from environments.task import Task
from environments.typed_options import UsageError

#: names the file of bars where the option `data` is "auto"
DATA_VARIABLE = "METARL_STOCK_DATA"
#: of thresholds that are drawn as numbers
SHARED_MDPS = (
    "under this option test tasks are not all unseen: thresholds between the same two days' turbulences are one MDP; "
    "on the real year 6 of the 50 training tasks and 1 of the 10 validation tasks are test tasks, on the synthetic "
    "market 11 and 2"
)


class StockSuite(Suite):
    """Thresholds drawn uniformly from `thresholds`; an episode never ends before the horizon.

    A task has its `threshold`, or the `level` that it is of the period's turbulence.
    """

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

    def check_data(self) -> None:
        """Raises UsageError, naming the file, where bars are too short or miss a day; reading checks each value."""
        check_calendar(self.bars)
        _ = self.episode  # raises where a year before it, or a day of its own, is missing

    def describe(self) -> dict[str, Any]:
        """How many tasks the split has, how many different MDPs they are on these bars, and their outer thresholds."""
        found = [round(self.threshold(task), 2) for task in self._tasks]
        return {
            "tasks": len(found),
            "distinct_mdps": self.distinct_mdps(),
            "lowest_threshold": min(found),
            "highest_threshold": max(found),
        }

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

    def make_batch(self, tasks: int, trajectories: int) -> StockBatch:
        return StockBatch(self, tasks, trajectories)

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        return Task(task_id, {"threshold": round(generator.uniform(*self.thresholds), 6)})

    def threshold(self, task: Task) -> float:
        """The turbulence from which the task charges for buying, on these bars.

        A level is the share of the period's trades that are made at less turbulence; its threshold lies halfway
        between the turbulences of two days that are neighbours in their order, so that no two levels share a gap.
        """
        if "level" not in task.parameters:
            return task.parameters["threshold"]
        ordered = np.sort(self.episode.turbulence[:-1])  # nothing is traded on the last day
        below = min(max(round(task.parameters["level"] * len(ordered)), 1), len(ordered) - 1)
        return float((ordered[below - 1] + ordered[below]) / 2)

    def mdp_key(self, task: Task) -> int:
        """How many trades the task's threshold touches: thresholds between the same two days' values are one MDP."""
        return int((self.episode.turbulence[: self.horizon] >= self.threshold(task)).sum())

    def distinct_mdps(self) -> int:
        """How many different MDPs the split's tasks are."""
        return len({self.mdp_key(task) for task in self._tasks})

    @property
    def _tasks(self) -> list[Task]:
        return [*self.split.train, *self.split.validation, *self.split.test]


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
    """Dow 30 in 2021, buying charged for on the year's most turbulent days: 5 to 90 % of them, as the task says.

    A task is a level: the share of the year's 251 trades, from a tenth to 95 %, that are made at less turbulence than
    the threshold.  Levels are whole numbers of days, each as likely, and the 80 of the split are different ones, so
    that they are 80 MDPs whatever the bars.  On the real year thresholds go from 10 to 70.

    tasks=thresholds: the thresholds themselves, log-uniform from 10 to 70 on a grid of 121 values, each 1.6 % above the
    last.  Days crowd at low turbulence, so that the 80 tasks of its split are over 60 MDPs, and some of those that
    train or validate are test tasks.
    """

    name = "dow30-risk"
    family = "stocks"
    metric = "return"
    horizon = 251
    thresholds = (10.0, 70.0)
    grid: ClassVar[int] = 120  # steps from the lowest threshold to the highest
    trades: ClassVar[int] = 251  # in 2021; of these the lowest and the highest level leave so many below:
    levels: ClassVar[tuple[int, int]] = (26, 238)
    split_file: ClassVar[str] = "dow30-risk-levels"  # by default
    Options = RiskOptions
    options: RiskOptions
    earlier_versions = ("tasks=thresholds",)

    @cached_property
    def split(self) -> Split:
        return load_split(self.split_name)

    @property
    def split_name(self) -> str:
        """Of the file that holds the split."""
        return self.name if self.options.tasks == "thresholds" else self.split_file

    @property
    def cautions(self) -> tuple[str, ...]:
        return (SHARED_MDPS,) if self.options.tasks == "thresholds" else ()

    def draw_task(self, generator: np.random.Generator, task_id: str) -> Task:
        if self.options.tasks == "levels":
            low, high = self.levels
            return Task(task_id, {"level": round(int(generator.integers(low, high + 1)) / self.trades, 6)})
        lowest, highest = self.thresholds
        share = int(generator.integers(self.grid + 1)) / self.grid
        return Task(task_id, {"threshold": round(lowest * (highest / lowest) ** share, 6)})


class StockBatch(BatchEnv):
    """FinRL's StockTradingEnv (finrl 0.3.7), batched over accounts that share one market of N stocks.

    Action a in [-1, 1]^N: buy or sell int(a * hmax) shares, rounded toward zero in float32; beyond 1 it is clipped.
    At the day's close all sales are made, then purchases in order of their size while the cash lasts, each with the
    transaction cost; then the next day comes.  With V the account's value, c its cash and shares at the close:

        reward = reward_scaling [V_next - V - purchase_penalty 1{turbulence >= the task's threshold} sum_i p_i b_i]

    where b_i are the shares bought.  Purchases of equal size go by ticker, last first (FinRL: by an unstable sort).
    FinRL's own turbulence rule, where a threshold is given: at or above it every holding is sold and nothing bought.
    Sales are added up in another order than FinRL's: cash differs from its by rounding alone.

    Observation [1 + 2 N + 8 N (+ 1)]: cash, closes, shares, indicators by stock, and turbulence; see `docs/stocks.md`
    for their scales.
    """

    def __init__(self, suite: StockSuite, tasks: int, trajectories: int) -> None:
        super().__init__(tasks, trajectories, suite.horizon, suite.observation_space, suite.action_space)
        options = suite.options
        self._suite, self._options, self._episode = suite, options, suite.episode
        self._prices = self._episode.close
        self._stocks = self._prices.shape[1]
        self._market, self._cash_scale, self._share_scale = _observed(suite)
        self._rows = np.arange(self.num_envs) * self._stocks
        # one sort key a stock: its wish, then its place in the alphabet, so that no two keys are equal
        self._places = np.arange(self._stocks)
        self._bits = int(self._stocks - 1).bit_length()
        self._never = np.zeros(self.num_envs, dtype=bool)

    @property
    def account(self) -> tuple[np.ndarray, np.ndarray]:
        """Copies of cash [num_envs] in dollars and shares [num_envs, N]."""
        return self.cash.copy(), self.shares.copy()

    def _load_tasks(self, tasks: Sequence[Task]) -> None:
        self._threshold = self.repeat([self._suite.threshold(task) for task in tasks])

    def _reset(self, generator: np.random.Generator) -> np.ndarray:
        self._day = 0
        self._rule_turbulence = 0.0  # FinRL's rule sees 0 on the first day
        self.cash = np.full(self.num_envs, float(self._options.initial_cash))
        self.shares = np.zeros((self.num_envs, self._stocks))
        self._value = self.cash.copy()
        return self._observation()

    def _step(self, actions: np.ndarray, alive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        if not alive.any():
            return self._observation(), np.zeros(self.num_envs), self._never, self._never
        options, price, turbulence = self._options, self._prices[self._day], self._episode.turbulence[self._day]
        wish = self._wish(actions)
        cost = options.transaction_cost

        sold = np.minimum(np.maximum(-wish, 0), self.shares)
        if options.finrl_rule is not None and self._rule_turbulence >= options.finrl_rule:
            sold, wish = self.shares.copy(), np.zeros_like(wish)
        self.cash += (sold * (price * (1 - cost))).sum(1)
        self.shares -= sold
        bought = self._buy(wish, price * (1 + cost))
        self.shares += bought

        self._day += 1
        self._rule_turbulence = float(self._episode.turbulence[self._day])
        before, self._value = self._value, self.cash + (self.shares * self._prices[self._day]).sum(1)
        gain = self._value - before
        risky = turbulence >= self._threshold
        if options.purchase_penalty and risky.any():
            gain -= np.where(risky, options.purchase_penalty * (bought * price).sum(1), 0.0)
        return self._observation(), options.reward_scaling * gain, self._never, self._never

    def _wish(self, actions: np.ndarray) -> np.ndarray:
        """Shares to buy (positive) or to sell (negative), whole numbers [num_envs, N]."""
        scaled = actions.astype(np.float32).clip(-1, 1) * np.float32(self._options.hmax)
        if np.isnan(scaled).any():
            raise ValueError("an action is NaN")
        return scaled.astype(np.int64)

    def _buy(self, wish: np.ndarray, price: np.ndarray) -> np.ndarray:
        """Shares bought, [num_envs, N]; the loop is over ranks in the order of buying, not over environments.

        price: [N], with cost.  No cash goes below 0: rounding cannot lift n * price above it, as n <= cash / price.
        """
        bought = np.zeros(self.shares.size)
        ranks = int((wish > 0).sum(1).max())
        if not ranks:
            return bought.reshape(self.shares.shape)
        if self._options.tie_order == "numpy":
            stock = np.argsort(wish, axis=1)[:, ::-1][:, :ranks].T
            amount = np.take_along_axis(wish, stock.T, axis=1).T
        else:
            keys = np.sort((wish << self._bits) | self._places, axis=1)
            keys = np.ascontiguousarray(keys[:, : -ranks - 1 : -1].T)
            stock, amount = keys & ((1 << self._bits) - 1), keys >> self._bits
        amount = np.maximum(amount, 0).astype(np.float64)
        price_of = price[stock]
        for rank in range(ranks):
            n = np.minimum(self.cash // price_of[rank], amount[rank])
            self.cash -= n * price_of[rank]
            bought[self._rows + stock[rank]] = n
        return bought.reshape(self.shares.shape)

    def _observation(self) -> np.ndarray:
        stocks = self._stocks
        observation = np.empty((self.num_envs, self._market.shape[1]))
        observation[:] = self._market[self._day]
        observation[:, 0] = self.cash * self._cash_scale
        np.multiply(self.shares, self._share_scale, out=observation[:, 1 + stocks : 1 + 2 * stocks])
        return observation


def _observed(suite: StockSuite) -> tuple[np.ndarray, float, np.ndarray]:
    """What all accounts observe alike, [day, size] with gaps for cash and shares, and the scales of these two."""
    options, episode = suite.options, suite.episode
    days, stocks = episode.close.shape
    first = episode.close[0]
    if options.normalise_observations:
        cash_scale, share_scale = 1 / options.initial_cash, first * stocks / options.initial_cash
        price_scale: np.ndarray = 1 / first
        bounded = np.full(stocks, 0.01)
    else:
        cash_scale, share_scale = 1.0, np.ones(stocks)
        price_scale = bounded = np.ones(stocks)
    columns = [np.zeros((days, 1)), episode.close * price_scale, np.zeros((days, stocks))]
    for name, values in zip(INDICATORS, episode.indicators, strict=True):
        columns.append(values * (bounded if name in BOUNDED else price_scale))
    if options.observe_turbulence:
        columns.append(episode.turbulence[:, None] * bounded[0])
    return np.concatenate(columns, axis=1), cash_scale, share_scale
