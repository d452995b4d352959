"""The two formulations of the meta-objective, and E-MAML's exploration term, by summing over every trajectory.

With one pre-update trajectory tau per task (N = 1) formulation II is the finite sum over tau of P(tau|theta) times the
exact return at theta + alpha * grad log pi(tau) R(tau), so that autograd gives its gradient whole.  Equations are those
of Rothfuss et al. 2019, Appendix A.
"""

import dataclasses
from typing import ClassVar

import numpy as np
import pytest
import torch

from algorithms.estimators.advantages import discounted_sums, masked_mean
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from algorithms.policies.networks import TabularSoftmax
from algorithms.policies.parameters import stacked
from benchmarks.studies.hessian_estimates.estimators import Surrogate
from environments.tabular import differentiable_return
from tests.support.enumerated_trajectories import enumerated
from tests.support.tabular_problem import ACTIONS, STATES, SmallTabular, drawn_logits, in_float64, learner_on, options

ALPHA = 1.0
HORIZON = 2
SIZE = STATES * ACTIONS
SUITE = SmallTabular()
METHODS = ("e-maml-vpg", "e-maml-trpo")


class Formulations:
    """One MDP, every trajectory of it before adaptation, and the parameters that each of them adapts to."""

    def __init__(self, index):
        self.mdp, self.logits = SUITE.model(SUITE.split.train[index]), drawn_logits()
        self.before = enumerated(self.mdp, self.logits, HORIZON)
        self.returns = self.before.batch.rewards.sum((1, 2))

    def value(self, logits):
        return differentiable_return(self.mdp, torch.softmax(logits, -1), HORIZON)

    def log_probability(self, logits):
        """log pi(tau), [trajectory]."""
        chosen = torch.log_softmax(logits, -1)[self.before.batch.observations, self.before.batch.actions]
        return (chosen * self.before.batch.mask).sum((1, 2))

    def adapted(self, logits, differentiable=False):
        """theta + alpha grad log pi(tau) R(tau) for each trajectory, [trajectory, S, A]."""
        point = logits.expand(len(self.before), STATES, ACTIONS)
        if not differentiable:
            point = point.detach().clone().requires_grad_()
        chosen = torch.log_softmax(point, -1).flatten(1).gather(1, self._places()) * self.before.batch.mask[:, 0]
        total = (chosen.sum(1) * self.returns).sum()
        (slope,) = torch.autograd.grad(total, point, create_graph=differentiable)
        return point + ALPHA * slope

    def _places(self):
        return self.before.batch.observations[:, 0] * ACTIONS + self.before.batch.actions[:, 0]

    def second(self, logits):
        """J^II, Equation (19), exact."""
        weight = self.before.probability * torch.exp(self.log_probability(logits) - self.log_probability(self.logits))
        return (weight * self.value(self.adapted(logits, differentiable=True))).sum()

    def first(self, logits):
        """J^I, Equation (8), exact."""
        (slope,) = torch.autograd.grad(self.value(logits), logits, create_graph=True)
        return self.value(logits + ALPHA * slope)

    def gradient(self, objective):
        point = self.logits.clone().requires_grad_()
        return torch.autograd.grad(objective(point), point)[0]

    def data(self):
        """The same as the learners' data: each trajectory a task; after adaptation all trajectories of its own policy.

        Scaled so that means over steps are the sums of the appendix: sum_n P(tau_n|theta') R(tau_n) log pi(tau_n)
        after adaptation, and R(tau) log pi(tau) before.
        """
        batch = self.before.batch
        lengths = batch.mask.sum((1, 2))
        inner = AdaptationBatch(batch, (self.returns * lengths)[:, None, None].expand(batch.mask.shape))
        tasks, every = len(self.before), batch.mask[:, 0].expand(len(self.before), -1, -1)
        adapted = self.adapted(self.logits).detach()
        log_policy = torch.log_softmax(adapted, -1).flatten(1)
        acted = log_policy.gather(1, self._places().reshape(1, -1).expand(tasks, -1)).reshape(every.shape) * every
        shift = acted.sum(-1) - self.log_probability(self.logits)  # log P(tau'|theta') - log P(tau'|theta)
        probability = self.before.probability * torch.exp(shift)
        weights = (probability * self.returns * every.sum((1, 2))[:, None]).unsqueeze(-1).expand(every.shape)
        after = dataclasses.replace(
            batch,
            observations=batch.observations[:, 0].expand(tasks, -1, -1),
            actions=batch.actions[:, 0].expand(tasks, -1, -1),
            rewards=batch.rewards[:, 0].expand(tasks, -1, -1),
            mask=every,
            log_probabilities=acted,
        )
        torch.testing.assert_close(probability.sum(1), torch.ones(tasks, dtype=torch.float64))
        credit = self.value(adapted) * every.sum(-1).mean(1)  # times what the sum's scale divides by
        return [inner, AdaptationBatch(after, weights, {"credit": credit})]


def expected_gradient(case, learner):
    """The sum over trajectories of probability times the learner's meta-gradient, and of its objectives' terms."""
    leaves = {"logits": case.logits.clone().requires_grad_()}
    total = (case.before.probability * learner.task_objectives(leaves, case.data())).sum()
    return torch.autograd.grad(total, leaves["logits"])[0]


def close(actual, wanted):
    torch.testing.assert_close(actual, wanted, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("method", METHODS)
def test_e_mamls_gradient_is_that_of_formulation_two(method, index):
    """... and without its exploration term MAML's, which is J_post alone, Equations (28) and (29)."""
    case = Formulations(index)
    setting = {"inner_step_size": ALPHA, "exploration_scale": "sum"}
    whole = expected_gradient(case, learner_on(SUITE, method, **setting)[0])
    post = expected_gradient(case, learner_on(SUITE, method, exploration=0.0, **setting)[0])
    maml = expected_gradient(case, learner_on(SUITE, "maml-vpg", inner_step_size=ALPHA)[0])
    close(whole, case.gradient(case.second))
    close(post, maml)
    credit = case.before.probability * case.value(case.adapted(case.logits)).detach()
    close(whole - post, case.gradient(lambda point: (credit * case.log_probability(point)).sum()))
    assert (whole - post).norm() > 0.1 * whole.norm()


@pytest.mark.parametrize("index", range(3))
def test_formulation_ones_pre_update_term_is_the_inner_product_of_the_two_gradients(index):
    """Equations (26), (27) and (30), where every score is weighted by the whole R(tau)."""
    case = Formulations(index)
    network, batch = TabularSoftmax(STATES, ACTIONS), case.before.batch
    arguments = network, {"logits": case.logits.expand(len(case.before), STATES, ACTIONS)}, batch, batch.rewards
    whole_return = case.returns[:, None, None].expand(batch.mask.shape)
    slope = case.gradient(case.value)
    outer = torch.autograd.functional.jacobian(case.value, case.logits + ALPHA * slope).reshape(SIZE)
    curvature = case.before.mean(Surrogate("log-probability", *arguments, advantages=whole_return).hessian())
    scores = torch.autograd.functional.jacobian(case.log_probability, case.logits).flatten(1)
    inner = scores * case.returns[:, None]
    pre = case.before.mean(ALPHA * scores * (inner @ outer)[:, None])
    close(case.gradient(case.first).reshape(SIZE), outer + ALPHA * curvature @ outer + pre)
    # E-MAML's pre-update term is another vector
    credit = case.before.probability * case.value(case.adapted(case.logits)).detach()
    other = case.gradient(lambda point: (credit * case.log_probability(point)).sum()).reshape(SIZE)
    assert (pre - other).norm() > 0.1 * pre.norm()


@pytest.mark.parametrize("index", range(3))
def test_the_formulations_differ_in_gradient_and_agree_where_nothing_is_adapted(index, monkeypatch):
    case = Formulations(index)
    first, second = (case.gradient(objective) for objective in (case.first, case.second))
    assert (first - second).norm() > 0.02 * first.norm()
    monkeypatch.setitem(globals(), "ALPHA", 0.0)
    close(case.gradient(case.first), case.gradient(case.value))
    close(case.gradient(case.second), case.gradient(case.value))


def rewards_to_go_per_trajectory(batch):
    """So that a mean over one trajectory's steps is the sum over them, float64."""
    sums = discounted_sums(batch.rewards.double() * batch.mask, 1.0)
    return AdaptationBatch(batch, sums * batch.mask.sum((1, 2), keepdim=True))


def test_the_sampled_gradient_converges_to_formulation_twos(monkeypatch):
    """Many tasks with one trajectory each; neither MAML's nor formulation I's gradient is near."""
    suite = KeptModels(options(horizon=3))
    exact, maml = [], []
    for index in range(3):
        case = RewardsToGo(index, suite.horizon)
        exact.append(case.gradient(case.second))
        maml.append(case.gradient(case.post))
    exact, maml = torch.stack(exact).mean(0), torch.stack(maml).mean(0)
    errors = []
    for tasks, repeats in ((150, 12), (15_000, 3)):
        setting = {"inner_step_size": ALPHA, "exploration_scale": "sum", "chunk": 10_000}
        learner, collector = learner_on(suite, "e-maml-vpg", tasks=tasks, trajectories=1, **setting)
        learner.parameters = {"logits": drawn_logits()}
        monkeypatch.setattr(learner, "adaptation_batch", rewards_to_go_per_trajectory)
        monkeypatch.setattr(
            learner, "credit", lambda last: (last.trajectories.returns * last.trajectories.mask.sum(-1)).mean(1)
        )
        squares = []
        for repeat in range(repeats):
            collector.begin_iteration(repeat)
            estimate = learner.meta_gradient(learner.parameters, learner.sample(collector))[1]["logits"]
            squares.append(float((estimate - exact).norm() / exact.norm()) ** 2)
        errors.append(np.mean(squares) ** 0.5)
    assert 4 < errors[0] / errors[1] < 25  # 10 in expectation
    assert errors[1] < (exact - maml).norm() / exact.norm() / 3


class KeptModels(SmallTabular):
    """Makes each of its three MDPs once, not for each of thousands of tasks."""

    _models: ClassVar[dict] = {}

    def model(self, task):
        seed = task.parameters["seed"]
        if seed not in self._models:
            self._models[seed] = super().model(task)
        return self._models[seed]


class RewardsToGo(Formulations):
    """The inner step weights each score by the rewards from there on, as the learners do."""

    def __init__(self, index, horizon):
        self.mdp, self.logits = SUITE.model(SUITE.split.train[index]), drawn_logits()
        self.before = enumerated(self.mdp, self.logits, horizon)
        self.horizon = horizon
        self.to_go = discounted_sums(self.before.batch.rewards, 1.0)[:, 0] * self.before.batch.mask[:, 0]

    def value(self, logits):
        return differentiable_return(self.mdp, torch.softmax(logits, -1), self.horizon)

    def adapted(self, logits, differentiable=True):
        point = logits.expand(len(self.before), STATES, ACTIONS)
        chosen = torch.log_softmax(point, -1).flatten(1).gather(1, self._places())
        (slope,) = torch.autograd.grad((chosen * self.to_go).sum(), point, create_graph=True)
        return point + ALPHA * slope

    def post(self, logits):
        """J^II with the trajectories' distribution held fixed: its gradient is J_post's."""
        return (self.before.probability * self.value(self.adapted(logits))).sum()


def sampled(method, steps=1, tasks=5, **config):
    learner, collector = learner_on(SUITE, method, steps, tasks=tasks, trajectories=6, **config)
    in_float64(learner)
    return learner, learner.sample(collector)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", ["mean", "sum"])
def test_the_weights_compare_all_tasks_however_they_are_chunked(method, scale):
    learner, data = sampled(method, steps=2, inner_step_size=2.0, exploration_scale=scale)
    returns = data[-1].trajectories.returns.mean(1)
    wanted = (returns - returns.mean()) / returns.std(correction=0)
    torch.testing.assert_close(data[-1].extras["credit"].double(), wanted, rtol=1e-5, atol=1e-6)
    gradients = []
    for chunk in (1, 2, 3, 40):
        learner.config = dataclasses.replace(learner.config, chunk=chunk)
        gradients.append(learner.meta_gradient(learner.parameters, data)[1]["logits"])
    for gradient in gradients[1:]:
        torch.testing.assert_close(gradient, gradients[0], rtol=1e-10, atol=1e-13)


def test_tasks_of_equal_return_get_no_exploration_term():
    learner, data = sampled("e-maml-vpg")
    last = data[-1]
    same = dataclasses.replace(
        last.trajectories, rewards=last.trajectories.rewards[:1].expand(last.trajectories.rewards.shape)
    )
    assert not learner.credit(AdaptationBatch(same, last.advantages)).any()


def test_every_inner_steps_data_count_at_the_parameters_that_drew_them():
    """w_i times the sum over steps of the mean of log pi at theta_k; theta_k's dependence on theta included."""
    learner, data = sampled("e-maml-vpg", steps=2, inner_step_size=2.0, exploration=0.7)
    without, _ = sampled("e-maml-vpg", steps=2, inner_step_size=2.0, exploration=0.0)
    logits = drawn_logits()

    def term(point):
        leaves = {"logits": point}
        return (learner.task_objectives(leaves, data) - without.task_objectives(leaves, data)).sum()

    def written_out(point):
        parameters, total = stacked({"logits": point}, 5), 0.0
        for step in data[:-1]:
            policy = learner.distribution(parameters, step)
            total = total + masked_mean(policy.log_prob(step.trajectories.actions), step.trajectories.mask)
            parameters = learner.adapted(parameters, [step], differentiable=True)
        return (0.7 * data[-1].extras["credit"] * total).sum()

    logits.requires_grad_()
    close(term(logits), written_out(logits))
    close(torch.autograd.functional.jacobian(term, logits), torch.autograd.functional.jacobian(written_out, logits))
    assert torch.autograd.gradcheck(term, logits)


def test_trpos_term_has_the_gradient_of_log_pi_and_stands_in_the_line_search():
    setting = {"steps": 2, "inner_step_size": 2.0}
    learner, data = sampled("e-maml-trpo", **setting)
    other, _ = sampled("e-maml-vpg", **setting)
    gradients = []
    for each in (learner, other):
        each.config = dataclasses.replace(each.config, exploration=1.0)
        leaves = {"logits": each.parameters["logits"].clone().requires_grad_()}
        explored, _ = each.explored(stacked(leaves, 5), data[:-1], differentiable=True)
        gradients.append(torch.autograd.grad((data[-1].extras["credit"] * explored).sum(), leaves["logits"])[0])
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-5, atol=1e-7)  # stored log-probabilities are float32
    for point in (learner.parameters["logits"], drawn_logits()):
        searched, divergence = learner.evaluate({"logits": point}, data)
        leaves = {"logits": point.clone().requires_grad_()}
        assert searched == pytest.approx(float(learner.task_objectives(leaves, data).mean().detach()), rel=1e-9)
    assert divergence > 0


def test_data_without_weights_are_refused():
    learner, data = sampled("e-maml-vpg")
    with pytest.raises(TypeError, match="'credit'"):
        learner.meta_gradient(learner.parameters, [data[0], AdaptationBatch(data[1].trajectories, data[1].advantages)])
