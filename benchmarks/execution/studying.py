"""One study, part by part, checkpointed after each and resumed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from benchmarks.execution.training import Interrupted, Progress
from benchmarks.specs.study import Rows
from benchmarks.specs.study_spec import StudySpec
from results.run_folder import RunFolder


def run_study(
    spec: StudySpec,
    folder: RunFolder,
    report: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Takes the study from its checkpoint, or from the start, to its finished record in `folder`.

    Raises Interrupted once `should_stop()` is true, and any failure as it comes; what is measured is in the checkpoint.
    """
    study = spec.make()
    parts = study.parts()
    state: dict[str, Any] = folder.load_checkpoint() or {"iteration": 0, "kept": {}, "values": [], "timing": []}
    for number in range(state["iteration"], len(parts)):
        part = parts[number]
        if should_stop():
            raise Interrupted(f"stopped before {part}")
        report(Progress(number, number, len(parts), part))
        started, processor = time.perf_counter(), time.process_time()
        study.streams.seed_globals("part", number)
        rows = study.measure(part, state["kept"])
        _check(rows, spec.name, part)
        state["values"] += rows
        state["timing"].append(
            {
                "part": part,
                "wall_seconds": time.perf_counter() - started,
                "process_seconds": time.process_time() - processor,
            }
        )
        state["iteration"] = number + 1
        folder.save_checkpoint(state)
        # every part goes on from what was stored, as after an interruption
        state = folder.load_checkpoint() or state
    report(Progress(len(parts), len(parts), len(parts)))
    folder.finish_record({"values.parquet": state["values"], "timing.parquet": state["timing"]}, {"parts": len(parts)})


def _check(rows: Rows, name: str, part: str) -> None:
    for entry in rows:
        if math.isnan(entry["value"]) or math.isnan(entry["x"]):
            raise FloatingPointError(f"{name} measured no number: {part}, {entry['quantity']} of {entry['algorithm']}")
