"""FrozenLake: gymnasium's dynamics, the paper's optimum, exact values against Monte Carlo."""

from collections import deque

import gymnasium
import numpy as np
import pytest

from environments.catalogue import make_suite
from environments.frozen_lake import GOAL, read_map
from environments.splits import NAMES, check_distinct
from environments.streams import Streams
from environments.tabular import TabularMDP
from environments.task import Task

SUITES = ("frozen-lake-high", "frozen-lake-low")
OPTIONS = ("", "[end=episode]", "[start=uniform]", "[end=episode,start=uniform]")


def moves_to_goal(rows: tuple[str, ...]) -> int:
    """Breadth-first distance from start to goal over free tiles."""
    distance = {(0, 0): 0}
    queue = deque(distance)
    while queue:
        row, column = queue.popleft()
        for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            tile = (row + down, column + right)
            if min(tile) >= 0 and max(tile) < 4 and rows[tile[0]][tile[1]] != "H" and tile not in distance:
                distance[tile] = distance[row, column] + 1
                queue.append(tile)
    return distance[3, 3]


def batch(suite, tasks, trajectories):
    env = suite.make_batch(len(tasks), trajectories)
    env.set_tasks(tasks)
    return env


def monte_carlo(suite, tasks, policy, trajectories):
    """Mean discounted return and its standard error, each [task], under the policy [16, 4]."""
    env = batch(suite, tasks, trajectories)
    draw = Streams(1).numpy("actions")
    state, _ = env.reset(seed=Streams(1).integer("reset"))
    returns = np.zeros(env.num_envs)
    for time in range(suite.horizon):
        action = (draw.random((env.num_envs, 1)) > policy.cumsum(-1)[state]).sum(-1).clip(max=3)
        state, reward, *_ = env.step(action)
        returns += suite.discount**time * reward
    returns = returns.reshape(len(tasks), trajectories)
    return returns.mean(1), returns.std(1, ddof=1) / trajectories**0.5


@pytest.mark.parametrize("name", SUITES)
def test_splits_hold_fifty_distinct_maps_with_a_path(name):
    split = make_suite(name).split
    assert [len(split.tasks(part)) for part in NAMES] == [20, 10, 20]
    check_distinct([task for part in NAMES for task in split.tasks(part)])
    assert all(moves_to_goal(task.parameters["map"]) >= 6 for part in NAMES for task in split.tasks(part))


@pytest.mark.parametrize("name", SUITES)
def test_the_optimum_from_the_start_is_that_of_a_shortest_path(name):
    suite = make_suite(name)
    for part in NAMES:
        for task in suite.split.tasks(part):
            length = moves_to_goal(task.parameters["map"])
            assert suite.model(task).optimal_return == pytest.approx(0.8 ** (length - 1) / 0.2, abs=1e-12)


def test_ending_the_episode_pays_the_goal_once():
    suite = make_suite("frozen-lake-high[end=episode]")
    for task in suite.split.train:
        length = moves_to_goal(task.parameters["map"])
        assert suite.model(task).optimal_return == pytest.approx(0.8 ** (length - 1), abs=1e-12)


@pytest.mark.parametrize("name", SUITES)
@pytest.mark.parametrize("options", OPTIONS)
def test_exact_returns_equal_monte_carlo(name, options):
    suite = make_suite(name + options)
    tasks = suite.split.test[:6]
    policy = Streams(1).numpy("policy").dirichlet(np.ones(4), size=16)
    mean, error = monte_carlo(suite, tasks, policy, 4000)
    exact = TabularMDP.stack([suite.model(task) for task in tasks]).finite_return(policy, suite.horizon)
    assert (np.abs(mean - exact) < 4 * error).all()


def test_cutting_the_horizon_costs_no_more_than_its_discounted_tail():
    suite = make_suite("frozen-lake-low")
    model = TabularMDP.stack([suite.model(task) for task in suite.split.train])
    uniform = np.full((16, 4), 0.25)
    gap = np.abs(model.finite_return(uniform, suite.horizon) - model.expected_return(uniform))
    assert (gap <= 0.8**49 / 0.2).all()


@pytest.mark.parametrize("options", OPTIONS)
def test_the_batch_steps_by_its_own_transition_tensor(options):
    suite = make_suite("frozen-lake-high" + options)
    tasks = suite.split.train[:5]
    model = TabularMDP.stack([suite.model(task) for task in tasks])
    env = batch(suite, tasks, 30)
    task = np.repeat(np.arange(5), 30)
    draw = Streams(2).numpy("actions")
    state, _ = env.reset(seed=3)
    for _ in range(suite.horizon):
        action, alive = draw.integers(4, size=env.num_envs), env.alive.copy()
        after, reward, *_ = env.step(action)
        assert (model.transition[task, state, action, after][alive] == 1).all()
        np.testing.assert_array_equal(reward, np.where(alive, model.reward[task, state, action], 0))
        state = after


@pytest.mark.parametrize("name", SUITES)
def test_the_dynamics_are_gymnasiums(name):
    suite = make_suite(name + "[end=episode]")
    for task in suite.split.validation:
        table = gymnasium.make("FrozenLake-v1", desc=list(task.parameters["map"]), is_slippery=False).unwrapped.P
        successor, reward, ends = suite.tables(task)
        for state in range(16):
            for action in range(4):
                ((_, after, paid, over),) = table[state][action]
                assert (successor[state, action], ends[state, action]) == (after, over)
                assert paid == max(reward[state, action], 0)  # gymnasium's holes cost nothing


def test_absorbing_episodes_pay_at_every_step_and_run_to_the_horizon():
    suite = make_suite("frozen-lake-high")
    task = Task("hole below", {"map": ["SFFF", "HFFF", "FFFF", "FFFG"]})
    env = batch(suite, [task], 1)
    env.reset(seed=0)
    steps = [env.step(np.array([1])) for _ in range(suite.horizon)]
    assert [step[1][0] for step in steps] == [-1.0] * suite.horizon
    assert not steps[-1][2].any() and steps[-1][3].all() and not steps[-2][3].any()
    assert not steps[-1][4]["success"].any()


def test_an_ended_episode_keeps_its_last_tile_and_earns_nothing_more():
    suite = make_suite("frozen-lake-high[end=episode]")
    task = Task("hole below", {"map": ["SFFF", "HFFF", "FFFF", "FFFG"]})
    env = batch(suite, [task], 2)
    env.reset(seed=0)
    seen, reward, terminated, *_ = env.step(np.array([1, 2]))
    assert (seen.tolist(), reward.tolist(), terminated.tolist()) == ([4, 1], [-1.0, 0.0], [True, False])
    seen, reward, terminated, *_ = env.step(np.array([2, 2]))
    assert (seen.tolist(), reward.tolist(), terminated.tolist()) == ([4, 2], [0.0, 0.0], [True, False])


def test_success_is_reaching_the_goal():
    suite = make_suite("frozen-lake-low")
    task = Task("open", {"map": ["SFFF", "FFFF", "FFFF", "FFFG"]})
    env = batch(suite, [task], 2)
    env.reset(seed=0)
    for down_or_right in (1, 1, 1, 2, 2, 2):
        seen, reward, _, _, info = env.step(np.array([down_or_right, 0]))
    assert seen.tolist() == [GOAL, 0]
    assert (reward.tolist(), info["success"].tolist()) == ([1.0, 0.0], [True, False])


def test_start_options_are_the_start_tile_and_every_tile():
    task = make_suite("frozen-lake-high").split.train[0]
    fixed = batch(make_suite("frozen-lake-high"), [task], 400).reset(seed=0)[0]
    spread = batch(make_suite("frozen-lake-high[start=uniform]"), [task], 400).reset(seed=0)[0]
    assert set(fixed.tolist()) == {0}
    assert set(spread.tolist()) == set(range(16))


@pytest.mark.parametrize(("name", "probability"), [("frozen-lake-high", 0.3), ("frozen-lake-low", 0.1)])
def test_drawn_maps_have_the_suites_share_of_holes_and_a_path(name, probability):
    suite = make_suite(name)
    draw = Streams(4).numpy("maps")
    maps = [suite.draw_task(draw, "drawn").parameters["map"] for _ in range(400)]
    assert all(moves_to_goal(rows) >= 6 for rows in maps)
    holes = np.mean(["".join(rows).count("H") / 14 for rows in maps])
    assert probability * 0.75 < holes < probability + 0.02  # maps without a path have more holes and are dropped


def test_equal_seeds_start_alike_and_others_do_not():
    env = batch(make_suite("frozen-lake-low[start=uniform]"), make_suite("frozen-lake-low").split.train, 5)
    first, again, other = (env.reset(seed=seed)[0].copy() for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_actions_that_do_not_exist_are_refused():
    env = batch(make_suite("frozen-lake-low"), make_suite("frozen-lake-low").split.train[:1], 1)
    env.reset(seed=0)
    for action in (-1, 4):
        with pytest.raises(ValueError, match=f"actions must be 0 to 3, got {action}"):
            env.step(np.array([action]))


@pytest.mark.parametrize("rows", [("SFFF",) * 4, ("SFFF", "FFFF", "FFFG"), ("SFFF", "FFxF", "FFFF", "FFFG")])
def test_what_is_not_a_map_is_refused(rows):
    with pytest.raises(ValueError, match="not a 4x4 map"):
        read_map(rows)
