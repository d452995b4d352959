"""Every suite as a plain gymnasium environment: registered lazily, checked by gymnasium, single tasks."""

import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from environments.catalogue import make_suite
from environments.registration import environment_id, register_suites
from environments.task import Task
from environments.typed_options import UsageError
from tests.support.metaworld import AVAILABLE


@pytest.mark.parametrize("name", AVAILABLE)
def test_every_suite_passes_gymnasiums_own_check(name):
    env = gymnasium.make(environment_id(name))
    with warnings.catch_warnings():
        # observations are unbounded, and the policy's actions range over [-10, 10] by the suites' definition
        warnings.filterwarnings("ignore", message=".*(infinity|symmetric and normalized).*")
        check_env(env.unwrapped)
    assert env.unwrapped.suite.name == name


@pytest.mark.parametrize("name", AVAILABLE)
def test_an_episode_is_truncated_at_the_horizon_unless_it_ended(name):
    env = gymnasium.make(environment_id(name), horizon=4)
    env.reset(seed=0)
    for step in range(1, 5):
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert env.observation_space.contains(observation)
        assert isinstance(reward, float) and isinstance(terminated, bool) and isinstance(info["success"], bool)
        assert truncated == (step == 4 and not terminated)
        if terminated:
            break


def test_registration_imports_neither_mujoco_nor_torch():
    program = (
        "import sys, gymnasium, environments.registration;"
        "assert 'MetaRL/half-cheetah-velocity-v0' in gymnasium.registry;"
        "assert not {'mujoco', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_gymnasium_imports_the_registration_by_the_module_in_the_id():
    program = (
        "import gymnasium;"
        "env = gymnasium.make('environments.registration:MetaRL/half-cheetah-velocity-v0', task='test-03');"
        "print(env.unwrapped.task.id)"
    )
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert shown.stdout == "test-03\n"
    assert shown.stderr == "", "the model's deprecation message should be silenced"


@pytest.mark.parametrize(
    ("name", "option", "now"), [("corners", "reward=published", "potential"), ("ant-velocity", "terminate=true", False)]
)
def test_a_changed_default_is_a_new_version_and_the_earlier_one_is_what_it_was(name, option, now):
    assert environment_id(name) == f"MetaRL/{name}-v1" and environment_id("hopper-velocity").endswith("-v0")
    field = option.partition("=")[0]
    with pytest.warns(DeprecationWarning, match=f"MetaRL/{name}-v0 is out of date"):
        earlier = gymnasium.make(f"MetaRL/{name}-v0").unwrapped.suite
    assert earlier.digest == make_suite(f"{name}[{option}]").digest and earlier.recorded_name == name
    latest = gymnasium.make(f"MetaRL/{name}-v1").unwrapped.suite
    assert getattr(latest.options, field) == now and latest.digest != earlier.digest
    assert latest.digest == make_suite(name).digest
    assert earlier.cautions and not latest.cautions


def test_registering_again_changes_nothing():
    before = dict(gymnasium.registry)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        register_suites()
    assert dict(gymnasium.registry) == before


def test_the_task_is_given_by_itself_by_its_id_or_is_the_first_training_task():
    name, split = environment_id("half-cheetah-velocity"), make_suite("half-cheetah-velocity").split
    assert gymnasium.make(name).unwrapped.task == split.train[0]
    assert gymnasium.make(name, task="validation-02").unwrapped.task == split.validation[2]
    mine = Task("mine", {"velocity": 1.5})
    env = gymnasium.make(name, task=mine, control_cost=0.0)
    assert env.unwrapped.task == mine
    env.reset(seed=0)
    still = env.step(np.zeros(6, dtype=np.float32))[1]
    assert -2.5 < still < -0.5, "a robot that stands still misses a target of 1.5 m/s by about 1.5"


def test_options_are_the_suites_own():
    env = gymnasium.make(environment_id("ant-goal"), goals="disc", horizon=50).unwrapped
    assert env.suite.full_name == "ant-goal[horizon=50,goals=disc]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "tst-03"}, "has no task 'tst-03'; did you mean 'test-03'"),
        ({"horzon": 5}, "no option 'horzon'; did you mean 'horizon'"),
        ({"horizon": 0}, "horizon must be at least 1, got 0"),
        (
            {"suite": "half-cheeta-velocity"},
            "unknown suite 'half-cheeta-velocity'; did you mean 'half-cheetah-velocity'",
        ),
    ],
)
def test_mistakes_are_named(arguments, message):
    with pytest.raises(UsageError, match=message):
        gymnasium.make(environment_id("half-cheetah-velocity"), **arguments)
