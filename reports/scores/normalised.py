"""Scores on one scale for all suites: 0 is the adapted random initialisation's score and 1 the suite's ceiling.

The floor is the board's own `random-init`, given as many trajectories to adapt as everything else there; the ceiling is
fixed data (results/reference_scores.json) and never the best that was observed, so that an algorithm that is added
leaves the others' normalised scores alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import numpy as np

from reports.scores.boards import SuiteScores
from reports.text.numbers import plural
from results.reference_scores import EXACT, ReferenceScore, reference_key
from results.reference_scores import load_reference_scores as _load

#: an option that changes what an algorithm trains on and nothing of what is scored
_TRAINING_ONLY = "train_tasks="
#: normalised means above it are explained on the page
EXPLAINED_ABOVE = 1.2


@dataclass(frozen=True)
class NormalisedScale:
    """`floor` scores 0 and `ceiling` 1, both in the suite's metric."""

    floor: float
    ceiling: float

    def normalise(self, values: np.ndarray) -> np.ndarray:
        """Of the same shape."""
        return (np.asarray(values, dtype=np.float64) - self.floor) / (self.ceiling - self.floor)


@cache
def load_reference_scores() -> dict[str, ReferenceScore]:
    """The shipped references by suite.  Raises StoreError if they are damaged."""
    return _load()


def reference_of(suite: str, suite_digest: str | None = None) -> ReferenceScore | None:
    """The references of a suite by its full name, None where there are none.

    suite_digest: of the suite as it was scored, for suites whose scores depend on outside data.

    A suite with options has references of its own or none: a shorter horizon is another scale.  Only an option that
    leaves the scoring alone (`train_tasks`) is looked through.
    """
    references = load_reference_scores()
    of_data = None if suite_digest is None else references.get(reference_key(suite, suite_digest))
    return of_data or references.get(suite) or references.get(_scored_suite(suite))


def board_reference(board: SuiteScores) -> ReferenceScore | None:
    """The references of the suite as the board's runs were scored."""
    return reference_of(board.suite, board.usual.identity["suite_digest"])


def ceiling_text(reference: ReferenceScore) -> str:
    """Whose score the ceiling is, in a few words."""
    by = reference.get("ceiling", "oracle")
    if by == EXACT:
        return "the best possible score"
    runs = reference.get("runs", [])
    return f"the mean of {plural(len(runs), 'run')} of {by}" if runs else f"the mean of {by}"


def board_scale(board: SuiteScores) -> NormalisedScale | None:
    """None where the board has no adapted random initialisation, the suite no ceiling, or one is above the other."""
    if board.floor is None:
        return None
    return scale_of(board.suite, board.floor.final.mean, board.usual.identity["suite_digest"])


def scale_of(suite: str, floor: float, suite_digest: str | None = None) -> NormalisedScale | None:
    """The suite's scale; floor: mean score of the adapted random initialisation.  None as `board_scale`."""
    reference = reference_of(suite, suite_digest)
    if reference is None or not floor < reference["oracle"]:
        return None
    return NormalisedScale(floor, reference["oracle"])


def _scored_suite(suite: str) -> str:
    """The full name without options that only bear on training."""
    match = re.fullmatch(r"([^\[\]]+)\[([^\[\]]*)\]", suite)
    if match is None:
        return suite
    options = ",".join(option for option in match[2].split(",") if not option.startswith(_TRAINING_ONLY))
    return f"{match[1]}[{options}]" if options else match[1]
