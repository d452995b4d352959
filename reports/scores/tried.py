"""How many configurations of an algorithm were tried on a board's terms: the best of many is a lucky one, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from results.identity import canonical_json

if TYPE_CHECKING:
    from reports.scores.entries import AlgorithmScores
    from results.store import StoredRun

#: an algorithm on a suite, with what makes scores comparable there
_Cell = tuple[str, str, bytes]
Tried = Mapping[_Cell, int]


def configurations_tried(runs: Iterable[StoredRun]) -> dict[_Cell, int]:
    """The number of distinct configurations among the runs, whatever their seed, for each algorithm on a board.

    Another budget or protocol has a board of its own, and mostly other options by its profile, which nobody tried.
    """
    found: dict[_Cell, set[bytes]] = {}
    for run in runs:
        found.setdefault(_cell(run), set()).add(canonical_json(run.identity["configuration"]))
    return {cell: len(configurations) for cell, configurations in found.items()}


def tried_for(entry: AlgorithmScores, tried: Tried) -> int:
    """The entry's own configuration at least."""
    return tried.get(_cell(entry.runs[0]), 1)


def _cell(run: StoredRun) -> _Cell:
    terms = {key: run.identity[key] for key in ("budget", "suite_digest", "split_digest")}
    protocol = {"adaptations": 1} | run.identity["protocol"]
    return run.suite, run.algorithm, canonical_json({**terms, "protocol": protocol})
