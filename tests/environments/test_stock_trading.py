"""The stock suites: what a step does and pays, spaces, tasks, options, data."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from environments.catalogue import make_suite
from environments.single import SingleEnv
from environments.stocks.bars import TICKERS
from environments.stocks.indicators import INDICATORS
from environments.stocks.stock_trading import DATA_VARIABLE, Dow30Risk, Dow30Turbulence, StockBatch, StockSuite
from environments.streams import Streams
from environments.task import Task
from environments.typed_options import UsageError
from tests.support.stock_markets import MARKETS, make, market_id, write_bars

SUITES = (Dow30Turbulence, Dow30Risk)


def make_batch(suite: StockSuite, thresholds: list[float], trajectories: int = 1) -> StockBatch:
    batch = suite.make_batch(len(thresholds), trajectories)
    batch.set_tasks([Task(str(value), {"threshold": value}) for value in thresholds])
    batch.reset(seed=0)
    return batch


def draw_actions(steps: int, environments: int) -> np.ndarray:
    return Streams(1).numpy("actions").standard_normal((steps, environments, len(TICKERS))).astype(np.float32)


def rewards_of(suite: StockSuite, thresholds: list[float], actions: np.ndarray) -> np.ndarray:
    """[step, environment]"""
    batch = make_batch(suite, thresholds)
    return np.array([batch.step(action)[1] for action in actions])


@pytest.mark.parametrize("cls", SUITES)
def test_a_batch_equals_its_environments_one_by_one(cls: type[StockSuite]) -> None:
    suite = make(cls)
    batch = suite.make_batch(3, 2)
    batch.set_tasks(suite.split.test[:3])
    first, _ = batch.reset(seed=0)
    actions = draw_actions(suite.horizon, 6)
    outcomes = [batch.step(action) for action in actions]
    for index in range(6):
        single = SingleEnv(suite.name, task=f"test-0{index // 2}", data="synthetic")
        np.testing.assert_array_equal(single.reset(seed=5)[0], first[index])
        for action, (observation, reward, terminated, truncated, info) in zip(actions, outcomes, strict=True):
            alone = single.step(action[index])
            np.testing.assert_array_equal(alone[0], observation[index])
            assert alone[1:4] == (reward[index], terminated[index], truncated[index])
            assert alone[4]["success"] == info["success"][index]
    assert truncated.all() and not terminated.any()


@pytest.mark.parametrize("options", [{}, {"normalise_observations": False, "observe_turbulence": False}])
def test_gymnasiums_own_check_passes(options: dict[str, Any]) -> None:
    env = gymnasium.make("environments.registration:MetaRL/dow30-risk-v0", data="synthetic", **options)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*infinity.*")
        check_env(env.unwrapped, skip_render_check=True)
    assert env.observation_space.shape == (301 if options else 302,)


def test_the_last_observation_stands_after_the_horizon() -> None:
    batch = make_batch(make(Dow30Risk), [30.0, 60.0])
    for action in draw_actions(251, 2):
        last, _, _, truncated, _ = batch.step(action)
    assert truncated.all()
    again, reward, *_ = batch.step(np.ones((2, 30)))
    np.testing.assert_array_equal(again, last)
    assert not reward.any()


def test_buying_is_charged_for_from_the_threshold_on() -> None:
    thresholds, actions = [20.0, 40.0, 1e9], np.repeat(draw_actions(100, 1), 3, axis=1)
    episode = make(Dow30Risk).episode
    free = rewards_of(make(Dow30Risk, purchase_penalty=0.0), thresholds, actions)
    np.testing.assert_array_equal(free[:, 0], free[:, 2])
    charged = rewards_of(make(Dow30Risk, purchase_penalty=0.02), thresholds, actions)

    batch, bought = make_batch(make(Dow30Risk), thresholds), []
    for action in actions:
        before = batch.account[1]
        batch.step(action)
        bought.append(np.maximum(batch.account[1] - before, 0))
    spent = (np.array(bought) * episode.close[:100, None]).sum(2)
    risky = episode.turbulence[:100, None] >= thresholds
    np.testing.assert_allclose(free - charged, 1e-4 * 0.02 * risky * spent, rtol=1e-9, atol=1e-12)
    assert 0 < (free != charged)[:, 1].sum() < (free != charged)[:, 0].sum() and (free == charged)[:, 2].all()


def test_a_threshold_that_a_day_meets_exactly_counts() -> None:
    episode = make(Dow30Risk).episode
    day = int(episode.turbulence[:20].argmax())
    exact = float(episode.turbulence[day])
    actions = np.zeros((day + 1, 2, 30), dtype=np.float32)
    actions[day] = 0.2
    at, above = rewards_of(make(Dow30Risk), [exact, float(np.nextafter(exact, 1e9))], actions)[day]
    assert at < above


def test_rewards_add_up_to_the_change_of_the_accounts_value() -> None:
    suite = make(Dow30Risk, purchase_penalty=0.0)
    batch = make_batch(suite, [30.0], trajectories=4)
    total = sum(batch.step(action)[1] for action in draw_actions(251, 4))
    cash, shares = batch.account
    value = cash + shares @ suite.episode.close[-1]
    np.testing.assert_allclose(total, 1e-4 * (value - 1e6), rtol=1e-9)
    assert (shares == np.trunc(shares)).all() and (shares >= 0).all() and (cash >= 0).all()


def test_actions_are_whole_shares_clipped_at_hmax() -> None:
    action = np.zeros((1, 30), dtype=np.float32)
    action[0, :5] = [0.999, 0.0199, -1.0, 7.0, 1.0]
    batch = make_batch(make(Dow30Risk), [30.0])
    batch.step(action)
    assert batch.account[1][0, :6].tolist() == [99, 1, 0, 100, 100, 0]
    batch.step(-action / 2)
    assert batch.account[1][0, :6].tolist() == [50, 1, 50, 0, 50, 0]


def test_the_largest_purchase_comes_first_and_of_equals_the_last() -> None:
    price = make(Dow30Risk).episode.close[0]
    cash = float(10 * 1.001 * price[7] + 0.5 * price.min())  # ten shares of one stock, and not one of another more
    action = np.full((2, 30), 0.1, dtype=np.float32)
    action[0, 7] = 0.11
    batch = make_batch(make(Dow30Risk, initial_cash=cash), [30.0], trajectories=2)
    batch.step(action)
    largest, tied = batch.account[1]
    assert np.flatnonzero(largest).tolist() == [7] and largest[7] == 10
    assert np.flatnonzero(tied)[-1] == 29


def test_sales_pay_for_purchases_of_the_same_day() -> None:
    price = make(Dow30Risk).episode.close
    batch = make_batch(make(Dow30Risk, initial_cash=float(100 * 1.001 * price[0, 0] + 1)), [30.0])
    first, second = np.zeros((2, 1, 30), dtype=np.float32)
    first[0, 0] = 1.0
    second[0, [0, 1]] = -1.0, 1.0
    batch.step(first)
    assert batch.account[1][0, 0] == 100
    batch.step(second)
    cash, shares = batch.account
    left = 1 + 100 * price[1, 0] * 0.999
    assert shares[0, 0] == 0 and shares[0, 1] == min(100, left // (1.001 * price[1, 1]))
    assert cash[0] == pytest.approx(left - shares[0, 1] * 1.001 * price[1, 1])


def test_an_action_that_is_no_number_is_an_error() -> None:
    batch = make_batch(make(Dow30Risk), [30.0])
    with pytest.raises(ValueError, match="an action is NaN"):
        batch.step(np.full((1, 30), np.nan))


def test_observations_are_scaled_as_documented() -> None:
    scaled, raw = make(Dow30Risk), make(Dow30Risk, normalise_observations=False)
    batches = [make_batch(suite, [30.0]) for suite in (scaled, raw)]
    for action in draw_actions(40, 1):
        seen, plain = (batch.step(action)[0][0] for batch in batches)
    first = scaled.episode.close[0]
    assert seen[0] == pytest.approx(plain[0] / 1e6)
    np.testing.assert_allclose(seen[1:31], plain[1:31] / first)
    np.testing.assert_allclose(seen[31:61], plain[31:61] * first * 30 / 1e6)
    for place, name in enumerate(INDICATORS):
        part = slice(61 + 30 * place, 91 + 30 * place)
        scale = 100 if name in ("rsi_30", "cci_30", "dx_30") else first
        np.testing.assert_allclose(seen[part], plain[part] / scale)
    assert seen[-1] == pytest.approx(plain[-1] / 100) and plain[-1] == scaled.episode.turbulence[40]
    assert np.abs(seen).max() < 10


def test_days_and_prices_are_those_of_the_bars() -> None:
    suite = make(Dow30Risk, start="2021-06-01", end="2021-06-30", horizon=21)
    episode = suite.episode
    assert (str(episode.dates[0]), str(episode.dates[-1]), len(episode.dates)) == ("2021-06-01", "2021-06-30", 22)
    days = np.isin(suite.bars.dates, episode.dates)
    np.testing.assert_array_equal(episode.close, suite.bars.close[days])
    batch = make_batch(suite, [30.0])
    assert [bool(batch.step(np.zeros((1, 30)))[3][0]) for _ in range(21)] == [False] * 20 + [True]


def test_splits_never_change() -> None:
    assert make(Dow30Turbulence).split.digest == "1cfa8dfa36138bb18871473e4fb50bf61eb389ba8c9a2ac937288b8a6880efed"
    assert make(Dow30Risk).split.digest == "7f53261b3648cf04463cdd83680f620772062ad71d80d7621126847fd6bacb22"
    assert (
        make(Dow30Risk, tasks="thresholds").split.digest
        == "cb501fe4981cfe243d74f762b3cecc40fbfa7ce8582630dbf34fe464bb3f5e61"
    )


@pytest.mark.parametrize("cls", SUITES)
def test_thresholds_fill_their_range(cls: type[StockSuite]) -> None:
    low, high = cls.thresholds
    draw = Streams(2).numpy("tasks")
    suite = make(Dow30Risk, tasks="thresholds") if cls is Dow30Risk else make(cls)
    drawn = [suite.draw_task(draw, "drawn").parameters["threshold"] for _ in range(300)]
    assert low <= min(drawn) < low + 0.1 * (high - low) and high - 0.1 * (high - low) < max(drawn) <= high


def test_levels_are_a_tenth_to_95_percent_of_the_years_trades() -> None:
    suite, draw = make(Dow30Risk), Streams(2).numpy("tasks")
    drawn = [suite.draw_task(draw, "drawn") for _ in range(2000)]
    below = [int((suite.episode.turbulence[:251] < suite.threshold(task)).sum()) for task in drawn]
    assert {task.parameters["level"] for task in drawn} == {round(days / 251, 6) for days in below}
    assert set(below) == set(range(int(np.ceil(0.1 * 251)), int(0.95 * 251) + 1))


def test_a_level_of_another_period_is_its_share_of_that_one() -> None:
    suite = make(Dow30Risk, start="2021-06-01", end="2021-06-30", horizon=21)
    for level, below in ((0.0, 1), (0.5, 10), (0.95, 20), (1.0, 20)):
        threshold = suite.threshold(Task("level", {"level": level}))
        assert (suite.episode.turbulence[:21] < threshold).sum() == below


@pytest.mark.parametrize("data", MARKETS, ids=market_id)
def test_thresholds_of_levels_lie_where_the_years_turbulence_does(data: str) -> None:
    facts = make(Dow30Risk, data).describe()
    assert facts["tasks"] == facts["distinct_mdps"] == 80
    assert 9 < facts["lowest_threshold"] < 20 and 60 < facts["highest_threshold"] < 75
    assert make(Dow30Risk, data, tasks="thresholds").describe()["highest_threshold"] == 70


def test_levels_are_distinct_mdps_on_every_market() -> None:
    """Whatever the bars, as long as no two days are equally turbulent: each task has its own number of days below."""
    split = make(Dow30Risk).split
    ranks = [task.parameters["level"] * 251 for task in (*split.train, *split.validation, *split.test)]
    assert len({round(rank) for rank in ranks}) == len(ranks) == 80
    np.testing.assert_allclose(ranks, np.round(ranks), atol=2e-4)


#: of the 80 tasks: on the real year few days lie between the paper's thresholds
COUNTS = {("synthetic", "dow30-turbulence"): 16, ("synthetic", "thresholds"): 65, ("synthetic", "levels"): 80}
COUNTS |= {("real", "dow30-turbulence"): 5, ("real", "thresholds"): 67, ("real", "levels"): 80}


@pytest.mark.parametrize("data", MARKETS, ids=market_id)
@pytest.mark.parametrize("drawn", ["dow30-turbulence", "thresholds", "levels"])
def test_the_papers_thresholds_collapse_and_levels_do_not(drawn: str, data: str) -> None:
    suite = make(Dow30Turbulence, data) if drawn == "dow30-turbulence" else make(Dow30Risk, data, tasks=drawn)
    tasks = [*suite.split.train, *suite.split.validation, *suite.split.test]
    assert len(tasks) == 80
    actions = np.repeat(draw_actions(suite.horizon, 1), len(tasks), axis=1)
    rewards = rewards_of(suite, [suite.threshold(task) for task in tasks], actions)
    assert suite.distinct_mdps() == len(np.unique(rewards, axis=1).T) == COUNTS[market_id(data), drawn]


def test_the_markets_of_the_variable_of_a_file_and_of_the_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "bars.csv"
    write_bars(file)
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    synthetic = make_suite("dow30-risk")
    assert synthetic.data_source == "synthetic market, seed 0"
    assert synthetic.data_digest is not None and synthetic.data_digest.startswith("synthetic:")
    monkeypatch.setenv(DATA_VARIABLE, str(file))
    named = make_suite("dow30-risk")
    assert named.full_name == synthetic.full_name == "dow30-risk[tasks=levels]"
    assert named.data_source is not None and named.data_source.startswith("bars.csv (sha256 ")
    assert named.digest != synthetic.digest
    assert make_suite("dow30-risk[data=synthetic]").data_digest == synthetic.data_digest
    monkeypatch.setenv(DATA_VARIABLE, "")
    assert make_suite("dow30-risk").digest == synthetic.digest
    assert make(Dow30Risk, str(file)).data_digest == named.data_digest
    assert isinstance(named, StockSuite)
    np.testing.assert_array_equal(named.episode.close, make(Dow30Risk).episode.close)


def test_a_suite_is_made_and_described_without_reading_data() -> None:
    suite = make_suite("dow30-risk[data=nowhere.csv]")
    assert (suite.horizon, suite.observation_space.shape, suite.action_space.shape) == (251, (302,), (30,))
    with pytest.raises(UsageError, match=r"no bars at 'nowhere.csv': No such file"):
        suite.make_batch(1, 1)


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ("hmax=0", "hmax must be above 0, got 0"),
        ("hmax=99999999", "hmax must be at most 16777216, which float32 still counts, got 99999999"),
        ("initial_cash=-5", "initial_cash must be above 0, got -5"),
        ("reward_scaling=0", "reward_scaling must be above 0, got 0"),
        ("transaction_cost=1", r"transaction_cost must be in \[0, 1\), got 1"),
        ("purchase_penalty=-1", "purchase_penalty must be at least 0, got -1"),
        ("start=2021-1-4", "start must be a date such as 2021-01-04, got '2021-1-4'"),
        ("end=2020-12-31", "start must be before end, got 2021-01-04 and 2020-12-31"),
        ("features=ours", "option features='ours' is not valid: must be one of own, finrl"),
        ("tie_order=random", "option tie_order='random' is not valid: must be one of stable, numpy"),
        ("kappa=1", "suite dow30-risk has no option 'kappa'; "),
    ],
)
def test_a_wrong_option_is_refused_in_one_line(options: str, wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong):
        make_suite(f"dow30-risk[{options}]")


def test_a_horizon_beyond_the_episode_is_refused() -> None:
    expected = "2021-01-04 to 2021-12-31 has 252 trading days, so horizon must be at most 251, got 252"
    with pytest.raises(UsageError, match=expected):
        make(Dow30Risk, horizon=252).make_batch(1, 1)
