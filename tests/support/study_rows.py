"""Finished studies with made-up rows, for tests of reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from results.store import Store

PROVENANCE: dict[str, Any] = {"commit": None, "dirty": False, "packages": {}, "cpu": "", "threads": 1}
ROW = {"suite": "point", "algorithm": "", "task": "", "index": 0, "x": 0.0}


def store_study(
    store: Store,
    rows: Iterable[Mapping[str, Any]],
    seed: int = 0,
    name: str = "study",
    *,
    configuration: Mapping[str, Any] | None = None,
    code: str = "c" * 64,
    profile: str = "smoke",
    seconds: float = 1.0,
) -> None:
    """rows: those columns that differ from ROW."""
    identity = {
        "measurement": name,
        "configuration": {"suites": ["point"], "algorithms": [], **(configuration or {})},
        "seed": seed,
        "suites": {},
        "parents": [],
        "versions": {"torch": "2.13"},
        "code": code,
    }
    folder = store.folder(identity)
    description = {"profile": profile, "benchmark": None, "seconds": seconds}
    folder.begin_attempt({"identity": identity, "description": description, "provenance": PROVENANCE})
    values = [{**ROW, **row} for row in rows]
    timing = [{"part": "all", "wall_seconds": 1.0, "process_seconds": 1.0}]
    folder.finish_record({"values.parquet": values, "timing.parquet": timing}, {"parts": 1})
