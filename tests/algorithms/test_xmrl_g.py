"""XMRL-G: three parts within one budget, the augmented objective, the bases that it may stand on."""

import math
from dataclasses import dataclass

import pytest
import torch

from algorithms.catalogue import find_algorithm
from algorithms.cavia import Cavia, CaviaConfig
from algorithms.imaml import Imaml, ImamlConfig
from algorithms.maml_vpg import MamlVpg
from algorithms.policies.parameters import flat
from algorithms.xmrl_g import AugmentedObjective, Explained, XmrlConfig, XmrlG, XmrlGRandom
from benchmarks.execution.session import Session
from benchmarks.execution.training import open_session
from benchmarks.planning.plan import make_plan
from environments.catalogue import make_suite
from environments.facts import SuiteFacts
from environments.problem import EvaluationProtocol
from environments.streams import Streams
from environments.typed_options import UsageError

SUITE = "half-cheetah-velocity[horizon=5]"
OPTIONS = {
    "tasks": 3,
    "trajectories": 2,
    "hidden": (4,),
    "critical_tasks": 2,
    "poor_tasks": 2,
    "importance_iterations": 2,
    "lower_steps": 2,
    "implicit_iterations": 2,
    "coefficient_sets": 2,
    "parameter_draws": 1,
    "posterior_steps": 1,
    "information_draws": 8,
    "hypergradient_iterations": 2,
}
#: an iteration of the first and of the third part costs 60 environment steps, a replicate of a task's evidence 20
BUDGET = 4000


def session(algorithm=XmrlG, budget=BUDGET, state=None, **options):
    config = algorithm.Config(**{**OPTIONS, **options})
    return Session(make_suite(SUITE), algorithm, config, Streams(0), EvaluationProtocol(1, 2), budget, state)


def metrics_of(running):
    found = []
    while (metrics := running.iterate()) is not None:
        found.append(metrics)
    return found


@pytest.fixture(scope="module")
def finished():
    running = session()
    return running, metrics_of(running)


def test_three_parts_share_one_budget(finished):
    running, metrics = finished
    parts = [int(each["part"]) for each in metrics]
    assert parts == sorted(parts)
    assert parts.count(2) == 1
    assert BUDGET - 60 < running.spent <= BUDGET
    first, third = 60 * parts.count(1), 60 * parts.count(3)
    assert first <= 0.4 * BUDGET < first + 60
    assert third >= 0.4 * BUDGET - 60
    # the share of a fifth pays for one look at 10 validation tasks, for 2 at the poor ones and at each training task
    assert metrics[parts.index(2)]["explained_tasks"] == (0.2 * BUDGET - 20 * (10 + 2 * 2)) // 40 == 13
    assert running.spent == first + third + 20 * (10 + 2 * 2 + 2 * 13)


def test_the_first_part_is_the_base():
    plain = MamlVpg.Config(tasks=3, trajectories=2, hidden=(4,))
    running, base = session(), Session(make_suite(SUITE), MamlVpg, plain, Streams(0), EvaluationProtocol(1, 2), BUDGET)
    for _ in range(5):
        running.iterate()
        base.iterate()
    assert torch.equal(flat(running.algorithm.parameters), flat(base.algorithm.parameters))


def test_a_stopped_run_goes_on_with_the_same_numbers(finished):
    running, _ = finished
    half = session()
    while half.algorithm.augmentation is None:
        half.iterate()
    half.iterate()
    again = session(state=half.state)
    metrics_of(again)
    assert torch.equal(flat(again.algorithm.parameters), flat(running.algorithm.parameters))
    assert again.algorithm.critical == running.algorithm.critical


def test_the_third_part_trains_and_tracks_the_information(finished):
    running, metrics = finished
    third = [each for each in metrics if each["part"] == 3]
    assert len({each["coefficient_mean"] for each in third}) > 1
    # an estimate of few draws, which may pass its ends by their noise
    assert all(-0.05 <= each["information_share"] <= 1.05 for each in third)
    assert len(running.algorithm.critical) == 2
    training = {task.id for task in make_suite(SUITE).split.train}
    assert set(running.algorithm.critical) <= training


def test_coefficients_of_one_leave_the_plain_objective():
    running = session()
    learner = running.algorithm
    running.collector.begin_iteration(0)
    tasks = running.algorithm.problem.tasks("train")[:5]
    batches = learner.sample_on(tasks, running.collector)
    objective = AugmentedObjective(learner, batches, [0, 2], 0.04, Streams(0).torch("partners"))
    point = {name: value.clone().requires_grad_() for name, value in learner.parameters.items()}
    plain = learner.task_objectives(point, batches)
    expected = 0.04 * plain[:2].mean() + 0.96 * plain[2:].mean()
    ones = torch.ones(3)
    assert torch.allclose(objective(point, ones), expected, atol=1e-6)
    less = torch.tensor([0.7, 0.75, 0.8], requires_grad=True)
    value = objective(point, less)
    assert not torch.allclose(value, expected, atol=1e-6)
    (slope,) = torch.autograd.grad(value, less)
    assert (slope != 0).tolist() == [True, False, True]


def test_random_tasks_are_drawn_from_the_training_tasks_by_the_seed():
    running = session(XmrlGRandom)
    metrics = metrics_of(running)
    parts = [int(each["part"]) for each in metrics]
    assert parts.count(2) == 1
    assert len(set(running.algorithm.critical)) == 2


@pytest.mark.parametrize("budget", [BUDGET, 20_000])  # the larger one's share pays for more than all training tasks
def test_the_control_trains_for_as_long_as_the_method_and_leaves_what_explaining_costs_unspent(budget):
    runs = [session(algorithm, budget) for algorithm in (XmrlG, XmrlGRandom)]
    parts = [[int(each["part"]) for each in metrics_of(running)] for running in runs]
    assert parts[0].count(1) == parts[1].count(1) and parts[0].count(3) == parts[1].count(3)
    assert runs[1].spent < runs[0].spent


@dataclass(frozen=True)
class ImamlXmrlConfig(XmrlConfig, ImamlConfig):
    pass


@dataclass(frozen=True)
class CaviaXmrlConfig(XmrlConfig, CaviaConfig):
    pass


class OverImaml(Explained, Imaml):
    name = "xmrl-g over imaml"
    Config = ImamlXmrlConfig


class OverCavia(Explained, Cavia):
    name = "xmrl-g over cavia"
    Config = CaviaXmrlConfig


@pytest.mark.parametrize("algorithm", [OverImaml, OverCavia])
def test_other_bases_run_through_all_parts(algorithm):
    running = session(algorithm, budget=2500)
    parts = [int(each["part"]) for each in metrics_of(running)]
    assert set(parts) == {1, 2, 3}
    before = flat(running.make_algorithm().parameters)
    assert not torch.equal(flat(running.algorithm.parameters), before)


def test_states_of_a_table_cannot_be_mixed():
    refused = find_algorithm("xmrl-g").load().fits(SuiteFacts.of(make_suite("frozen-lake-low")))
    assert refused is not None and "observations" in refused


def test_shares_that_leave_nothing_to_train_are_refused():
    with pytest.raises(ValueError, match="below 1 together"):
        XmrlG.Config(explanation_share=0.6, augmentation_share=0.5)


@pytest.mark.parametrize("algorithm", [XmrlG, XmrlGRandom])
def test_a_budget_that_ends_in_the_first_part_is_refused(algorithm):
    """It would be MAML under another name."""
    with pytest.raises(UsageError, match=r"cannot go through its parts within 300 environment steps: .* it needs \d"):
        session(algorithm, budget=300).iterate()
    least = math.ceil(session(algorithm).algorithm.least(session(algorithm).collector))
    parts = {int(each["part"]) for each in metrics_of(session(algorithm, budget=least + 60))}
    assert parts == {1, 2, 3}


@pytest.mark.parametrize("profile", ["smoke", "quick", "standard"])
def test_the_papers_budgets_pay_for_all_parts(profile):
    runs = [spec for spec in make_plan("xmrl-g", profile=profile, seeds=1) if spec.algorithm.startswith("xmrl-g")]
    assert len(runs) == 10
    for spec in runs:
        running = open_session(spec)
        assert running.algorithm.least(running.collector) <= spec.budget, spec.label


def test_named_critical_tasks_go_on_with_the_third_part_whatever_trained_before():
    plain = MamlVpg.Config(tasks=3, trajectories=2, hidden=(4,))
    base = Session(make_suite(SUITE), MamlVpg, plain, Streams(0), EvaluationProtocol(1, 2), 600)
    metrics_of(base)
    state = {**base.state, "algorithm": {**base.state["algorithm"], "critical": ["train-01", "train-07"]}}
    running = session(budget=900, state=state)
    assert [each["part"] for each in metrics_of(running)] == [3.0] * 5
    assert running.algorithm.critical == ["train-01", "train-07"]


def test_a_larger_split_of_validation_tasks_is_looked_at_than_is_poor():
    running = session()
    asked = []
    collect = running.collector.collect
    running.collector.collect = lambda policy, tasks, count: asked.append(tasks) or collect(policy, tasks, count)
    while running.algorithm.critical == []:
        running.iterate()
    looked_at = [{task.id for task in tasks} for tasks in asked if tasks[0].split == "validation"]
    assert [len(ids) for ids in looked_at] == [10, 10, 2, 2]
