"""One soft actor-critic for all training tasks, which observes the task: GMPS's expert, and a ceiling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium

from algorithms.algorithm import Adaptation, Config
from algorithms.experts.actor import Actor, ActorPolicy, layers_of, pair_of
from algorithms.experts.expert import EXPERT
from algorithms.experts.sb3_algorithm import Sb3Algorithm
from algorithms.search_space import COUNT, LAYERS, NOT_NEGATIVE, POSITIVE, SHARE, LogRange, searched, unsearched
from environments.task import TaskRef

HAARNOJA = "Haarnoja et al.'s, for every robot"


@dataclass(frozen=True)
class ContextualSacConfig(Config):
    """Haarnoja et al. 2018, arXiv:1812.05905, Appendix D, but for `updates`, where theirs is 1: on one core a gradient
    step takes longer than the simulation of many steps.
    """

    hidden: tuple[int, ...] = unsearched((256, 256), HAARNOJA, domain=LAYERS)  # ReLU layers, of actor and critics each
    step_size: float = searched(3e-4, LogRange(1e-4, 3e-3), domain=POSITIVE)  # Adam's, of all networks
    # gradient steps for each environment step; at least one for each step of all tasks
    updates: float = searched(0.25, LogRange(0.05, 1.0), domain=POSITIVE)
    batch: int = unsearched(256, HAARNOJA, domain=COUNT)
    smoothing: float = unsearched(0.005, HAARNOJA, domain=SHARE)  # of the target critics
    # environment steps by uniform actions before anything is learned, of the first meta-iteration at the most
    warm_up: int = unsearched(1000, "a few episodes; Haarnoja et al. have 10,000 of a million", domain=NOT_NEGATIVE)
    # where the temperature is fixed this stands for it (GMPS, supplement: 10, 50, 100); here the temperature is learned
    reward_scale: float = unsearched(1.0, "the temperature is learned, which makes up for it", domain=POSITIVE)
    # by which observations are multiplied for the networks, which tell numbers far below 1 apart only slowly
    observation_scale: float = unsearched(1.0, "the unit in which a suite measures", domain=POSITIVE)
    # where the learned temperature begins; it falls with every gradient step, by `step_size` in logarithms at the most
    initial_temperature: float = unsearched(1.0, "the library's", domain=POSITIVE)
    replay: int = unsearched(1_000_000, HAARNOJA, domain=COUNT)  # transitions that are kept
    noisy: bool = False  # whether it is evaluated with its noise, or by its mean action


class ContextualSac(Sb3Algorithm):
    """stable-baselines3's SAC on all training tasks at once, which observes the task's parameters; it never adapts."""

    name = "contextual-sac"
    paper = "Mendonca et al. 2019 (GMPS), arXiv:1904.00956, by Haarnoja et al. 2018, arXiv:1812.05905"
    access = frozenset({"train", "parameters", "test-parameters"})
    Config = ContextualSacConfig
    library_class = "SAC"
    contextual = True
    discrete_actions = False

    def library_options(self) -> dict[str, Any]:
        config = self.config
        return {
            "learning_rate": config.step_size,
            "buffer_size": config.replay,
            "learning_starts": min(config.warm_up, config.tasks * config.trajectories * self.problem.horizon),
            "batch_size": config.batch,
            "tau": config.smoothing,
            "gamma": self.problem.discount,
            "ent_coef": f"auto_{self.config.initial_temperature}",
            "train_freq": 1,
            "gradient_steps": max(round(config.updates * self.rows), 1),
            "policy_kwargs": {"net_arch": list(config.hidden), **self._features()},
        }

    def _features(self) -> dict[str, Any]:
        scale = self.config.observation_scale
        if scale == 1:
            return {}
        from algorithms.experts.sb3_features import ScaledObservation

        options = {"scaled": self._observed, "scale": scale}
        return {"features_extractor_class": ScaledObservation, "features_extractor_kwargs": options}

    @property
    def _observed(self) -> int:
        """Numbers of an observation, the context's not counted."""
        return int(math.prod(self.problem.observation_space.shape or (1,)))

    @property
    def reward_scale(self) -> float:
        return self.config.reward_scale

    def adapt(self, tasks: Sequence[TaskRef]) -> Adaptation:
        """The same policy at every step: it is told what others must find out."""
        assert isinstance(self.problem.action_space, gymnasium.spaces.Box)
        actor = Actor(self.actor_state(), self.problem.action_space)
        policy = ActorPolicy(actor, self.contexts_of(tasks), self.config.noisy)
        while True:
            yield policy

    def actor_state(self) -> dict[str, Any]:
        """The policy's, as `Actor` takes it."""
        weights = self.model.policy.actor.state_dict()
        layers = [*layers_of(weights, "latent_pi"), pair_of(weights, "mu")]
        log_std = pair_of(weights, "log_std")
        for weight, _ in [layers[0]] if self.config.hidden else [layers[0], log_std]:
            weight[:, : self._observed] *= self.config.observation_scale
        return {"layers": layers[:-1], "mean": layers[-1], "log_std": log_std}

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), EXPERT: self.actor_state()}
