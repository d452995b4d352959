"""The study of TMAML's five steps on one sample: whose gradient is the derivative of what, and how far the steps go."""

from __future__ import annotations

import pytest

from algorithms.tmaml import TmamlConfig
from benchmarks.execution.session import Session
from docs.studies import tmaml_inner_steps
from docs.studies.tmaml_inner_steps import after_steps, ascended, learner_of, sampled, trained

#: long steps of both kinds, so that few of Adam's leave the policy that acted, and curvature counts
CONFIG = TmamlConfig(
    tasks=2, trajectories=4, hidden=(8,), variate_hidden=(8,), inner_step_size=0.03, step_size=0.03, gradient_steps=3
)


@pytest.fixture(scope="module")
def session() -> Session:
    return trained("corners[horizon=20]", CONFIG)


def test_true_ratios_give_a_derivative_and_the_gradient_used_is_none_from_the_second_step_on(session: Session) -> None:
    _, batches = sampled(session, session.streams)
    of_true, of_used = (ascended(session, kind, batches)[1] for kind in ("true", "used"))
    assert of_true["true"] == pytest.approx([1, 1, 1], abs=1e-4)
    first, *later = of_used["true"]
    assert first == pytest.approx(1, abs=1e-4)
    assert min(abs(ratio - 1) for ratio in (*later, *of_used["used"])) > 0.05


def test_what_the_steps_leave_is_everything_before_them_and_less_after(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tmaml_inner_steps, "FRESH", CONFIG.trajectories)  # the very same ones, hence no error
    tasks, batches = sampled(session, session.streams)
    divergence, deviation, effective, error, floor = after_steps(
        session, learner_of(session, "used"), tasks, batches[0], session.streams
    )
    assert (divergence, deviation, effective) == pytest.approx((0, 0, CONFIG.trajectories), abs=1e-5)
    assert error > 0.1 and floor == 0
    learner, _ = ascended(session, "used", batches)
    divergence, deviation, effective, *_ = after_steps(session, learner, tasks, batches[0], session.streams)
    assert divergence > 0.001 and deviation > 0.01 and effective < CONFIG.trajectories - 0.1
