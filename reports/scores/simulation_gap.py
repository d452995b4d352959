"""What is lost when a meta-policy goes from a simplified simulation to the physics: suites X and X-physics."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.statistics.mean_difference import compare_to
from results.identity import digest_of

_PHYSICS = re.compile(r"([^\[]+)-physics(\[.*\])?")


@dataclass(frozen=True)
class SimulationGap:
    """Means over the shared seeds and their test tasks, after the last adaptation step."""

    simple: AlgorithmScores
    physics: AlgorithmScores
    seeds: tuple[int, ...]
    before: float  # in the simplified simulation
    after: float  # in the physics
    interval: tuple[float, float] | None  # 95 %, of after - before, paired by seed, by the test of one sample

    @property
    def gap(self) -> float:
        return self.after - self.before


def simulation_gaps(boards: Iterable[SuiteScores]) -> tuple[SimulationGap, ...]:
    """Each algorithm that has comparable scores and a seed in common on both, in one configuration and budget."""
    suites: dict[str, list[SuiteScores]] = {}
    for board in boards:
        suites.setdefault(board.suite, []).append(board)
    gaps: dict[tuple[str, str], SimulationGap] = {}  # what has not trained stands on several boards
    for name, physics in suites.items():
        match = _PHYSICS.fullmatch(name)
        simple = suites.get(match[1] + (match[2] or ""), []) if match else []
        partners = {(board.metric, *_setting(entry)): entry for board in simple for entry in board.entries}
        for board in physics:
            for entry in board.entries:
                partner = partners.get((board.metric, *_setting(entry)))
                if partner is not None and set(partner.seeds) & set(entry.seeds):
                    gaps.setdefault((partner.digest, entry.digest), _gap(partner, entry))
    return tuple(gaps.values())


def _gap(simple: AlgorithmScores, physics: AlgorithmScores) -> SimulationGap:
    seeds = tuple(sorted(set(simple.seeds) & set(physics.seeds)))
    before, after = (
        entry.scores[-1].mean(axis=1)[[entry.seeds.index(seed) for seed in seeds]] for entry in (simple, physics)
    )
    found = compare_to(after - before, 0.0, physics.suite, physics.label, "simulation gap")
    return SimulationGap(simple, physics, seeds, float(before.mean()), float(after.mean()), found.interval)


def _setting(entry: AlgorithmScores) -> tuple[Any, ...]:
    """What both must share beside the seed; their code differs, since the suites' does."""
    identity = entry.identity
    shared = {key: identity[key] for key in ("configuration", "protocol", "budget", "parents")}
    return entry.algorithm, digest_of(shared)
