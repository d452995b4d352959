"""`metarl verify`: runs a stored run or measurement again and compares every record."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.execution.executor import LocalExecutor
from benchmarks.execution.progress import make_display
from benchmarks.execution.worker import RunOutcome
from benchmarks.planning.time_estimates import estimated_seconds
from benchmarks.specs.provenance import processor
from benchmarks.specs.run_spec import RunSpec
from benchmarks.specs.study_spec import MeasurementSpec
from environments.typed_options import UsageError
from results.measured import StoredMeasurement, finished_measurements
from results.run_folder import MeasurementFolder, RunFolder
from results.store import Store, StoredRun

#: what is compared, in this order, with the columns that place a row
PLACES = {
    "scores": ("split", "task", "step", "episode"),
    "learning": ("point", "task", "step"),
    "training": ("iteration", "metric"),
}
MEASURED_PLACES = {"values": ("quantity", "suite", "algorithm", "task", "index")}

#: parts of an identity that a change since may explain
TEXTS = {"code": "the code that decides it", "suite_digest": "the suite", "split_digest": "the suite's tasks"}

Stored = StoredRun | StoredMeasurement


@dataclass(frozen=True)
class VerificationResult:
    """`difference` names the first record that differs; `departures` say why runs here and there need not agree."""

    ended: RunOutcome
    difference: str | None
    same_bytes: bool
    departures: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        return self.ended.status == "finished" and self.difference is None

    def as_lines(self) -> list[str]:
        lines = [f"not comparable bit for bit: {departure}" for departure in self.departures]
        if self.ended.status != "finished":
            return [*lines, f"the run {self.ended.status} this time: {self.ended.error.strip() or 'run it again'}"]
        if self.difference is not None:
            return [*lines, f"differs first in {self.difference}"]
        if not self.same_bytes:
            return [*lines, "every record agrees; the files differ in how they were written (another pyarrow)"]
        return [*lines, "every byte agrees"]


def verify(path: Path) -> VerificationResult:
    """Runs the stored run in `path` again, elsewhere.  Raises UsageError or StoreError if it is no intact run."""
    stored = load_run(path)
    measured = isinstance(stored, StoredMeasurement)
    spec: Any = (MeasurementSpec if measured else RunSpec).from_record(stored.run)
    expected = spec.make().seconds() if measured else estimated_seconds(spec, {})
    departures = _departures(stored, spec.identity())
    with tempfile.TemporaryDirectory(prefix="metarl-verify-") as folder:
        store = Store(Path(folder))
        with make_display({spec.label: expected}, workers=1) as display:
            outcomes = LocalExecutor(1).run([spec], store.root, display)
        ended = outcomes[0][1] if outcomes else RunOutcome("interrupted")
        again: Sequence[Stored] = finished_measurements(store)[0] if measured else store.finished()
        difference = first_difference(stored, again[0]) if again else None
        same_bytes = bool(again) and stored.done["digests"] == again[0].done["digests"]
    return VerificationResult(ended, difference, same_bytes, departures)


def load_run(path: Path) -> Stored:
    """The finished run or measurement in the folder, or in that of the given file, its bytes proven intact."""
    place = (path if path.is_dir() else path.parent).resolve()
    run = RunFolder(place, read_only=True).read_run()
    if run is None:
        raise UsageError(f"{path} is no run; name a folder seed-<n> of a results folder, which holds a run.json")
    measured = "measurement" in run.get("identity", ())
    done = (MeasurementFolder if measured else RunFolder)(place, read_only=True).read_done()
    if done is None:
        raise UsageError(f"the run in {path} has not finished; only finished runs can be verified")
    stored: Stored = (StoredMeasurement if measured else StoredRun)(place, run, done)
    stored.verify_digests()
    return stored


def first_difference(stored: Stored, again: Stored) -> str | None:
    """The first record that differs, None if all agree."""
    tables = MEASURED_PLACES if isinstance(stored, StoredMeasurement) else PLACES
    for table, places in tables.items():
        name = f"{table}.parquet"
        if stored.done["digests"][name] == again.done["digests"][name]:
            continue
        ours, theirs = getattr(stored, table), getattr(again, table)
        for row, (before, now) in enumerate(zip(ours.to_dict("records"), theirs.to_dict("records"), strict=False)):
            for column, value in before.items():
                if repr(value) != repr(now[column]):
                    place = ", ".join(f"{key} {before[key]}" for key in places)
                    return f"{name}, row {row} ({place}): {column} was {value!r}, now {now[column]!r}"
        if len(ours) != len(theirs):
            return f"{name}: {len(ours)} rows were stored, now there are {len(theirs)}"
    return None


def _departures(stored: Stored, today: dict[str, Any]) -> tuple[str, ...]:
    found = []
    then = stored.identity
    for package, version in then["versions"].items():
        if version != today["versions"].get(package):
            found.append(f"{package} {version} then, {today['versions'].get(package)} here")
    cpu = stored.run["provenance"].get("cpu")
    if cpu != processor():
        found.append(f"processor {cpu} then, {processor()} here")
    found += [f"{text} has changed since" for key, text in TEXTS.items() if then.get(key) != today.get(key)]
    for suite, digests in then.get("suites", {}).items():
        found += [
            f"{suite}: {TEXTS[key]} has changed since" for key in digests if digests[key] != today["suites"][suite][key]
        ]
    return tuple(found)
