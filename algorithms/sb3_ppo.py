"""stable-baselines3's PPO on the mixture of tasks: the example of how one brings any algorithm of that library."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from algorithms.algorithm import Config
from algorithms.experts.sb3_algorithm import Sb3Algorithm
from algorithms.search_space import (
    ALIKE,
    BOUND,
    COUNT,
    LAMBDAS,
    LAYERS,
    POSITIVE,
    SHARE,
    Integers,
    LogRange,
    searched,
    unsearched,
)


@dataclass(frozen=True)
class Sb3PpoConfig(Config):
    hidden: tuple[int, ...] = unsearched((64, 64), ALIKE, domain=LAYERS)  # tanh layers, of policy and value each
    initial_std: float = unsearched(1.0, ALIKE, domain=POSITIVE)  # of continuous actions
    step_size: float = searched(3e-4, LogRange(1e-4, 3e-3), domain=POSITIVE)
    epochs: int = searched(10, Integers(3, 20, log=True), domain=COUNT)
    batch: int = unsearched(
        64, "the library's default; epochs and step size decide how far a sample moves", domain=COUNT
    )
    clip: float = unsearched(0.2, BOUND, domain=POSITIVE)
    gae_lambda: float = searched(0.95, LAMBDAS, domain=SHARE)


class Sb3Ppo(Sb3Algorithm):
    """stable-baselines3's PPO, trained on the mixture of training tasks, fine-tuned on each task by its own update."""

    name = "sb3-ppo"
    paper = "Schulman et al. 2017, arXiv:1707.06347, by Raffin et al. 2021 (stable-baselines3)"
    Config = Sb3PpoConfig
    library_class = "PPO"

    def library_options(self) -> dict[str, Any]:
        config = self.config
        return {
            "n_steps": self.problem.horizon,
            "learning_rate": config.step_size,
            "n_epochs": config.epochs,
            "batch_size": config.batch,
            "clip_range": config.clip,
            "gae_lambda": config.gae_lambda,
            "gamma": self.problem.discount,
            "policy_kwargs": {"net_arch": list(config.hidden), "log_std_init": math.log(config.initial_std)},
        }
