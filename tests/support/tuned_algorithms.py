"""Texts of algorithms in loose files whose options are worth tuning, or are not, or break a run, each very short."""

from __future__ import annotations

from pathlib import Path

#: its first option alone decides how far its actions are from none, which cost; one meta-iteration, then it is trained
TEXT = '''
from dataclasses import dataclass
import torch
from algorithms.algorithm import Algorithm, Config
from algorithms.policies.distributions import Gaussian
from algorithms.search_space import LogRange, searched, unsearched

class Constant:
    def __init__(self, mean):
        self.mean = mean

    def begin(self, tasks, trajectories, stream):
        return None

    def act(self, observation, previous, state):
        mean = self.mean.expand(*observation.shape[:2], -1)
        return Gaussian(mean, torch.full_like(mean, -5.0)), None

@dataclass(frozen=True)
class TunedConfig(Config):
    knob: float = searched({default}, LogRange(1e-3, 1e2))
    idle: float = unsearched(0.0, "it does nothing")

class Tuned(Algorithm):
    """Wastes what its knob is away from 0.05."""

    name = "{name}"
    paper = "none"
    Config = TunedConfig

    def __init__(self, problem, config, streams):
        super().__init__(problem, config, streams)
        self.size = problem.action_space.shape[0]
        self.iterations = 0

    @property
    def waste(self):
        return {waste}

    def meta_step(self, collector):
        knob = self.config.knob
        tasks = collector.sample_tasks(1)
        batch = collector.collect(Constant(torch.zeros(self.size)), tasks, 1)
        self.iterations += 1
        self.trains = False
        {meta_step}
        return {{"return": float(batch.returns.mean())}}

    def adapt(self, tasks):
        while True:
            yield Constant(torch.full((self.size,), min(self.waste, 1.0)))

    def state_dict(self):
        return {{"iterations": self.iterations}}

    def load_state_dict(self, state):
        self.iterations = state["iterations"]
'''
#: decades from 0.05, which is worth as much as the action is long
AWAY = "abs(torch.log10(torch.tensor(self.config.knob / 0.05)).item()) / 3"


def write_tuned(
    folder: Path, name: str = "tuned", default: float = 100.0, waste: str = AWAY, meta_step: str = "pass"
) -> str:
    """The file, as the command line takes it.  waste: what of an action its options decide.  meta_step: statements."""
    path = folder / f"{name.replace('-', '_')}.py"
    statements = meta_step.strip().replace("\n", "\n        ")
    path.write_text(TEXT.format(name=name, default=default, waste=waste, meta_step=statements))
    return str(path)
