"""Each suite's fixed references, between which scores are normalised: an untrained policy's score and the ceiling.

They are data (reference_scores.json) and never the observed minimum and maximum, so that an algorithm that is added
leaves the others' normalised scores alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NotRequired, TypedDict

from results.files import damaged, read_json, write_json

PATH = Path(__file__).parent / "reference_scores.json"
#: kinds of access by which an algorithm knows test tasks beforehand: it is a reference, which is never ranked
REFERENCE_ACCESS = frozenset({"test", "test-parameters"})
#: stands for the algorithm whose score the ceiling is, where the best possible score is known
EXACT = "exact"
#: leading hex digits of a suite's digest in a key
_DIGITS = 8


class ReferenceScore(TypedDict):
    """Two scores in the suite's metric, `random` below `oracle`, the ceiling, and where they come from."""

    random: float
    oracle: float
    source: str
    ceiling: NotRequired[str]  # the algorithm whose score `oracle` is, or EXACT; missing in older files
    runs: NotRequired[list[str]]  # folders in a store of the runs that it is a mean over, none if exact
    considered: NotRequired[dict[str, float]]  # by algorithm the mean scores of which `oracle` is the best


def reference_key(suite: str, suite_digest: str | None = None) -> str:
    """Under which a suite's references stand: its full name, and where outside data decide its scores its digest."""
    return suite if suite_digest is None else f"{suite}@{suite_digest[:_DIGITS]}"


def load_reference_scores(path: Path = PATH) -> dict[str, ReferenceScore]:
    """By `reference_key`; empty if there is no file.  Raises StoreError naming an entry that is damaged."""
    content = read_json(path) or {}
    for suite, entry in content.items():
        if not _complete(entry):
            raise damaged(path, f"{suite!r} must hold numbers random < oracle and a text source, not {entry!r}")
    return content


def write_reference_scores(scores: Mapping[str, ReferenceScore], path: Path = PATH) -> None:
    """Replaces the file, sorted by suite.  Raises StoreError if it cannot be written."""
    write_json(path, {suite: scores[suite] for suite in sorted(scores)})


def _complete(entry: object) -> bool:
    if not isinstance(entry, dict) or not {"random", "oracle", "source"} <= set(entry) <= set(_KINDS):
        return False
    if not all(isinstance(value, _KINDS[name]) and not isinstance(value, bool) for name, value in entry.items()):
        return False
    return -float("inf") < entry["random"] < entry["oracle"] < float("inf")


_KINDS: dict[str, type | tuple[type, ...]] = {
    "random": (int, float),
    "oracle": (int, float),
    "source": str,
    "ceiling": str,
    "runs": list,
    "considered": dict,
}
