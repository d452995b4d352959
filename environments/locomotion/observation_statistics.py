"""Fixed statistics of each robot's observations, for the option `normalise_observations`.

`observation_statistics.json` is committed and, like a split, never changes; `measure_observations` wrote it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("observation_statistics.json")
#: normalised observations end here, as BO-MRL's do
CLIP = 5.0


@dataclass(frozen=True)
class ObservationStatistics:
    """Mean and standard deviation of each observed number, [size]."""

    mean: np.ndarray
    deviation: np.ndarray

    def normalised(self, observation: np.ndarray) -> np.ndarray:
        """(observation - mean) / deviation within [-5, 5]; observation [num_envs, size]."""
        return np.clip((observation - self.mean) / self.deviation, -CLIP, CLIP)

    def observed(self, root: int, observes_position: bool) -> ObservationStatistics:
        """Of the observation without the robot's place (its first `root` numbers) unless it is observed."""
        first = 0 if observes_position else root
        return ObservationStatistics(self.mean[first:], self.deviation[first:])


@cache
def load_statistics(robot: str) -> ObservationStatistics:
    """Those of the robot's whole observation, its place first."""
    stored = json.loads(FILE.read_text())[robot]
    return ObservationStatistics(np.array(stored["mean"]), np.array(stored["deviation"]))
