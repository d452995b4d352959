"""BO-MRL's learners of every kind in float64, with what they adapt to, and parameters near theirs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
import torch

from algorithms.meta_learning.gradient_adaptation import AdaptationBatch
from environments.catalogue import make_suite
from environments.collector import Collector
from environments.streams import Streams
from environments.trajectories import TrajectoryBatch
from tests.support.tabular_problem import in_float64, learner_on

#: by the number of Alg(i)
DISTANCES = {1: "kl", 2: "reverse_kl", 3: "euclidean"}
SUITE = "hopper-velocity[horizon=15]"
SMALL = {"tasks": 2, "trajectories": 3, "hidden": (3,), "state_dependent_std": True}

every_kind = pytest.mark.parametrize("kind", DISTANCES)


def in_double(batch: TrajectoryBatch) -> TrajectoryBatch:
    """A batch in double precision, so that its surrogates are too."""

    def doubled(value: Any) -> Any:
        return value.double() if isinstance(value, torch.Tensor) and value.dtype == torch.float32 else value

    values = {field.name: getattr(batch, field.name) for field in dataclasses.fields(batch)}
    values["distribution"] = {name: doubled(value) for name, value in batch.distribution.items()}
    return dataclasses.replace(batch, **{name: doubled(value) for name, value in values.items()})


def prepared(kind: int, suite: str = SUITE, **config: Any) -> tuple[Any, Collector, AdaptationBatch]:
    """A learner in float64, its collector, and what the meta-policy collected."""
    learner, collector = learner_on(make_suite(suite), f"bo-mrl-{kind}", **{**SMALL, **config})
    in_float64(learner)
    batch = in_double(learner.sample(collector).before.trajectories)
    batch.mask[:, 0, batch.mask.shape[-1] // 2 :] = 0  # as if an episode had ended
    before = learner.adaptation_batch(batch)
    return learner, collector, before


def drawn_near(
    parameters: Mapping[str, torch.Tensor], size: float, tasks: int = 2, purpose: str = "near"
) -> dict[str, torch.Tensor]:
    """Each task's own parameters around the given ones, [task, ...]."""
    generator = Streams(0).torch(purpose)
    return {
        name: value + size * torch.randn(tasks, *value.shape, generator=generator, dtype=value.dtype)
        for name, value in parameters.items()
    }
