"""Expected gradients and Hessians of the surrogates, by summing over every trajectory of small MDPs.

Equations are those of Rothfuss et al. 2019 (ProMP).  Nothing is sampled: an expectation here is a finite sum, and equal
means equal to rounding.
"""

from functools import cache
from typing import NamedTuple

import pytest
import torch

from algorithms.estimators.advantages import discounted_sums
from algorithms.estimators.higher_order_surrogates import (
    baseline_terms,
    credited_terms,
    dice_objective,
    dice_terms,
    log_ratios,
    lvc_terms,
    variate_terms,
)
from algorithms.policies.networks import TabularSoftmax
from benchmarks.studies.hessian_estimates.estimators import KINDS, WITH_BASELINE, Surrogate
from environments.streams import Streams
from environments.tabular import TabularMDP, differentiable_return
from tests.support.enumerated_trajectories import Enumeration, enumerated
from tests.support.tabular_problem import ACTIONS, END, STATES, SmallTabular, drawn_logits

HORIZON = 3
SIZE = STATES * ACTIONS
NETWORK = TabularSoftmax(STATES, ACTIONS)
UNBIASED = ("dice", "tmaml", "tmaml-first-order")
every_mdp = pytest.mark.parametrize("index", range(3))


class Exact(NamedTuple):
    mdp: TabularMDP
    logits: torch.Tensor
    trajectories: Enumeration
    gradient: torch.Tensor  # of the return, [P]
    hessian: torch.Tensor  # [P, P]
    values: torch.Tensor  # expected sum of rewards from t on, [time, state]

    @property
    def parameters(self):
        return {"logits": self.logits.expand(len(self.trajectories), STATES, ACTIONS)}

    @property
    def rewards(self):
        return self.trajectories.batch.rewards

    def at(self, table):
        """[time, state] -> [trajectory, 1, time]."""
        return table[torch.arange(HORIZON), self.trajectories.batch.observations]

    def expected(self, estimate, kind, rewards=None, baseline=None):
        rewards = self.rewards if rewards is None else rewards
        baseline = self.at(self.values) if baseline is None else baseline
        arguments = NETWORK, self.parameters, self.trajectories.batch, rewards, baseline
        return self.trajectories.mean(estimate(Surrogate(kind, *arguments)))


@cache
def exact(index):
    suite = SmallTabular()
    mdp, logits = suite.model(suite.split.train[index]), drawn_logits()

    def value(point):
        return differentiable_return(mdp, torch.softmax(point, -1), HORIZON)

    gradient = torch.autograd.functional.jacobian(value, logits).reshape(SIZE)
    hessian = torch.autograd.functional.hessian(value, logits).reshape(SIZE, SIZE)
    return Exact(mdp, logits, enumerated(mdp, logits, HORIZON), gradient, hessian, state_values(mdp, logits))


def values_to_go(mdp, logits):
    """Q_t(s, a), [time, state, action], differentiable in the policy that follows."""
    policy = torch.softmax(logits, -1)
    transition, reward = torch.from_numpy(mdp.transition), torch.from_numpy(mdp.reward)
    actions = [reward]
    for _ in range(HORIZON - 1):
        following = (policy * actions[0]).sum(-1)
        actions.insert(0, reward + torch.einsum("sat,t->sa", transition, following))
    return torch.stack(actions)


def state_values(mdp, logits):
    """V_t(s), [time, state]."""
    return (torch.softmax(logits, -1) * values_to_go(mdp, logits)).sum(-1)


def drawn_table(seed):
    return torch.from_numpy(Streams(seed).numpy("table").normal(0.0, 3.0, size=(HORIZON, STATES)))


def close(actual, wanted):
    torch.testing.assert_close(actual, wanted, rtol=1e-10, atol=1e-11)


def relative(first, second):
    return float((first - second).norm() / second.norm())


@every_mdp
def test_the_enumeration_has_the_exact_return(index):
    case = exact(index)
    assert case.trajectories.probability.sum() == pytest.approx(1.0, abs=1e-12)
    earned = float(case.trajectories.mean(case.rewards.sum((1, 2))))
    policy = torch.softmax(case.logits, -1).numpy()
    assert earned == pytest.approx(float(case.mdp.finite_return(policy, HORIZON)), rel=1e-12)
    lengths = case.trajectories.batch.mask.sum((1, 2))
    assert lengths.min() < HORIZON  # some episodes end early


@every_mdp
@pytest.mark.parametrize("kind", KINDS)
def test_every_surrogate_has_the_gradient_of_the_return(kind, index):
    """The printed control variate too: what is wrong with it begins at the Hessian."""
    case = exact(index)
    close(case.expected(Surrogate.gradient, kind), case.gradient)
    close(case.expected(Surrogate.gradient, kind, baseline=case.at(drawn_table(1))), case.gradient)


@every_mdp
@pytest.mark.parametrize("kind", UNBIASED)
def test_dice_and_tmaml_have_the_hessian_of_the_return(kind, index):
    """... whatever the baseline is, as long as it knows the state and the time alone."""
    case = exact(index)
    close(case.expected(Surrogate.hessian, kind), case.hessian)
    close(case.expected(Surrogate.hessian, kind, baseline=case.at(drawn_table(1))), case.hessian)


def derivatives(case, terms):
    """The expected gradient [P] and Hessian [P, P] of ratios -> [trajectory, 1, time], summed over time."""
    point = case.logits.clone().requires_grad_()
    batch = case.trajectories.batch
    policy = NETWORK.distribution({"logits": point.expand(len(case.trajectories), -1, -1)}, batch.observations)
    value = case.trajectories.mean(terms(log_ratios(policy, batch)).sum((1, 2)))
    (slope,) = torch.autograd.grad(value, point, create_graph=True)
    rows = [torch.autograd.grad(entry, point, retain_graph=True)[0].reshape(SIZE) for entry in slope.reshape(-1)]
    return slope.detach().reshape(SIZE), torch.stack(rows)


def generalised_advantages(case, values, gae_lambda):
    """Undiscounted, with baseline values [time, state], 0 after an episode's end."""
    mask = case.trajectories.batch.mask
    known = case.at(values) * mask
    following = torch.cat([known[..., 1:], torch.zeros_like(known[..., :1])], -1)
    return discounted_sums((case.rewards + following - known) * mask, gae_lambda) * mask


@every_mdp
def test_dice_in_advantages_has_the_gradient_and_the_hessian_of_the_return(index):
    """With any baseline of the state at lambda 1, at another lambda with the true values."""
    case = exact(index)
    for values, gae_lambda in ((case.values, 1.0), (drawn_table(1), 1.0), (case.values, 0.5), (case.values, 0.0)):
        credit = generalised_advantages(case, values, gae_lambda)
        slope, rows = derivatives(case, lambda ratios, credit=credit: credited_terms(ratios, credit))
        close(slope, case.gradient)
        close(rows, case.hessian)
    biased = generalised_advantages(case, drawn_table(1), 0.5)
    slope, _ = derivatives(case, lambda ratios: credited_terms(ratios, biased))
    assert relative(slope, case.gradient) > 0.01


@every_mdp
def test_dice_in_advantages_is_dice_with_a_baseline_of_every_order(index):
    """... trajectory by trajectory, and its gradient is LVC's for the same advantages."""
    case = exact(index)
    batch = case.trajectories.batch
    for values in (case.values, drawn_table(3)):
        baseline, credit = case.at(values), generalised_advantages(case, values, 1.0)
        policy = NETWORK.distribution(
            {"logits": case.logits.expand(len(case.trajectories), -1, -1)}, batch.observations
        )
        ratios = 0.1 * policy.log_prob(batch.actions) * batch.mask  # away from 0 too
        separate = dice_terms(ratios, case.rewards) + variate_terms(ratios, baseline) + baseline_terms(ratios, baseline)
        constant = case.rewards.sum((1, 2))
        close(credited_terms(ratios, credit).sum((1, 2)), separate.sum((1, 2)) - constant)
        mine, _ = derivatives(case, lambda ratios, credit=credit: credited_terms(ratios, credit))
        lvc, _ = derivatives(case, lambda ratios, credit=credit: lvc_terms(ratios, credit))
        close(mine, lvc)


@every_mdp
def test_a_baseline_of_time_keeps_dice_unbiased_if_it_goes_on_after_an_episodes_end(index):
    case = exact(index)
    baseline = drawn_table(2)[:, 0]
    close(case.expected(Surrogate.gradient, "dice", case.rewards - baseline), case.gradient)
    close(case.expected(Surrogate.hessian, "dice", case.rewards - baseline), case.hessian)
    mask = case.trajectories.batch.mask
    for biased in (baseline * mask, case.at(drawn_table(2))):  # one that stops there, one of the state
        assert relative(case.expected(Surrogate.gradient, "dice", case.rewards - biased), case.gradient) > 0.01


@every_mdp
def test_the_control_variates_expected_value_gradient_and_hessian_are_zero(index):
    case = exact(index)
    batch = case.trajectories.batch
    for table in (case.values, drawn_table(3)):
        for terms in (variate_terms, baseline_terms):
            point = case.logits.clone().requires_grad_()
            policy = NETWORK.distribution({"logits": point.expand(len(case.trajectories), -1, -1)}, batch.observations)
            value = case.trajectories.mean(terms(log_ratios(policy, batch), case.at(table)).sum((1, 2)))
            (slope,) = torch.autograd.grad(value, point, create_graph=True)
            rows = [torch.autograd.grad(entry, point, retain_graph=True)[0] for entry in slope.reshape(-1)]
            assert value == 0
            close(slope.detach(), torch.zeros_like(slope))
            close(torch.stack(rows), torch.zeros(SIZE, STATES, ACTIONS, dtype=torch.float64))


@every_mdp
def test_the_printed_control_variate_biases_the_hessian(index):
    case = exact(index)
    bias = case.expected(Surrogate.hessian, "tmaml-printed") - case.hessian
    assert bias.norm() > case.hessian.norm()
    # (1 - prod_{t' <= t} rho_t')(1 - rho_t) holds rho_t twice: to second order 2 b g g^T remains in expectation
    batch = case.trajectories.batch
    scores = score_vectors(case)
    remaining = 2 * torch.einsum("nt,ntp,ntq->npq", case.at(case.values)[:, 0] * batch.mask[:, 0], scores, scores)
    close(bias, case.trajectories.mean(remaining))


@every_mdp
def test_lvcs_hessian_is_h1_plus_h2_and_its_bias_is_h12_and_its_transpose(index):
    """Equations (36) to (38), (74): H_1 and H_2 from scores, H_12 from the derivative of Q_t; the rest from LVC."""
    case = exact(index)
    batch, scores = case.trajectories.batch, score_vectors(case)
    to_go = case.rewards[:, 0].flip(-1).cumsum(-1).flip(-1) * batch.mask[:, 0]
    first = case.trajectories.mean(torch.einsum("nt,ntp,ntq->npq", to_go, scores, scores))
    second = case.expected(Surrogate.hessian, "log-probability")

    def crossed(point, other):
        """sum_t E[log pi_point(a_t|s_t) Q_t^other(s_t, a_t)]: H_12 is its mixed derivative."""
        chosen = torch.log_softmax(point, -1)[batch.observations, batch.actions]
        q = values_to_go(case.mdp, other)[torch.arange(HORIZON), batch.observations, batch.actions]
        return case.trajectories.mean((chosen * q * batch.mask).sum((1, 2)))

    mixed = torch.autograd.functional.hessian(crossed, (case.logits, case.logits))[0][1].reshape(SIZE, SIZE)
    lvc = case.expected(Surrogate.hessian, "lvc")
    close(lvc, first + second)
    close(case.hessian - lvc, mixed + mixed.T)
    assert relative(lvc, case.hessian) > 0.4
    close(second, weighted_curvature(case, to_go))


@every_mdp
def test_lvcs_bias_vanishes_where_episodes_have_one_step(index):
    suite = SmallTabular()
    mdp, logits = suite.model(suite.split.train[index]), drawn_logits()
    trajectories = enumerated(mdp, logits, 1)
    parameters = {"logits": logits.expand(len(trajectories), STATES, ACTIONS)}
    hessians = Surrogate("lvc", NETWORK, parameters, trajectories.batch, trajectories.batch.rewards).hessian()

    def value(point):
        return differentiable_return(mdp, torch.softmax(point, -1), 1)

    wanted = torch.autograd.functional.hessian(value, logits).reshape(SIZE, SIZE)
    close(trajectories.mean(hessians), wanted)


def test_the_control_variate_lowers_the_hessians_variance_and_the_printed_one_raises_it():
    """Summed over the Hessian's entries: 0.5 to 0.9 of DiCE's with the right form, 2.4 times and more as printed."""
    for index in range(3):
        case = exact(index)
        arguments = NETWORK, case.parameters, case.trajectories.batch, case.rewards, case.at(case.values)
        hessians = {kind: case.trajectories.variance(Surrogate(kind, *arguments).hessian()) for kind in KINDS}
        gradients = {kind: case.trajectories.variance(Surrogate(kind, *arguments).gradient()) for kind in KINDS}
        assert hessians["tmaml"] < 0.93 * hessians["dice"]
        assert hessians["tmaml-printed"] > 2.4 * hessians["dice"]
        assert hessians["lvc"] < 0.3 * hessians["dice"]  # the bias buys it
        assert gradients["tmaml"] == pytest.approx(gradients["dice"], rel=1e-12)
        assert gradients["tmaml-first-order"] < 0.8 * gradients["dice"]


@pytest.mark.parametrize("kind", KINDS)
def test_hessian_products_are_the_hessians_columns(kind):
    case = exact(0)
    chosen = slice(40, 44)
    batch = case.trajectories.batch.select(chosen)
    parameters = {"logits": case.logits.expand(4, STATES, ACTIONS)}
    arguments = NETWORK, parameters, batch, batch.rewards
    baseline = case.at(case.values)[chosen]
    estimates = Surrogate(kind, *arguments, baseline)
    whole = estimates.hessian()
    vectors = torch.randn(SIZE, 3, generator=Streams(0).torch("vectors"), dtype=torch.float64)
    close(estimates.hessian_products(vectors), whole @ vectors)
    own = torch.randn(4, SIZE, 2, generator=Streams(1).torch("vectors"), dtype=torch.float64)
    close(estimates.hessian_products(own), whole @ own)
    close(whole, whole.mT)


def test_estimates_average_over_a_tasks_trajectories():
    case = exact(1)
    whole = case.trajectories.batch
    together = whole.select(slice(0, 6))
    one_task = type(whole)(
        *(getattr(together, name).transpose(0, 1) for name in ("observations", "actions", "rewards", "mask")),
        together.log_probabilities.transpose(0, 1),
        {"logits": together.distribution["logits"].transpose(0, 1)},
        together.success.T,
        together.terminated.T,
    )
    baseline = case.at(case.values)[:6]
    for kind in KINDS:
        parameters = {"logits": case.logits.expand(6, STATES, ACTIONS)}
        each = Surrogate(kind, NETWORK, parameters, together, together.rewards, baseline).hessian()
        parameters = {"logits": case.logits[None]}
        joint = Surrogate(kind, NETWORK, parameters, one_task, one_task.rewards, baseline.transpose(0, 1))
        close(joint.hessian()[0], each.mean(0))


def test_the_objective_per_step_is_the_surrogate_over_the_mean_length():
    case = exact(0)
    batch = case.trajectories.batch.select(slice(0, 5))
    policy = NETWORK.distribution({"logits": case.logits.expand(5, STATES, ACTIONS)}, batch.observations)
    baseline = case.at(case.values)[:5]
    parameters = {"logits": case.logits.expand(5, STATES, ACTIONS)}
    lengths = batch.mask.sum((1, 2))
    for kind, arguments in {
        "dice": (batch.rewards,),
        "tmaml": (batch.rewards, baseline),
        "tmaml-first-order": (batch.rewards, baseline, True),
    }.items():
        total = Surrogate(kind, NETWORK, parameters, batch, batch.rewards, baseline).value(parameters)
        close(dice_objective(policy, batch, *arguments), total / lengths)


def test_a_wrong_kind_and_a_missing_baseline_are_named():
    case = exact(0)
    arguments = NETWORK, case.parameters, case.trajectories.batch, case.rewards
    with pytest.raises(ValueError, match=r"must be one of .*'lvc'.* got 'lcv'"):
        Surrogate("lcv", *arguments)
    for kind in WITH_BASELINE:
        with pytest.raises(ValueError, match=f"'{kind}' needs a baseline"):
            Surrogate(kind, *arguments)
    with pytest.raises(ValueError, match="must be one of"):
        variate_terms(case.rewards, case.rewards, "as printed")


def score_vectors(case):
    """The gradient of log pi(a_t|s_t) in the logits, written out, [trajectory, time, P]; 0 under the mask."""
    batch = case.trajectories.batch
    policy = torch.softmax(case.logits, -1)
    states, actions = batch.observations[:, 0], batch.actions[:, 0]
    scores = torch.zeros(*states.shape, STATES, ACTIONS, dtype=torch.float64)
    rows = torch.nn.functional.one_hot(actions, ACTIONS) - policy[states]
    scores.scatter_(2, states[..., None, None].expand(-1, -1, 1, ACTIONS), rows.unsqueeze(2))
    return scores.flatten(2) * batch.mask[:, 0, :, None]


def weighted_curvature(case, to_go):
    """E[sum_t (second derivative of log pi(a_t|s_t)) R_t], Equation (37): the softmax's is -(diag(p) - p p^T)."""
    policy = torch.softmax(case.logits, -1)
    states = case.trajectories.batch.observations[:, 0]
    weight = torch.zeros(STATES, dtype=torch.float64)
    amounts = to_go * case.trajectories.probability[:, None]
    weight.index_add_(0, states.reshape(-1), amounts.reshape(-1))
    blocks = torch.diag_embed(policy) - torch.einsum("sa,sb->sab", policy, policy)
    assert weight[END] == 0
    return torch.block_diag(*(-weight[:, None, None] * blocks))
