"""Where rewards are negative an early end would pay: by default none of these suites has one."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from environments.catalogue import make_suite, suites
from environments.locomotion.locomotion import LocomotionSuite
from environments.locomotion.locomotion_options import DYING_PAYS
from environments.streams import Streams

LOCOMOTION = [name for name, found in suites().items() if found.literals.get("family") == "locomotion"]


@cache
def episodes(text: str, spread: float, trajectories: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Returns and lengths [env] on the test tasks, of actions uniform on [-spread, spread]."""
    suite = make_suite(text)
    assert isinstance(suite, LocomotionSuite)
    tasks = suite.split.test
    env = suite.make_batch(len(tasks), trajectories)
    env.set_tasks(tasks)
    draw = Streams(1).numpy("noise")
    env.reset(seed=0)
    total, length = np.zeros(env.num_envs), np.zeros(env.num_envs)
    for _ in range(suite.horizon):
        alive = env.alive.copy()
        _, reward, *_ = env.step(spread * draw.uniform(-1, 1, (env.num_envs, *(suite.action_space.shape or ()))))
        total += reward
        length += alive
    return total, length


def test_a_fallen_ant_goes_on_and_flailing_earns_less_than_standing() -> None:
    """Under the published ends noise over all the motors' range ends episodes early and earns twice as much."""
    standing, flailing = episodes("ant-velocity", 0.0), episodes("ant-velocity", 10.0)
    assert (standing[1] == 200).all() and (flailing[1] == 200).all()
    assert flailing[0].mean() < standing[0].mean()
    early = episodes("ant-velocity[terminate=true]", 10.0)
    assert early[1].mean() < 150
    assert early[0].mean() > episodes("ant-velocity[terminate=true]", 0.0)[0].mean() + 30


def test_an_ant_never_gains_by_an_early_end() -> None:
    """The same actions with and without it: what follows a fall is counted by default."""
    whole, early = episodes("ant-velocity", 10.0), episodes("ant-velocity[terminate=true]", 10.0)
    fell = early[1] < 200
    assert fell.mean() > 0.3
    assert (early[0] - whole[0])[fell].mean() > 20  # what dying spared


@pytest.mark.parametrize("name", LOCOMOTION)
def test_who_ends_early_is_paid_for_living_and_who_is_not_never_ends(name: str) -> None:
    suite = make_suite(name)
    assert suite.cautions == ()
    if not getattr(suite.options, "terminate", False):
        return
    total, length = episodes(name, 0.0, trajectories=1)
    assert total.mean() > 0.3 * length.mean(), "standing pays little more than an end"


@pytest.mark.parametrize("name", [name for name in LOCOMOTION if hasattr(make_suite(name).options, "terminate")])
def test_the_option_that_pays_dying_says_so(name: str) -> None:
    pays = "-velocity" in name or name == "ant-goal"
    assert make_suite(f"{name}[terminate=true]").cautions == ((DYING_PAYS,) if pays else ())
    assert make_suite(f"{name}[terminate=false]").cautions == ()
