"""Each suite's fixed references, between which scores are normalised: an untrained policy's score and the oracle's.

They are data (reference_scores.json) and never the observed minimum and maximum, so that an algorithm that is added
leaves the others' normalised scores alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from results.files import damaged, read_json, write_json

PATH = Path(__file__).parent / "reference_scores.json"
#: kinds of access by which an algorithm knows test tasks beforehand: it is a reference, which is never ranked
REFERENCE_ACCESS = frozenset({"test", "test-parameters"})


class ReferenceScore(TypedDict):
    """Two scores in the suite's metric, `random` below `oracle`, and where they come from."""

    random: float
    oracle: float
    source: str


def load_reference_scores(path: Path = PATH) -> dict[str, ReferenceScore]:
    """By the suite's full name; empty if there is no file.  Raises StoreError naming an entry that is damaged."""
    content = read_json(path) or {}
    for suite, entry in content.items():
        if not _complete(entry):
            raise damaged(path, f"{suite!r} must hold numbers random < oracle and a text source, not {entry!r}")
    return content


def write_reference_scores(scores: Mapping[str, ReferenceScore], path: Path = PATH) -> None:
    """Replaces the file, sorted by suite.  Raises StoreError if it cannot be written."""
    write_json(path, {suite: scores[suite] for suite in sorted(scores)})


def _complete(entry: object) -> bool:
    if not isinstance(entry, dict) or set(entry) != {"random", "oracle", "source"}:
        return False
    numbers = [entry["random"], entry["oracle"]]
    plain = all(isinstance(number, (int, float)) and not isinstance(number, bool) for number in numbers)
    return plain and -float("inf") < numbers[0] < numbers[1] < float("inf") and isinstance(entry["source"], str)
