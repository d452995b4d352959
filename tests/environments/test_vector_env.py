"""The second door against gymnasium's own vector environment over the same single ones; episodes end early."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from environments.access import Guard
from environments.catalogue import make_suite
from environments.collector import Collector
from environments.ledger import BudgetSpent, Ledger
from environments.registration import environment_id
from environments.streams import Streams
from environments.task import TaskRef

#: both end early under random actions, within their horizon
EARLY = {"ant-direction-2d": {"horizon": 60}, "hopper-params": {"horizon": 40}, "frozen-lake-high": {"end": "episode"}}
STEPS = 90


def full_name(suite):
    return f"{suite}[{','.join(f'{key}={value}' for key, value in EARLY[suite].items())}]"


def door(suite, autoreset=AutoresetMode.NEXT_STEP, limit=None, trajectories=2):
    mine = Collector(make_suite(full_name(suite)), Streams(3), Ledger(limit), Guard("training", ["train"]))
    tasks = [TaskRef("train", task.id) for task in make_suite(suite).split.train[:2]]
    return mine, mine.vector_env(tasks, trajectories, autoreset)


def gymnasiums_own(suite, autoreset):
    tasks = [task.id for task in make_suite(suite).split.train[:2] for _ in range(2)]
    made = [
        lambda task=task: (
            gymnasium.make(environment_id(suite), task=task, disable_env_checker=True, **EARLY[suite]).unwrapped
        )
        for task in tasks
    ]
    return SyncVectorEnv(made, autoreset_mode=autoreset)


def actions_of(env, seed=0):
    """Wide random ones, the same for equal spaces."""
    env.action_space.seed(seed)
    while True:
        yield env.action_space.sample()


def assert_alike(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        if isinstance(one, dict):
            assert one.keys() == other.keys()
            assert_alike([one[key] for key in sorted(one)], [other[key] for key in sorted(other)])
        elif isinstance(one, np.ndarray) and one.dtype == object:  # final observations, where there are any
            assert [entry is None for entry in one] == [entry is None for entry in other]
            assert_alike([e for e in one if e is not None], [e for e in other if e is not None])
        else:
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("autoreset", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("suite", EARLY)
def test_each_row_does_what_gymnasiums_own_vector_environment_does(suite, autoreset):
    mine, ours = door(suite, autoreset)
    theirs = gymnasiums_own(suite, autoreset)
    assert ours.metadata["autoreset_mode"] is autoreset
    assert_alike(ours.reset(seed=11), theirs.reset(seed=11))
    early, resting, stepped = 0, np.zeros(4, dtype=bool), 0
    for _, action in zip(range(STEPS), actions_of(ours), strict=False):
        step = ours.step(action)
        assert_alike(step, theirs.step(action))
        stepped += 4 - (int(resting.sum()) if autoreset is AutoresetMode.NEXT_STEP else 0)
        resting = step[2] | step[3]
        early += int(step[2].sum())
        if autoreset is AutoresetMode.SAME_STEP and resting.any():
            last = step[4]["final_obs"][np.flatnonzero(resting)[0]]
            assert not np.array_equal(last, step[0][np.flatnonzero(resting)[0]])
    assert early > 0, "no episode ended early"
    assert mine.ledger.spent == stepped


@pytest.mark.parametrize("suite", EARLY)
def test_single_rows_can_be_reset_by_a_mask_as_gymnasium_defines(suite):
    mine, ours = door(suite, "Disabled")
    theirs = gymnasiums_own(suite, "Disabled")
    assert_alike(ours.reset(seed=5), theirs.reset(seed=5))
    resets = 0
    for _, action in zip(range(STEPS), actions_of(ours), strict=False):
        step = ours.step(action)
        assert_alike(step, theirs.step(action))
        ended = step[2] | step[3]
        if ended.any():
            options = {"reset_mask": ended}
            observation, info = ours.reset(options=options)
            assert options == {"reset_mask": ended}, "the caller's own options are taken apart"
            assert_alike((observation, info), theirs.reset(options={"reset_mask": ended}))
            np.testing.assert_array_equal(observation[~ended], step[0][~ended])
            resets += int(ended.sum())
    assert resets > 0
    assert mine.ledger.spent == 4 * STEPS


def test_a_row_that_has_ended_and_was_not_reset_is_named():
    mine, env = door("hopper-params", AutoresetMode.DISABLED)
    env.reset()
    spent = 0
    with pytest.raises(RuntimeError, match=r"rows \[.*\] have ended; begin their next episodes by reset"):
        for action in actions_of(env):
            env.step(action)
            spent = mine.ledger.spent
    assert mine.ledger.spent == spent > 0


def test_what_does_not_fit_the_budget_is_not_stepped():
    mine, env = door("frozen-lake-high", limit=10)
    env.reset()
    env.step(np.zeros(4, dtype=np.int64))
    env.step(np.zeros(4, dtype=np.int64))
    with pytest.raises(BudgetSpent, match="4 environment steps asked for, 2 of 10 left"):
        env.step(np.zeros(4, dtype=np.int64))
    assert mine.ledger.spent == 8


def test_unseeded_rows_draw_from_generators_of_their_own():
    def starts(trajectories, masks):
        _, env = door("hopper-params", trajectories=trajectories)
        seen = [env.reset()[0][0]]
        for mask in masks:
            seen.append(env.reset(options={"reset_mask": np.array(mask)})[0][0])
        return seen

    alone = starts(2, [[True, False, False, False]])
    beside = starts(2, [[False, True, True, False], [True, True, False, False]])
    np.testing.assert_array_equal(alone[0], beside[0])
    np.testing.assert_array_equal(beside[0], beside[1])
    np.testing.assert_array_equal(alone[1], beside[2])
    assert not np.array_equal(alone[0], alone[1])
