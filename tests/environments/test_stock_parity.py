"""The stock suite against FinRL's own code, step by step: indicators, turbulence, trading, its turbulence rule."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from environments.stocks.bars import TICKERS, Bars
from environments.stocks.finrl_bridge import finrl_days, finrl_environment, finrl_module
from environments.stocks.indicators import INDICATORS, indicators
from environments.stocks.market import features, load_bars
from environments.stocks.stock_trading import Dow30Risk, StockSuite
from environments.stocks.turbulence import turbulence
from environments.streams import Streams
from tests.support.stock_markets import MARKETS, make, market_id

STEPS = 251
#: initial cash and most shares traded a day: what is usual, too little cash to buy as wished, and hardly a limit
SETTINGS = [(1_000_000, 100), (20_000, 37), (50_000_000, 3_000)]
FINRLS_OWN = {"observe_turbulence": False, "normalise_observations": False, "purchase_penalty": 0.0}


@dataclass(frozen=True)
class Market:
    """A market and FinRL's preprocessing of it."""

    data: str
    bars: Bars
    frame: Any  # FinRL's table of the episode's days
    indicators: np.ndarray
    turbulence: np.ndarray


@pytest.fixture(scope="module", params=MARKETS, ids=market_id)
def market(request: pytest.FixtureRequest) -> Market:
    bars = load_bars(None if request.param == "synthetic" else request.param)
    values, index = features(bars, "finrl")
    frame = finrl_days(bars, values, index, "2021-01-04", "2022-01-01")
    return Market(request.param, bars, frame, values, index)


def draw_actions() -> np.ndarray:
    """[step, kind, ticker] float32: random, extreme, zero, tied, and buying and selling by turns."""
    draw = Streams(0).numpy("actions")
    shape = (STEPS, len(TICKERS))
    tied = draw.choice([-1.0, -0.5, 0.004, 0.5, 1.0], shape)
    turns = np.repeat(np.where(np.arange(STEPS) // 20 % 2 == 0, 1.0, -0.3)[:, None], len(TICKERS), axis=1)
    kinds = [draw.uniform(-1, 1, shape), draw.choice([-1.0, 1.0], shape), np.zeros(shape), tied, turns]
    return np.stack(kinds, axis=1).astype(np.float32)


def assert_equal_episodes(suite: StockSuite, market: Market) -> None:
    """One episode of each kind of actions; rewards, cash, shares and states equal FinRL's."""
    options, actions = suite.options, draw_actions()
    kinds = actions.shape[1]
    batch = suite.make_batch(1, kinds)
    batch.set_tasks(suite.split.train[:1])
    observation, _ = batch.reset(seed=0)
    theirs = [
        finrl_environment(market.frame, options.initial_cash, options.hmax, options.finrl_rule) for _ in range(kinds)
    ]
    np.testing.assert_allclose(observation[0], theirs[0].state, rtol=1e-9)
    rewards = np.zeros((STEPS, kinds, 2))
    for step in range(STEPS):
        observation, rewards[step, :, 0], *_ = batch.step(actions[step])
        results = [environment.step(action) for environment, action in zip(theirs, actions[step], strict=True)]
        rewards[step, :, 1] = [result[1] for result in results]
        expected = np.array([result[0] for result in results], dtype=np.float64)
        cash, shares = batch.account
        np.testing.assert_array_equal(shares, expected[:, 31:61])
        np.testing.assert_allclose(cash, expected[:, 0], rtol=1e-9, atol=1e-9 * options.initial_cash)
        np.testing.assert_array_equal(observation[:, 0], cash)
        np.testing.assert_allclose(observation[:, 1:], expected[:, 1:], rtol=1e-9, atol=1e-9)
    # a reward is the difference of two values of the account, in units of 10,000 dollars
    np.testing.assert_allclose(rewards[..., 0], rewards[..., 1], rtol=1e-9, atol=1e-13 * options.initial_cash * 1e-4)
    assert not rewards[:, 2].any(), "who does nothing earns nothing"
    assert rewards[:, [0, 1, 3, 4]].any((0, 2)).all()


def test_indicators_equal_finrls(market: Market) -> None:
    mine = indicators(market.bars)
    for name, ours, theirs in zip(INDICATORS, mine, market.indicators, strict=True):
        first = 1 if name.startswith("boll") else 0  # no deviation on the first day, where FinRL fills in
        np.testing.assert_allclose(ours[first:], theirs[first:], rtol=1e-9, atol=1e-9, err_msg=name)


def test_turbulence_equals_finrls(market: Market) -> None:
    mine = turbulence(market.bars.close)
    np.testing.assert_allclose(mine, market.turbulence, rtol=1e-9)
    assert not mine[:254].any() and (mine[254:] > 0).all()


@pytest.mark.parametrize("rule", [None, 45.0, 50.0])
@pytest.mark.parametrize(("cash", "hmax"), SETTINGS)
def test_whole_episodes_equal_finrls(market: Market, cash: int, hmax: int, rule: float | None) -> None:
    own = {**FINRLS_OWN, "tie_order": "numpy"}
    suite = make(Dow30Risk, market.data, initial_cash=float(cash), hmax=hmax, finrl_rule=rule, **own)
    assert_equal_episodes(suite, market)


def test_with_a_stable_sort_ties_are_ours(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    argsort = np.argsort
    monkeypatch.setattr(np, "argsort", lambda values: argsort(values, kind="stable"))
    assert_equal_episodes(make(Dow30Risk, market.data, initial_cash=20_000.0, **FINRLS_OWN), market)


def test_finrls_own_features_make_the_same_suite() -> None:
    ours, theirs = (make(Dow30Risk, features=name) for name in ("own", "finrl"))
    rewards = []
    for suite in (ours, theirs):
        batch = suite.make_batch(1, 2)
        batch.set_tasks(suite.split.train[:1])
        observation, _ = batch.reset(seed=0)
        rewards.append((observation, [batch.step(np.full((2, 30), 0.5))[1] for _ in range(60)]))
    np.testing.assert_allclose(rewards[0][0], rewards[1][0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(rewards[0][1], rewards[1][1], rtol=1e-9)
    assert ours.full_name != theirs.full_name


def test_the_tickers_are_finrls() -> None:
    assert sorted(finrl_module("config_tickers").DOW_30_TICKER) == list(TICKERS)


def test_the_indicators_are_finrls() -> None:
    assert list(INDICATORS) == finrl_module("config").INDICATORS


def test_finrl_is_still_found_as_installed_once_its_modules_are_loaded() -> None:
    finrl_module("config")
    assert importlib.util.find_spec("finrl") is not None
