"""How many configurations of an algorithm were tried on a suite: the best of many is a lucky one, too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from results.identity import canonical_json

if TYPE_CHECKING:
    from results.store import StoredRun


def configurations_tried(runs: Iterable[StoredRun]) -> dict[tuple[str, str], int]:
    """By suite and algorithm the number of distinct configurations among the runs, whatever their budget and seed."""
    found: dict[tuple[str, str], set[bytes]] = {}
    for run in runs:
        found.setdefault((run.suite, run.algorithm), set()).add(canonical_json(run.identity["configuration"]))
    return {cell: len(configurations) for cell, configurations in found.items()}
