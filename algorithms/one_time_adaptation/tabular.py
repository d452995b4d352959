"""One-time policy adaptation of tabular softmax policies, solved exactly and differentiated implicitly.

Section 4 of Xu & Zhu 2024 (BO-MRL).  From a policy pi_phi, its action values Q and its visitation nu, Alg(i) solves in
every state s

    i = 1, 2:  max_pi     sum_a pi(a) Q(s, a) - lambda d_i^2(pi_phi, pi)                    Equation (1)
    i = 3:     max_theta  nu(s) sum_a pi_theta(a) Q(s, a) - lambda |theta - phi(s, .)|^2    Equation (2)

with d_1^2 = KL(pi_phi || pi), the distance "kl", and d_2^2 = KL(pi || pi_phi), "reverse_kl"; Alg(3)'s is "euclidean".
In (2) the penalty is of the whole parameter table, so that state s weighs nu(s) against it; in (1) nu(s) cancels, and a
state that is never visited is adapted to its Q as well.
"""

from __future__ import annotations

import math
from typing import Any, get_args

import torch

from algorithms.one_time_adaptation.distances import Distance

DISTANCES: tuple[Distance, ...] = get_args(Distance)
#: least log-probability that Alg(1) reckons with: below it a probability is no longer a float64
LEAST_LOG_PROBABILITY = -690.0
#: gradient of Alg(3)'s objective, relative to its scale, at which its solver stops
ALG3_TOLERANCE = 1e-13
#: by how much the probabilities of Alg(1) may miss one before they are normalised
ROOT_TOLERANCE = 1e-14
#: iterations after which a solver gives up; 10 to 30 are usual
ROOT_ITERATIONS, NEWTON_ITERATIONS = 200, 500
#: least curvature of Alg(3), in lambdas, that a Newton step divides by
LEAST_CURVATURE = 1e-6
#: longest Newton step in logits: it keeps Alg(3) to the maximiser that is uphill from phi
LONGEST_STEP = 1.0


def adapt_tabular(
    distance: Distance,
    logits: torch.Tensor,
    action_values: torch.Tensor,
    weight: float,
    visitation: torch.Tensor | None = None,
) -> torch.Tensor:
    """Alg(i): logits of the adapted policies, differentiable once in all three tensors (Propositions 1 and 2).

    logits, action_values: float64 [..., S, A], those of pi_phi.  weight: lambda > 0.
    visitation: nu of pi_phi, float64 [..., S]; needed by "euclidean" alone.
    Returns [..., S, A]: log-probabilities for the divergences, which know policies alone; for "euclidean" the
    parameters themselves.  Alg(3) is strongly concave for lambda > 6 max|A| only (Proposition 3); below that the result
    is the maximiser which damped Newton reaches going uphill from phi.  Optimality conditions hold to 1e-10 of the
    objective's scale.  Raises ValueError for an unknown distance, a weight that is not positive, other shapes or types;
    ArithmeticError if a solver does not converge.
    """
    if distance not in DISTANCES:
        raise ValueError(f"distance must be one of {DISTANCES}, got {distance!r}")
    if not (weight > 0 and math.isfinite(weight)):
        raise ValueError(f"the weight lambda must be positive and finite, got {weight}")
    if visitation is None:
        if distance == "euclidean":
            raise ValueError("Alg(3) needs the visitation: in it a state weighs as often as it is visited")
        visitation = torch.ones_like(logits[..., 0])
    if action_values.shape != logits.shape or visitation.shape != logits.shape[:-1]:
        raise ValueError(
            f"logits {tuple(logits.shape)}, action_values {tuple(action_values.shape)} and "
            f"visitation {tuple(visitation.shape)} are not [..., S, A] twice and [..., S]"
        )
    types = {tensor.dtype for tensor in (logits, action_values, visitation)}
    if types != {torch.float64}:
        raise ValueError(f"the exact adaptation is in float64, got {sorted(map(str, types))}")
    adapted: torch.Tensor = _Adaptation.apply(logits, action_values, visitation, distance, float(weight))
    return adapted


def adapt_tabular_vjp(
    distance: Distance,
    logits: torch.Tensor,
    action_values: torch.Tensor,
    weight: float,
    visitation: torch.Tensor,
    adapted: torch.Tensor,
    cotangent: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Products of a cotangent [..., S, A] of `adapted` with its derivatives in logits, action values and visitation.

    By implicit differentiation of the optimality conditions: Proposition 1 for the divergences (written for log pi', so
    that small probabilities lose no digits), Proposition 2 for "euclidean", where the last product is the term that the
    paper's Proposition 2 leaves out.  Returns shapes [..., S, A], [..., S, A] and [..., S].
    """
    if distance == "euclidean":
        return _alg3_vjp(logits, action_values, weight, visitation, adapted, cotangent)
    # with M = lambda * Hessian of d^2, diagonal here, pi' M r = 1 defines r, and M^-1 times the mixed derivative of
    # lambda d^2 in (log pi, log pi_phi) is pi': the two right-hand sides of Proposition 1 differ by the factor r
    policy = adapted.softmax(-1)
    if distance == "kl":
        rate = (adapted.log_softmax(-1) - _log_policy(logits)).exp() / weight  # 1 / (mu - q_a)
    else:
        rate = torch.full_like(policy, 1 / weight)
    pull = cotangent - policy * ((rate * cotangent).sum(-1, keepdim=True) / (rate * policy).sum(-1, keepdim=True))
    by_logits = pull - logits.softmax(-1) * pull.sum(-1, keepdim=True)
    return by_logits, rate * pull, torch.zeros_like(visitation)


def optimality_residual(
    distance: Distance,
    logits: torch.Tensor,
    action_values: torch.Tensor,
    weight: float,
    visitation: torch.Tensor,
    adapted: torch.Tensor,
) -> torch.Tensor:
    """How far `adapted` is from the optimality conditions of Alg(i), per state [...,S], over max(1, lambda, |Q|).

    Divergences: the spread over actions of the Lagrangian's derivative q_a - lambda (d^2)'_a, each weighted with
    pi'(a) (a multiplier mu must equal them all); "euclidean": the largest entry of the objective's gradient.
    """
    scale = torch.stack([action_values.abs().amax(-1), torch.full_like(visitation, max(1.0, weight))]).amax(0)
    if distance == "euclidean":
        return _alg3_gradient(logits, action_values, weight, visitation, adapted).abs().amax(-1) / scale
    policy, ratio = adapted.softmax(-1), adapted.log_softmax(-1) - logits.log_softmax(-1)
    slope = action_values + weight * (-ratio).exp() if distance == "kl" else action_values - weight * ratio
    multiplier = (policy * slope).sum(-1, keepdim=True)
    return (policy * (slope - multiplier)).abs().amax(-1) / scale


class _Adaptation(torch.autograd.Function):
    """The solvers with their implicit derivative; nothing of the iterations is kept."""

    @staticmethod
    def forward(
        ctx: Any,
        logits: torch.Tensor,
        action_values: torch.Tensor,
        visitation: torch.Tensor,
        distance: Distance,
        weight: float,
    ) -> torch.Tensor:
        if distance == "kl":
            adapted = _solve_alg1(logits, action_values, weight)
        elif distance == "reverse_kl":
            adapted = (_log_policy(logits) + action_values / weight).log_softmax(-1)
        else:
            adapted = _solve_alg3(logits, action_values, weight, visitation)
        ctx.save_for_backward(logits, action_values, visitation, adapted)
        ctx.distance, ctx.weight = distance, weight
        return adapted

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, cotangent: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        logits, action_values, visitation, adapted = ctx.saved_tensors
        products = adapt_tabular_vjp(ctx.distance, logits, action_values, ctx.weight, visitation, adapted, cotangent)
        return *products, None, None


def _log_policy(logits: torch.Tensor) -> torch.Tensor:
    return logits.log_softmax(-1).clamp_min(LEAST_LOG_PROBABILITY)


def _solve_alg1(logits: torch.Tensor, action_values: torch.Tensor, weight: float) -> torch.Tensor:
    """log pi' = log(lambda pi_phi) - log(mu - q) with the mu above max q at which pi' sums to one.

    The unknown is the distance of mu from max q, so that no digit is lost where that is small.  Newton's method on
    1 / sum - 1, which is concave and increasing, rises to the root from the lower bound max_a (q_a + lambda pi_a).
    """
    log_policy = _log_policy(logits)
    share = weight * log_policy.exp()
    gap = action_values.amax(-1, keepdim=True) - action_values
    distance = (share - gap).amax(-1, keepdim=True)
    lowest = distance
    for _ in range(ROOT_ITERATIONS):
        parts = share / (distance + gap)
        total = parts.sum(-1, keepdim=True)
        if bool((total - 1).abs().le(ROOT_TOLERANCE).all()):
            return (log_policy + math.log(weight) - (distance + gap).log()).log_softmax(-1)
        step = total * (total - 1) / (parts / (distance + gap)).sum(-1, keepdim=True)
        # rounding alone could leave the bracket; above max q + lambda the sum is at most one
        distance = (distance + step).clamp_max(weight).maximum(lowest)
    raise ArithmeticError("Alg(1) found no multiplier: are logits and action values finite?")


def _alg3_value(
    logits: torch.Tensor, action_values: torch.Tensor, weight: float, visitation: torch.Tensor, theta: torch.Tensor
) -> torch.Tensor:
    reward = visitation * (theta.softmax(-1) * action_values).sum(-1)
    return reward - weight * (theta - logits).square().sum(-1)


def _alg3_slope(action_values: torch.Tensor, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """pi_theta, and the gradient pi (q - pi q) of sum_a pi_theta(a) q_a in the logits."""
    policy = theta.softmax(-1)
    return policy, policy * (action_values - (policy * action_values).sum(-1, keepdim=True))


def _alg3_gradient(
    logits: torch.Tensor, action_values: torch.Tensor, weight: float, visitation: torch.Tensor, theta: torch.Tensor
) -> torch.Tensor:
    _, slope = _alg3_slope(action_values, theta)
    return visitation[..., None] * slope - 2 * weight * (theta - logits)


def _alg3_curvature(
    action_values: torch.Tensor, weight: float, visitation: torch.Tensor, theta: torch.Tensor
) -> torch.Tensor:
    """Minus the Hessian of Alg(3)'s objective in theta(s, .), [..., S, A, A]."""
    policy, slope = _alg3_slope(action_values, theta)
    outer = policy[..., :, None] * slope[..., None, :]
    hessian = torch.diag_embed(slope) - outer - outer.transpose(-1, -2)
    return 2 * weight * torch.eye(theta.shape[-1], dtype=theta.dtype) - visitation[..., None, None] * hessian


def _solve_alg3(
    logits: torch.Tensor, action_values: torch.Tensor, weight: float, visitation: torch.Tensor
) -> torch.Tensor:
    """Damped Newton from phi: curvatures by their absolute value, steps of bounded length, backtracking (Armijo).

    Every state is its own problem [S, A]; those that are solved leave the batch.
    """
    actions = logits.shape[-1]
    centred = action_values - action_values.mean(-1, keepdim=True)  # the same problem, with smaller numbers
    theta = logits.reshape(-1, actions).clone()
    phi, values, visits = logits.reshape(-1, actions), centred.reshape(-1, actions), visitation.reshape(-1)
    scale = (visits * values.abs().amax(-1)).clamp_min(weight)
    rows = torch.arange(len(theta))
    for _ in range(NEWTON_ITERATIONS):
        gradient = _alg3_gradient(phi[rows], values[rows], weight, visits[rows], theta[rows])
        reach = ALG3_TOLERANCE * scale[rows] * theta[rows].abs().amax(-1).clamp_min(1)
        still_open = ~(gradient.abs().amax(-1) <= reach)  # not a number stays open
        rows, gradient = rows[still_open], gradient[still_open]
        if not len(rows):
            return theta.reshape(logits.shape)
        arguments = (phi[rows], values[rows], weight, visits[rows])
        here = theta[rows]
        curvature, axes = torch.linalg.eigh(_alg3_curvature(*arguments[1:], here))
        inverse = curvature.abs().clamp_min(LEAST_CURVATURE * weight).reciprocal()
        step = (axes @ (inverse * (axes.transpose(-1, -2) @ gradient[..., None])[..., 0])[..., None])[..., 0]
        step = step * (LONGEST_STEP / step.norm(dim=-1, keepdim=True).clamp_min(LONGEST_STEP))
        theta[rows] = here + _armijo(arguments, here, gradient, step, scale[rows]) * step
    worst = float(
        optimality_residual("euclidean", logits, action_values, weight, visitation, theta.reshape(logits.shape)).max()
    )
    if not worst <= 1e-10:
        raise ArithmeticError(f"Alg(3) did not converge in {NEWTON_ITERATIONS} Newton steps: residual {worst:.1e}")
    return theta.reshape(logits.shape)


def _armijo(
    arguments: tuple[torch.Tensor, torch.Tensor, float, torch.Tensor],
    theta: torch.Tensor,
    gradient: torch.Tensor,
    step: torch.Tensor,
    scale: torch.Tensor,
) -> torch.Tensor:
    """Fraction of `step` [S, 1] per state, halved until the objective rises by a part of what its slope says."""
    start = _alg3_value(*arguments, theta)
    promise = (gradient * step).sum(-1)
    rounding = 1e-14 * torch.maximum(scale, start.abs())  # below it a rise cannot be told from none
    fraction = torch.ones_like(start)
    for _ in range(40):
        value = _alg3_value(*arguments, theta + fraction[..., None] * step)
        short = value < start + 1e-4 * fraction * promise - rounding
        if not bool(short.any()):
            break
        fraction = torch.where(short, fraction / 2, fraction)
    return fraction[..., None]


def _alg3_vjp(
    logits: torch.Tensor,
    action_values: torch.Tensor,
    weight: float,
    visitation: torch.Tensor,
    theta: torch.Tensor,
    cotangent: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """`adapt_tabular_vjp` for Alg(3): one solve with the curvature at the maximiser, per state."""
    policy, slope = _alg3_slope(action_values, theta)
    pull = torch.linalg.solve(_alg3_curvature(action_values, weight, visitation, theta), cotangent)
    by_values = visitation[..., None] * policy * (pull - (policy * pull).sum(-1, keepdim=True))
    return 2 * weight * pull, by_values, (slope * pull).sum(-1)
