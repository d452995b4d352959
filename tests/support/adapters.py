"""Texts of algorithms in loose files for tests: a small good one, and ways to spoil it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.planning.plan import make_plan
from benchmarks.specs.run_spec import RunSpec

GOOD = '''
import os, random, signal, time
import gymnasium, numpy, torch
from algorithms.algorithm import Algorithm
from algorithms.policies.distributions import Categorical, Gaussian
from environments.catalogue import make_suite
from environments.ledger import BudgetSpent
from environments.splits import load_split
from environments.task import TaskRef


class Constant:
    """Acts alike everywhere."""

    def __init__(self, bias, discrete):
        self.bias, self.discrete = bias, discrete

    def begin(self, tasks, trajectories, stream):
        return None

    def act(self, observation, previous, state):
        bias = self.bias.expand(*observation.shape[:2], -1)
        return (Categorical(bias) if self.discrete else Gaussian(bias, torch.zeros_like(bias))), None


def shifted(policy, observation, shift):
    """The action distribution of a `Constant`, its first part moved."""
    bias = policy.bias.expand(*observation.shape[:2], -1) + shift * torch.eye(policy.bias.shape[-1])[0]
    return Categorical(bias) if policy.discrete else Gaussian(bias, torch.zeros_like(bias))


class Drift(Algorithm):
    """Drifts at random, the faster the better it was."""

    name = "drift"
    paper = "none"

    def __init__(self, problem, config, streams):
        super().__init__(problem, config, streams)
        space = problem.action_space
        self.discrete = isinstance(space, gymnasium.spaces.Discrete)
        self.bias = torch.zeros(int(space.n) if self.discrete else space.shape[0])
        self.momentum = torch.zeros_like(self.bias)

    def meta_step(self, collector):
        tasks = collector.sample_tasks(self.config.tasks)
        batch = collector.collect(Constant(self.bias, self.discrete), tasks, self.config.trajectories)
        score = float(batch.returns.mean())
        self.momentum = 0.9 * self.momentum + 0.01 * (1 + abs(score)) * self.noise(collector)
        self.bias = self.bias + self.momentum
        return {"return": score}

    def noise(self, collector):
        return torch.randn(self.bias.shape, generator=self.streams.torch("noise", collector.iteration))

    def adapt(self, tasks):
        bias = self.bias.expand(len(tasks), 1, -1)
        while True:
            batch = yield Constant(bias, self.discrete)
            bias = bias * (1 + 0.01 * batch.returns.mean(1).float()[:, None, None])

    def state_dict(self):
        return {"bias": self.bias, "momentum": self.momentum}

    def load_state_dict(self, state):
        self.bias, self.momentum = state["bias"], state["momentum"]
'''

#: from its first iteration on the disk of the process that trains it takes nothing more
FULL_DISK = """
def meta_step(self, collector):
    def full(*given):
        raise OSError(28, "No space left on device")

    os.fsync = full
    return super().meta_step(collector)
"""


def write_good(folder: Path) -> str:
    """The file of the good one, as the command line takes it."""
    path = folder / "drift.py"
    path.write_text(GOOD)
    return str(path)


def write_spoilt(folder: Path, methods: str, name: str = "spoilt") -> str:
    """A file whose class `Spoilt` has other methods than the good one."""
    path = folder / f"{name.replace('-', '_')}.py"
    body = "\n".join(f"    {line}" for line in methods.strip("\n").splitlines())
    path.write_text(f'{GOOD}\n\nclass Spoilt(Drift):\n    """Spoilt."""\n\n    name = "{name}"\n\n{body}\n')
    return f"{path}:Spoilt"


def small_plan(algorithm: str, seeds: int = 1) -> list[RunSpec]:
    """Runs of twenty meta-iterations of the good one."""
    specs = make_plan(suites=["frozen-lake-low[horizon=10]"], algorithms=[algorithm], seeds=seeds, profile="smoke")
    return [replace(spec, budget=800) for spec in specs]


def contents(folder: Path) -> dict[str, bytes]:
    """A run's digested tables."""
    return {name: (folder / f"{name}.parquet").read_bytes() for name in ("scores", "learning", "training")}
