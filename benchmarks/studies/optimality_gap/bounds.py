"""The bounds of Theorems 3 and 4 on the task-expected optimality gap of BO-MRL, computed on known MDPs.

Xu & Zhu 2024, Sections 3 and 5.4, Appendix N.  For every comparator policy theta_tau and centre phi the proof gives

    E[J(pi*) - J(Alg(i)(phi))] <= lambda c_i / (1 - gamma) E[D_i^2(phi, theta_tau)] + E[J(pi*) - J(theta_tau)]

for lambda as the theorem takes it, with c_i = 1 + gamma for i = 1, 2 and (6 + 4 gamma) / 6 for i = 3 (tabular: L1 = 1,
L2 = 0).  A trained phi is below it too, up to the meta-objective's error h.  The paper's comparator is an optimal
policy, so that the last term is 0, but D_1 and D_3 from a deterministic one are infinite.  Ours is the policy of
highest return plus temperature times entropy, at the highest temperature that costs little; the last term is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from algorithms.one_time_adaptation.distances import Distance
from benchmarks.studies.optimality_gap.evaluation import Evaluation, TabularTasks
from benchmarks.studies.optimality_gap.hypergradient import Penalty
from environments.tabular import TabularMDP

#: part of the best reachable gain over the uniform policy that a comparator may lose, at most
COMPARATOR_LOSS = 0.01
TEMPERATURES = np.geomspace(1.0, 1e-3, 61)


def proportionality(distance: Distance, discount: float) -> float:
    """c_i / (1 - gamma): the bound over lambda times the variance."""
    return (1 + discount if distance != "euclidean" else (6 + 4 * discount) / 6) / (1 - discount)


def theorem_weight(distance: Distance, advantage: float, discount: float, least_visits: float) -> float:
    """The lambda of Theorem 3 (divergences) or 4 ("euclidean"); inf where a state need never be visited."""
    if least_visits == 0:
        return float("inf")
    return (2 if distance != "euclidean" else 6) * advantage / ((1 - discount) * least_visits)


def advantage_bound(mdp: TabularMDP) -> np.ndarray:
    """A_max [...] of Assumption 1: no policy has an advantage beyond it.

    Q is between its minimum and its maximum over policies, and so is V; these are exact, but one policy need not attain
    both, so that the bound can be loose (on FrozenLake it is attained).
    """
    best, worst = mdp.optimum, _worst(mdp).optimum
    above = (best.action + worst.state[..., None]).max((-1, -2))  # max Q - min V, where min V = -worst V
    below = (best.state[..., None] + worst.action).max((-1, -2))  # max V - min Q
    return np.asarray(np.maximum(above, below))


def worst_return(mdp: TabularMDP) -> np.ndarray:
    """The least expected return of any policy, [...]."""
    return -_worst(mdp).optimal_return


def _worst(mdp: TabularMDP) -> TabularMDP:
    """The MDP whose optimum is the worst policy of this one, with its values negated."""
    return TabularMDP(mdp.transition, -mdp.reward, mdp.initial, mdp.discount)


def least_visitation(mdp: TabularMDP) -> np.ndarray:
    """Infimum over policies of nu(s), [..., S]; Assumption 2's epsilon is its minimum over states and tasks.

    Exact: the visitation of s is (1 - gamma) times the return when being in s pays 1.  A state that carries initial
    probability has at least (1 - gamma) rho(s) (Remark 1), one that a policy can avoid has no more.
    """
    states, actions = mdp.states, mdp.actions
    lead = mdp.initial.shape[:-1]
    cost = np.broadcast_to(np.eye(states)[:, :, None], (*lead, states, states, actions))
    transition = np.broadcast_to(mdp.transition[..., None, :, :, :], (*lead, states, states, actions, states))
    initial = np.broadcast_to(mdp.initial[..., None, :], (*lead, states, states))
    avoiding = TabularMDP(transition, -cost, initial, mdp.discount)
    return np.asarray((1 - mdp.discount) * -avoiding.optimal_return).clip(0)


def soft_optimum(mdp: TabularMDP, temperature: np.ndarray | float) -> np.ndarray:
    """Logits [..., S, A], centred in every state, of the policy of highest return plus temperature times entropy."""
    heat = np.asarray(temperature, dtype=np.float64)[..., None, None]
    value = mdp.optimum.state
    for _ in range(int(np.ceil(np.log(1e-16) / np.log(mdp.discount)))):
        action = mdp.reward + mdp.discount * np.einsum("...sat,...t->...sa", mdp.transition, value)
        peak = action.max(-1, keepdims=True)
        value = (peak + heat * np.log(np.exp((action - peak) / heat).sum(-1, keepdims=True)))[..., 0]
    return np.asarray((action - action.mean(-1, keepdims=True)) / heat)


@dataclass(frozen=True)
class Comparators:
    """Theta*: one policy per task, with what ties leave open."""

    logits: torch.Tensor  # [task, S, A], centred
    tied: torch.Tensor  # bool [task, S, A]: the optimal actions of the state
    temperature: np.ndarray  # [task]

    def towards(self, centre: torch.Tensor) -> torch.Tensor:
        """Logits [task, S, A] that share each state's probability of optimal actions as the centre [S, A] does.

        Any such policy is as near the optimum; this one is nearest the centre in both divergences.  Absorbing states,
        where every action is optimal, take the centre's policy.  Logits have the centre's mean in every state.
        """
        own, other = self.logits, centre.expand(self.logits.shape)
        least = torch.finfo(own.dtype).min
        mass = own.masked_fill(~self.tied, least).logsumexp(-1, keepdim=True)
        shares = other.masked_fill(~self.tied, least).logsumexp(-1, keepdim=True)
        logits = torch.where(self.tied, other - shares + mass, own)
        return logits + (other - logits).mean(-1, keepdim=True)


def comparators(mdp: TabularMDP, loss: float = COMPARATOR_LOSS) -> Comparators:
    """Per task the soft optimum at the highest temperature on a grid that loses no more than `loss`.

    loss: the part of J(pi*) - J(uniform policy) that a comparator may lose.  mdp: stacked over tasks [task, ...].
    Raises ValueError if no temperature of the grid does.
    """
    uniform = np.full((mdp.states, mdp.actions), 1 / mdp.actions)
    allowed = loss * (mdp.optimal_return - mdp.expected_return(uniform))
    chosen = np.zeros(mdp.initial.shape[0])
    for temperature in TEMPERATURES[::-1]:
        policy = torch.from_numpy(soft_optimum(mdp, temperature)).softmax(-1).numpy()
        near = mdp.optimal_return - mdp.expected_return(policy) <= allowed
        chosen = np.where(near, temperature, chosen)
    if not chosen.all():
        raise ValueError(f"no temperature down to {TEMPERATURES[-1]} keeps a comparator's loss below {loss:.0%}")
    logits = torch.from_numpy(soft_optimum(mdp, chosen))
    return Comparators(logits, torch.from_numpy(mdp.optimum.policy > 0), chosen)


def squared_distance(
    distance: Distance, centre: Evaluation, other: torch.Tensor, penalty: Penalty = "table"
) -> torch.Tensor:
    """D_i^2(centre, other) [...] with the centre's visitation: of KL(centre || other), KL(other || centre), or logits.

    penalty: for "euclidean", the squared distance of the whole table, or that of the state's own row.
    """
    if distance == "euclidean" and penalty == "table":
        return (centre.logits - other).square().sum((-1, -2))
    if distance == "euclidean":
        by_state = (centre.logits - other).square().sum(-1)
    else:
        logs = centre.logits.log_softmax(-1), other.log_softmax(-1)
        first, second = logs if distance == "kl" else logs[::-1]
        by_state = (first.exp() * (first - second)).sum(-1)
    return (centre.visitation * by_state).sum(-1)


@dataclass(frozen=True)
class TaskVariance:
    """Var_i with where it is attained, and what the comparators lose there."""

    value: float  # mean over tasks of D_i^2(centre, comparator)
    centre: torch.Tensor  # phi' [S, A]
    comparator_loss: float  # mean over tasks of J(pi*) - J(comparator)
    advantage: float  # A'_max: the largest |advantage| of the centre over tasks, states and actions (Appendix N.3)
    least_visits: float  # the least visitation of a state on a task under the centre: an epsilon for it alone

    def bound(self, distance: Distance, weight: float, discount: float) -> float:
        """On the expected optimality gap, for that lambda; guaranteed where it is the theorem's, or higher."""
        if weight == float("inf"):
            return weight
        return proportionality(distance, discount) * weight * self.value + self.comparator_loss


def task_variance(
    distance: Distance, mdp: TabularMDP, references: Comparators, penalty: Penalty = "table", iterations: int = 300
) -> TaskVariance:
    """Var_i: the least mean D_i^2 from one centre to every task's comparator, by L-BFGS from three starts.

    The starts are the comparators' mean logits, their mean policy and the uniform one; what is found is an upper bound
    of Var_i, and the bounds of the theorems hold for any centre.
    """
    tasks = TabularTasks(mdp)

    def distances(logits: torch.Tensor) -> torch.Tensor:
        return squared_distance(distance, tasks.evaluate(logits), references.towards(logits), penalty)

    starts = [
        references.logits.mean(0),
        references.logits.softmax(-1).mean(0).log(),
        torch.zeros(mdp.states, mdp.actions, dtype=torch.float64),
    ]
    centres = [_minimise(lambda logits: distances(logits).mean(), start, iterations) for start in starts]
    centre = min(centres, key=lambda logits: float(distances(logits).mean()))
    evaluation = tasks.evaluate(centre)
    reached = tasks.evaluate(references.towards(centre)).expected_return.numpy()
    return TaskVariance(
        float(distances(centre).mean()),
        centre,
        float((mdp.optimal_return - reached).mean()),
        float(evaluation.advantage.abs().max()),
        max(0.0, float(evaluation.visitation.min())),
    )


def best_single_policy(mdp: TabularMDP) -> torch.Tensor:
    """Logits [S, A] of one policy of locally highest mean return over the tasks: no adaptation at all."""
    tasks, start = TabularTasks(mdp), torch.zeros(mdp.states, mdp.actions, dtype=torch.float64)
    return _minimise(lambda logits: -tasks.evaluate(logits).expected_return.mean(), start, 300)


def tightest_bound(
    distance: Distance,
    mdp: TabularMDP,
    variance: TaskVariance,
    references: Comparators,
    weight: float,
    penalty: Penalty,
) -> float:
    """The bound for that lambda with the best comparators instead of nearly optimal ones: a minimum over both.

    It is at most the gap of `best_single_policy`, where each comparator is the centre itself, and adapting is only
    known to do no harm.  A local minimum, by L-BFGS over centre and comparators: the least of those from Var_i's
    centre and comparators, from nearly optimal comparators mixed with the uniform policy, and from the single policy.
    """
    tasks, optimum = TabularTasks(mdp), torch.from_numpy(mdp.optimal_return)
    slope = proportionality(distance, mdp.discount) * weight

    def loss(both: torch.Tensor) -> torch.Tensor:
        centre, others = both[0], both[0] + both[1:]
        squared = squared_distance(distance, tasks.evaluate(centre), others, penalty)
        return (slope * squared + optimum - tasks.evaluate(others).expected_return).mean()

    mixed = (0.9 * references.logits.softmax(-1) + 0.1 / mdp.actions).log()
    single = best_single_policy(mdp)
    pairs = [
        (variance.centre, references.towards(variance.centre)),
        (mixed.exp().mean(0).log(), mixed),
        (single, single.expand(mixed.shape)),
    ]
    starts = [torch.cat([centre[None], others - centre]) for centre, others in pairs]
    return min(float(loss(_minimise(loss, start, 300))) for start in starts)


def _minimise(loss: Callable[[torch.Tensor], torch.Tensor], start: torch.Tensor, iterations: int) -> torch.Tensor:
    """A local minimum by L-BFGS; the start itself if no step from it was better."""
    variable = start.clone().requires_grad_()
    optimiser = torch.optim.LBFGS(
        [variable], max_iter=iterations, history_size=20, line_search_fn="strong_wolfe", tolerance_change=1e-14
    )

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = loss(variable)
        value.backward()
        return value

    optimiser.step(closure)
    found = variable.detach()
    return found if bool(loss(found) <= loss(start)) else start
