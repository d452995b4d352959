"""The Sawyer suites against Meta-World's own environments, step by step, and against rewards written down again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from environments.catalogue import make_suite
from environments.sawyer.arm import arm_model
from environments.sawyer.sawyer import SawyerBatch
from environments.streams import Streams
from tests.support.metaworld import imported, metaworlds_own, needs_metaworld, put
from tests.support.sawyer_controllers import Opener, Pusher

pytestmark = needs_metaworld
STEPS, GOALS = 100, 10


@pytest.fixture(scope="module", autouse=True)
def metaworld(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with imported(tmp_path_factory.mktemp("metaworld")) as package:
        yield package


def started(text: str) -> SawyerBatch:
    """A batch of ten training tasks."""
    suite = make_suite(text)
    batch = suite.make_batch(GOALS, 1)
    assert isinstance(batch, SawyerBatch)
    batch.set_tasks(suite.split.train[:GOALS])
    batch.reset(seed=0)
    return batch


def controller(batch: SawyerBatch) -> Callable[[np.ndarray], np.ndarray]:
    """Observations to actions [row, 3]: beyond the bounds now and then, but every other row solves its task."""
    hand, known = batch.suite.hand, [next(iter(task.parameters.values())) for task in batch.tasks]
    solve: Pusher | Opener = (Pusher if "push" in batch.suite.name else Opener)(hand, np.array(known))
    generator = Streams(3).numpy("actions")

    def act(observation: np.ndarray) -> np.ndarray:
        actions = solve(observation)
        actions[1::2] = generator.normal(0, 1, actions[1::2].shape)
        return actions

    return act


def theirs(batch: SawyerBatch, row: int) -> Any:
    """Meta-World's environment with the task of the row, in its state."""
    if "push" in batch.suite.name:
        random = np.array([0.0, 0.52, 0.02, *batch.tasks[row].parameters["goal"], 0.02])
    else:
        random = arm_model(batch.suite.file).body("door").pos.copy()
    env = metaworlds_own(batch.suite.file, random)
    put(env, batch, row)
    return env


def push_reward(form: str, env: Any, goal: tuple[float, float], begun: list[float]) -> float:
    """As the authors' code has it, and as their supplement prints it, number by number."""
    thing = env.data.body("obj").xpos
    right, left = env.data.site("rightEndEffector").xpos, env.data.site("leftEndEffector").xpos
    pusher = [(right[k] + left[k]) / 2 for k in range(3)]
    reward = -math.sqrt(sum((thing[k] - pusher[k]) ** 2 for k in range(3)))
    if form == "authors":
        c = math.hypot(begun[0] - goal[0], begun[1] - goal[1])
        return reward + 100 * max(0.0, c - math.hypot(thing[0] - goal[0], thing[1] - goal[1]))
    point = (*goal, 0.02)
    return reward + 100 * abs(math.dist(begun, point) - math.dist(point, pusher))


def door_reward(form: str, env: Any, target: float, begun: list[float]) -> float:
    x = -float(env.data.joint("doorjoint").qpos[0])
    if form == "printed":
        return abs(10 * x) if x <= target else abs(10 * (target - (x - target)))
    right, left = env.data.site("rightEndEffector").xpos, env.data.site("leftEndEffector").xpos
    if math.dist(env.data.geom("handle").xpos, [(a + b) / 2 for a, b in zip(right, left, strict=True)]) >= 0.1:
        return 0.0
    return max(10 * x, 0.0) if x <= target else max(10 * (target - (x - target)), 0.0)


@pytest.mark.parametrize("form", ["authors", "printed"])
@pytest.mark.parametrize("name", ["sawyer-push", "sawyer-door"])
def test_hand_and_object_move_as_metaworld_moves_them_and_rewards_are_as_written_down(name: str, form: str) -> None:
    batch = started(f"{name}[horizon={STEPS},reward={form}]")
    rewarded: Callable[..., float] = push_reward if "push" in name else door_reward
    envs = [theirs(batch, row) for row in range(GOALS)]
    begun = [env.data.body("obj").xpos.tolist() if "push" in name else [] for env in envs]
    act, ours, paid = controller(batch), batch._observation(), set()
    for _ in range(STEPS):
        action = act(ours)
        ours, rewards, *_ = batch.step(action)
        for row, env in enumerate(envs):
            observation = env.step(np.append(action[row], 0.0))[0]
            assert ours[row].tobytes() == np.concatenate([observation[:3], observation[4:7]]).tobytes()
            (task,) = batch.tasks[row].parameters.values()
            expected = rewarded(form, env, task, begun[row])
            assert rewards[row] == pytest.approx(expected, abs=1e-9)
            paid.add(expected > 1)
    assert paid == {True, False}


def test_the_doors_episodes_begin_where_metaworlds_reset_leads_the_hand() -> None:
    batch = started("sawyer-door")
    env = metaworlds_own(batch.suite.file, arm_model(batch.suite.file).body("door").pos.copy())
    assert env.hand_init_pos.tolist() == list(batch.suite.hand)
    np.testing.assert_array_equal(env.data.qpos, batch.state[0][0])
    np.testing.assert_array_equal(env.data.qvel, batch.state[1][0])
