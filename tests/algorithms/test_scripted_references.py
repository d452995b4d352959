"""Scripted references: what they do, that they do not adapt, what they cost, and what they score where it is known."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch

from algorithms.best_constant import BestConstant, candidates
from algorithms.catalogue import algorithms, find_algorithm
from algorithms.policies.scripted import Point, Uniform
from benchmarks.command_line import main
from benchmarks.conformance.rules import RULES, check
from benchmarks.execution.session import Session
from benchmarks.execution.training import train
from benchmarks.planning.definition import definitions, scripted_references
from benchmarks.planning.fitting import misfit
from benchmarks.planning.plan import make_plan
from environments.catalogue import make_suite
from environments.policy import Previous
from environments.problem import EvaluationProtocol
from environments.sawyer.assets import VARIABLE
from environments.stocks.stock_trading import StockSuite
from environments.streams import Streams
from environments.typed_options import UsageError, make_options
from results.published import papers
from results.store import Store

NAMES = ("best-constant", "buy-and-hold", "noise", "stand-still")
STOCKS = "dow30-risk[data=synthetic]"
#: where each is tried
FITTING = [
    ("best-constant", "frozen-lake-low"),
    ("best-constant", "half-cheetah-velocity"),
    ("buy-and-hold", STOCKS),
    ("noise", "frozen-lake-low"),
    ("noise", "half-cheetah-velocity"),
    ("stand-still", "half-cheetah-velocity"),
    ("stand-still", STOCKS),
]


def session(name: str, suite: str, budget: int | None = 100_000, steps: int = 0, trajectories: int = 3) -> Session:
    cls = find_algorithm(name).load()
    protocol = EvaluationProtocol(steps, trajectories)
    return Session(make_suite(suite), cls, make_options(cls.Config, {}, name), Streams(0), protocol, budget)


def chosen(trained: Session) -> torch.Tensor:
    assert isinstance(trained.algorithm, BestConstant)
    return trained.algorithm._action


def scores(name: str, suite: str, trajectories: int = 3, budget: int = 100_000) -> np.ndarray:
    """Returns on the test tasks after training, [task, episode]."""
    trained = session(name, suite, budget, trajectories=trajectories)
    while trained.algorithm.trains and trained.iterate() is not None:
        pass
    rows = trained.evaluate("test", "final")
    return np.array([row["return"] for row in rows]).reshape(-1, trajectories)


def test_they_are_found_and_marked_without_being_imported(capsys: pytest.CaptureFixture[str]) -> None:
    assert scripted_references() == NAMES
    assert main(["list", "--json"]) == 0
    listed = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)["algorithms"]}
    assert {name for name, entry in listed.items() if entry["scripted"]} == set(NAMES)
    assert {name for name, found in algorithms().items() if found.load().scripted} == set(NAMES)


@pytest.mark.parametrize("paper", papers())
def test_the_benchmark_of_a_paper_has_the_floor_and_all_that_is_scripted(paper: str) -> None:
    assert {"random-init", *NAMES} <= set(definitions()[paper].algorithms)


@pytest.mark.parametrize(("name", "suite"), FITTING)
def test_metarl_check_passes(name: str, suite: str) -> None:
    findings = check(find_algorithm(name), [suite])
    assert {(finding.rule, finding.passed) for finding in findings} == {(rule, True) for rule in RULES}


@pytest.mark.parametrize(("name", "suite"), FITTING)
def test_the_policy_is_the_same_after_every_adaptation_step(name: str, suite: str) -> None:
    suite = suite.replace("]", ",horizon=5]") if "]" in suite else f"{suite}[horizon=5]"
    learner = session(name, suite).algorithm
    adaptation = learner.adapt([])
    policies = [next(adaptation) for _ in range(3)]
    shape = (2, 3, *(make_suite(suite).observation_space.shape or ()))
    previous = Previous(torch.zeros(2, 3), torch.zeros(2, 3), True, torch.ones(2, 3, dtype=torch.bool))
    acted = [policy.act(torch.zeros(shape), previous, None)[0].parameters for policy in policies]
    for parameters in acted:
        assert parameters.keys() == acted[0].keys()
        assert all(torch.equal(value, acted[0][key]) for key, value in parameters.items())
        for value in parameters.values():
            assert value.shape[:2] == (2, 3)
            assert torch.equal(value, value[:1, :1].expand_as(value)), "tasks and trajectories are all treated alike"


@pytest.mark.parametrize(
    ("name", "suite", "reason"),
    [
        ("stand-still", "frozen-lake-low", "no action of frozen-lake-low is known to do nothing"),
        ("buy-and-hold", "corners", "it buys stocks, and corners has none"),
    ],
)
def test_who_does_not_fit_says_why(name: str, suite: str, reason: str) -> None:
    said = misfit(find_algorithm(name), make_suite(suite))
    assert said is not None and said.startswith(reason)


def test_they_stand_on_every_benchmarks_board_where_they_fit_and_nobody_is_told_where_they_do_not() -> None:
    for benchmark, definition in definitions().items():
        if not set(NAMES) & set(definition.algorithms):
            assert benchmark == "ceilings"  # of experts alone
            continue
        assert set(NAMES) <= set(definition.algorithms)
        plan = make_plan(benchmark, seeds=1)
        cells = {(spec.suite, spec.algorithm) for spec in plan}
        for text in definition.suites:
            suite = make_suite(text)
            if suite.family == "sawyer" and not os.environ.get(VARIABLE):
                continue  # without its models it is left out whole
            for name in NAMES:
                assert ((suite.full_name, name) in cells) == (misfit(find_algorithm(name), suite) is None)
        assert not {cell.algorithm for cell in plan.left_out} & set(NAMES)
    asked = make_plan(suites=["corners"], algorithms=["buy-and-hold"])
    assert [cell.algorithm for cell in asked.left_out] == ["buy-and-hold"]


@pytest.mark.parametrize("profile", ["quick", "standard", "paper"])
def test_what_they_try_is_no_part_of_the_expected_time(profile: str) -> None:
    constant, noise = make_plan(suites=["corners"], algorithms=["best-constant", "noise"], seeds=1, profile=profile)
    assert constant.expected_seconds({}) == noise.expected_seconds({})


@pytest.mark.parametrize(
    "suite", ["corners", "frozen-lake-low", "hopper-velocity[horizon=20]", "dow30-risk[data=synthetic,horizon=9]"]
)
def test_the_best_constant_tries_all_in_one_batch_that_is_charged_and_then_ends(suite: str) -> None:
    trained = session("best-constant", suite)
    actions = len(candidates(trained.suite.action_space, 12, Streams(0).numpy("any")))
    metrics = trained.iterate()
    assert metrics is not None and (metrics["actions"], metrics["tasks"]) == (actions, 10)
    assert trained.spent == actions * 10 * trained.suite.horizon
    assert not trained.algorithm.trains
    assert trained.iterate() is None and trained.iteration == 1
    again = session("best-constant", suite)
    again.algorithm.load_state_dict(trained.state["algorithm"])
    assert not again.algorithm.trains and torch.equal(chosen(again), chosen(trained))


def test_a_small_budget_tries_fewer_and_none_is_left_at_the_first() -> None:
    little = session("best-constant", "corners", budget=650)
    metrics = little.iterate()
    assert metrics is not None and (metrics["actions"], metrics["tasks"], little.spent) == (6, 1, 600)
    assert session("best-constant", "corners", budget=99).iterate() is None


def test_the_best_constant_is_the_best_of_those_tried() -> None:
    trained = session("best-constant", f"{STOCKS[:-1]},horizon=20]")
    tried, metrics = (
        candidates(trained.suite.action_space, 12, trained.streams.child("algorithm").numpy("constant actions")),
        trained.iterate(),
    )
    assert metrics is not None
    tasks, returns = trained.suite.split.train, []
    env = trained.suite.make_batch(len(tasks), 1)
    env.set_tasks(tasks)
    for action in tried.numpy():
        env.reset(seed=0)
        returns.append(float(np.mean([env.step(np.tile(action, (len(tasks), 1)))[1] for _ in range(20)])))
    index = int((tried == chosen(trained)).all(1).nonzero()[0])
    assert returns[index] >= sorted(returns)[-3], "on all fifty tasks; it saw ten of them"


def test_candidates_are_drawn_from_the_box_and_keyed() -> None:
    def of(size: int, draws: int = 12, seed: int = 0) -> torch.Tensor:
        space = gymnasium.spaces.Box(-2, 3, (size,), np.float32)
        return candidates(space, draws, Streams(seed).numpy("constant actions"))

    for size, corners in ((1, 2), (2, 4), (3, 8), (8, 8)):
        found = of(size)
        assert found.shape == (1 + corners + 12, size) and found.dtype == torch.float32
        assert not found[0].any()
        assert set(found[1 : 1 + corners].unique().tolist()) == {-2.0, 3.0}
        assert ((found >= -2) & (found <= 3)).all()
        assert torch.equal(found, of(size)) and not torch.equal(found, of(size, seed=1))
    above = candidates(gymnasium.spaces.Box(1, 2, (8,), np.float32), 0, Streams(0).numpy("a"))
    assert len(above) == 8 and (above >= 1).all(), "zero is no action there"
    assert candidates(gymnasium.spaces.Discrete(4), 12, Streams(0).numpy("a")).tolist() == [0, 1, 2, 3]
    with pytest.raises(UsageError, match="draws must be at least 0, got -1"):
        make_options(find_algorithm("best-constant").load().Config, {"draws": -1}, "algorithm best-constant")


def test_noise_fills_the_box() -> None:
    low, high = torch.tensor([-1.0, 2.0]), torch.tensor([1.0, 2.5])
    wide = Uniform(low.expand(100, 50, 2), high.expand(100, 50, 2))
    drawn = wide.sample(torch.Generator().manual_seed(0))
    assert torch.allclose(drawn.mean((0, 1)), (low + high) / 2, atol=0.03)
    assert torch.allclose(drawn.amin((0, 1)), low, atol=0.01) and torch.allclose(drawn.amax((0, 1)), high, atol=0.01)
    assert torch.allclose(wide.log_prob(drawn), torch.tensor(0.0), atol=1e-6)  # the area is 1
    assert wide.log_prob(drawn + 3).eq(-torch.inf).all()
    narrow = Uniform(low, low + (high - low) / 2)
    assert float(narrow.kl(Uniform(low, high))) == pytest.approx(np.log(4))
    assert float(Uniform(low, high).kl(narrow)) == np.inf
    assert float(narrow.entropy()) == pytest.approx(-np.log(4))


@pytest.mark.parametrize("action", [torch.tensor([0.5, -1.0]), torch.tensor(2)], ids=["box", "discrete"])
def test_a_points_mass_is_on_its_action(action: torch.Tensor) -> None:
    point = Point(action.expand(3, 4, *action.shape))
    drawn = point.sample(torch.Generator())
    assert drawn.shape == (3, 4, *action.shape) and drawn.dtype == action.dtype
    assert torch.equal(point.log_prob(drawn), torch.zeros(3, 4))
    assert point.log_prob(drawn + 1).eq(-torch.inf).all()
    assert torch.equal(point.entropy(), torch.zeros(3, 4)) and not point.kl(point).any()
    assert point.kl(Point(drawn + 1)).eq(torch.inf).all()
    for distribution in (point, Uniform(torch.zeros(1), torch.ones(1))):
        with pytest.raises(TypeError, match="no Fisher information"):
            distribution.fisher_product({})


@pytest.mark.parametrize(
    ("name", "suite", "expected", "trajectories"),
    [
        # what a reader of the boards measured with controllers of his own, ten episodes on each test task
        ("stand-still", "ant-direction", 199.0, 4),
        ("best-constant", "walker2d-direction", 200.0, 10),
        ("noise", "ant-velocity[terminate=true]", -59.6, 2),
        ("stand-still", "ant-velocity[terminate=true]", -121.0, 1),
    ],
)
def test_scores_are_those_of_independent_controllers(name: str, suite: str, expected: float, trajectories: int) -> None:
    found = scores(name, suite, trajectories)
    error = found.std() / np.sqrt(found.size)
    assert found.mean() == pytest.approx(expected, abs=max(4 * error, 0.03 * abs(expected)))


def test_buying_and_holding_is_an_account_that_buys_until_its_cash_is_spent() -> None:
    """21.2 on the real year, as a reader of the boards measured; here on the synthetic one."""
    suite = make_suite(STOCKS)
    assert isinstance(suite, StockSuite)
    price, turbulence, tasks = suite.episode.close, suite.episode.turbulence, suite.split.test
    cash, shares = 1e6, np.zeros(30)
    penalties = np.zeros(len(tasks))
    for day in range(suite.horizon):
        before = cash
        for stock in reversed(range(30)):
            bought = min(100, cash // (price[day, stock] * 1.001))
            cash -= bought * price[day, stock] * 1.001
            shares[stock] += bought
        risky = [turbulence[day] >= suite.threshold(task) for task in tasks]
        penalties += 0.01 * (before - cash) / 1.001 * np.array(risky)
    expected = 1e-4 * (cash + shares @ price[suite.horizon] - 1e6 - penalties)
    found = scores("buy-and-hold", STOCKS, trajectories=2)
    np.testing.assert_allclose(found, np.stack([expected, expected], 1), rtol=1e-5)
    assert found.mean() > scores("stand-still", STOCKS, trajectories=1).mean() == 0


@pytest.mark.parametrize("name", ["best-constant", "noise"])
def test_a_run_is_recorded_as_scripted(tmp_path: Path, name: str) -> None:
    (spec,) = make_plan(suites=["corners[horizon=10]"], algorithms=[name], seeds=1, profile="smoke")
    spec = replace(spec, evaluations=1)
    store = Store(tmp_path)
    folder = store.folder(spec.identity())
    with folder.lock():
        folder.begin_attempt(spec.record())
        train(spec, folder)
    (run,) = store.finished()
    description = run.run["description"]
    assert run.scripted and description["scripted"] is True
    assert (description["cautions"], description["records_success"]) == ([], True)
    assert run.done["environment_steps"] == (17 * 10 * 10 if name == "best-constant" else 0)
    before, after = (run.scores.loc[run.scores["step"] == step, "return"].mean() for step in (0, 1))
    assert np.isfinite([before, after]).all()


def test_other_runs_are_not_scripted_and_cautions_are_recorded() -> None:
    (spec,) = make_plan(suites=["corners[reward=published]"], algorithms=["random-init"], seeds=1, profile="smoke")
    description = spec.record()["description"]
    assert description["scripted"] is False
    assert description["cautions"] == list(make_suite("corners[reward=published]").cautions) != []
