"""Methods of stable-baselines3: their door to the environment, their state, and what they leave to others."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode

from algorithms.algorithm import Config
from algorithms.contextual_sac import ContextualSac, ContextualSacConfig
from algorithms.experts.actor import NOISELESS
from algorithms.experts.context import Contexts
from algorithms.experts.expert import expert_of
from algorithms.experts.sb3_algorithm import Sb3Algorithm
from algorithms.experts.sb3_environment import TaskVecEnv
from algorithms.experts.sb3_fine_tuning import fine_tune
from algorithms.sb3_ppo import Sb3Ppo, Sb3PpoConfig
from benchmarks.execution.session import Session
from benchmarks.execution.worker import run_job
from benchmarks.planning.fitting import misfit
from benchmarks.planning.plan import make_plan
from benchmarks.specs.run_spec import RunSpec
from environments.access import Guard
from environments.catalogue import make_suite
from environments.collector import Collector
from environments.discovery import ClassEntry
from environments.facts import SuiteFacts
from environments.ledger import Ledger
from environments.policy import Previous
from environments.problem import EvaluationProtocol, Problem
from environments.streams import Streams
from environments.task import TaskRef
from environments.trajectories import TrajectoryBatch
from environments.typed_options import UsageError
from results.store import Store
from tests.support.adapters import contents

SUITE = "half-cheetah-velocity[horizon=5]"
SAC = ContextualSacConfig(tasks=2, trajectories=2, hidden=(8,), warm_up=10, batch=8)
PPO = Sb3PpoConfig(tasks=2, trajectories=3, hidden=(8,), batch=10, epochs=2)


def session(cls: type[Sb3Algorithm], config: Config, state: Any = None) -> Session:
    return Session(make_suite(SUITE), cls, config, Streams(4), EvaluationProtocol(1, 2), None, state)


def test_rows_show_their_tasks_and_an_episode_that_the_horizon_cuts_is_no_end() -> None:
    suite, ledger = make_suite(SUITE), Ledger(None)
    collector = Collector(suite, Streams(0), ledger, Guard("training", {"train"}))
    tasks = [TaskRef("train", task.id) for task in suite.split.train[:2]]
    door = collector.vector_env(tasks, 1, AutoresetMode.SAME_STEP)
    contexts = np.array([[1.0], [-2.0]], dtype=np.float32)
    env = TaskVecEnv(door, suite.observation_space, suite.action_space, contexts, reward_scale=10.0)  # type: ignore
    observations: Any = env.reset()
    assert observations[:, -1].tolist() == [1.0, -2.0] and observations.dtype == np.float32
    earned = np.zeros(2)
    for step in range(5):
        observations, rewards, ended, infos = env.step(np.zeros((2, 6), dtype=np.float32))
        earned += rewards / 10
        assert ended.tolist() == [step == 4] * 2
    assert infos[1]["TimeLimit.truncated"] and infos[1]["terminal_observation"][-1] == -2.0
    assert not np.array_equal(infos[1]["terminal_observation"], observations[1])  # which begins the next episode
    np.testing.assert_allclose(env.returns, earned, rtol=1e-5)
    assert ledger.spent == 10


@pytest.mark.parametrize(("cls", "config", "rows"), [(ContextualSac, SAC, 2), (Sb3Ppo, PPO, 6)])
def test_a_meta_iteration_is_whole_episodes_and_a_session_goes_on_from_its_state_alone(
    cls: type[Sb3Algorithm], config: Config, rows: int
) -> None:
    running = session(cls, config)
    assert running.algorithm.rows == rows  # type: ignore[attr-defined]
    for _ in range(2):
        metrics = running.iterate()
    assert running.spent == 2 * config.tasks * config.trajectories * 5
    assert metrics is not None and {"return", "learning_rate"} < set(metrics)
    saved = torch.load(_written(running.state), weights_only=True)
    resumed = session(cls, config, saved)
    assert running.iterate() == resumed.iterate()
    _assert_same(running.state["algorithm"], resumed.state["algorithm"])


def test_a_run_with_a_replay_buffer_is_the_same_stopped_and_gone_on_with(tmp_path: Path) -> None:
    (spec,) = _plan("contextual-sac")
    assert run_job(spec, tmp_path / "whole").status == "finished"
    stops = iter([False, False, True])
    assert run_job(spec, tmp_path / "stopped", should_stop=lambda: next(stops)).status == "interrupted"
    assert run_job(spec, tmp_path / "stopped").status == "finished"
    whole, stopped = (Store(tmp_path / name).folder(spec.identity()).path for name in ("whole", "stopped"))
    assert contents(whole) == contents(stopped)


def test_the_librarys_version_is_part_of_what_a_run_is() -> None:
    (spec,) = _plan("contextual-sac")
    assert spec.identity()["versions"]["stable-baselines3"] == "2.9.2"
    (plain,) = _plan("maml-vpg")
    assert "stable-baselines3" not in plain.identity()["versions"]


@pytest.mark.parametrize(
    "options", [{}, {"observation_scale": 10.0}, {"observation_scale": 0.1, "hidden": ()}], ids=str
)
def test_the_expert_acts_as_the_trained_model_and_is_told_each_task(options) -> None:
    running = session(ContextualSac, replace(SAC, **options))
    for _ in range(3):
        running.iterate()
    suite = make_suite(SUITE)
    guard = Guard("training", {"train", "parameters"}, "a pupil")
    problem = Problem(suite, EvaluationProtocol(), guard, None, {"expert": running.state["algorithm"]})
    expert, tasks = expert_of(problem, Streams(0)), problem.tasks("train")[:3]
    observations = torch.randn(3, 2, 4, 17, generator=torch.Generator().manual_seed(0))
    told = Contexts(problem).of(tasks)[:, None, None].expand(3, 2, 4, -1)
    seen = torch.cat([observations, told], -1).reshape(24, -1).numpy()
    model = running.algorithm.model  # type: ignore[attr-defined]
    theirs = model.predict(seen, deterministic=True)[0].reshape(3, 2, 4, 6)
    np.testing.assert_allclose(expert.label(tasks, observations).numpy(), theirs, rtol=1e-5, atol=1e-5)

    policy = expert.policy(tasks)
    first = observations[:, :, 0]
    acted, _ = policy.act(first, _nothing(first), policy.begin(3, 2, Streams(0)))
    at_first = torch.from_numpy(seen.reshape(6, 4, -1)[:, 0])
    mean, log_std, _ = model.policy.actor.get_action_dist_params(at_first)
    torch.testing.assert_close(acted.parameters["mean"], mean.reshape(3, 2, 6))
    torch.testing.assert_close(acted.parameters["log_std"], log_std.reshape(3, 2, 6))
    batch = Collector(suite, Streams(0), Ledger(None), guard).collect(policy, tasks, 2)
    assert batch.actions.abs().max() <= 10 and torch.isfinite(batch.log_probabilities).all()


def test_networks_see_observations_scaled_and_contexts_as_they_are() -> None:
    plain, scaled = (
        session(ContextualSac, replace(SAC, observation_scale=scale)).algorithm.model  # type: ignore[attr-defined]
        for scale in (1.0, 10.0)
    )
    scaled.policy.load_state_dict(plain.policy.state_dict(), strict=False)
    seen = torch.randn(5, plain.observation_space.shape[0], generator=torch.Generator().manual_seed(0))
    enlarged = torch.cat([10 * seen[:, :17], seen[:, 17:]], -1)
    ours, theirs = (
        model.policy.actor.get_action_dist_params(inputs)[0] for model, inputs in ((plain, enlarged), (scaled, seen))
    )
    torch.testing.assert_close(ours, theirs)


def test_the_temperature_begins_where_it_is_told_to() -> None:
    model = session(ContextualSac, replace(SAC, initial_temperature=0.01)).algorithm.model  # type: ignore[attr-defined]
    assert float(model.log_ent_coef.detach().exp()) == pytest.approx(0.01)


def test_the_expert_is_evaluated_by_its_mean_action_unless_it_shall_be_noisy() -> None:
    running = session(ContextualSac, SAC)
    tasks = running.suite.split.train[:2]
    for noisy in (False, True):
        algorithm = session(ContextualSac, replace(SAC, noisy=noisy)).algorithm
        policy = next(algorithm.adapt([TaskRef("train", task.id) for task in tasks]))
        first = torch.zeros(2, 1, 17)
        acted, _ = policy.act(first, _nothing(first), None)
        assert bool((acted.parameters["log_std"] == NOISELESS).all()) is not noisy


def test_a_parent_that_leaves_no_actor_is_named() -> None:
    guard = Guard("training", {"train", "parameters"}, "a pupil")
    problem = Problem(make_suite(SUITE), EvaluationProtocol(), guard, None, {"expert": {"bias": 1.0}})
    with pytest.raises(UsageError, match="leaves no actor under 'expert'"):
        expert_of(problem, Streams(0))


def test_each_task_is_fine_tuned_on_its_own_episodes_alone() -> None:
    algorithm = session(Sb3Ppo, PPO).algorithm
    tasks = [TaskRef("train", task.id) for task in algorithm.problem._suite.split.train[:2]]
    collector = Collector(make_suite(SUITE), Streams(1), Ledger(None), Guard("evaluation", {"train"}))

    def adapted(rewards: float) -> torch.Tensor:
        torch.manual_seed(0)
        np.random.seed(0)
        adaptation = algorithm.adapt(tasks)
        batch = collector.collect(next(adaptation), tasks, 3)
        collector.begin_iteration(0)
        other = replace(batch, rewards=torch.cat([batch.rewards[:1], rewards * batch.rewards[1:].flip(2)]))
        first = torch.zeros(2, 1, 17)
        policy = adaptation.send(other)
        return policy.act(first, _nothing(first), None)[0].parameters["mean"].detach()

    once, again, other = adapted(1.0), adapted(1.0), adapted(-5.0)
    assert torch.equal(once, again) and torch.equal(once[0], other[0])
    assert not torch.equal(once[0], once[1]) and not torch.equal(once[1], other[1])


def test_on_policy_returns_end_where_an_episode_ends_and_are_worth_a_value_where_it_is_cut() -> None:
    model = session(Sb3Ppo, PPO).algorithm.model  # type: ignore[attr-defined]
    model.gae_lambda = 1.0
    batch = _batch(lengths=(2, 3), terminated=(True, False))
    with torch.no_grad():
        after = float(model.policy.predict_values(batch.final_observations[0])[1])  # type: ignore[index]
    fine_tune(model, [batch], torch.zeros(0), 0)
    g = model.gamma
    expected = [1 + g, 1, 1 + g + g * g * (1 + g * after), 1 + g * (1 + g * after), 1 + g * after]
    returns = model.rollout_buffer.returns.flatten()
    np.testing.assert_allclose(returns, expected, rtol=1e-5)


class Sac(Sb3Algorithm):
    """An off-policy algorithm of the library in a few lines, which is told nothing."""

    name = "sb3-sac"
    library_class = "SAC"
    discrete_actions = False
    fine_tuning_steps = 3

    def library_options(self) -> dict[str, Any]:
        return {"policy_kwargs": {"net_arch": [8]}, "learning_starts": 10, "batch_size": 8, "buffer_size": 1000}


class Td3(Sac):
    name = "sb3-td3"
    library_class = "TD3"


@pytest.mark.parametrize("cls", [Sac, Td3])
def test_any_other_algorithm_of_the_library_trains_and_is_fine_tuned(cls: type[Sb3Algorithm]) -> None:
    running = session(cls, Config(tasks=2, trajectories=2))
    assert running.iterate() is not None
    rows = running.evaluate("validation", "curve")
    assert {row["step"] for row in rows} == {0, 1}
    before, after = ([row["return"] for row in rows if row["step"] == step] for step in (0, 1))
    assert before != after


def test_transitions_of_a_replay_end_only_where_the_environment_ended_them() -> None:
    model = session(Sac, Config(tasks=2, trajectories=2)).algorithm.model  # type: ignore[attr-defined]
    batch = _batch(lengths=(2, 3), terminated=(True, False))
    fine_tune(model, [batch, batch], torch.zeros(0), 1)
    buffer = model.replay_buffer
    assert buffer.dones.flatten().tolist() == [0, 1, 0, 0, 0] * 2
    assert np.abs(buffer.actions).max() <= 1
    np.testing.assert_array_equal(buffer.next_observations[4, 0], batch.final_observations[0, 1])  # type: ignore[index]


def test_without_the_library_a_cell_is_left_out_and_a_model_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    found, suite = ClassEntry("contextual-sac", "algorithms.contextual_sac", "ContextualSac", ""), make_suite(SUITE)
    assert misfit(found, suite) is None
    ready = session(ContextualSac, SAC)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "install metarl-bench[experts]" in (ContextualSac.fits(SuiteFacts.of(suite)) or "")
    with pytest.raises(UsageError, match=r"stable-baselines3, which is not installed; install metarl-bench\[experts\]"):
        ready.make_algorithm()


@pytest.mark.parametrize(
    ("cls", "suite", "reason"),
    [(Sb3Ppo, "frozen-lake-low", "observations must be a vector"), (ContextualSac, "frozen-lake-low", "observations")],
)
def test_a_suite_that_the_library_cannot_act_on_is_left_out(cls: type[Sb3Algorithm], suite: str, reason: str) -> None:
    assert reason in (cls.fits(SuiteFacts.of(make_suite(suite))) or "")


def _plan(algorithm: str) -> list[RunSpec]:
    settings = ["contextual-sac.warm_up=10", "contextual-sac.batch=8"] if algorithm == "contextual-sac" else []
    plan = make_plan(suites=[SUITE], algorithms=[algorithm], seeds=1, profile="smoke", settings=settings)
    return [replace(spec, budget=100) for spec in plan]


def _batch(lengths: tuple[int, int], terminated: tuple[bool, bool]) -> TrajectoryBatch:
    """One task's two episodes of at most five steps, each step worth 1."""
    mask = (torch.arange(5) < torch.tensor(lengths)[:, None]).float()[None]
    generator = torch.Generator().manual_seed(0)
    return TrajectoryBatch(
        observations=torch.randn(1, 2, 5, 17, generator=generator),
        actions=2 * torch.randn(1, 2, 5, 6, generator=generator),
        rewards=mask.clone(),
        mask=mask,
        log_probabilities=torch.zeros(1, 2, 5),
        distribution={},
        success=torch.zeros(1, 2, dtype=torch.bool),
        terminated=torch.tensor([terminated]),
        final_observations=torch.randn(1, 2, 17, generator=generator),
    )


def _nothing(observations: torch.Tensor) -> Previous:
    lead = observations.shape[:2]
    return Previous(torch.zeros(*lead, 6), torch.zeros(lead), True, torch.ones(lead, dtype=torch.bool))


def _written(state: Any) -> Any:
    import io

    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    return buffer


def _assert_same(first: Any, second: Any) -> None:
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second)
    elif isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            _assert_same(first[key], second[key])
    elif isinstance(first, (list, tuple)):
        for ours, theirs in zip(first, second, strict=True):
            _assert_same(ours, theirs)
    else:
        assert first == second
