"""What five steps of Adam on one sample do to TMAML's inner step: `python -m docs.studies.tmaml_inner_steps`.

DiCE's ratios are to the present policy, which from the second step on is no longer the one that acted.  From the same
parameters and on the same sample two learners go five steps, each by its own meta-gradient: TMAML as it is ("used"),
and with likelihood ratios to the policy that acted ("true").  Prints two tables, in about two minutes of one core:

1. before each step, the finite difference of an objective along a gradient over the gradient's squared norm, which is 1
   where the one is the derivative of the other;
2. after the steps, as means over tasks: the KL divergence from the policy that acted; the standard deviation of the
   log-ratios of a task's episodes, and the effective sample size (sum w)^2 / sum w^2 of their ratios w.  Then the error
   of the inner step on the sample, against that on many fresh trajectories of the same policy and in units of its
   length, over all tasks; and the same error of as few fresh trajectories as the sample has.  No step at all has 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from algorithms.estimators.higher_order_surrogates import dice_terms, variate_terms
from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from algorithms.meta_learning.gradient_meta_learner import InnerOuterBatches
from algorithms.policies.parameters import flat, stacked, task_vectors, unflat
from algorithms.tmaml import Tmaml, TmamlConfig
from benchmarks.commands.text_table import text_table
from benchmarks.execution.evaluation import harness_collector
from benchmarks.execution.session import Session
from environments.catalogue import make_suite
from environments.policy import Distribution
from environments.problem import EvaluationProtocol
from environments.streams import Streams
from environments.task import TaskRef

SUITES = ("half-cheetah-velocity[horizon=100]", "corners")
CONFIG = TmamlConfig(tasks=10, trajectories=10)
ITERATIONS = 3  # of meta-training before
SAMPLES = 3
FRESH = 100  # trajectories per task, against which inner steps are held
DIFFERENCE = 1e-5  # norm of the finite differences in the parameters, which are in double precision


class TrueRatioTmaml(Tmaml):
    """TMAML with pi(a_t|s_t) / pi_acted(a_t|s_t) for rho_t; it knows no `first_order_baseline`."""

    def inner_objective(self, policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
        ratios = log_likelihood_ratios(policy, batch)
        terms = dice_terms(ratios, batch.extra("adjusted_rewards")) + variate_terms(ratios, batch.extra("baseline"))
        return terms.sum((1, 2)) / batch.trajectories.mask.sum((1, 2))


#: by the tables' word for them
LEARNERS: dict[str, type[Tmaml]] = {"used": Tmaml, "true": TrueRatioTmaml}


def log_likelihood_ratios(policy: Distribution, batch: AdaptationBatch) -> torch.Tensor:
    """log pi(a|s) / pi_acted(a|s), [task, trajectory, time]; 0 under the mask."""
    trajectories = batch.trajectories
    return (policy.log_prob(trajectories.actions) - trajectories.log_probabilities) * trajectories.mask


def trained(suite: str, config: TmamlConfig) -> Session:
    """TMAML on the suite after `ITERATIONS`."""
    protocol = EvaluationProtocol(adaptation_steps=1, trajectories=config.trajectories)
    session = Session(make_suite(suite), Tmaml, config, Streams(0), protocol, budget=None)
    for _ in range(ITERATIONS):
        session.iterate()
    return session


def learner_of(session: Session, kind: str) -> Tmaml:
    """At the session's parameters and state of Adam."""
    s = session
    learner = Session(s.suite, LEARNERS[kind], s.config, s.streams, s.protocol, None, s.state).algorithm
    assert isinstance(learner, Tmaml)
    return learner


def sampled(session: Session, streams: Streams) -> tuple[Sequence[TaskRef], InnerOuterBatches]:
    """Tasks, and trajectories on them before and after adaptation."""
    tasks = harness_collector(session.suite, streams.child("tasks")).sample_tasks(session.config.tasks)
    return tasks, learner_of(session, "used").sample_on(tasks, harness_collector(session.suite, streams))


def slope_ratio(objective: Tmaml, learner: Tmaml, batches: InnerOuterBatches) -> float:
    """Along the learner's meta-gradient, the finite difference of `objective`'s, over what the gradient promises."""
    point = {name: value.double() for name, value in learner.parameters.items()}
    slope = flat(learner.meta_gradient(point, batches)[1])
    step = DIFFERENCE * slope / slope.norm()
    above, below = (objective.meta_gradient(unflat(flat(point) + s * step, point), batches)[0] for s in (1, -1))
    return (above - below) / (2 * DIFFERENCE * float(slope.norm()))


def ascended(session: Session, kind: str, batches: InnerOuterBatches) -> tuple[Tmaml, dict[str, list[float]]]:
    """The learner after its steps; before each of them `slope_ratio` of its own and of the true ratios' objective."""
    learners = {name: learner_of(session, name) for name in LEARNERS}
    learner = learners[kind]
    found: dict[str, list[float]] = {kind: [], "true": []}
    for _ in range(session.config.gradient_steps):
        for name, ratios in found.items():
            ratios.append(slope_ratio(learners[name], learner, batches))
        learner.ascend(batches)
    return learner, found


def after_steps(
    session: Session, learner: Tmaml, tasks: Sequence[TaskRef], batch: AdaptationBatch, streams: Streams
) -> list[float]:
    """The second table's numbers, batch being the sample before adaptation."""
    start = stacked(learner.parameters, len(tasks))
    with torch.no_grad():
        policy = learner.distribution(start, batch)
        ratios = log_likelihood_ratios(policy, batch).sum(-1).double()
        effective = ratios.exp().sum(1).square() / (2 * ratios).exp().sum(1)
        means = [values.mean() for values in (batch.divergence(policy), ratios.std(1), effective)]

    def step(on: AdaptationBatch) -> torch.Tensor:
        return task_vectors(learner.adapted_by_chunks(start, [on])) - task_vectors(start)

    def fresh(trajectories: int) -> torch.Tensor:
        collector = harness_collector(session.suite, streams.child("fresh", trajectories))
        return step(learner.sampled_after(range(1), tasks, collector, trajectories)[0])

    wanted = fresh(FRESH)
    errors = [(found - wanted).norm() / wanted.norm() for found in (step(batch), fresh(session.config.trajectories))]
    return [float(value) for value in (*means, *errors)]


def main() -> None:
    """Prints the tables."""
    torch.set_num_threads(1)  # a sum over several threads depends on how many there are
    count = CONFIG.trajectories
    slopes = [["suite", "sample", "gradient", "objective", *(f"step {k + 1}" for k in range(CONFIG.gradient_steps))]]
    columns = ["KL", "deviation", f"effective of {count}", "error", f"of {count} fresh ones"]
    moved = [["suite", "sample", "ratios", *columns]]
    for suite in SUITES:
        session = trained(suite, CONFIG)
        for sample in range(SAMPLES):
            streams = session.streams.child("sample", sample)
            tasks, batches = sampled(session, streams)
            for kind in LEARNERS:
                learner, found = ascended(session, kind, batches)
                for name, ratios in found.items():
                    slopes.append([suite, str(sample), kind, name, *(f"{ratio:.2f}" for ratio in ratios)])
                divergence, *others = after_steps(session, learner, tasks, batches[0], streams)
                moved.append([suite, str(sample), kind, f"{divergence:.4f}", *(f"{value:.2f}" for value in others)])
    print("\n".join([*text_table(slopes), "", *text_table(moved)]))


if __name__ == "__main__":
    main()
