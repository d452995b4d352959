"""`metarl verify`: runs a stored run or study again and compares every record."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.execution.executor import LocalExecutor
from benchmarks.execution.progress import make_display
from benchmarks.execution.worker import RunOutcome
from benchmarks.specs.job import read_job
from benchmarks.verification import attesting
from benchmarks.verification.attesting import EQUAL, LINKED, Judgement, clean_commit, judge, processor_departure
from benchmarks.verification.record_difference import first_difference
from environments.typed_options import UsageError
from results.files import StoreError, printable
from results.identity import terms_digest
from results.run_folder import ATTESTATIONS, RunFolder
from results.store import Store, Stored, kind_of

#: parts of an identity that a change since may explain
TEXTS = {"code": "the code that decides it", "suite_digest": "the suite", "split_digest": "the suite's tasks"}


@dataclass(frozen=True)
class VerificationResult:
    """`departures` say why runs here and there need not agree, `attested` what was written of it beside the record."""

    ended: RunOutcome
    judgement: Judgement | None  # None if the run did not finish this time
    difference: str | None  # the first record that differs
    departures: tuple[str, ...]
    attested: str | None = None

    @property
    def agrees(self) -> bool:
        return self.judgement is not None and (self.judgement.agrees or self.difference is None)

    def as_lines(self) -> list[str]:
        alike = self.judgement is not None and self.difference is None
        says = "without effect on any record" if alike else "not comparable bit for bit"
        lines = [f"{says}: {departure}" for departure in self.departures]
        if self.judgement is None:
            said = "\n".join(map(printable, self.ended.error.strip().splitlines()))
            return [*lines, f"the run {self.ended.status} this time: {said or 'run it again'}"]
        if self.judgement.outcome == EQUAL:
            lines.append("every byte agrees")
        elif self.judgement.outcome == LINKED:
            lines.append("every byte agrees with what the recorded code made on this processor")
        elif self.difference is None:
            lines.append("every record agrees; the files differ in how they were written (another pyarrow)")
        else:
            lines.append(f"differs first in {self.difference}")
        return lines if self.attested is None else [*lines, self.attested]


def verify(path: Path, attest: bool = False) -> VerificationResult:
    """Runs the stored run in `path` again, elsewhere.

    attest: write beside the record that it was made again, if it was.
    Raises UsageError or StoreError if it is no intact run; UsageError to attest from a tree with changes.
    """
    stored = load_run(path)
    commit = clean_commit() if attest else None
    spec = read_job(stored.run)
    today = spec.identity()
    departures = _departures(stored, today)
    with tempfile.TemporaryDirectory(prefix="metarl-verify-") as folder:
        store = Store(Path(folder))
        with make_display({spec.label: spec.expected_seconds({})}, workers=1) as display:
            outcomes = LocalExecutor(1).run([spec], store.root, display)
        ended = outcomes[0][1] if outcomes else RunOutcome("interrupted")
        if ended.status != "finished":
            return VerificationResult(ended, None, None, departures)
        made = load_run(store.folder(today).path)
        judgement, difference = judge(stored, made), first_difference(stored, made)
        said = _attest(stored, made, judgement, commit) if attest and judgement.agrees else None
    return VerificationResult(ended, judgement, difference, departures, said)


def _attest(stored: Stored, made: Stored, judgement: Judgement, commit: str | None) -> str:
    if terms_digest(stored.identity) != terms_digest(made.identity):
        return "not attested: more than the code has changed since, so that the record is stale in any case"
    try:
        attesting.attest(stored, made, judgement, commit)
    except StoreError as error:
        return f"the attestation could not be written: {error}"
    return f"attested beside the record, in {stored.path / ATTESTATIONS}"


def load_run(path: Path) -> Stored:
    """The finished run or study in the folder, or in that of the given file, its bytes proven intact."""
    place = Path(os.path.realpath(path if path.is_dir() else path.parent))  # `resolve` raises in a loop of links
    run = RunFolder(place, read_only=True).read_run()
    if run is None:
        raise UsageError(f"{path} is no run; name a folder seed-<n> of a results folder, which holds a run.json")
    kind = kind_of(run["identity"])
    done = kind.folder(place, read_only=True).read_done()
    if done is None:
        raise UsageError(f"the run in {path} has not finished; only finished runs can be verified")
    stored = kind(place, run, done)
    stored.verify_digests()
    return stored


def _departures(stored: Stored, today: dict[str, Any]) -> tuple[str, ...]:
    found = []
    then = stored.identity
    for package, version in then["versions"].items():
        if version != today["versions"].get(package):
            found.append(f"{package} {version} then, {today['versions'].get(package)} here")
    moved = processor_departure(stored)
    found += [] if moved is None else [moved]
    found += [f"{text} has changed since" for key, text in TEXTS.items() if then.get(key) != today.get(key)]
    for suite, digests in then.get("suites", {}).items():
        found += [
            f"{suite}: {TEXTS[key]} has changed since" for key in digests if digests[key] != today["suites"][suite][key]
        ]
    return tuple(found)
