"""Texts of algorithms that begin with runs of each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.planning.plan import Plan, make_plan
from tests.support.adapters import GOOD

FAMILY = f'''{GOOD}

from dataclasses import dataclass
from algorithms.algorithm import Config
from algorithms.maml_vpg import MamlVpg
from algorithms.meta_learning.adam_meta_learner import AdamConfig
from algorithms.search_space import unsearched


class Teacher(Drift):
    """Drifts on its own."""

    name = "teacher"


@dataclass(frozen=True)
class PupilConfig(Config):
    guide_share: float = unsearched(0.25, "of a test")


class Pupil(Drift):
    """Goes on from where its teacher has drifted to."""

    name = "pupil"
    parents = {{"guide": "teacher"}}
    Config = PupilConfig

    def __init__(self, problem, config, streams):
        super().__init__(problem, config, streams)
        self.bias = problem.parent("guide")["bias"].clone()
'''


def write_family(folder: Path, change: tuple[str, str] = ("", "")) -> str:
    """The pupil's file, its text changed, as the command line takes it."""
    path = folder / "family.py"
    path.write_text(FAMILY.replace(*change) if change[0] else FAMILY)
    return f"{path}:Pupil"


def family_plan(algorithms: list[str], seeds: int = 1, budget: int = 800) -> Plan:
    """Runs of so many environment steps, of which a meta-iteration takes 40."""
    plan = make_plan(suites=["frozen-lake-low[horizon=10]"], algorithms=algorithms, seeds=seeds, profile="smoke")
    return Plan([replace(cell, spec=replace(cell.spec, budget=budget)) for cell in plan.cells], seeds)
