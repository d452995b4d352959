"""GMPS: its meta-gradient, what it samples and pays, what it learns from an expert that nobody had to train."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from algorithms.gmps import Gmps
from algorithms.imitation.objectives import importance_weights
from benchmarks.conformance.rules import check
from environments.access import Guard
from environments.catalogue import make_suite
from environments.collector import Collector
from environments.discovery import ClassEntry
from environments.ledger import Ledger
from environments.problem import EvaluationProtocol, Problem
from environments.streams import Streams
from environments.task import TaskRef
from environments.typed_options import UsageError, make_options
from tests.support.scripted_experts import CornerGmps
from tests.support.tabular_problem import in_float64

SUITE = make_suite("corners[horizon=20]")
SMALL = {"tasks": 4, "trajectories": 4, "demonstrations": 3, "hidden": (8,), "imitation_steps": 3, "chunk": 3}


def corner_gmps(steps: int = 1, suite=SUITE, **config) -> tuple[CornerGmps, Collector]:
    options = make_options(Gmps.Config, {**SMALL, **config}, "gmps")
    guard, streams = Guard("training", Gmps.access), Streams(0)
    collector = Collector(suite, streams.child("training"), Ledger(None), guard)
    problem = Problem(suite, EvaluationProtocol(steps, 2), guard, collector.drawn)
    return CornerGmps(problem, options, streams.child("algorithm")), collector


def in_doubles(batches):
    """The same data, in double precision, as a policy other than the one that acted sees them."""
    found = []
    for batch in batches:
        kept = batch.trajectories
        data = replace(
            kept,
            observations=kept.observations.double(),
            actions=kept.actions.double(),
            mask=kept.mask.double(),
            log_probabilities=kept.log_probabilities.double(),
        )
        found.append(replace(batch, trajectories=data, advantages=batch.advantages.double()))
    return found


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"bias_dim": 0, "learned_step_sizes": False},
        {"adapted_variables": "bias", "activation": "relu"},
        {"imitation": "likelihood", "largest_weight": 1.5},
        {"std_weight": 1.0, "steps": 2},
        {"learned_step_sizes": False, "adapted_variables": "bias", "bias_dim": 2},
    ],
    ids=str,
)
def test_the_meta_gradient_is_that_of_finite_differences(config, monkeypatch):
    """Off the policy that acted, so that weights are not 1; they are constants, and are held as such here."""
    learner, collector = corner_gmps(**config)
    batches = in_doubles(learner.sample(collector))
    in_float64(learner)
    draws = torch.Generator().manual_seed(1)
    start = {
        name: value + 0.05 * torch.randn(value.shape, generator=draws, dtype=value.dtype)
        for name, value in learner.parameters.items()
    }
    frozen: dict[tuple, torch.Tensor] = {}

    def held(chosen, batch, largest=None):
        """By the batch: each adapts once in an evaluation."""
        key = tuple(batch.actions.flatten().tolist())
        if key not in frozen:
            frozen[key] = importance_weights(chosen, batch, largest)
            assert (frozen[key] - 1).abs().max() > 0.01
        return frozen[key]

    monkeypatch.setattr("algorithms.imitation.objectives.importance_weights", held)
    _, gradient = learner.meta_gradient(start, batches)
    direction = {name: torch.randn(value.shape, generator=draws, dtype=value.dtype) for name, value in start.items()}

    def mean_at(step: float) -> float:
        moved = {name: (value + step * direction[name]).requires_grad_() for name, value in start.items()}
        values = [learner.task_objectives(moved, [b.select(part) for b in batches]).detach() for part in CHUNKS]
        return float(torch.cat(values).mean())

    step = 1e-5
    by_differences = (mean_at(step) - mean_at(-step)) / (2 * step)
    along = sum(float((gradient[name] * direction[name]).sum()) for name in start)
    assert abs(along) > 1e-3
    assert abs(by_differences - along) <= 1e-5 * max(1.0, abs(along))


#: as `chunk` divides four tasks
CHUNKS = (slice(0, 3), slice(3, 4))


def test_the_first_imitation_step_is_on_policy_and_later_ones_are_weighted():
    learner, collector = corner_gmps(imitation_steps=1, step_size=0.0)
    batches = learner.sample(collector)
    assert learner.update(batches)["effective_share"] == pytest.approx(1.0, abs=1e-5)
    learner, collector = corner_gmps(imitation_steps=30, step_size=0.03)
    batches = learner.sample(collector)
    assert learner.update(batches)["effective_share"] < 0.95


def test_imitation_steps_may_take_turns_with_a_rounds_tasks():
    learner, collector = corner_gmps(imitation_steps=4, step_tasks=3)
    seen = []
    learner.ascend = lambda batches: seen.append([batch.tasks for batch in batches]) or float(len(seen))
    metrics = learner.update(learner.sample(collector))
    assert seen == [[3, 3], [1, 1], [3, 3], [1, 1]]
    assert (metrics["objective"], metrics["improvement"]) == (1.5, 2.0)


def test_demonstrations_and_sampling_are_charged_and_nothing_is_sampled_after_adaptation():
    learner, collector = corner_gmps(tasks=3)
    horizon = SUITE.horizon
    learner.meta_step(collector)
    assert collector.ledger.spent == (3 * 3 + 3 * 4) * horizon
    for iteration in range(1, 8):
        collector.begin_iteration(iteration)
        learner.meta_step(collector)
    # four tasks in all, each demonstrated once
    assert collector.ledger.spent == (4 * 3 + 8 * 3 * 4) * horizon
    assert set(learner.replay_state()) == {task.id for task in SUITE.split.train}


def test_of_fresh_tasks_no_more_is_kept_than_the_rounds_own():
    suite = make_suite("corners[horizon=20,train_tasks=distribution]")
    learner, collector = corner_gmps(suite=suite)
    for iteration in range(3):
        collector.begin_iteration(iteration)
        learner.meta_step(collector)
        assert set(learner.replay_state()) == set(collector.drawn)
    assert collector.ledger.spent == 3 * 4 * (3 + 4) * suite.horizon


def test_aggregation_adds_what_the_adapted_policies_saw_labelled_by_the_expert():
    learner, collector = corner_gmps(aggregated=2)
    for iteration in range(2):
        collector.begin_iteration(iteration)
        learner.meta_step(collector)
    assert collector.ledger.spent == (4 * 3 + 2 * 4 * (4 + 2)) * SUITE.horizon
    for id, shown in learner.replay_state().items():
        assert len(shown["mask"]) == 3 + 2 * 2
        told = learner.expert.label([TaskRef("train", id)], shown["observations"][None])[0]
        assert torch.equal(shown["labels"][3:], told[3:])
        assert not torch.equal(shown["labels"][:3], told[:3])  # its own actions, with their noise


def test_the_labels_may_be_the_experts_mean_instead_of_its_actions():
    learner, collector = corner_gmps(labels="mean")
    learner.meta_step(collector)
    for id, shown in learner.replay_state().items():
        assert torch.equal(
            shown["labels"], learner.expert.label([TaskRef("train", id)], shown["observations"][None])[0]
        )


def test_actions_beyond_their_bounds_are_shown_as_the_environment_took_them():
    learner, collector = corner_gmps()
    learner.meta_step(collector)
    labels = torch.cat([shown["labels"] for shown in learner.replay_state().values()])
    assert labels.abs().max() == 1.0


def test_gmps_learns_to_adapt_towards_each_tasks_own_corner():
    learner, collector = corner_gmps(
        trajectories=50, demonstrations=5, hidden=(32,), imitation_steps=25, step_size=0.01
    )
    returns = []
    for iteration in range(5):
        collector.begin_iteration(iteration)
        learner.meta_step(collector)
    tasks = [TaskRef("train", task.id) for task in SUITE.split.train]
    adaptation = learner.adapt(tasks)
    policy = next(adaptation)
    for _ in range(2):
        batch = collector.collect(policy, tasks, 40)
        returns.append(batch.returns.mean())
        policy = adaptation.send(batch)
    assert returns[1] > returns[0] + 0.8  # the expert itself earns 2.8


def test_gmps_passes_its_conformance_check(tmp_path):
    entry = ClassEntry("corner-gmps", "tests.support.scripted_experts", "CornerGmps", "", {}, None)
    findings = check(entry, ["corners"])
    assert [(finding.rule, finding.reason) for finding in findings if not finding.passed] == []


def test_discrete_actions_and_a_bias_that_is_not_there_are_refused():
    from environments.facts import SuiteFacts

    assert "acts by vectors" in (Gmps.fits(SuiteFacts.of(make_suite("frozen-lake-low"))) or "")
    with pytest.raises(UsageError, match="bias_dim"):
        corner_gmps(bias_dim=0, adapted_variables="bias")
    with pytest.raises(UsageError, match="largest_weight must be at least 1"):
        corner_gmps(largest_weight=0.5)
    with pytest.raises(UsageError, match="learned_step_sizes"):
        corner_gmps(steps=0)
