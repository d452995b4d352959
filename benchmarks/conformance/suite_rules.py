"""`metarl check SUITE`: whether a suite keeps the rules without which no result on it could stand."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import gymnasium
import numpy as np
import torch

from benchmarks.conformance.alike_rows import AlikeRows
from benchmarks.conformance.failing_line import failing_line
from benchmarks.conformance.rules import Finding
from benchmarks.conformance.trial import Violation
from environments.batch_env import BatchEnv
from environments.catalogue import parse_suite_name
from environments.splits import NAMES
from environments.streams import Streams
from environments.suite import Suite
from environments.suite_declaration import NO_SPLIT, declaration_faults
from environments.typed_options import as_text, former_names, make_options

TASKS, TRAJECTORIES = 3, 2
#: steps that are looked at
STEPS = 20
#: most steps in which an episode may end early, so that the rule on ended rows can be judged
LONGEST = 300
#: steps that ended rows are watched for
WATCHED = 5
#: between a batch's row and a single environment, relative: their sums may be in another order
TOLERANCE = 1e-7

SUITE_RULES = {
    "metric": "the metric is one of the scores that are recorded",
    "tasks": "tasks are the same when asked again, and draw_task draws with its generator alone",
    "runs": "tasks, batches, resets and steps raise nothing",
    "shapes": "observations, rewards and flags are finite arrays, one entry an environment, of the types promised",
    "seeding": "a seed decides an episode, and where starts are drawn another seed draws others",
    "global-generators": "no global random generator is moved",
    "ended-rows": "an episode that has ended stays as it was, and pays nothing, while others go on",
    "horizon": "the horizon truncates every episode that has not ended, and none earlier",
    "single": "each row of a batch is what a batch of one environment is, step by step",
    "options": "the full name, read again, is the same suite",
}


class Unexamined(Exception):
    """A rule cannot be judged on this suite; the message says why."""


def check_suite(suite: Suite) -> list[Finding]:
    """Every rule, judged on a few tasks and steps; one that cannot be judged has `passed` None and a reason."""
    torch.set_num_threads(1)
    name, findings = suite.full_name, dict[str, Finding]()
    try:
        for rule, reason in declaration_faults(suite):
            findings[rule] = Finding(name, rule, False, reason)
    except Exception as error:  # the suite's own, whatever it is
        findings["runs"] = Finding(name, "runs", False, _raised(error, suite))
    for rule in ("metric", "tasks"):
        findings.setdefault(rule, Finding(name, rule, True if "runs" not in findings else None))
    if findings["tasks"].reason.startswith(NO_SPLIT):  # the others need tasks
        return [findings.get(rule, Finding(name, rule, None)) for rule in SUITE_RULES]
    for rule, judge in _JUDGES.items():
        if any(findings[early].passed is False for early in ("runs", "shapes") if early in findings):
            break  # the others take both for granted
        try:
            judge(suite)
        except Violation as violation:
            findings[rule] = Finding(name, rule, False, violation.reason)
        except Unexamined as reason:
            findings[rule] = Finding(name, rule, None, str(reason))
        except Exception as error:  # the suite's own, whatever it is
            findings["runs"] = Finding(name, "runs", False, _raised(error, suite, f", while {rule!r} was judged"))
        else:
            findings[rule] = Finding(name, rule, True)
    findings.setdefault("runs", Finding(name, "runs", True))
    return [findings.get(rule, Finding(name, rule, None)) for rule in SUITE_RULES]


def _raised(error: Exception, suite: Suite, when: str = "") -> str:
    return f"{type(error).__name__}: {error} ({failing_line(error, type(suite))}{when})"


def _batch(suite: Suite, tasks: int = TASKS, trajectories: int = TRAJECTORIES) -> BatchEnv:
    """Different training tasks, as far as there are so many."""
    env, known = suite.make_batch(tasks, trajectories), suite.split.train
    env.set_tasks([known[index * len(known) // tasks] for index in range(tasks)])
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


def _judge_shapes(suite: Suite) -> None:
    env = _batch(suite)
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


def _episode(env: BatchEnv, seed: int, steps: int) -> list[np.ndarray]:
    """All that is seen of so many steps."""
    actions = _Actions(env.single_action_space, env.num_envs)
    seen = [np.array(env.reset(seed=seed)[0])]
    for step in range(min(steps, env.horizon)):
        observation, reward, terminated, _, info = env.step(actions(step))
        seen += [np.array(observation), np.array(reward), np.array(terminated), np.array(info["success"])]
    return seen


def _same(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> bool:
    return all(one.tobytes() == other.tobytes() for one, other in zip(first, second, strict=True))


def _judge_seeding(suite: Suite) -> None:
    env = _batch(suite)
    Streams(0).seed_globals("seeding")
    first = _episode(env, 5, STEPS)
    Streams(1).seed_globals("seeding")
    for which, again in (("reset again", env), ("made again", _batch(suite))):
        second = _episode(again, 5, STEPS)
        if not _same(first, second):
            where = "at the reset" if not _same(first[:1], second[:1]) else "in a step"
            raise Violation("seeding", f"{which} with the same seed and actions, the batch differs {where}")
    starts = first[0].reshape(TASKS, TRAJECTORIES, -1)
    drawn = (starts[:, 0] != starts[:, 1]).any()
    if drawn and _same(first[:1], _episode(env, 6, 0)):
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


def _judge_globals(suite: Suite) -> None:
    with _globals_watched():
        fresh = type(suite)(suite.options)
        for name in NAMES:
            fresh.split.tasks(name)
        fresh.draw_task(Streams(0).numpy("tasks"), "drawn")
        _episode(_batch(fresh), 5, STEPS)


def _judge_ended_rows(suite: Suite) -> None:
    env = _batch(suite, trajectories=4 * TRAJECTORIES)
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


def _judge_horizon(suite: Suite) -> None:
    short = type(suite)(replace(suite.options, horizon=3))
    env = _batch(short)
    env.reset(seed=0)
    actions = _Actions(env.single_action_space, env.num_envs)
    for step in range(1, 4):
        _, _, terminated, truncated, _ = env.step(actions(step))
        if np.asarray(truncated & (terminated | (step < 3))).any():
            raise Violation("horizon", f"with horizon=3 an episode is truncated after {step} steps")
    if not np.asarray(terminated | truncated).all():
        raise Violation("horizon", "with horizon=3 an episode goes on after 3 steps")


def _judge_single(suite: Suite) -> None:
    batch = _batch(suite)
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


def _judge_options(suite: Suite) -> None:
    cls, owner = type(suite.options), f"suite {suite.name}"
    if cls is not type(suite).Options:
        raise Violation("options", f"its options are {cls.__name__}, not {type(suite).Options.__name__}")
    first = next(iter(fields(suite.options))).name
    try:
        setattr(suite.options, first, getattr(suite.options, first))
        raise Violation("options", f"{cls.__name__} must be a frozen dataclass")
    except FrozenInstanceError:
        pass
    short = replace(suite.options, horizon=3, discount=0.5)
    for options in (suite.options, short):
        made = type(suite)(options)
        name, given = parse_suite_name(made.full_name)
        again = type(suite)(
            make_options(cls, {former_names(cls).get(key, key): value for key, value in given.items()}, owner)
        )
        for field in fields(cls):
            value, read = getattr(options, field.name), getattr(again.options, field.name)
            if value != read:
                raise Violation(
                    "options", f"{made.full_name} reads {field.name} as {as_text(read)}, not {as_text(value)}"
                )
        if name != suite.name or made.digest != again.digest:
            raise Violation("options", f"{made.full_name}, read again, is another suite")
    if (type(suite)(short).horizon, type(suite)(short).discount) != (3, 0.5):
        raise Violation("options", "horizon=3 or discount=0.5 is not taken over; call super().__init__(options)")


_JUDGES: dict[str, Callable[[Suite], None]] = {
    "shapes": _judge_shapes,
    "seeding": _judge_seeding,
    "global-generators": _judge_globals,
    "ended-rows": _judge_ended_rows,
    "horizon": _judge_horizon,
    "single": _judge_single,
    "options": _judge_options,
}
