"""The rules of `metarl check SUITE` that a suite's batches are stepped for, under keyed random actions."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import torch

from benchmarks.conformance.alike_rows import AlikeRows
from benchmarks.conformance.trial import Violation
from environments.batch_env import BatchEnv
from environments.splits import NAMES
from environments.streams import Streams
from environments.suite import Suite
from environments.task import Task
from environments.task_digest import task_digest

TASKS, TRAJECTORIES = 3, 2
#: steps in which types, global generators, and a row and an environment alone are looked at
STEPS = 20
#: most steps of an episode that are compared, or in which it may end early for the rule on ended rows to be judged
LONGEST = 300
#: steps that ended rows are watched for
WATCHED = 5
#: between a batch's row and a single environment, relative: their sums may be in another order
TOLERANCE = 1e-7


class Unexamined(Exception):
    """A rule cannot be judged on this suite; the message says why."""


def _tasks(suite: Suite) -> list[Task]:
    """Different training tasks, as far as there are so many."""
    known = suite.split.train
    return [known[index * len(known) // TASKS] for index in range(TASKS)]


def batch_of(suite: Suite, tasks: Sequence[Task] | None = None, trajectories: int = TRAJECTORIES) -> BatchEnv:
    """Of `_tasks`, unless given."""
    env = suite.make_batch(TASKS, trajectories)
    env.set_tasks(_tasks(suite) if tasks is None else tasks)
    return env


class _Actions:
    """Keyed actions for any batch of a space: drawn anew at each step, or in every other row held for an episode."""

    def __init__(self, space: gymnasium.Space, rows: int, purpose: str = "actions", held: bool = False) -> None:
        self._space, self._rows, self._streams, self._held = space, rows, Streams(0).child(purpose), held

    def __call__(self, step: int) -> np.ndarray:
        drawn = self._drawn(step)
        if self._held:
            drawn[::2] = self._drawn(0)[::2]
        return drawn

    def _drawn(self, step: int) -> np.ndarray:
        generator = self._streams.numpy("step", step)
        if isinstance(self._space, gymnasium.spaces.Discrete):
            return generator.integers(int(self._space.n), size=self._rows)
        assert isinstance(self._space, gymnasium.spaces.Box)
        low, high = np.clip(self._space.low, -10, None), np.clip(self._space.high, None, 10)
        return generator.uniform(low, high, (self._rows, *low.shape)).astype(np.float32)


def judge_shapes(suite: Suite) -> None:
    env = batch_of(suite)
    space = suite.observation_space
    if isinstance(space, gymnasium.spaces.Box) and space.dtype != np.float64:
        raise Violation("shapes", f"the observation space is {space.dtype}, must be float64")
    if not isinstance(space, (gymnasium.spaces.Box, gymnasium.spaces.Discrete)):
        raise Violation("shapes", f"the observation space is {space}, must be Box or Discrete")
    rows, kind = (env.num_envs,), "iu" if isinstance(space, gymnasium.spaces.Discrete) else "f"
    promised = {"observation": ((*rows, *(space.shape or ())), kind), "reward": (rows, "f"),
                "terminated": (rows, "b"), "success": (rows, "b")}  # fmt: skip

    def examine(name: str, value: Any) -> None:
        shape, kinds = promised[name]
        if not isinstance(value, np.ndarray):
            raise Violation("shapes", f"{name} is a {type(value).__name__}, must be an array {list(shape)}")
        if value.shape != shape:
            raise Violation("shapes", f"{name} has shape {list(value.shape)}, must have {list(shape)}")
        if value.dtype.kind not in kinds or value.dtype == np.float32:
            wanted = {"f": "float64", "b": "bool", "iu": "integers"}[kinds]
            raise Violation("shapes", f"{name} is {value.dtype}, must be {wanted}")
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise Violation("shapes", f"{name} is not finite")

    inner = env._step

    def watched(actions: np.ndarray, alive: np.ndarray) -> Any:
        stepped = inner(actions, alive)
        for name, value in zip(promised, stepped, strict=True):
            examine(name, value)
        return stepped

    env._step = watched  # type: ignore[method-assign]
    examine("observation", env.reset(seed=0)[0])
    actions = _Actions(suite.action_space, env.num_envs)
    for step in range(min(STEPS, suite.horizon)):
        observation, reward, terminated, truncated, info = env.step(actions(step))
        for name, value in (("observation", observation), ("reward", reward), ("terminated", terminated),
                            ("terminated", truncated), ("success", info["success"])):  # fmt: skip
            examine(name, value)


#: what `episode` has of each step
SEEN = ("observation", "reward", "terminated", "success")


def episode(env: BatchEnv, seed: int, steps: int) -> list[np.ndarray]:
    """All that is seen of so many steps."""
    actions = _Actions(env.single_action_space, env.num_envs)
    seen = [np.array(env.reset(seed=seed)[0])]
    for step in range(min(steps, env.horizon)):
        observation, reward, terminated, _, info = env.step(actions(step))
        seen += [np.array(observation), np.array(reward), np.array(terminated), np.array(info["success"])]
    return seen


def _same(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> bool:
    return all(one.tobytes() == other.tobytes() for one, other in zip(first, second, strict=True))


def _where_unlike(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> str | None:
    """Where two episodes of `episode` part, None if nowhere."""
    parted = (at for at, pair in enumerate(zip(first, second, strict=True)) if pair[0].tobytes() != pair[1].tobytes())
    at = next(parted, None)
    return at if at is None else "at the reset" if at == 0 else f"in step {(at - 1) // len(SEEN)}"


def judge_seeding(suite: Suite) -> None:
    env = batch_of(suite)
    Streams(0).seed_globals("seeding")
    first = episode(env, 5, LONGEST)
    Streams(1).seed_globals("seeding")
    for which, again in (("reset again", env), ("made again", batch_of(suite))):
        second = episode(again, 5, LONGEST)
        where = _where_unlike(first, second)
        if where is not None:
            raise Violation("seeding", f"{which} with the same seed and actions, the batch differs {where}")
    starts = first[0].reshape(TASKS, TRAJECTORIES, -1)
    drawn = (starts[:, 0] != starts[:, 1]).any()
    if drawn and _same(first[:1], episode(env, 6, 0)):
        raise Violation("seeding", "starts differ between trajectories, yet two seeds give the same ones")


@contextmanager
def _globals_watched() -> Iterator[None]:
    def states() -> dict[str, Any]:
        ours: Any = np.random.get_state()
        return {
            "random": random.getstate(),
            "np.random": (ours[1].tolist(), ours[2]),
            "torch": torch.get_rng_state().tolist(),
        }

    before = states()
    yield
    moved = [name for name, state in states().items() if state != before[name]]
    if moved:
        raise Violation("global-generators", f"{', '.join(moved)} moved; draw with the generator that is given")


def judge_globals(suite: Suite) -> None:
    with _globals_watched():
        fresh = type(suite)(suite.options)
        for name in NAMES:
            fresh.split.tasks(name)
        fresh.draw_task(Streams(0).numpy("tasks"), "drawn")
        episode(batch_of(fresh), 5, STEPS)


def judge_ended_rows(suite: Suite) -> None:
    env = batch_of(suite, trajectories=4 * TRAJECTORIES)
    actions = _Actions(env.single_action_space, env.num_envs, held=True)
    seen, info = env.reset(seed=0)
    seen, success, watched = np.array(seen), np.array(info["success"]), 0
    steps = min(suite.horizon, LONGEST)
    for step in range(steps):
        ended = ~env.alive.copy()
        if ended.all() or watched >= WATCHED:
            break
        observation, reward, terminated, truncated, info = env.step(actions(step))
        observation, flags = np.array(observation), np.asarray(terminated) | np.asarray(truncated)
        if ended.any():
            watched += 1
            for what, broken in (
                ("its observation moves", (observation[ended] != seen[ended]).any()),
                (f"it is paid {np.abs(np.asarray(reward)[ended]).max():g}", np.asarray(reward)[ended].any()),
                ("its flags are taken back", not flags[ended].all() or env.alive[ended].any()),
                ("its success changes", (info["success"][ended] != success[ended]).any()),
            ):
                if broken:
                    raise Violation("ended-rows", f"after an episode has ended, at step {step}, {what}")
        seen, success = observation, np.array(info["success"])
    if not watched:
        raise Unexamined(f"no episode ended early in {steps} steps of random actions")


def judge_horizon(suite: Suite) -> None:
    short = type(suite)(replace(suite.options, horizon=3))
    env = batch_of(short)
    env.reset(seed=0)
    actions = _Actions(env.single_action_space, env.num_envs)
    for step in range(1, 4):
        _, _, terminated, truncated, _ = env.step(actions(step))
        if np.asarray(truncated & (terminated | (step < 3))).any():
            raise Violation("horizon", f"with horizon=3 an episode is truncated after {step} steps")
    if not np.asarray(terminated | truncated).all():
        raise Violation("horizon", "with horizon=3 an episode goes on after 3 steps")


def judge_single(suite: Suite) -> None:
    batch = batch_of(suite)
    rows = [suite.make_batch(1, 1) for _ in range(batch.num_envs)]
    for row, env in enumerate(rows):
        env.set_tasks([batch.tasks[row // TRAJECTORIES]])

    def start(env: BatchEnv) -> np.ndarray:
        env._np_random = AlikeRows(7, env.num_envs)  # type: ignore[assignment]
        return np.array(env.reset()[0])

    try:
        starts, ours = [start(env) for env in rows], start(batch)
    except TypeError as error:
        raise Unexamined(f"starts could not be made alike: {error}") from None
    if any(not np.array_equal(ours[row], alone[0]) for row, alone in enumerate(starts)):
        raise Unexamined("starts could not be made alike; draw one row an environment by one call, as in size=num_envs")
    actions = _Actions(batch.single_action_space, batch.num_envs)
    for step in range(min(STEPS, suite.horizon)):
        chosen, alive = actions(step), batch.alive.copy()
        together = batch.step(chosen.copy())
        for row in np.flatnonzero(alive).tolist():
            alone = rows[row].step(chosen[row : row + 1].copy())
            for name, ours, theirs in zip(
                ("observation", "reward", "terminated", "truncated", "success"),
                (*together[:4], together[4]["success"]),
                (*alone[:4], alone[4]["success"]),
                strict=True,
            ):
                one, other = np.asarray(ours)[row], np.asarray(theirs)[0]
                if not np.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE):
                    raise Violation(
                        "single", f"at step {step}, row {row} of a batch differs in its {name} from one alone"
                    )


def judge_rows(suite: Suite) -> None:
    """Every second row keeps its actions while the others get other ones, as long as as many of these are alive."""
    env = batch_of(suite)
    ours, others = (_Actions(env.single_action_space, env.num_envs, purpose) for purpose in ("actions", "others"))
    for kept in (np.arange(env.num_envs) % 2 == 0, np.arange(env.num_envs) % 2 == 1):
        first, second = list[list[np.ndarray]](), list[list[np.ndarray]]()
        for seen, changed in ((first, False), (second, True)):
            env.reset(seed=5)
            for step in range(min(LONGEST, suite.horizon)):
                actions = ours(step)
                if changed:
                    actions[~kept] = others(step)[~kept]
                observation, reward, terminated, _, info = env.step(actions)
                seen.append([np.array(each) for each in (env.alive, observation, reward, terminated, info["success"])])
        for step, (one, other) in enumerate(zip(first, second, strict=True)):
            if not np.array_equal(one[0][~kept], other[0][~kept]):
                break  # what is drawn for living rows, or multiplied with them, may be other numbers from here on
            for name, mine, theirs in zip(SEEN, one[1:], other[1:], strict=True):
                if not np.allclose(mine[kept], theirs[kept], rtol=TOLERANCE, atol=TOLERANCE):
                    raise Violation("rows", f"at step {step} a row's {name} depends on what other rows do")


def _others(suite: Suite, tasks: Sequence[Task]) -> list[Task]:
    """Another task for each.  Raises Unexamined where there is one task alone."""
    split = suite.split
    known = {task_digest(task): task for task in (*split.train, *split.validation, *split.test)}
    if len(known) < 2:
        raise Unexamined("it has one task alone")
    digests = list(known)
    return [known[digests[(digests.index(task_digest(task)) + 1) % len(digests)]] for task in tasks]


def judge_set_tasks(suite: Suite) -> None:
    tasks = _tasks(suite)
    others = _others(suite, tasks)
    env = batch_of(suite, tasks)
    episode(env, 5, LONGEST)
    env.set_tasks(others)
    where = _where_unlike(episode(env, 5, LONGEST), episode(batch_of(suite, others), 5, LONGEST))
    if where is not None:
        raise Violation("set-tasks", f"given other tasks, a batch differs {where} from one that was made with them")


def judge_tasks_differ(suite: Suite) -> None:
    tasks = _tasks(suite)
    ours, others = (episode(batch_of(suite, each), 5, LONGEST) for each in (tasks, _others(suite, tasks)))
    if _same(ours, others):
        steps = min(LONGEST, suite.horizon)
        raise Unexamined(
            f"{steps} steps of random actions are the same in other tasks: either the batch ignores them, or random "
            "actions do not get to where they differ"
        )
