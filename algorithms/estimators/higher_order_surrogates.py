"""Surrogates in stop-gradient ratios: DiCE, low-variance curvature, and TMAML's control variate.

rho_t = pi(a_t|s_t) / stop_gradient(pi(a_t|s_t)) is 1 wherever it is evaluated and keeps every derivative, so that these
have the derivatives they are made for at the policy that acted.  All tensors are [task, trajectory, time]; under the
mask a ratio is the constant 1.
"""

from __future__ import annotations

import torch

from algorithms.estimators.advantages import masked_mean
from environments.policy import Distribution
from environments.trajectories import TrajectoryBatch

#: TMAML's term as it is right, and as Liu et al. print it
FORMS = ("corrected", "printed")


def log_ratios(policy: Distribution, batch: TrajectoryBatch) -> torch.Tensor:
    """log rho_t: 0 with the derivatives of log pi(a_t|s_t)."""
    chosen = policy.log_prob(batch.actions)
    return (chosen - chosen.detach()) * batch.mask


def lvc_terms(ratios: torch.Tensor, advantages: torch.Tensor) -> torch.Tensor:
    """rho_t A_t, the summands of J^LVC (Rothfuss et al. 2019, Equation 5).  ratios: logarithms, as all here."""
    return ratios.exp() * advantages


def dice_terms(ratios: torch.Tensor, rewards: torch.Tensor) -> torch.Tensor:
    """(prod_{t' <= t} rho_t') r_t, the summands of J^DiCE (Foerster et al. 2018; Rothfuss et al. 2019, Equation 57).

    rewards: gamma^t r_t.  A baseline b_t of time alone may be subtracted, at every step until the horizon: after an
    episode's end too, where the product stays what it was.  A baseline of the state may not: it would move the gradient
    by that of the expected baseline.
    """
    return ratios.cumsum(-1).exp() * rewards


def variate_terms(ratios: torch.Tensor, baseline: torch.Tensor, form: str = "corrected") -> torch.Tensor:
    """-(1 - prod_{t' < t} rho_t') (1 - rho_t) b(s_t), the summands of TMAML's control variate (Liu et al. 2019).

    Its value, gradient and expected Hessian are 0 for every b(s_t) that knows neither a_t nor what follows; with b near
    the rewards-to-go it takes from J^DiCE's Hessian what those multiply.  "printed" is the supplement's Equation (29)
    with the + of its Equation (42), whose product runs over t' <= t: it contains rho_t twice, and its expected Hessian
    is not 0.
    """
    if form not in FORMS:
        raise ValueError(f"the control variate's form must be one of {FORMS}, got {form!r}")
    through = ratios.cumsum(-1)
    if form == "printed":
        return (1 - through.exp()) * (1 - ratios.exp()) * baseline
    return -(1 - (through - ratios).exp()) * (1 - ratios.exp()) * baseline


def baseline_terms(ratios: torch.Tensor, baseline: torch.Tensor) -> torch.Tensor:
    """(1 - rho_t) b(s_t): a baseline for the gradient and for the diagonal part of the Hessian, each of expectation 0.

    With the control variate: -(prod_{t' <= t} rho_t' - prod_{t' < t} rho_t') b(s_t), a baseline for every order.
    """
    return (1 - ratios.exp()) * baseline


def credited_terms(ratios: torch.Tensor, advantages: torch.Tensor) -> torch.Tensor:
    """(prod_{t' <= t} rho_t' - prod_{t' < t} rho_t') A_t: DiCE in advantages (Mao et al. 2019; Farquhar et al. 2019).

    With A_t = R_t - b(s_t), R_t the sum of rewards from t on, the sum over t is that of `dice_terms`, `variate_terms`
    and `baseline_terms` less a constant.  Its gradient is that of sum_t log pi_t A_t, whatever A_t is.  Gradient and
    Hessian are unbiased where A_t is, given (s_t, a_t), an unbiased estimate of Q_t up to a function of the past: with
    any b(s_t), and for generalised advantages of lambda < 1 with the true values.  A discount enters as it does there:
    it shortens what A_t sums, and weighs no step.
    """
    through = ratios.cumsum(-1)
    return (through.exp() - (through - ratios).exp()) * advantages


def lvc_objective(policy: Distribution, batch: TrajectoryBatch, advantages: torch.Tensor) -> torch.Tensor:
    """mean(rho_t A_t), [task]: the gradient of mean(log pi * A), and the Hessian H_1 + H_2 (Equation 74)."""
    return masked_mean(lvc_terms(log_ratios(policy, batch), advantages), batch.mask)


def credited_objective(policy: Distribution, batch: TrajectoryBatch, advantages: torch.Tensor) -> torch.Tensor:
    """`credited_terms` per valid step, [task]: the gradient of J^LVC, and DiCE's Hessian."""
    return masked_mean(credited_terms(log_ratios(policy, batch), advantages), batch.mask)


def dice_objective(
    policy: Distribution,
    batch: TrajectoryBatch,
    rewards: torch.Tensor,
    baseline: torch.Tensor | None = None,
    first_order: bool = False,
) -> torch.Tensor:
    """J^DiCE per valid step, [task], as the other surrogates are means over valid steps.

    rewards: gamma^t r_t, less a baseline of time if wanted, see `dice_terms`.  baseline: b(s_t) of TMAML's control
    variate; with first_order of `baseline_terms` as well.
    """
    ratios = log_ratios(policy, batch)
    terms = dice_terms(ratios, rewards)
    if baseline is not None:
        terms = terms + variate_terms(ratios, baseline)
        if first_order:
            terms = terms + baseline_terms(ratios, baseline)
    return terms.sum((1, 2)) / batch.mask.sum((1, 2))
