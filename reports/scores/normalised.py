"""Scores on one scale for all suites: 0 is an untrained policy's score and 1 the oracle's, both fixed."""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from results.reference_scores import ReferenceScore
from results.reference_scores import load_reference_scores as _load

#: an option that changes what an algorithm trains on and nothing of what is scored
_TRAINING_ONLY = "train_tasks="


@cache
def load_reference_scores() -> dict[str, ReferenceScore]:
    """The shipped references by suite.  Raises StoreError if they are damaged."""
    return _load()


def reference_of(suite: str) -> ReferenceScore | None:
    """The references of a suite by its full name, None where there are none.

    A suite with options has references of its own or none: a shorter horizon is another scale.  Only an option that
    leaves the scoring alone (`train_tasks`) is looked through.
    """
    references = load_reference_scores()
    return references.get(suite) or references.get(_scored_suite(suite))


def normalise(values: np.ndarray, suite: str) -> np.ndarray | None:
    """(values - random) / (oracle - random), of the same shape; None when the suite has no references."""
    reference = reference_of(suite)
    if reference is None:
        return None
    return (np.asarray(values, dtype=np.float64) - reference["random"]) / (reference["oracle"] - reference["random"])


def _scored_suite(suite: str) -> str:
    """The full name without options that only bear on training."""
    match = re.fullmatch(r"([^\[\]]+)\[([^\[\]]*)\]", suite)
    if match is None:
        return suite
    options = ",".join(option for option in match[2].split(",") if not option.startswith(_TRAINING_ONLY))
    return f"{match[1]}[{options}]" if options else match[1]
